"""Dates as people and programs write them in cells -> figures that a form of strptime reads.

Chinese numerals, years of the Republic of China (counted from 1912), words for the half of a day
and for the day of the week, and seconds or milliseconds since 1970.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime

_DIGITS = {sign: str(value) for value, sign in enumerate("\u3007\u4e00\u4e8c\u4e09\u56db")} | {
    sign: str(value) for value, sign in enumerate("\u4e94\u516d\u4e03\u516b\u4e5d", start=5)
}
_DIGITS |= dict.fromkeys(("\u96f6", "\u25cb", "O", "o"), "0")
_TEN = "\u5341"
_HAN = "".join(_DIGITS)
_YEAR, _MONTH, _DAY = "\u5e74", "\u6708", "[\u65e5\u53f7\u865f]"
_NUMERALS = re.compile(
    rf"([{_HAN}]{{4}}|[{_HAN}]{{2}}){_YEAR}([{_HAN}{_TEN}]{{1,2}}){_MONTH}"
    rf"([{_HAN}{_TEN}\u5eff\u5345]{{1,3}}){_DAY}"
)
_REPUBLIC = re.compile(rf"(?:\u6c11\u56fd|\u6c11\u570b|R\.?O\.?C\.?) ?(\d{{1,3}}) ?({_YEAR}|[-./])")
_FIRST_YEAR = 1911
"""What is added to a year of the Republic of China."""
_HALVES = re.compile(
    "[ ]?(?:\u4e0a\u5348|\u4e0b\u5348|\u4e2d\u5348|\u65e9\u4e0a|\u665a\u4e0a|\u51cc\u6668)[ ]?"
)
_WEEKDAY = re.compile(
    "[ ,]?[(]?(?:\u661f\u671f|\u5468|\u793c\u62dc)"
    "[\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u65e5\u5929][)]?"
)
_STAMP = re.compile(r"(\d{10}|\d{13})(?:\.0+)?")
_FROM, _TO = 631_152_000, 2_240_611_200
"""1990 and 2041 in seconds since 1970: no photograph is older, no clock further ahead."""


def figures(text: str) -> str:
    """The text with what it writes of a date in figures of our calendar; else as it was, NFKC."""
    text = unicodedata.normalize("NFKC", text).strip()
    if text.isascii() and "R" not in text:
        return text
    text = _NUMERALS.sub(_in_figures, text)
    text = _REPUBLIC.sub(lambda found: f"{int(found[1]) + _FIRST_YEAR}{found[2]}", text)
    return _WEEKDAY.sub("", _HALVES.sub(" ", text)).strip()


def stamp(text: str) -> date | None:
    """The day of a count of seconds or milliseconds since 1970 (UTC), if it is one."""
    found = _STAMP.fullmatch(text.strip())
    if found is None:
        return None
    seconds = int(found[1]) / (1000 if len(found[1]) == 13 else 1)
    return datetime.fromtimestamp(seconds, UTC).date() if _FROM <= seconds < _TO else None


def _in_figures(found: re.Match[str]) -> str:
    year = "".join(_DIGITS[sign] for sign in found[1])
    return f"{year}\u5e74{_number(found[2])}\u6708{_number(found[3])}\u65e5"


def _number(text: str) -> int:
    text = text.replace("\u5eff", "\u4e8c\u5341").replace("\u5345", "\u4e09\u5341")
    if _TEN not in text:
        return int("".join(_DIGITS[sign] for sign in text))
    tens, _, ones = text.partition(_TEN)
    return 10 * int(_DIGITS[tens] if tens else 1) + int(_DIGITS[ones] if ones else 0)
