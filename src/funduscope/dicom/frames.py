"""Pixels of a DICOM object -> RGB frames, 8 bits a channel, one at a time.

JPEG is decoded here by libjpeg-turbo, which can shrink while it decodes; every other encoding by
pydicom and its plugins. How values become gray levels follows DICOM PS3.3 C.7.6.3 and C.11.2.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt
import simplejpeg
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame, parse_fragments
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut
from pydicom.uid import UID, JPEG2000TransferSyntaxes, JPEGLSTransferSyntaxes, RLELossless

from funduscope.dicom import codestream, vendor
from funduscope.dicom.facts import text
from funduscope.dicom.quiet import quiet
from funduscope.errors import DataError

Frame = npt.NDArray[np.uint8]

MAX_PIXELS = 89_000_000
"""The largest frame; the largest fundus cameras give about 50 megapixels."""
MIN_SIDE = 32
MAX_ASPECT = 8.0

JPEG = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51")
_COLORS = ("RGB", "PALETTE COLOR", "MONOCHROME1", "MONOCHROME2")
# What pydicom and its decoders raise for damaged content.
BROKEN = (
    AssertionError,
    AttributeError,
    BytesLengthException,
    EOFError,
    InvalidDicomError,
    LookupError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


class Frames:
    """The frames of one object, decoded when asked for.

    Raises:
        DataError: code `not_an_image` (no pixels), `truncated`, `unsupported` (an encoding that
            has no free decoder here), `proprietary`, `too_large` or `extreme_shape`.
    """

    def __init__(self, dataset: Dataset, name: str) -> None:
        self.name = name
        self._dataset = dataset
        meta = getattr(dataset, "file_meta", None)
        self.syntax = UID(str(meta.get("TransferSyntaxUID", "")) if meta is not None else "")
        self._color = text(dataset, "PhotometricInterpretation").upper()
        self._check()
        self.count = self._number("NumberOfFrames", 1)
        self._check_length()

    def frame(self, index: int, *, min_side: int | None = None) -> Frame:
        """One frame as uint8 (H, W, 3), as it is displayed.

        Args:
            index: from 0.
            min_side: if given, the picture may be shrunk by a whole factor while decoding, as long
                as its short side stays at least this long (px).
        """
        if not 0 <= index < self.count:
            raise IndexError(index)
        try:
            with quiet():
                own = self.syntax in JPEG
                rgb = self._display(self._jpeg(index, min_side) if own else self._other(index))
        except (*BROKEN, MemoryError) as error:
            raise self._truncated(type(error).__name__) from error
        shrink = min(rgb.shape[:2]) // min_side if min_side else 1
        return _reduced(rgb, shrink) if shrink > 1 else rgb

    def encoded(self, index: int) -> bytes:
        """The compressed bytes of one frame, as they lie in the file."""
        data: bytes = get_frame(
            self._dataset.PixelData,
            index,
            number_of_frames=self.count,
            extended_offsets=self._offsets(),
        )
        self._check_codestream(data)
        return data

    def _offsets(self) -> tuple[bytes, bytes] | None:
        found = [
            self._dataset.get(name)
            for name in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")
        ]
        return (found[0], found[1]) if all(isinstance(part, bytes) for part in found) else None

    def _check(self) -> None:
        if "PixelData" not in self._dataset or not self._dataset["PixelData"].value:
            raise DataError(
                "a DICOM object without pixels",
                place=self.name,
                rule="a photograph has the attribute Pixel Data",
                remedy="leave reports, indexes and waveforms out of `photos`",
                code="not_an_image",
            )
        if self.syntax and self.syntax.is_private:
            raise vendor.proprietary("a private transfer syntax", self.name)
        if not self._supported():
            raise DataError(
                self.syntax.name if self.syntax else "no transfer syntax",
                place=self.name,
                rule="uncompressed, RLE, JPEG (8 bits), JPEG 2000",
                remedy="have the archive send it uncompressed (dcmdjpeg, gdcmconv --raw)",
                code="unsupported",
            )
        rows, columns = self._number("Rows"), self._number("Columns")
        self._check_shape(columns, rows)
        if self._color.startswith("YBR_") or self._color in _COLORS:
            return
        raise self._unsupported(f"photometric interpretation {self._color[:16]!r}")

    def _supported(self) -> bool:
        if not self.syntax:
            return False
        if self.syntax in JPEG:
            return self._number("BitsAllocated") == 8
        known = (*JPEG2000TransferSyntaxes, *JPEGLSTransferSyntaxes, RLELossless)
        if self.syntax.is_encapsulated:
            return self.syntax in known and bool(get_decoder(self.syntax).is_available)
        return self.syntax.is_transfer_syntax

    def _number(self, keyword: str, default: int = 0) -> int:
        said = text(self._dataset, keyword)
        try:
            return int(said) if said else default
        except ValueError:
            raise self._truncated(f"{keyword} is no number") from None

    def _check_shape(self, width: int, height: int) -> None:
        if width < 1 or height < 1:
            raise self._truncated(f"{width} x {height} px")
        short, long = sorted((width, height))
        if width * height > MAX_PIXELS:
            raise DataError(
                f"{width} x {height} px",
                place=self.name,
                rule=f"at most {MAX_PIXELS // 1_000_000} megapixels",
                remedy="shrink the photograph; no model reads more",
                code="too_large",
            )
        if short < MIN_SIDE or long > MAX_ASPECT * short:
            raise DataError(
                f"{width} x {height} px",
                place=self.name,
                rule=f"short side at least {MIN_SIDE} px, long side at most {MAX_ASPECT:g} times",
                remedy="give the whole photograph as the camera stored it, not a strip or an icon",
                code="extreme_shape",
            )

    def _check_length(self) -> None:
        size = len(self._dataset.PixelData)
        if self.count < 1:
            raise self._truncated(f"{self.count} frames")
        if self.syntax.is_encapsulated:
            fragments = parse_fragments(self._dataset.PixelData)[0] - 1  # one is the offset table
            if self.count > max(1, fragments):
                raise self._truncated(f"{self.count} frames in {fragments} fragments")
        elif size < self._needed():
            raise self._truncated(f"{size} bytes of pixels, {self._needed()} are needed")

    def _needed(self) -> int:
        """Bytes of all frames, uncompressed."""
        samples = 2 if self._color == "YBR_FULL_422" else self._number("SamplesPerPixel", 1)
        points = self._number("Rows") * self._number("Columns") * self.count
        return max(1, (points * samples * self._number("BitsAllocated") + 7) // 8)

    def exact(self) -> bytes:
        """Uncompressed pixels without anything past the last frame, padded to an even length."""
        data: bytes = self._dataset.PixelData[: self._needed()]
        return data + b"\0" * (len(data) % 2)

    def _check_codestream(self, data: bytes) -> None:
        """A frame that does not start as its transfer syntax says has been scrambled."""
        starts: tuple[bytes, ...]
        if self.syntax in JPEG or self.syntax in JPEGLSTransferSyntaxes:
            starts = (codestream.JPEG_START,)
        elif self.syntax in JPEG2000TransferSyntaxes:
            starts = (codestream.J2K_START, codestream.JP2_START)
        else:
            return
        if data and not data.startswith(starts):
            raise vendor.proprietary("compressed frames without their signature", self.name)

    def _jpeg(self, index: int, min_side: int | None) -> npt.NDArray[np.uint8]:
        """Gray (H, W) or RGB (H, W, 3).

        What the JPEG says of its own colors goes before what the DICOM attribute says: many
        archives state RGB or YBR for files that they never looked into.
        """
        data = self.encoded(index)
        header = codestream.jpeg_header(data)
        if header.bits != 8:
            raise self._unsupported(f"JPEG of {header.bits} bits")
        self._check_shape(header.width, header.height)
        parts = len(header.ids)
        marked = header.jfif or header.adobe is not None or header.ids == b"RGB"
        if parts == 3 and self._color == "RGB" and not marked:
            data = codestream.jpeg_as_rgb(data)
        least = min_side or 0
        levels: npt.NDArray[np.uint8] = simplejpeg.decode_jpeg(
            data.rstrip(b"\0"), "GRAY" if parts == 1 else "RGB", min_height=least, min_width=least
        )
        return levels[..., 0] if parts == 1 else levels

    def _other(self, index: int) -> npt.NDArray[np.generic]:
        if self.syntax.is_encapsulated:
            data = self.encoded(index)
            if self.syntax in JPEG2000TransferSyntaxes:
                self._check_shape(*codestream.j2k_size(data))
                if not data.rstrip(b"\0").endswith(b"\xff\xd9"):
                    raise ValueError("no end marker")
        decoder = get_decoder(self.syntax)
        levels, found = decoder.as_array(self._dataset, index=index, raw=False)
        if str(found["photometric_interpretation"]).startswith("YBR"):
            raise self._unsupported("YBR of more than 8 bits")
        return levels

    def _display(self, levels: npt.NDArray[np.generic]) -> Frame:
        if self._color == "PALETTE COLOR" and levels.ndim == 2:
            return _eight_bit(apply_color_lut(levels, self._dataset))
        if levels.ndim == 3:
            return _eight_bit(levels)
        window = self._window()
        if window is not None:
            gray = window_levels(levels, *window)
        else:
            if self._number("PixelRepresentation") == 1:
                lowest = -(2 ** (self._number("BitsStored", 16) - 1))
                levels = (levels.astype(np.int32) - lowest).astype(np.uint16)
            gray = _eight_bit(levels)
        if self._color == "MONOCHROME1":
            gray = 255 - gray
        return np.repeat(gray[..., None], 3, axis=2)

    def _window(self) -> tuple[float, float, float, float, str] | None:
        """Center, width, slope, intercept and function; None where there is no usable window."""
        said = [
            text(self._dataset, name)
            for name in ("WindowCenter", "WindowWidth", "RescaleSlope", "RescaleIntercept")
        ]
        try:
            center, width = float(said[0]), float(said[1])
            slope, intercept = float(said[2] or 1), float(said[3] or 0)
        except ValueError:
            return None
        kind = text(self._dataset, "VOILUTFunction").upper() or "LINEAR"
        fits = all(np.isfinite((center, width, slope, intercept))) and width >= 1
        return (center, width, slope, intercept, kind) if fits else None

    def _truncated(self, value: str) -> DataError:
        return DataError(
            value,
            place=self.name,
            rule="the pixels are complete and undamaged",
            remedy="copy or send the file again from its source",
            code="truncated",
        )

    def _unsupported(self, value: str) -> DataError:
        return DataError(
            value,
            place=self.name,
            rule="monochrome, RGB, YBR or palette; JPEG of 8 bits",
            remedy="have the archive send it uncompressed as RGB (dcmdjpeg +cr)",
            code="unsupported",
        )


def window_levels(
    levels: npt.NDArray[np.generic],
    center: float,
    width: float,
    slope: float = 1.0,
    intercept: float = 0.0,
    kind: str = "LINEAR",
) -> Frame:
    """Gray levels through a window of interest to 0..255 (PS3.3 C.11.2.1.2 and C.11.2.1.3)."""
    value = levels.astype(np.float64) * slope + intercept
    if kind == "SIGMOID":
        part = 1 / (1 + np.exp(np.clip(-4 * (value - center) / width, -700, 700)))
    elif kind == "LINEAR_EXACT":
        part = (value - center) / width + 0.5
    elif width > 1:
        part = (value - (center - 0.5)) / (width - 1) + 0.5
    else:
        part = (value > center - 0.5).astype(np.float64)
    return np.rint(np.clip(part, 0, 1) * 255).astype(np.uint8)


def _eight_bit(levels: npt.NDArray[np.generic]) -> Frame:
    """Unsigned levels to 8 bits: divided by the smallest of 2^8 ... 2^16 that holds the brightest.

    The declared depth is no guide: many cameras store 12 bits and say 16.
    """
    if levels.dtype == np.uint8:
        return np.ascontiguousarray(levels)
    top = int(levels.max())
    if int(levels.min()) < 0 or top >= 2**16:
        raise ValueError(f"levels from {levels.min()} to {top}")
    bits = next(b for b in (8, 10, 12, 14, 16) if top < 2**b)
    return np.right_shift(levels.astype(np.uint16), bits - 8).astype(np.uint8)


def _reduced(rgb: Frame, factor: int) -> Frame:
    """Means of factor x factor px; what is left over at the right and bottom is dropped."""
    height, width = rgb.shape[0] // factor, rgb.shape[1] // factor
    cut = rgb[: height * factor, : width * factor].reshape(height, factor, width, factor, 3)
    means: Frame = np.rint(cut.mean(axis=(1, 3))).astype(np.uint8)
    return means
