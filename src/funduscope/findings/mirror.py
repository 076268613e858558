"""A caption after its photograph was mirrored: a picture of the other eye, seen the other way."""

from __future__ import annotations

import re

_OTHER = {"left": "right", "right": "left", "od": "os", "os": "od", "左": "右", "右": "左"}
# 左右 behind a measure means "about"; `left behind` tells no side.
_SIDE = re.compile(
    r"左右|\bleft (?:by|behind|over|after|from|untreated)\b|\b(?:left|right|OD|OS)\b|左|右",
    re.IGNORECASE,
)
_HOURS = re.compile(
    r"(?<![\d.:])(\d{1,2})(?:(\s*(?:[-~–—至到]|to)\s*)(\d{1,2}))?(?=\s*(?:点|點|o['’]?\s?clock))"
)


def mirrored(text: str) -> str:
    """The caption with left and right, and the hours of the clock, exchanged.

    Temporal and nasal stay: they are true of the eye, not of the picture. What names no side comes
    back unchanged.
    """
    return _HOURS.sub(_hours, _SIDE.sub(_side, text))


def _side(found: re.Match[str]) -> str:
    word = found[0]
    other = _OTHER.get(word.lower(), word)
    if word.isupper():
        return other.upper()
    return other.capitalize() if word[0].isupper() else other


def _hours(found: re.Match[str]) -> str:
    """3 o'clock becomes 9 o'clock; the arc from 1 to 3 becomes the arc from 9 to 11."""
    first, between, last = found[1], found[2], found[3]
    if not all(1 <= int(hour) <= 12 for hour in (first, last) if hour):
        return found[0]
    turned = [str((12 - int(hour)) or 12) for hour in (last, first) if hour]
    return between.join(turned) if between else turned[0]
