"""Bytes of a DICOM file -> frames, facts and the strings that must never be seen again."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from funduscope.dicom import vendor
from funduscope.dicom.facts import Facts, facts
from funduscope.dicom.frames import BROKEN, Frame, Frames
from funduscope.dicom.identifying import identifying
from funduscope.dicom.quiet import quiet
from funduscope.dicom.signature import is_dicom
from funduscope.errors import DataError

MAX_INFLATED = 2**30
"""A deflated object may not grow beyond this, bytes."""

_DEFLATED = b"1.2.840.10008.1.2.1.99"
_ZEISS = "1.2.276.0.75."


class Instance:
    """One DICOM object with pixels.

    Attributes:
        facts: what the corpus may learn from it.
        identifying: every string in the file that could point at a person, for the second pass.
        count: number of frames.
    """

    def __init__(self, dataset: Dataset, name: str) -> None:
        self._frames = Frames(dataset, name)
        self.count = self._frames.count
        # Raw bytes are looked at first: reading a value below replaces them by what it means.
        self.identifying = identifying(dataset)
        self.facts: Facts = _without_names(facts(dataset), self.identifying)

    def frame(self, index: int = 0, *, min_side: int | None = None) -> Frame:
        """Decode one frame: uint8 (H, W, 3), RGB as displayed; see `Frames.frame`."""
        return self._frames.frame(index, min_side=min_side)

    def frames(self) -> Iterator[Frame]:
        """All frames, decoded one by one."""
        return (self.frame(index) for index in range(self.count))


def _without_names(found: Facts, identifying: tuple[str, ...]) -> Facts:
    """A camera's name that holds a string of the patient or site is no camera's name."""

    def clean(name: str | None) -> str | None:
        held = name is not None and any(text in name for text in identifying if len(text) > 2)
        return None if held else name

    return replace(found, manufacturer=clean(found.manufacturer), model=clean(found.model))


def read(data: bytes, *, name: str) -> Instance:
    """Open a DICOM file; pixels are decoded when asked for.

    Args:
        data: the whole file.
        name: what to call it in an error.

    Raises:
        DataError: code `zero_byte`, `not_an_image`, `truncated`, `unsupported`, `proprietary`,
            `too_large` or `extreme_shape`. The same may come from decoding a frame.
    """
    dataset = parse(data, name=name)
    try:
        with quiet():
            kind = str(dataset.get("SOPClassUID", ""))
            if kind.startswith(_ZEISS):
                raise vendor.proprietary("an object class of the maker's own", name)
            return Instance(dataset, name)
    except BROKEN as error:
        raise _truncated(type(error).__name__, name) from error


def parse(data: bytes, *, name: str) -> Dataset:
    """The data set of a DICOM file, values not yet decoded.

    Raises:
        DataError: code `zero_byte`, `not_an_image` (no DICOM) or `truncated`.
    """
    if not data:
        raise DataError(
            "0 bytes",
            place=name,
            rule="a DICOM file has content",
            remedy="copy or send the file again from its source",
            code="zero_byte",
        )
    if not is_dicom(data):
        raise DataError(
            f"starts with {data[:4]!r}",
            place=name,
            rule="a DICOM file (DICM after 128 bytes)",
            remedy="leave the file out of `photos`, or export it as DICOM",
            code="not_an_image",
        )
    with quiet():
        try:
            _check_inflated(data, name)
            dataset = pydicom.dcmread(io.BytesIO(data), force=True)
            if not dataset.file_meta.get("TransferSyntaxUID"):
                explicit = dataset.original_encoding[0] is False
                syntax = ExplicitVRLittleEndian if explicit else ImplicitVRLittleEndian
                dataset.file_meta.TransferSyntaxUID = syntax
            _check_end(dataset)
        except BROKEN as error:
            raise _truncated(type(error).__name__, name) from error
    return dataset


def _check_inflated(data: bytes, name: str) -> None:
    """pydicom inflates a deflated object whole; one that would explode is refused before."""
    head = data[132:2048]
    if data[128:132] != b"DICM" or _DEFLATED not in head:
        return
    if not head.startswith(b"\x02\0\0\0UL\x04\0"):
        raise ValueError("no length of the file meta group")
    (length,) = struct.unpack_from("<I", head, 8)
    inflated = zlib.decompressobj(-zlib.MAX_WBITS).decompress(
        data[144 + length :], MAX_INFLATED + 1
    )
    if len(inflated) > MAX_INFLATED:
        raise DataError(
            f"more than {MAX_INFLATED} bytes when inflated",
            place=name,
            rule=f"a deflated object of at most {MAX_INFLATED} bytes",
            remedy="have the archive send it uncompressed",
            code="too_large",
        )


def _check_end(dataset: Dataset) -> None:
    """pydicom takes what is there; an object cut short is told by its last value or its lack."""
    keys = [tag for tag in sorted(dataset.keys()) if tag >> 16 >= 8]
    last = dataset.get_item(keys[-1]) if keys else None
    length = getattr(last, "length", None)
    value = getattr(last, "value", None)
    if isinstance(value, bytes) and length not in (None, 0xFFFFFFFF, len(value)):
        raise ValueError("the last value is cut short")
    kind = UID(str(dataset.get("SOPClassUID", ""))).name
    image = "Rows" in dataset or "Image" in kind or "Photography" in kind
    if not keys or (image and "PixelData" not in dataset):
        raise ValueError("the object ends before its pixels")


def _truncated(value: str, name: str) -> DataError:
    return DataError(
        value,
        place=name,
        rule="the file is complete and undamaged",
        remedy="copy or send the file again from its source",
        code="truncated",
    )
