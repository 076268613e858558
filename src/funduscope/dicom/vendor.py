"""Files in a maker's own format: refused by name, with the way to export something readable.

The list is `data/vendors.tsv`: file endings, first bytes (hex) and where they stand, what it is,
and the steps. Signatures are facts published by the authors of free readers of these formats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from funduscope.dicom.allowed import rows
from funduscope.errors import DataError

HEAD = 512
"""How many first bytes of a file `refusal` wants to see."""

# Formats that this package reads: such a file is not refused, whatever its name ends in.
_READABLE = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"RIFF", b"\x08\0", b"\x02\0")
_TIFF = (b"II*\0", b"MM\0*")
_RAW = "camera_raw"  # TIFF on the outside; readers of TIFF find no more than the preview
_OBFUSCATED = "obfuscated"


@dataclass(frozen=True)
class Format:
    """One format of a maker.

    Attributes:
        endings: of file names, in lower case; they count only when the first bytes are not those
            of a picture or a DICOM object.
        signature: first bytes, from `offset` on; empty where the format has none.
    """

    code: str
    name: str
    endings: tuple[str, ...]
    signature: bytes
    offset: int
    steps: str


@cache
def formats() -> Sequence[Format]:
    """The list, in its order."""
    return tuple(
        Format(
            code=row["code"],
            name=row["name"],
            endings=tuple(row["endings"].split()),
            signature=bytes.fromhex(row["signature"]),
            offset=int(row["offset"] or 0),
            steps=row["steps"],
        )
        for row in rows("vendors.tsv")
    )


def refusal(name: str, head: bytes) -> str | None:
    """What to tell about a proprietary file: the format's name and the maker's export steps.

    Args:
        name: the file's name or path.
        head: its first bytes, `HEAD` of them or more.

    Returns:
        None for a file that is none of the formats in the list.
    """
    _, dot, ending = name.lower().rpartition(".")
    for known in formats():
        end = known.offset + len(known.signature)
        if known.signature and head[known.offset : end] == known.signature:
            return _said(known)
    if head.startswith(_READABLE) or head[128:132] == b"DICM":
        return None
    for known in formats():
        if dot + ending in known.endings and (known.code == _RAW or not head.startswith(_TIFF)):
            return _said(known)
    return None


def proprietary(value: str, place: str) -> DataError:
    """The refusal of a DICOM object whose pixels only its maker's programs can show."""
    known = next(entry for entry in formats() if entry.code == _OBFUSCATED)
    return DataError(
        value,
        place=place,
        rule=f"pixels that any DICOM viewer can show; this is {known.name}",
        remedy=known.steps,
        code="proprietary",
    )


def _said(known: Format) -> str:
    return f"{known.name}: {known.steps}"
