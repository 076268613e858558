"""Canaries for DICOM objects: one for each attribute that can hold one, and for all other places.

A canary says where it stands: ZQ, number, K, number of the object. Dates and times are odd ones.
"""

from __future__ import annotations

import copy
import csv
import io
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from funduscope.dicom.quiet import quiet

_CONCRETE = {"(50XX,XXXX)": 0x50003000, "(60XX,4000)": 0x60004000, "(60XX,3000)": 0x60003000}
_VRS = {0x50003000: "OB", 0x60004000: "LT", 0x60003000: "OB"}
_TEXT = ("AE", "CS", "LO", "LT", "SH", "ST", "UC", "UR", "UT", "PN")
_BYTES = ("OB", "UN")
_COMMAND, _META = 0x0000, 0x0002
_OWN_UID = 0x00020003
_FIRST = date(1801, 1, 1)
IN_JPEG = "ZQJPEGCOMMENTK9"
IN_EXIF = "ZQJPEGEXIFK9"


@dataclass(frozen=True)
class Attributes:
    """The table: how many rows it has; tag and VR of those that can stand in a file."""

    listed: int
    found: tuple[tuple[int, str], ...]

    @classmethod
    def read(cls, path: Path) -> Attributes:
        """The table as tab-separated text."""
        with path.open(encoding="utf-8", newline="") as stream:
            said = [row["tag"] for row in csv.DictReader(stream, delimiter="\t")]
        said = [text for text in said if "," in text]  # one line of the copy is a foot note
        found = []
        for text in said:
            digits = text.strip("()").replace(",", "")
            if text in _CONCRETE:
                found.append((_CONCRETE[text], _VRS[_CONCRETE[text]]))
            elif len(digits) == 8 and all(mark in "0123456789ABCDEF" for mark in digits):
                found.append((int(digits, 16), dictionary_VR(int(digits, 16))))
        return cls(len(said), tuple(found))


@dataclass
class Planted:
    """An object with its canaries.

    Attributes:
        forms: canary -> its forms as bytes.
        places: how many stand where.
        command: elements of group 0, which only a careless writer puts into a file.
    """

    ds: Dataset
    salt: int
    forms: dict[str, set[bytes]] = field(default_factory=dict)
    places: Counter[str] = field(default_factory=Counter)
    preamble: bytes = b""
    command: bytes = b""

    def canary(self, vr: str, number: int, place: str) -> str | bytes | None:
        """A value of that kind that stands nowhere else; None for kinds that hold no text."""
        name = f"ZQ{number:04d}K{self.salt}"
        more: set[str] = set()
        value: str | bytes = name
        if vr == "PN":
            value = f"{name}^Q{name}"
            more = {name}
        elif vr == "UI":
            value = f"2.25.970{number:04d}{self.salt}"
        elif vr in ("DA", "DT"):
            day = _FIRST + timedelta(number * 7 + self.salt)
            value = f"{day:%Y%m%d}"
            more = {day.isoformat(), f"{day:%Y/%m/%d}"}
        elif vr == "TM":
            value = f"101112.9{number:04d}{self.salt}"
        elif vr in ("DS", "IS"):
            value = f"97{number:05d}{self.salt}"
        elif vr in _BYTES:
            value = name.encode() + b" " * (len(name) % 2)
        elif vr not in _TEXT:
            return None
        if vr in _BYTES:
            more = {name}
        texts = more | ({value} if isinstance(value, str) else set())
        known = self.forms.setdefault(name, set())
        for text in texts | {text.lower() for text in texts}:
            known |= {text.encode(), text.encode("utf-16-le")}
        self.places[place] += 1
        return value

    def bytes(self, file_bytes: Callable[[Dataset], bytes], **changes: object) -> bytes:
        """The file: preamble written over, command elements before the data set."""
        ds = copy.deepcopy(self.ds)
        with quiet():
            for name, value in changes.items():
                setattr(ds, name, value)
        data = file_bytes(ds)
        (length,) = struct.unpack_from("<I", data, 140)
        start = 144 + length
        return self.preamble + data[128:start] + self.command + data[start:]

    def broken(self, file_bytes: Callable[[Dataset], bytes]) -> dict[str, bytes]:
        """The same file, damaged so that nothing can be made of its picture."""
        data = self.bytes(file_bytes)
        syntax = str(self.ds.file_meta.TransferSyntaxUID).encode()
        return {
            "cut": data[: len(data) * 3 // 5],
            "headless": b"ZQ" + data[200:],
            "color": self.bytes(file_bytes, PhotometricInterpretation="ZQCOLORK"),
            "no rows": self.bytes(file_bytes, Rows=0),
            "frames": self.bytes(file_bytes, NumberOfFrames="99999"),
            "syntax": data.replace(syntax, b"1.2.276.0.75.9.9.9.9.9"[: len(syntax)], 1),
        }


def plant(ds: Dataset, attributes: Attributes, salt: int) -> Planted:
    """Canaries in every attribute of the table that can hold one, and in all other places."""
    planted = Planted(ds, salt)
    planted.preamble = str(planted.canary("LO", 9000, "preamble")).encode().ljust(128, b"\0")
    with quiet():
        for number, (tag, vr) in enumerate(attributes.found):
            _attribute(planted, number, tag, vr)
        _beyond(planted)
    if b"Exif" in ds.PixelData:
        for name in (IN_JPEG, IN_EXIF):
            planted.forms[name] = {name.encode()}
            planted.places["compressed frames (comment, EXIF)"] += 1
    return planted


def _attribute(planted: Planted, number: int, tag: int, vr: str) -> None:
    ds = planted.ds
    if tag == _OWN_UID:
        planted.places["table"] += 1  # every writer puts the object's own UID here: a canary
        return
    if vr == "SQ":
        item = Dataset()
        item.add(DataElement(0x00080104, "LO", planted.canary("LO", number, "table")))
        item.add(DataElement(0x00100020, "LO", planted.canary("LO", 2000 + number, "in sequences")))
        ds.add(DataElement(tag, "SQ", Sequence([item])))
        return
    value = planted.canary(vr, number, "table")
    if value is None:
        return
    if tag >> 16 == _COMMAND:
        text = str(value).encode().ljust(24, b"\0")
        planted.command += struct.pack("<HH2sH", 0, tag & 0xFFFF, vr.encode(), 24) + text
    elif tag >> 16 == _META:
        ds.file_meta.add(DataElement(tag, vr, value))
    else:
        ds.add(DataElement(tag, vr, value))


def _beyond(planted: Planted) -> None:
    """Private blocks, three sequences deep, file meta; free text the table does not list."""
    ds = planted.ds
    block = ds.private_block(0x0019, f"ZQ9100K{planted.salt}", create=True)
    planted.canary("LO", 9100, "private blocks")
    deep = Dataset()
    for at, vr in enumerate(("LO", "PN", "DA", "UI", "OB", "UT"), start=1):
        block.add_new(at, vr, planted.canary(vr, 9100 + at, "private blocks"))
        tag = {"LO": 0x00104000, "PN": 0x00100010, "DA": 0x00100030, "UI": 0x00081155}.get(vr)
        if tag is not None:
            deep.add(DataElement(tag, vr, planted.canary(vr, 9200 + at, "three sequences deep")))
    deep.private_block(0x0021, "DEEP", create=True).add_new(
        1, "LO", planted.canary("LO", 9210, "three sequences deep")
    )
    middle, outer = Dataset(), Dataset()
    middle.add(DataElement(0x00081140, "SQ", Sequence([deep])))
    outer.add(DataElement(0x00081250, "SQ", Sequence([middle])))
    ds.add(DataElement(0x00081115, "SQ", Sequence([outer])))
    block.add_new(9, "SQ", Sequence([middle]))
    meta = {0x00020013: "SH", 0x00020016: "AE", 0x00020017: "AE", 0x00020018: "AE"}
    for at, (tag, vr) in enumerate({**meta, 0x00020100: "UI", 0x00020102: "OB"}.items()):
        ds.file_meta.add(DataElement(tag, vr, planted.canary(vr, 9300 + at, "file meta")))


def talkative_jpeg(rgb: np.ndarray) -> bytes:
    """A JPEG with canaries in a comment and in EXIF."""
    exif = Image.Exif()
    exif[0x013B] = IN_EXIF
    stream = io.BytesIO()
    Image.fromarray(rgb).save(
        stream, "JPEG", quality=95, subsampling=1, exif=exif, comment=IN_JPEG.encode()
    )
    return stream.getvalue()
