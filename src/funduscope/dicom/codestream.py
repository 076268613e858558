"""Compressed frames as bytes: what their headers say, and their removal of everything else.

A JPEG inside a DICOM file may carry EXIF, XMP and comments of its own, which no DICOM tag list
reaches; a JPEG 2000 may carry comments. Markers: ITU-T T.81 Annex B, T.800 Annex A and I.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

JPEG_START = b"\xff\xd8"
J2K_START = b"\xff\x4f\xff\x51"
JP2_START = b"\0\0\0\x0cjP  "
_FRAME_HEADERS = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})


@dataclass(frozen=True)
class JpegHeader:
    """What a JPEG says of itself before its first scan.

    Attributes:
        ids: the component identifiers, one byte each; `RGB` by convention means RGB.
        jfif: a JFIF segment is there; then three components are YCbCr.
        adobe: color transform of Adobe's segment (0 none, 1 YCbCr, 2 YCCK), if there is one.
    """

    width: int
    height: int
    bits: int
    ids: bytes
    jfif: bool
    adobe: int | None


def jpeg_header(data: bytes) -> JpegHeader:
    """Read the header of a JPEG or JPEG-LS.

    Raises:
        ValueError: it is damaged, or no JPEG.
    """
    jfif, adobe = False, None
    for marker, start, end in _segments(data):
        body = data[start + 4 : end]
        if marker == 0xE0 and body.startswith(b"JFIF"):
            jfif = True
        elif marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12:
            adobe = body[11]
        elif marker in _FRAME_HEADERS:
            if len(body) < 6 or len(body) < 6 + 3 * body[5]:
                raise ValueError("a frame header that is too short")
            bits, height, width, parts = struct.unpack_from(">BHHB", body)
            return JpegHeader(width, height, bits, body[6 : 6 + 3 * parts : 3], jfif, adobe)
    raise ValueError("no frame header")


def _segments(data: bytes) -> list[tuple[int, int, int]]:
    """Marker, start and end of every segment up to and with the first start of scan."""
    if not data.startswith(JPEG_START):
        raise ValueError("no JPEG")
    found: list[tuple[int, int, int]] = []
    at = 2
    while not found or found[-1][0] != 0xDA:
        while data[at : at + 2] == b"\xff\xff":  # padding before a marker
            at += 1
        if at + 4 > len(data) or data[at] != 0xFF:
            raise ValueError("a damaged segment")
        (length,) = struct.unpack_from(">H", data, at + 2)
        end = at + 2 + length
        if length < 2 or end > len(data):
            raise ValueError("a segment longer than the data")
        found.append((data[at + 1], at, end))
        at = end
    return found


def jpeg_as_rgb(data: bytes) -> bytes:
    """The same JPEG with an Adobe segment that tells decoders not to transform the colors."""
    segment = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0"
    return data[:2] + segment + data[2:]


def strip_jpeg(data: bytes) -> bytes:
    """The same picture without application data and comments, ending at its end marker.

    Kept of those: bare JFIF and Adobe's color transform, which decoders need, and JPEG-LS's own
    color transform (`mrfx`).

    Raises:
        ValueError: it is damaged, or no JPEG.
    """
    kept = [data[:2]]
    at = 0
    for marker, start, end in _segments(data):
        if _needed(marker, data[start + 4 : end]):
            kept.append(data[start:end])
        at = end
    # Between two scans of a progressive JPEG lie tables; comments could lie there as well.
    while True:
        stop = _end_of_scan(data, at)
        kept.append(data[at:stop])
        if data[stop + 1] == 0xD9:
            kept.append(b"\xff\xd9")
            return b"".join(kept)
        if stop + 4 > len(data):
            raise ValueError("a damaged segment")
        (length,) = struct.unpack_from(">H", data, stop + 2)
        at = stop + 2 + length
        if length < 2 or at > len(data):
            raise ValueError("a segment longer than the data")
        if _needed(data[stop + 1], data[stop + 4 : at]):
            kept.append(data[stop:at])


def _needed(marker: int, body: bytes) -> bool:
    if marker == 0xE0:
        return body.startswith(b"JFIF\0") and len(body) == 14
    if marker == 0xEE:
        return body.startswith(b"Adobe") and len(body) == 12
    if marker == 0xE8:
        return body.startswith(b"mrfx") and len(body) == 5
    return not (0xE0 <= marker <= 0xEF or marker == 0xFE)


def _end_of_scan(data: bytes, at: int) -> int:
    """Where entropy-coded data ends: at the next marker that is no restart and no stuffing.

    Below 0x80 a byte after 0xFF is stuffing, in JPEG-LS too, where a bit is stuffed.
    """
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise ValueError("no end marker")
        following = data[at + 1]
        if following >= 0x80 and following != 0xFF and not 0xD0 <= following <= 0xD7:
            return at
        at += 1 if following == 0xFF else 2


def j2k_codestream(data: bytes) -> bytes:
    """The bare JPEG 2000 codestream, out of its JP2 boxes if it has any.

    Raises:
        ValueError: it is damaged, or no JPEG 2000.
    """
    if data.startswith(J2K_START):
        return data
    if not data.startswith(JP2_START):
        raise ValueError("no JPEG 2000")
    at = 0
    while at + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        head = 8
        if length == 1 and at + 16 <= len(data):
            (length,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        end = len(data) if length == 0 else at + length
        if end < at + head:
            break
        if data[at + 4 : at + 8] == b"jp2c":
            return data[at + head : end]
        at = end
    raise ValueError("no codestream box")


def j2k_size(data: bytes) -> tuple[int, int]:
    """Width and height of a JPEG 2000 picture, px.

    Raises:
        ValueError: it is damaged, or no JPEG 2000.
    """
    stream = j2k_codestream(data)
    if len(stream) < 24:
        raise ValueError("a header that is too short")
    right, bottom, left, top = struct.unpack_from(">IIII", stream, 8)
    return right - left, bottom - top


def strip_j2k(data: bytes) -> bytes:
    """The bare codestream without comments in its main header, ending at its end marker.

    Raises:
        ValueError: it is damaged, or no JPEG 2000.
    """
    stream = j2k_codestream(data)
    kept = [stream[:2]]
    at = 2
    while at + 4 <= len(stream):
        marker, length = struct.unpack_from(">HH", stream, at)
        if marker == 0xFF90:  # the first tile
            end = stream.rfind(b"\xff\xd9")
            if end < 0:
                raise ValueError("no end marker")
            return b"".join([*kept, stream[at : end + 2]])
        if length < 2:
            break
        if marker != 0xFF64:
            kept.append(stream[at : at + 2 + length])
        at += 2 + length
    raise ValueError("a damaged header")
