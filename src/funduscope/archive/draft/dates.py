"""Which forms the dates of a column or of file names are written in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import cache, lru_cache
from itertools import product

from funduscope.archive import written_dates

_FIRST, _LAST = 1895, 2040
_DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日", "%Y年%m月%d", "%Y_%m_%d")
_SHORT = ("%y.%m.%d", "%y-%m-%d", "%y/%m/%d", "%y%m%d")
_WEST = (
    *("%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%m/%d/%y", "%d/%m/%y"),
    *("%d.%m.%y", "%d-%m-%y", "%d/%m/%Y", "%m.%d.%Y"),
)
_WORDS = ("%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%B %d, %Y", "%d %B %Y", "%d-%b-%y", "%d%b%Y")
_MONTHS = ("%Y-%m", "%Y/%m", "%Y.%m", "%Y年%m月")
_TIMES = ("%H:%M:%S", "%H:%M", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p")
_EXCEL = re.compile(r"[2-4]\d{4}(?:\.\d+)?")
_SHAPE = re.compile(r"\d{2,4}\D{0,2}|\d")


@cache
def _forms() -> tuple[str, ...]:
    days = (*_DAYS, *_WEST, *_SHORT, *_WORDS)
    timed = (f"{day} {time}" for day, time in product(days, _TIMES))
    iso = ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y%m%d%H%M%S")
    return (*days, *iso, "%Y-%m-%dT%H:%M:%S.%f%z", *timed, *_MONTHS)


def _signs(text: str) -> set[str]:
    """Signs of a text; `a` stands for any letter. Comparing them spares most calls of strptime."""
    text = unicodedata.normalize("NFKC", text)
    return {"a" if c.isascii() and c.isalpha() else c for c in text if not c.isdigit()}


@cache
def _literal(form: str) -> frozenset[str]:
    words = {"a"} if re.search("%[bBp]|T", form) else set()
    return frozenset(_signs(re.sub("%[a-zA-Z]", "", form)) - {" "} | words)


@lru_cache(maxsize=200_000)
def parsed(text: str, form: str) -> date | None:
    """The date in that form, if it lies in a time of which records are kept."""
    text = written_dates.figures(text)
    if form.startswith("%Y%m%d") and len(text) < 8:
        return None  # strptime would take 2016110 for a date
    if form == "%y%m%d" and len(text) != 6:
        return None
    try:
        found = datetime.strptime(text, form).date()
    except ValueError:
        return None
    return found if _FIRST <= found.year <= _LAST else None


def is_excel_day(text: str) -> bool:
    """Whether a cell holds a spreadsheet's day number instead of a date (1954 to 2036)."""
    return _EXCEL.fullmatch(text.strip()) is not None


def is_stamp(text: str) -> bool:
    """Whether a cell counts the seconds or milliseconds since 1970; it needs no form."""
    return written_dates.stamp(text) is not None


def forms_of(values: Iterable[str]) -> tuple[list[str], float]:
    """The forms that read the values, the commonest first, and the share of values they read.

    A form that only turns day and month of another is taken for a few misread values only where
    nothing else reads them.
    """
    filled = (value for value in values if value.strip())
    distinct = list(dict.fromkeys(map(written_dates.figures, filled)))[:600]
    left = [value for value in distinct if _SHAPE.search(value) and len(value) <= 40]
    readable = len(left)
    if readable < 0.3 * len(distinct) or not left:
        return [], 0.0
    chosen: list[str] = []
    some = left[:: max(1, len(left) // 60)]
    signs = [frozenset(_signs(value)) for value in some]
    candidates = [
        form
        for form in _forms()
        if any(_literal(form) <= sign for sign in signs)
        and any(parsed(value, form) for value in some)
    ]
    while left and candidates:
        reads = {form: [v for v in left if parsed(v, form)] for form in candidates}
        # `max` keeps the first of equals: the order of the forms is the order of preference.
        year_first = any(form.startswith("%Y") for form in chosen)
        best = max(
            candidates,
            key=lambda form: (
                len(reads[form]),
                year_first and form.startswith("%y"),
                _likely(form, reads[form]),
            ),
        )
        if len(reads[best]) < max(1, 0.004 * len(distinct)):
            break
        chosen.append(best)
        done = set(reads[best])
        left = [value for value in left if value not in done]
        candidates.remove(best)
    return chosen, 1 - (len(left) + len(distinct) - readable) / len(distinct)


def _likely(form: str, values: Sequence[str]) -> bool:
    """Whether what the form takes for years are fewer different numbers than its days."""
    if "%y" not in form:
        return True
    found = [day for value in values if (day := parsed(value, form))]
    return len({day.year for day in found}) <= len({day.day for day in found})


def is_turned(forms: Sequence[str], values: Iterable[str]) -> bool:
    """Whether day and month could as well be the other way round in every value."""
    swap = {"%m/%d/%Y": "%d/%m/%Y", "%d/%m/%Y": "%m/%d/%Y", "%m-%d-%Y": "%d-%m-%Y"}
    swap |= {"%d-%m-%Y": "%m-%d-%Y", "%y.%m.%d": "%d.%m.%y", "%y/%m/%d": "%d/%m/%y"}
    if any(form.startswith("%Y") for form in forms):
        return False  # who writes the year first in some cells does so in all
    other = swap.get(forms[0]) if forms else None
    read = [value for value in values if forms and parsed(value, forms[0])]
    if other is None or not all(parsed(value, other) for value in read):
        return False
    return _likely(other, read) or "%y" not in other


def written(forms: Sequence[str]) -> str | list[str]:
    """Forms as a description holds them: one alone, or a list."""
    return forms[0] if len(forms) == 1 else list(forms)


def first_date(text: str, forms: Sequence[str]) -> date | None:
    """The date that the first fitting form reads, or that a count of seconds is."""
    read = (day for form in forms if (day := parsed(text, form)))
    return next(read, None) or written_dates.stamp(text)
