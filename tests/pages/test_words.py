from __future__ import annotations

import re
import string
import tomllib
from importlib import resources

import pytest

from funduscope.errors import ConfigError
from funduscope.pages import LANGUAGES, Words
from funduscope.pages.words import _read


def fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_languages_have_the_same_keys_and_the_same_fields():
    first, *others = (_read(language) for language in LANGUAGES)
    assert first
    for other in others:
        assert other.keys() == first.keys()
        for key, text in first.items():
            assert fields(other[key]) == fields(text), key


def test_every_locale_file_is_a_language_and_no_word_is_empty():
    folder = resources.files("funduscope.pages") / "locales"
    files = {entry.name for entry in folder.iterdir() if entry.name.endswith(".toml")}
    assert files == {f"{language}.toml" for language in LANGUAGES}
    for name in files:
        tomllib.loads((folder / name).read_text(encoding="utf-8"))
    assert all(text.strip() for language in LANGUAGES for text in _read(language).values())


def test_chinese_words_are_chinese_and_english_ones_are_not():
    han = re.compile(r"[\u4e00-\u9fff]")
    assert not any(han.search(text) for text in _read("en").values())
    plain = {"page.missing", "roc.x"}
    assert {key for key, text in _read("zh").items() if not han.search(text)} <= plain


def test_words_are_filled_and_unknown_codes_shown_as_they_are():
    assert Words("en")("roc.counts", positives=3, units=10) == "3 of 10 positive"
    assert Words("zh").reason("blur") == _read("zh")["reasons.blur"]
    assert Words("en").reason("new_code") == "new_code"


def test_an_unknown_language_is_refused():
    with pytest.raises(ConfigError, match="one of en, zh"):
        Words("fr")
