"""A corpus taken apart: every text, every byte, every picture and what is written in it."""

from __future__ import annotations

import base64
import html
import io
import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from PIL import ExifTags, Image

ENCODINGS = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")
PLAIN_CHUNKS = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT"}
PLAIN_CHUNKS |= {b"pHYs", b"bKGD", b"iCCP"}
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_DATA_URI = re.compile(r"data:[\w/+.-]*;base64,([A-Za-z0-9+/=\s]+)")


def picture_texts(data: bytes) -> Iterator[str]:
    """Texts in a picture's metadata, decompressed: comments, PNG texts, EXIF with GPS."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data)) as image:
                image.load()
                exif = image.getexif()
                parts: list[dict[Any, Any]] = [dict(image.info), dict(exif)]
                parts += [dict(exif.get_ifd(ifd)) for ifd in ExifTags.IFD]
        except (OSError, ValueError, SyntaxError):
            return
    for part in parts:
        for value in part.values():
            if isinstance(value, bytes):
                for encoding in ENCODINGS:
                    yield value.decode(encoding, "replace")
            else:
                yield str(value)


def picture_extras(data: bytes) -> set[str]:
    """Parts of a JPEG or PNG file that show nothing: EXIF, comments, texts, bytes after the end."""
    found: set[str] = set()
    if data[:2] == b"\xff\xd8":
        at = 2
        while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
            kind, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
            # JFIF, color profile and Adobe's color transform say how to show the pixels.
            if kind == 0xFE or (0xE0 <= kind <= 0xEF and kind not in (0xE0, 0xE2, 0xEE)):
                found.add("comment" if kind == 0xFE else f"APP{kind - 0xE0}")
            at += 2 + size
        if data.rfind(b"\xff\xd9") not in (-1, len(data) - 2):
            found.add("bytes after the end")
    elif data[:8] == b"\x89PNG\r\n\x1a\n":
        at = 8
        while at + 8 <= len(data):
            size, chunk = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
            if chunk not in PLAIN_CHUNKS:
                found.add(chunk.decode("latin-1"))
            at += 12 + size
            if chunk == b"IEND" and at < len(data):
                found.add("bytes after the end")
                break
    return found


@dataclass
class Contents:
    """What a corpus holds, taken apart: texts and bytes with their places, pictures."""

    texts: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    blobs: list[tuple[str, bytes]] = field(default_factory=list)
    extras: Counter[str] = field(default_factory=Counter)
    pictures: int = 0
    files: int = 0


def take_apart(folder: Path) -> Contents:
    """Read every file of a folder; Parquet is decompressed, pictures in it are opened."""
    found = Contents()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        data = path.read_bytes()
        found.files += 1
        found.texts["file names"].add(name)
        found.blobs.append((name, data))
        if path.suffix == ".parquet":
            _parquet(path, name, found)
            continue
        text = data.decode("utf-8", "replace")
        if path.suffix in (".html", ".htm", ".svg"):
            for coded in _DATA_URI.findall(text):
                _blob(base64.b64decode(coded), f"{name}: data URI", found)
            text = html.unescape(_DATA_URI.sub("", text))
        text = _ESCAPED.sub(lambda told: chr(int(told[1], 16)), unquote(text))
        if "\x00" not in text:
            found.texts[name] |= set(text.splitlines())
    return found


def _parquet(path: Path, name: str, found: Contents) -> None:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    for key, value in (file.schema_arrow.metadata or {}).items():
        found.texts[f"{name}: file metadata"].add(f"{key!r} {value!r}")
    family = name.partition("/")[0] if "/" in name else name
    for batch in file.iter_batches(batch_size=128):
        for column, values in batch.to_pydict().items():
            for value in values:
                _cell(value, f"{family}: {column}", found)


def _cell(value: object, place: str, found: Contents) -> None:
    if isinstance(value, bytes):
        _blob(value, place, found)
    elif isinstance(value, Mapping):
        for key, part in value.items():
            _cell(part, f"{place}.{key}", found)
    elif isinstance(value, (list, tuple)):
        for part in value:
            _cell(part, place, found)
    elif value is not None and not isinstance(value, float):
        found.texts[place].add(str(value))


def _blob(data: bytes, place: str, found: Contents) -> None:
    found.blobs.append((place, data))
    found.pictures += 1
    found.extras.update(picture_extras(data))
    found.texts[f"{place}, metadata of the picture"] |= set(picture_texts(data))
