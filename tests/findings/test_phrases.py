from __future__ import annotations

import re
from collections import Counter

from funduscope.findings import everyday_phrases, paraphrases_in, prompt_bank
from funduscope.findings.symbols import has_han


def test_each_phrase_is_chinese_and_english() -> None:
    phrases = everyday_phrases()
    assert len(phrases) > 900
    assert [p for p in phrases if has_han(p.en) or p.en != p.en.strip()] == []
    assert [p for p in phrases if not has_han(p.zh) and p.kind != "frame"] == []
    assert len(set(phrases)) == len(phrases)


def test_slots_are_the_same_in_both_languages_and_known() -> None:
    slots = re.compile(r"\{(\w+)\}")
    kinds = {p.kind for p in everyday_phrases()} | {"finding"}
    for phrase in everyday_phrases():
        found = Counter(slots.findall(phrase.zh))
        assert found == Counter(slots.findall(phrase.en)), phrase
        assert bool(found) == (phrase.kind == "frame"), phrase
        assert set(found) <= kinds - {"frame", "phrase"}, phrase


def test_no_phrase_holds_a_paraphrase() -> None:
    texts = [text for p in everyday_phrases() for text in (p.zh, p.en)]
    assert paraphrases_in(texts) == set()


def test_paraphrases_are_found_however_they_are_spelled() -> None:
    one = prompt_bank("paraphrase").texts("drusen", "en", "positive")[0]
    assert paraphrases_in([f"Seen: {one.upper()}.", "drusen"]) == {f"Seen: {one.upper()}."}
