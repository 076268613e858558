"""One person under two patient numbers, within a site or across sites, where the data show it.

Conservative: a name alone never joins, nor does a phone (families share one) or a date. What joins
is a resident number whose checksum holds, or a name with a phone, or with a date of birth and sex;
and nothing that is known may speak against it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from funduscope.archive.values import resident_id, resident_number

Reason = Literal["resident_id", "name_birth_phone", "name_birth_sex", "name_phone"]

REASONS: Mapping[Reason, str] = {
    "resident_id": "the same resident number, its checksum holds",
    "name_birth_phone": "the same name, date of birth and phone",
    "name_birth_sex": "the same rare enough name, date of birth and sex",
    "name_phone": "the same name and phone",
}
"""What each reason says, strongest first."""

_PHONE_ROLES = ("phone", "mobile", "telephone")
_MOBILE = re.compile(r"1\d{10}")
# Births of living patients spread over about sixty years; a name that many people of the archive
# bear is not used where chance alone would give two of them one birthday with this probability.
_BIRTHDAYS = 60 * 365
_CHANCE = 0.05
# A phone that more names bear is an office's, not a family's.
_FAMILY = 4


@dataclass(frozen=True)
class Record:
    """What one patient number stands for.

    Attributes:
        key: unique to the patient number (site and number).
        secrets: role (name, identity, phone, ...) -> values as written.
        sex: M or F, if known.
    """

    key: str
    secrets: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sex: str | None = None
    birth: date | None = None


@dataclass(frozen=True)
class Persons:
    """Who is who.

    Attributes:
        of: key -> the smallest key of the same person (itself for most).
        unions: (key, key, reason) for each joining made, sorted; the chain that explains `of`.
    """

    of: dict[str, str]
    unions: list[tuple[str, str, Reason]]


@dataclass(frozen=True)
class _Facts:
    key: str
    residents: frozenset[str]
    names: frozenset[str]
    phones: frozenset[str]
    sex: str | None
    births: frozenset[date]


def same_persons(records: Iterable[Record]) -> Persons:
    """Join patient numbers that are one person's.

    Two valid resident numbers that differ are two persons, whatever else agrees; so are two
    sexes or two dates of birth, unless the resident number says that they are one.

    Args:
        records: one or more for each key, in any order; the result does not depend on it.
    """
    facts = _gather(records)
    crowded = _crowded(facts)
    groups: dict[str, set[str]] = {one.key: {one.key} for one in facts}
    by_key = {one.key: one for one in facts}
    unions: list[tuple[str, str, Reason]] = []
    for reason in REASONS:
        buckets: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for one in facts:
            for mark in sorted(set(_marks(one, reason, crowded))):
                buckets[mark].append(one.key)
        for _, keys in sorted(buckets.items()):
            for place, second in enumerate(keys[1:], start=1):
                for first in keys[:place]:
                    if groups[first] is groups[second]:
                        break
                    if _may_join(groups[first], groups[second], by_key, reason):
                        groups[first] |= groups[second]
                        for key in groups[second]:
                            groups[key] = groups[first]
                        unions.append((first, second, reason))
                        break
    return Persons({key: min(group) for key, group in sorted(groups.items())}, sorted(unions))


def _gather(records: Iterable[Record]) -> list[_Facts]:
    """All that is known under each key, sorted by key."""
    found: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        found[record.key].append(record)
    return [_facts(key, found[key]) for key in sorted(found)]


def _facts(key: str, records: Sequence[Record]) -> _Facts:
    said = [
        (role, value)
        for record in records
        for role, values in record.secrets.items()
        for value in values
    ]
    residents = frozenset(n for _, value in said if (n := resident_number(value)))
    # What was written counts first: a number typed in by mistake brings its own birthday along.
    births = {record.birth for record in records if record.birth}
    births = births or {found[0] for n in residents if (found := resident_id(n))}
    sexes = {record.sex for record in records if record.sex}
    return _Facts(
        key=key,
        residents=residents,
        names=frozenset(n for role, v in said if role == "name" and (n := _name(v))),
        phones=frozenset(p for role, v in said if (p := _phone(role, v))),
        sex=min(sexes) if len(sexes) == 1 else None,
        births=frozenset(births),
    )


def _name(text: str) -> str | None:
    """A name without case, accents, spaces, titles' dots and order of its words."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    words = re.findall(r"[^\W\d_]+", plain)
    # Words of a spelled name come in two orders (family name first or last); characters do not.
    spelled = all(word.isascii() for word in words)
    joined = " ".join(sorted(words)) if spelled else "".join(words)
    return joined if len(joined) > 1 and (not spelled or len(words) > 1) else None


def _phone(role: str, text: str) -> str | None:
    digits = re.sub(r"\D", "", unicodedata.normalize("NFKC", text))
    digits = re.sub(r"^(00)?86(?=1\d{10}$)", "", digits)
    if len(set(digits)) < 3:
        return None
    known = role in _PHONE_ROLES and len(digits) >= 7
    return digits if known or (role == "identity" and _MOBILE.fullmatch(digits)) else None


def _crowded(facts: Sequence[_Facts]) -> set[str]:
    """Names that so many bear that two of them may well share a birthday; phones of an office."""
    births: dict[str, set[date]] = defaultdict(set)
    bearers: dict[str, set[str]] = defaultdict(set)
    for one in facts:
        for name in one.names:
            births[name] |= one.births
        for phone in one.phones:
            bearers[phone] |= one.names
    many = {phone for phone, names in bearers.items() if len(names) > _FAMILY}
    return many | {
        name
        for name, days in births.items()
        if len(days) * (len(days) - 1) / 2 > _CHANCE * _BIRTHDAYS
    }


def _marks(one: _Facts, reason: Reason, crowded: set[str]) -> Iterator[tuple[str, ...]]:
    """What two patient numbers must share to be joined for that reason."""
    if reason == "resident_id":
        yield from ((number,) for number in one.residents)
        return
    if reason == "name_phone":
        yield from ((name, phone) for name in one.names for phone in one.phones - crowded)
        return
    if len(one.births) != 1:
        return
    born = min(one.births)
    for name in one.names:
        if reason == "name_birth_phone":
            yield from ((name, born.isoformat(), phone) for phone in one.phones)
        # The first of January stands for "only the year is known" in many systems.
        elif one.sex and name not in crowded and (born.month, born.day) != (1, 1):
            yield name, born.isoformat(), one.sex


def _may_join(
    first: set[str], second: set[str], facts: Mapping[str, _Facts], reason: Reason
) -> bool:
    """Whether nothing that is known of the two groups contradicts."""

    def apart(what: str) -> bool:
        one, other = (
            set().union(*(getattr(facts[key], what) for key in group)) for group in (first, second)
        )
        return bool(one and other and not one & other)

    if reason == "resident_id":
        # A relative's number typed in by mistake: neither name nor birthday is the same.
        return not (apart("names") and apart("births"))
    sexes = {facts[key].sex for key in first | second} - {None}
    return not apart("residents") and not apart("births") and len(sexes) < 2
