"""What identifies whoever it is: numbers, addresses, institutions, people named by their part.

The patterns lie in `redact_rules.toml`.
A rule is a pattern and a judgement of its find. Rules may look at the marks that earlier rounds
left: what stands beside `[institution]` at a report's end is a doctor.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from funduscope.archive import redact_words as lists
from funduscope.archive.redact_words import either

Judge = Callable[[str, int, int], int]
"""Text, start and end of a find -> where it really ends; 0: it is none."""


def resident_id_valid(text: str) -> bool:
    """Whether 18 characters are a resident identity number: its last one is a checksum.

    Source: GB 11643-1999 (ISO 7064 MOD 11-2).
    """
    body, last = text[:17], text[17:].upper()
    if not body.isdigit() or len(text) != 18:
        return False
    total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(body))
    return last == "10X98765432"[total % 11]


@dataclass(frozen=True)
class Rule:
    """A pattern that identifies; only the group `it` is replaced where the pattern has one."""

    mark: str
    pattern: re.Pattern[str]
    judge: Judge


def _any(_text: str, _start: int, end: int) -> int:
    return end


def _resident(text: str, start: int, end: int) -> int:
    """18 digits with the right checksum or with a day of birth in them, however spaced."""
    plain = re.sub(r"\W", "", text[start:end])
    born = re.fullmatch(r"\d{6}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]).*", plain)
    return end if resident_id_valid(plain) or born else 0


def _not_decimal(text: str, _start: int, end: int) -> int:
    """A long figure that is no measurement ("1234567 um")."""
    return 0 if re.match(r"\s?(?:um|µm|mm|cells|px|%)", text[end : end + 6]) else end


def _person(text: str, start: int, end: int) -> int:
    size = lists.person(text[start:end])
    return start + size if size else 0


def _titled(text: str, start: int, end: int) -> int:
    """Behind Mr or Ms any word is a name; what follows it is judged."""
    first = re.match(r"[^\s,]+", text[start:end])
    size = lists.person(text[start:end])
    return start + max(size, first.end() if first else 0)


def _two_words(text: str, start: int, end: int) -> int:
    """A name without a word before it must be all of the find and have two words or more.

    In a report all in capitals a heading or a finding looks the same.
    """
    said = text[start:end]
    full = lists.person(said) == end - start and re.search(r"[\w.][ ,]+\w", said)
    shouted = said.isupper() and re.search("[a-z]{3}", text) is None
    return end if full and (not shouted or "," in said) else 0


def _login(text: str, start: int, end: int) -> int:
    """A name to log in with: no word of reports."""
    words = re.findall("[a-z]+", text[start:end])
    return 0 if len(text[start:end]) < 3 or set(words) <= lists.everyday_en() else end


def _pinyin(text: str, start: int, end: int) -> int:
    """A Chinese name in Latin letters: written as a name is, not all of it words of reports."""
    words = re.findall("[A-Za-z]+", text[start:end])
    shaped = all(word[0].isupper() for word in words[:2]) and sum(map(len, words)) >= 5
    return end if shaped and not {w.lower() for w in words} <= lists.everyday_en() else 0


def _given(text: str, start: int, end: int) -> int:
    """A given name that is no other word, with the rest of the name behind it."""
    said = text[start:end]
    first = re.match("[A-Za-z]+", said)
    if first is None or first[0].lower() not in lists.given_names():
        return 0
    rest = re.match(r"[ \t]+|-", said[first.end() :])
    if rest is None:
        return start + first.end()
    at = first.end() + rest.end()
    size = lists.person(said[at:])
    if rest[0] == "-" and not size:  # Mallory-Weiss
        return 0
    also = re.match("[A-Z][a-z]+", said[at:])
    if not size and also and also[0].lower() in lists.words("en", "ambiguous"):
        size = also.end()
    return start + (at + size if size else first.end())


def _town(text: str, start: int, end: int) -> int:
    """A place by its capital alone: all of it no word of reports and no eponym."""
    said = text[start:end]
    known = {word.lower() for word in said.split()} & set(lists.words("en", "ambiguous"))
    return end if lists.person(said) == end - start and not known else 0


def _family_given(text: str, start: int, end: int) -> int:
    """`Family, Given` by its given name."""
    family, _, given = text[start:end].partition(",")
    known = given.strip().split()[0].lower() in lists.given_names()
    return end if known and family.lower() not in lists.everyday_en() else 0


def _han(text: str, start: int, end: int) -> int:
    """A Chinese name in a strong place: not a part of an everyday word."""
    return 0 if lists.in_words(text, start, end) else end


def _han_role(text: str, start: int, end: int) -> int:
    """A Chinese name behind `role:`, where a sentence may stand as well (`建议激光`)."""
    said = text[start:end]
    if lists.in_words(text, start, end):
        return 0
    named = re.fullmatch(f"{lists.surname()}{lists.given()}{{1,2}}", said)
    return end if named or not lists.begins(said) else 0


def _han_weak(text: str, start: int, end: int) -> int:
    """A Chinese name in a weak place: neither part nor beginning of an everyday word."""
    if lists.starts_in_word(text, start, end) or lists.in_words(text, start, end):
        return 0
    return end


def _some_words(text: str, start: int, end: int) -> int:
    """A name of two words or more, up to the first word of reports."""
    size = lists.person(text[start:end])
    return start + size if re.search(r"[\w.][ ,]+\w", text[start : start + size]) else 0


def _place(text: str, start: int, end: int) -> int:
    """A place of the map, not of the eye (黄斑区)."""
    return 0 if re.search("[眼视斑膜脉障疣渗瘤萎盘颞弓腔缘]", text[start:end]) else end


def _hospital_en(text: str, start: int, end: int) -> int:
    """A hospital with a name of its own ("Retina Clinic" has none)."""
    generic, said = set(lists.words("en", "generic_hospitals")), text[start:end].lower()
    own = [word for word in re.findall(r"[a-zß-öø-ÿ'’.&-]+", said) if word not in generic]
    ends = {word.lower() for some in lists.words("en", "hospital_ends") for word in some.split()}
    own = [word for word in own if word not in ends and word not in lists.everyday_en()]
    return end if own else 0


def _hospital_zh(text: str, start: int, end: int) -> int:
    """A hospital with a name of its own (上级医院 and 我院 have none)."""
    said = re.sub(rf"(?:{either('zh', 'hospital_ends')})$", "", text[start:end])
    leads = f"{either('zh', 'generic_hospitals')}|{either('zh', 'hospital_leads')}"
    generic = rf"(?:{leads}|的|级|眼科|专科|医院)*"
    return 0 if re.fullmatch(generic, said) else end


def rules() -> Iterator[Rule]:
    """All rules; where two find at one place, the longer find counts, then the earlier rule."""
    yield from _compiled()


@cache
def _compiled() -> tuple[Rule, ...]:
    path = resources.files("funduscope.archive").joinpath("redact_rules.toml")
    parts = {
        "CJK": lists.CJK,
        "NAME": lists.NAME,
        "surname": lists.surname(),
        "given": lists.given(),
        "zh.letters": "".join(lists.words("zh", "surnames")),
        "zh.common": "".join(lists.words("zh", "given_letters")),
    }
    found = []
    for section in tomllib.loads(path.read_text(encoding="utf-8")).values():
        for name, pattern in section["parts"].items():
            parts[name] = lists.filled(pattern, parts)
        for rule in section["rules"]:
            flags = re.ASCII | (re.I if rule.get("any_case") else 0)
            ready = re.compile(lists.filled(rule["pattern"], parts), flags)
            found.append(Rule(rule["mark"], ready, _JUDGES[rule.get("judge", "any")]))
    return tuple(found)


_JUDGES: dict[str, Judge] = {
    "any": _any,
    "family_given": _family_given,
    "given": _given,
    "han": _han,
    "han_role": _han_role,
    "han_weak": _han_weak,
    "hospital_en": _hospital_en,
    "hospital_zh": _hospital_zh,
    "login": _login,
    "not_decimal": _not_decimal,
    "person": _person,
    "pinyin": _pinyin,
    "place": _place,
    "resident": _resident,
    "some_words": _some_words,
    "titled": _titled,
    "town": _town,
    "two_words": _two_words,
}
