"""Dates in report texts, in Chinese and English forms -> days counted from the examination."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources

from funduscope.archive.redact_words import filled

Find = tuple[int, int, str]
"""Start, end and mark of a find."""

_DIGITS = {char: str(value) for value, char in enumerate("〇一二三四五六七八九")} | {
    "零": "0",
    "○": "0",
}


@dataclass(frozen=True)
class Moment:
    """A date as far as the text tells it; `certain` is False where day and month may be swapped."""

    year: int | None
    month: int | None = None
    day: int | None = None
    certain: bool = True

    def whole(self) -> date | None:
        """The day, if the text tells one without doubt."""
        if not (self.certain and self.year and self.month and self.day):
            return None
        try:
            return date(self.year, self.month, self.day)
        except ValueError:
            return None

    @property
    def possible(self) -> bool:
        """Whether the calendar has such a day (30 February does not exist; 29 may)."""
        try:
            date(self.year or 2000, self.month or 1, self.day or 1)
        except ValueError:
            return False
        return True


def _number(text: str) -> int:
    """Arabic or Chinese digits -> number ('二十三' = 23)."""
    if text.isascii():
        return int(text)
    if "十" not in text:
        return int("".join(_DIGITS[char] for char in text))
    tens, _, ones = text.partition("十")
    return 10 * int(_DIGITS[tens] if tens else 1) + int(_DIGITS[ones] if ones else 0)


def _century(text: str) -> int:
    text = text.strip("'")  # '52
    year = _number(text)
    if len(text) > 2 or year > 99:
        return year
    return year + (1900 if year > 40 else 2000)


def _month(text: str) -> int:
    names = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    return (
        names.index(text[:3].lower()) + 1
        if text[:1].isascii() and text[:1].isalpha()
        else _number(text)
    )


def _plain(found: re.Match[str]) -> Moment:
    """The groups y, m and d as they are."""
    said = found.groupdict()
    return Moment(
        _century(said["y"]) if said.get("y") else None,
        _month(said["m"]) if said.get("m") else None,
        _number(said["d"]) if said.get("d") else None,
    )


def _swappable(found: re.Match[str]) -> Moment:
    """Two numbers before the year: which one is the month is certain only above 12."""
    first, second, year = int(found["a"]), int(found["b"]), _century(found["y"])
    if first > 12:
        return Moment(year, second, first)
    return Moment(year, first, second, certain=second > 12 or first == second)


def _lunar(_found: re.Match[str]) -> Moment:
    return Moment(None)


def _short(found: re.Match[str]) -> Moment:
    """Three short numbers: the year is the first beside Chinese, the last otherwise."""
    a, b, c = (int(found[group]) for group in "abc")
    if re.search("[\u4e00-\u9fff]", found.string) and len(found["a"]) == 2:
        return Moment(_century(found["a"]), b, c)
    return Moment(_century(found["c"]), a, b, certain=a <= 12 < b or a == b)


def _short_possible(found: re.Match[str]) -> bool:
    """Whether three short numbers are a date in some order."""
    a, b, c = (int(found[group]) for group in "abc")
    orders = ((a, b, c), (c, a, b), (c, b, a))
    return any(Moment(_century(f"{y:02d}"), m, d).possible and m and d for y, m, d in orders)


@cache
def _forms() -> tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Moment]], ...]:
    path = resources.files("funduscope.archive").joinpath("redact_dates.toml")
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    parts: dict[str, str] = {}
    for name, pattern in table["parts"].items():
        parts[name] = filled(pattern, parts)
    how = {"plain": _plain, "swappable": _swappable, "short": _short, "lunar": _lunar}
    return tuple(
        (re.compile(filled(form["pattern"], parts), re.I | re.A), how[form["read"]])
        for form in table["forms"]
    )


def read(value: str) -> Moment | None:
    """What one cell says, if it is a date in one of the forms."""
    for pattern, meaning in _forms():
        found = pattern.search(value)
        if found is not None and meaning(found).possible:
            return meaning(found)
    return None


def exam_day(values: Iterable[str]) -> date | None:
    """The day of the examination, from the first of the values that tells one without doubt."""
    for value in values:
        said = read(value)
        if said is not None and (day := said.whole()) is not None:
            return day
    return None


def mark(said: Moment, day: date | None, *, birth: bool) -> str:
    """What stands in a date's place: days, months or years from the examination, where known."""
    if day is None or birth or said.year is None or not said.certain:
        return "date"
    whole = said.whole()
    if whole is not None:
        return f"day {(whole - day).days}"
    if said.month is not None:
        return f"month {12 * (said.year - day.year) + said.month - day.month}"
    return f"year {said.year - day.year}"


def _is_date(found: re.Match[str], said: Moment) -> bool:
    """Whether the calendar has it, and a month without a year is not OCT or the word `may`."""
    if "c" in found.groupdict():
        return _short_possible(found)
    month = found.groupdict().get("m") or ""
    if said.year is None and month[:1].isalpha() and (month == "OCT" or month[0].islower()):
        return False
    return said.possible


_BORN = re.compile(r"(?:出生|\bb\.|生于|生日|DOB|D\.O\.B\.?|birth|born)[^\d\n]{0,12}$", re.I)
_BORN_THEN = re.compile("年? ?出?生(?![活长])")


def dates(text: str, day: date | None, births: Iterable[date]) -> Iterator[Find]:
    """Where dates stand in a text.

    Args:
        text: narrow characters.
        day: of the examination, if known: then marks count from it.
        births: days of birth: never counted, for that would tell the age to the day.
    """
    known = frozenset(births)
    for pattern, meaning in _forms():
        for found in pattern.finditer(text):
            said = meaning(found)
            if not _is_date(found, said):
                continue
            group = "it" if "it" in pattern.groupindex else 0
            start, end = found.span(group)
            while end > start and text[end - 1] in " ,.":
                end -= 1
            birth = said.whole() in known or bool(_BORN.search(text[:start]))
            birth = birth or bool(_BORN_THEN.match(text, end))
            yield start, end, mark(said, day, birth=birth)
