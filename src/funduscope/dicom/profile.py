"""The basic application confidentiality profile of DICOM PS3.15, Table E.1-1, as a look-up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from funduscope.dicom.allowed import rows

PRIVATE = "private"


@dataclass(frozen=True)
class Rule:
    """What the profile asks for one attribute.

    Attributes:
        profile: the basic profile as printed, such as `X/Z/D`.
        take: X remove, Z empty, D dummy, U new UID, C clean the items.
        descriptor: free description of what was done, rather than an identifier.
        dates: a date or time that may be shifted instead.
    """

    name: str
    profile: str
    take: str
    descriptor: bool
    dates: bool


REMOVE = Rule("Private Attributes", "X", "X", descriptor=False, dates=False)


@cache
def table() -> Mapping[str, Rule]:
    """All 621 rows: tag as 8 hex digits (`x` for any digit), or `private` -> rule."""
    return MappingProxyType(
        {
            row["tag"]: Rule(
                row["name"],
                row["profile"],
                row["take"],
                descriptor=row["descriptor"] == "C",
                dates=row["dates"] == "C",
            )
            for row in rows("profile.tsv")
        }
    )


def rule(tag: int) -> Rule | None:
    """The rule for a tag; None where the table is silent.

    Whole groups of curves (50xx) and overlays (60xx) go: the rest of a group makes no sense without
    its data, and overlays hold drawings and writing.
    """
    group = tag >> 16
    if group % 2 == 1 or group >> 8 in (0x50, 0x60):
        return REMOVE
    return table().get(f"{tag:08X}")
