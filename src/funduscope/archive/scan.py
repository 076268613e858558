"""The last look at a report before it is written: does a fact of its own record still stand in it?

Shares no rule with `redact`: both sides are reduced to bare letters and digits and compared.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

_SHORTEST = 4
"""Shorter values of ASCII letters and digits are everyday words; ideographs count double."""


def leaks(text: str, secrets: Mapping[str, Sequence[str]]) -> list[str]:
    """Roles of the record's values that still occur in the text; empty: none does."""
    bare = _bare(text)
    tokens = set(re.findall(r"\d+", unicodedata.normalize("NFKC", text)))
    found = []
    for role, values in secrets.items():
        for value in values:
            target = _bare(value).replace("\x1e", "")
            weight = sum(1 if char.isascii() else 2 for char in target)
            if weight < _SHORTEST:
                continue
            # Short numbers must stand alone: run together, other figures would make them up.
            alone = target.isdigit() and len(target) < 6
            if target in (tokens if alone else bare):
                found.append(role)
                break
    return found


_SENTENCE = re.compile("[，。；：、！？\n]")
"""Chinese marks part words (扩张，双眼 holds no 张双); Latin commas part a name's own."""


def _bare(text: str) -> str:
    text = _SENTENCE.sub("\x1e", text)
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in folded if char.isalnum() or char == "\x1e")
