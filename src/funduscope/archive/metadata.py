"""Metadata out of JPEG and PNG files without touching one pixel.

Cameras and viewers write names, dates and serial numbers into EXIF, XMP, comments and thumbnails.
Only what a decoder needs stays; whatever follows the end of the picture goes as well.
"""

from __future__ import annotations

import struct

_PNG = b"\x89PNG\r\n\x1a\n"
# Critical chunks, transparency, and the two that change how values are read. No text, no time.
_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"sRGB", b"IDAT", b"IEND")


def strip(data: bytes) -> bytes | None:
    """The same picture without metadata; the very same bytes if there was none.

    Returns None for a format or a structure that this module does not know; such a picture has
    to be encoded anew.
    """
    try:
        if data.startswith(b"\xff\xd8"):
            return _strip_jpeg(data)
        if data.startswith(_PNG):
            return _strip_png(data)
    except (IndexError, struct.error):
        return None
    return None


def _strip_jpeg(data: bytes) -> bytes | None:
    kept = [data[:2]]
    at = 2
    while True:
        if data[at] != 0xFF:
            return None
        while data[at + 1] == 0xFF:  # padding before a marker
            at += 1
        marker = data[at + 1]
        if marker == 0xD9:
            kept.append(b"\xff\xd9")
            return b"".join(kept)
        (length,) = struct.unpack_from(">H", data, at + 2)
        end = at + 2 + length
        if length < 2 or end > len(data):
            return None
        if _needed(marker, data[at + 4 : end]):
            kept.append(data[at:end])
        at = end
        if marker == 0xDA:
            stop = _end_of_scan(data, at)
            kept.append(data[at:stop])
            at = stop


def _needed(marker: int, body: bytes) -> bool:
    """All but comments and application data; of those, bare JFIF and Adobe's color transform."""
    if marker == 0xE0:
        return body.startswith(b"JFIF\0") and len(body) == 14
    if marker == 0xEE:
        return body.startswith(b"Adobe") and len(body) == 12
    return not (0xE0 <= marker <= 0xEF or marker == 0xFE)


def _end_of_scan(data: bytes, at: int) -> int:
    """Where entropy-coded data ends: at the first marker that is no restart and no stuffing."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0:
            raise IndexError
        following = data[at + 1]
        if following != 0x00 and not 0xD0 <= following <= 0xD7 and following != 0xFF:
            return at
        at += 1 if following == 0xFF else 2


def _strip_png(data: bytes) -> bytes:
    kept = [_PNG]
    at = len(_PNG)
    while True:
        (length,) = struct.unpack_from(">I", data, at)
        name = data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data):
            raise IndexError
        if name in _CHUNKS:
            kept.append(data[at:end])
        if name == b"IEND":
            return b"".join(kept)
        at = end
