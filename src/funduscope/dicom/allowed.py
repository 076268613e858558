"""The only attributes of a DICOM file that this package looks at, each with the reason.

The list is `data/allowed.tsv`. `use` says what becomes of a value:
    corpus    it enters the corpus, as a word of a closed list, a number or the camera's name;
    pairing   it serves to pair pictures and reports and leaves as pseudonym, age or day difference;
    decoding  it tells how the pixels are stored.
Every other attribute is read once more only to feed the second pass with what must not be found.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True)
class Allowed:
    """One attribute of the list: its tag (8 hex digits), keyword, use, what for and why."""

    tag: str
    keyword: str
    use: str
    feeds: str
    why: str


def rows(name: str) -> list[dict[str, str]]:
    """The rows of a table of this room, without its comment lines."""
    text = files("funduscope.dicom").joinpath("data", name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t"))


@cache
def attributes() -> Mapping[str, Allowed]:
    """Keyword -> entry of the list."""
    return MappingProxyType({row["keyword"]: Allowed(**row) for row in rows("allowed.tsv")})


@cache
def tags(use: str) -> frozenset[int]:
    """The tags of that use."""
    return frozenset(int(entry.tag, 16) for entry in attributes().values() if entry.use == use)
