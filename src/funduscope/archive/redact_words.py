"""Word lists of the identity rules, and two judgements: is this a name, is it an everyday word?

The lists lie in `redact_words.toml`; the names of findings come from the vocabulary.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib import resources
from types import MappingProxyType

from funduscope.findings import vocabulary

CJK = "\u3400-\u4dbf\u4e00-\u9fff"
UPPER, LOWER = "A-ZÀ-ÖØ-Þ", "a-zß-öø-ÿ"
_WORD = (
    rf"(?:(?:[ODLod]['’]|Mc|Mac|St\. )[{UPPER}][{LOWER}]+(?:-[{UPPER}][{LOWER}]+)*"
    rf"|[{UPPER}][{LOWER}]+(?:['’-][{UPPER}]?[{LOWER}]+)*|[{UPPER}]{{2,}}(?![{LOWER}])(?:['’-][{UPPER}]+)*"
    rf"|[{UPPER}]\.|[{UPPER}](?![{UPPER}{LOWER}]))(?!/)"
)
_LINK = r"(?:(?:de|da|del|della|di|du|van|von|der|den|la|le|bin|binti|al|ter|dos|y)[ \t]+)"
_STEP = r"(?:,?[ \t]+|(?<=[A-Z]\.))"
NAME = rf"(?:{_LINK}*{_WORD}(?:{_STEP}{_LINK}*{_WORD}){{0,3}})"
"""One to four words with capitals; `person` then says how many of them are a name."""

_CLINICAL = re.compile(
    "..(?:[tsx]ions?|ity|ities|itis|[oai]sis|omas?|omata|opath(?:y|ies|ic)|a?emia|trophy|trophic|plasia|plastic"
    "|ectomy|otomy|ostomy|plasty|graphy|grams?|scopy|ology|ular|geal|eous|ious|ness|otic|[ai]tic|ative|sive|[ai]ble"
    "|ated|ized|ised|ened|rrhag(?:e|es|ic)|uria|genic|lysis|ectasia|opia|tropia|phoria|oid|oids|ancy|ency|metry|ical"
    "|mab|cept|prost|olol|zolamide|nidine|m[iy]cin|floxacin|sartan|statin|azole|solone|sone|caine|cillin|dipine|parin|formin)$"
)
"""Ends of words of medicine that family and given names do not have."""
_TOKEN = re.compile(rf"[{UPPER}{LOWER}][{UPPER}{LOWER}'’.-]*")


@cache
def _tables() -> MappingProxyType[str, dict[str, str]]:
    path = resources.files("funduscope.archive").joinpath("redact_words.toml")
    return MappingProxyType(tomllib.loads(path.read_text(encoding="utf-8")))


@cache
def words(language: str, name: str) -> tuple[str, ...]:
    """One word list, longest word first, so that an alternation of it takes the longest."""
    found = set(shlex.split(_tables()[language][name]))
    return tuple(sorted(found, key=lambda word: (-len(word), word)))


@cache
def either(language: str, name: str) -> str:
    """The words of a list as one alternation of a pattern."""
    return "|".join(re.escape(word).replace(r"\ ", r"[ \t]+") for word in words(language, name))


def filled(pattern: str, parts: Mapping[str, str]) -> str:
    """A pattern of a table with its parts (%name%) and word lists (%zh.list%) in place."""

    def part(found: re.Match[str]) -> str:
        name = found[1]
        return parts[name] if name in parts else either(*name.split("."))

    return re.sub(r"%((?:zh\.|en\.)?[A-Za-z_0-9]+)%", part, pattern)


@cache
def surname() -> str:
    """Pattern of a Chinese family name, of one character or two."""
    single = "".join(words("zh", "surnames"))
    return f"(?:{either('zh', 'compound_surnames')}|[{single}])"


@cache
def given() -> str:
    """Pattern of one character of a Chinese given name."""
    return f"(?:(?![{''.join(words('zh', 'not_in_names'))}])[{CJK}])"


@cache
def _everyday_zh() -> MappingProxyType[str, tuple[str, ...]]:
    """First character -> words that begin with it."""
    found: dict[str, set[str]] = {}
    findings = (name for finding in vocabulary() for name in finding.names("zh"))
    for word in (*words("zh", "everyday"), *words("zh", "roles"), *findings):
        found.setdefault(word[0], set()).add(word)
    return MappingProxyType({first: tuple(sorted(some)) for first, some in found.items()})


@cache
def everyday_en() -> frozenset[str]:
    """Words of reports in lower case, those of the vocabulary included."""
    findings = (name for finding in vocabulary() for name in finding.names("en"))
    named = {word.lower() for name in findings for word in re.findall(r"[A-Za-z]+", name)}
    listed = {*words("en", "everyday"), *words("en", "verbs")}
    return frozenset(listed) | named - set(words("en", "ambiguous"))


@cache
def given_names() -> frozenset[str]:
    """Given names in Latin letters that are no words of reports, in lower case."""
    path = resources.files("funduscope.archive").joinpath("given_names.txt")
    lines = path.read_text(encoding="utf-8").splitlines()
    listed = {name for line in lines if not line.startswith("#") for name in line.split()}
    return frozenset(listed - everyday_en() - set(words("en", "ambiguous")))


@cache
def _abbreviations() -> frozenset[str]:
    """Names of findings in capitals, in lower case: RAO is one, Rao is a person."""
    names = [name for finding in vocabulary() for name in finding.names("en")]
    every = {word for name in names for word in re.findall("[A-Za-z]+", name)}
    capital = {word.lower() for word in every if word.isupper()}
    return frozenset(capital - {word for word in every if not word.isupper()})


def _around(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Everyday words that touch text[start:end]."""
    for at in range(max(0, start - 7), end):
        for word in _everyday_zh().get(text[at], ()):
            stop = at + len(word)
            if stop > start and text.startswith(word, at):
                yield at, stop


def in_words(text: str, start: int, end: int) -> bool:
    """Whether text[start:end] is no name but part of everyday Chinese words.

    So it is when one word covers it and more, when it is the end of one word and the beginning of
    another ('位于明显' holds no person called 于明), or when whole words lead into such a beginning
    ('黄斑明显' holds no 黄斑明).
    """
    found = list(_around(text, start, end))
    if any(at <= start and end <= stop and stop - at > end - start for at, stop in found):
        return True
    left = any(at < start < stop for at, stop in found)
    ends = {start}
    for at, stop in sorted(found):
        if at in ends:
            ends.add(stop)
    return any(at < end < stop and (left or at in ends) for at, stop in found)


def begins(said: str) -> bool:
    """Whether an everyday word of two characters or more begins it, or is all of it."""
    return any(len(word) > 1 and said.startswith(word) for word in _everyday_zh().get(said[:1], ()))


def starts_in_word(text: str, start: int, end: int) -> bool:
    """Whether a Chinese find without much context begins in the middle of an everyday word, or
    is or begins with one of at least two characters."""
    for at, stop in _around(text, start, end):
        if at < start < stop or (at == start and stop - at >= 2):
            return True
    return False


@lru_cache(maxsize=4096)
def person(found: str) -> int:
    """How many characters of these capitalized words are a person's name; 0: none.

    The name ends before the first word that reports use anyway.
    """
    end, real = 0, False
    for token in _TOKEN.finditer(found):
        word = token[0].strip(".").lower()
        also_name = (real and word in words("en", "ambiguous")) or (
            word in _abbreviations() and not token[0].isupper() and len(word) > 2
        )
        clinical = _CLINICAL.search(word) and word not in given_names()
        known = word in everyday_en() or clinical
        if len(word) > 1 and known and not also_name:
            break
        end, real = token.end(), real or len(word) > 1
    if not real:
        return 0
    name = found[:end]
    # A full stop after a whole word ends the sentence; after one letter it belongs to the name.
    if name.endswith(".") and not re.search(rf"(?<![{UPPER}{LOWER}])[{UPPER}]\.$", name):
        end -= 1
    return end
