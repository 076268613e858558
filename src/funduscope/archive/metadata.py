"""Metadata out of JPEG and PNG files without touching one pixel; and what it says of people.

Cameras and viewers write names, dates and serial numbers into EXIF, XMP, comments and thumbnails.
Only what a decoder needs stays; whatever follows the end of the picture goes as well.
"""

from __future__ import annotations

import html
import io
import re
import struct
import warnings
from collections.abc import Iterator
from typing import Any

from PIL import Image, ImageFile, IptcImagePlugin, TiffImagePlugin

from funduscope.dicom.codestream import strip_jpeg

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
            return strip_jpeg(data)
        if data.startswith(_PNG):
            return _strip_png(data)
    except (IndexError, ValueError, struct.error):
        return None
    return None


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


# EXIF tags that describe the device or the format, never a person: make, model, software, versions.
_HARMLESS = {0x010F, 0x0110, 0x0131, 0x9000, 0x9101, 0xA000, 0xA433, 0xA434, 0xC612, 0xC613}
# TIFF tags whose bytes are numbers or pixels, and blocks that are read on their own.
_BULK = {0x0111, 0x0117, 0x0201, 0x0202, 0x02BC, 0x83BB, 0x8773, 0x9102, 0xA301, 0xA300}
_XP = range(0x9C9B, 0x9CA0)
_USER_COMMENT = 0x9286
_EXIF, _GPS = 0x8769, 0x8825
_TIME = re.compile(r"(\d{4})\D(\d{2})\D(\d{2})\b")
_READABLE = re.compile(rb"[\x20-\x7e\x80-\xfe]{4,}")
_XML_TEXT = re.compile(r">([^<>]+)<|=\s*\"([^\"]*)\"|=\s*'([^']*)'")
_SHORTEST = 2
_NAMESPACE = ("http://", "https://", "adobe:", "uuid:", "xmp.")


def identifying(data: bytes) -> tuple[str, ...]:
    """Strings in the metadata of a JPEG, PNG or TIFF that could point at a person.

    From EXIF (artist, description, serial numbers, times, GPS as numbers, maker notes, user
    comment), XMP, IPTC, comments and PNG text. Make, model and software are left out. They feed
    the search for remains in a finished corpus, so too many is better than too few. Chinese text
    is given as GB18030 and as UTF-8 would read it, where both can be read.

    Returns:
        Distinct, sorted; empty where there is no metadata or the file cannot be opened. Never
        raises for a damaged file: what can be read is returned.
    """
    found: set[str] = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for part in (_exif, _iptc, _notes):
            try:
                with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "TIFF")) as image:
                    for text in part(image):
                        found.update(_pieces(text))
            except (OSError, SyntaxError, ValueError, LookupError, TypeError, struct.error):
                continue
            except Image.DecompressionBombError:
                break
    return tuple(sorted(found))


def _pieces(text: str) -> Iterator[str]:
    """A string as it stands, its lines, and the dates in it."""
    text = text.replace("\0", " ").strip()
    for piece in {text, *(line.strip() for line in text.splitlines())}:
        if len(piece) >= _SHORTEST and any(map(str.isalnum, piece)):
            yield piece
    for year, month, day in _TIME.findall(text):
        yield f"{year}-{month}-{day}"


def _exif(image: ImageFile.ImageFile) -> Iterator[str]:
    tags = image.getexif()
    for block in (dict(tags), tags.get_ifd(_EXIF)):
        for tag, value in block.items():
            if tag not in _HARMLESS and tag not in _BULK:
                yield from _tag(tag, value)
    gps = tags.get_ifd(_GPS)
    for tag, value in gps.items():
        yield from _numbers(value, str(gps.get(tag - 1, "")))


def _tag(tag: int, value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from _readings(value.encode("latin-1", "ignore"))
        yield value
    elif isinstance(value, bytes) and tag in _XP:
        yield value.decode("utf-16-le", "replace")
    elif isinstance(value, bytes) and tag == _USER_COMMENT:
        if value.startswith(b"UNICODE"):
            yield value[8:].decode("utf-16-le", "replace")
            yield value[8:].decode("utf-16-be", "replace")
        yield from _readings(value[8:])
    elif isinstance(value, bytes):
        for run in _READABLE.findall(value):
            yield from _readings(run)
    elif isinstance(value, tuple) and tag in _XP:
        yield bytes(value).decode("utf-16-le", "replace")


def _numbers(value: Any, hemisphere: str) -> Iterator[str]:
    """Degrees, minutes and seconds as cameras write them, and the coordinate in degrees."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple) and len(value) == 3:
        parts = [float(part) for part in value]
        spaced = " ".join(f"{part:g}" for part in parts)
        yield spaced
        yield f"{spaced} {hemisphere}"
        yield f"{parts[0] + parts[1] / 60 + parts[2] / 3600:.5f}"


def _readings(raw: bytes) -> Iterator[str]:
    """Bytes of unknown encoding, as every encoding reads them that can."""
    raw = raw.strip(b"\0 ")
    for encoding in ("utf-8", "gb18030"):
        try:
            yield raw.decode(encoding)
        except UnicodeDecodeError:
            continue


def _iptc(image: ImageFile.ImageFile) -> Iterator[str]:
    for value in (IptcImagePlugin.getiptcinfo(image) or {}).values():
        for raw in value if isinstance(value, list) else [value]:
            if isinstance(raw, bytes) and _READABLE.search(raw):
                yield from _readings(raw)


def _notes(image: ImageFile.ImageFile) -> Iterator[str]:
    """Comments, PNG text and XMP."""
    for name, segment in getattr(image, "applist", ()):
        if name == "COM":
            yield from _readings(segment)
    if image.format == "PNG":
        image.load()  # text may follow the pixels
    for name, value in image.info.items():
        if name == "comment" and isinstance(value, bytes):
            yield from _readings(value)
        elif (
            image.format == "PNG"
            and isinstance(value, str)
            and str(name).lower() not in ("software", "xml:com.adobe.xmp")
        ):
            yield from _readings(value.encode("latin-1", "ignore"))
            yield value
    packets = [image.info.get("xmp"), image.info.get("XML:com.adobe.xmp")]
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        packets.append(image.tag_v2.get(0x02BC))
    for packet in packets:
        if packet:
            yield from _xmp(
                packet.decode("utf-8", "replace") if isinstance(packet, bytes) else packet
            )


def _xmp(packet: str) -> Iterator[str]:
    for groups in _XML_TEXT.findall(packet):
        for text in groups:
            if text.strip() and not text.startswith(_NAMESPACE):
                yield html.unescape(text)
