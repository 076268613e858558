"""What single cells mean: ages, dates, words for sex and eye."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import TypeVar

AGE_CAP = 90
"""Ages above are stored as 90: few people are older, so the age alone would point at them."""

_OLDEST = 120
_NUMBER = re.compile(r"(?P<more>[>≥]=?)?\s*(?P<number>\d{1,4}(?:\.\d+)?)\s*(?P<unit>.*)")
_PER_YEAR = {"year": 1.0, "month": 12.0, "week": 52.18, "day": 365.25}
_UNITS = {
    "year": ("", "y", "yr", "yrs", "year", "years", "yo", "y/o", "years old", "+"),
    "month": ("m", "mo", "mos", "month", "months"),
    "week": ("w", "wk", "wks", "week", "weeks"),
    "day": ("d", "day", "days"),
}

W = TypeVar("W", bound=str)


def parse_age(text: str, units: Mapping[str, str] = MappingProxyType({})) -> int | None:
    """Age in whole years, capped at 90; None for placeholders and impossible values.

    Understood: `69`, `69.0`, `069Y`, `7 months`, `>90`, `90+`; `units` adds words of the source
    for year, month, week and day.
    """
    found = _NUMBER.fullmatch(text.strip().lower())
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


def parse_date(text: str, form: str) -> date | None:
    """A date in the strptime form given; None for placeholders such as 1900-00-00."""
    try:
        return datetime.strptime(text.strip(), form).date()
    except ValueError:
        return None


def age_between(birth: date | None, visit: date | None) -> int | None:
    """Age in whole years on the day of the visit, capped at 90; None if impossible or unknown."""
    if birth is None or visit is None:
        return None
    years = visit.year - birth.year - ((visit.month, visit.day) < (birth.month, birth.day))
    return min(years, AGE_CAP) if 0 <= years <= _OLDEST else None


def word(text: str, words: Mapping[str, W]) -> W | None:
    """The meaning of a word of the source; letter case does not matter. None if not listed."""
    lowered = text.strip().lower()
    return next((mine for theirs, mine in words.items() if theirs.lower() == lowered), None)
