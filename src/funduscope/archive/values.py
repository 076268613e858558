"""What single cells mean: ages, dates, words for sex and eye."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Literal, TypeVar

from funduscope.archive import written_dates

AGE_CAP = 90
"""Ages above are stored as 90: few people are older, so the age alone would point at them."""

_OLDEST = 120
_NUMBER = re.compile(r"(?P<more>[>≥]=?)?\s*(?P<number>\d{1,4}(?:\.\d+)?)\s*(?P<unit>.*)")
_PER_YEAR = {"year": 1.0, "month": 12.0, "week": 52.18, "day": 365.25}
_YEAR_WORDS = ("\u5c81", "\u5468\u5c81")
_UNITS = {
    "year": ("", "y", "yr", "yrs", "year", "years", "yo", "y/o", "years old", "+", *_YEAR_WORDS),
    "month": ("m", "mo", "mos", "month", "months", "\u6708", "\u4e2a\u6708"),
    "week": ("w", "wk", "wks", "week", "weeks", "\u5468"),
    "day": ("d", "day", "days", "\u5929"),
}

_MARK = "[-/.\u5e74\u6708]"
_YEAR_FIRST = re.compile(rf"(\d{{4}}|\d{{2}}){_MARK}\s*(\d{{1,2}}){_MARK}\s*(\d{{1,2}})(?!\d)")
_COMPACT = re.compile(r"((?:19|20)\d{2})(0\d|1[0-2])([0-3]\d)(?:\d{2}|\d{4}|\d{6})?(?!\d)")
_SERIAL = re.compile(r"[2-6]\d{4}")
_EPOCH = date(1899, 12, 30)
"""Day 0 of spreadsheets."""

EYES: tuple[Literal["OD", "OS"], ...] = ("OD", "OS")
SEXES: tuple[Literal["female", "male"], ...] = ("female", "male")

W = TypeVar("W", bound=str)

_WITHDRAWN = frozenset(
    [
        *("cancelled", "canceled", "enteredinerror", "void", "voided", "withdrawn", "retracted"),
        *("deleted", "invalid", "revoked", "annulled", "aborted", "rejected", "removed"),
        *("\u4f5c\u5e9f", "\u64a4\u9500", "\u53d6\u6d88", "\u65e0\u6548", "\u5220\u9664"),
        *("\u64a4\u56de", "\u5e9f\u5f03", "\u9000\u56de", "\u53ec\u56de", "\u6ce8\u9500"),
    ]
)
"""Words for the state of a report that no longer counts; FHIR's among them."""


def parse_age(text: str, units: Mapping[str, str] = MappingProxyType({})) -> int | None:
    """Age in whole years, capped at 90; None for placeholders and impossible values.

    Understood: `69`, `69.0`, `069Y`, `7 months`, `>90`, `90+`; `units` adds words of the source
    for year, month, week and day.
    """
    found = _NUMBER.fullmatch(unicodedata.normalize("NFKC", text).strip().lower())
    if found is None:
        return None
    said = found["unit"].strip().rstrip(".")
    unit = next((mine for mine, theirs in _UNITS.items() if said in theirs), units.get(said))
    if unit is None:
        return None
    years = float(found["number"]) / _PER_YEAR[unit]
    if years > _OLDEST or (years == 0 and unit == "year"):
        return None  # 0 and 999 stand for "not known" where the unit is years
    return min(int(years), AGE_CAP)


def parse_date(text: str, forms: Sequence[str] = ()) -> date | None:
    """A date in one of the strptime forms; None for placeholders such as 1900-00-00.

    Understood without a form: year first with any marks (2019-5-28, 2019/05/28, 19.05.28, 20190528,
    also with the ideographs for year, month and day), Chinese numerals, years of the Republic of
    China, seconds and milliseconds since 1970, and serial day numbers of spreadsheets.
    """
    plain = written_dates.figures(text)
    for form in forms:
        try:
            return datetime.strptime(plain, form).date()
        except ValueError:
            continue
    found = _YEAR_FIRST.match(plain) or _COMPACT.match(plain)
    if found is not None:
        year, month, day = (int(part) for part in found.groups())
        if year >= 100:
            return _date(year, month, day)
        this = _date(year + 2000, month, day)
        return _date(year + 1900, month, day) if to_come(this) else this
    if _SERIAL.fullmatch(plain):
        return _EPOCH + timedelta(days=int(plain))
    return written_dates.stamp(plain)


def to_come(day: date | None) -> bool:
    """Whether a day lies in the future: no birth, no visit, but a clock that was wrong.

    Tomorrow does not: sites live in other time zones.
    """
    return day is not None and day > date.today() + timedelta(days=1)


def parse_span(text: str, forms: Sequence[str]) -> tuple[date, date] | None:
    """First and last day that a date means; a form without a day means its whole month."""
    for form in forms or ("",):
        found = parse_date(text, (form,) if form else ())
        if found is None:
            continue
        if not form or "%d" in form:
            return found, found
        after = date(found.year + found.month // 12, found.month % 12 + 1, 1)
        return found, after - timedelta(days=1)
    return None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def resident_number(text: str) -> str | None:
    """The 18 characters of a resident number of China whose checksum holds; None if it is none.

    Source: GB 11643-1999 (ISO 7064 MOD 11-2): digits 7 to 14 are the birth date, the 17th is odd
    for men, the 18th a checksum. Fifteen digits (issued until 1999, without a checksum) are not
    evidence enough.
    """
    number = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text)).upper()
    if not re.fullmatch(r"[1-9][0-9]{16}[0-9X]", number) or _born(number) is None:
        return None
    total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(number[:17]))
    return number if "10X98765432"[total % 11] == number[17] else None


def resident_id(text: str) -> tuple[date, str] | None:
    """Date of birth and sex in a resident number; None if it is none."""
    number = resident_number(text)
    born = _born(number) if number else None
    if number is None or born is None:
        return None
    return born, "male" if int(number[16]) % 2 else "female"


def _born(number: str) -> date | None:
    return _date(int(number[6:10]), int(number[10:12]), int(number[12:14]))


def key(text: str) -> str:
    """A number of a site as it is compared: no blanks, width, case, `urn:oid:`, leading zeros.

    Spreadsheets drop the zeros before a number in some cells of a column.
    """
    plain = unicodedata.normalize("NFKC", text).strip().casefold()
    plain = re.sub(r"\s+", "", plain.removeprefix("urn:oid:"))
    return plain.lstrip("0") or "0" if plain.isdigit() else plain


def age_between(birth: date | None, visit: date | None) -> int | None:
    """Age in whole years on the day of the visit, capped at 90; None if impossible or unknown."""
    if birth is None or visit is None:
        return None
    years = visit.year - birth.year - ((visit.month, visit.day) < (birth.month, birth.day))
    return min(years, AGE_CAP) if 0 <= years <= _OLDEST else None


def withdrawn(text: str) -> bool:
    """Whether a word for the state of a report says that it no longer counts."""
    plain = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).lower())
    plain = plain.removeprefix("\u5df2").removeprefix("\u62a5\u544a").removeprefix("\u5df2")
    return plain in _WITHDRAWN


def word(text: str, words: Mapping[str, W], own: Sequence[W] = ()) -> W | None:
    """The meaning of a word of the source; letter case and width do not matter.

    `own` are words of the corpus itself, which mean themselves in any source. None if not listed.
    """
    lowered = unicodedata.normalize("NFKC", text).strip().lower()
    found = next((mine for theirs, mine in words.items() if theirs.lower() == lowered), None)
    return found or next((ours for ours in own if ours.lower() == lowered), None)
