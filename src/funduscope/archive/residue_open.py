"""Files of a finished corpus -> the pieces in which an identifying string could stand.

Containers are opened: Parquet (every column and all metadata), JPEG and PNG (each segment), ZIP
and NumPy archives, gzip, pictures and numbers in base64.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import html
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from funduscope.archive.residue_forms import BARRIER

_TEXT_CHUNK = 1 << 20
_DEEPEST = 3
_AT_ONCE = 1 << 23  # bytes of a table
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_BASE64 = re.compile(r"base64,\s*([A-Za-z0-9+/\s]{16,}={0,2})")


@dataclass(frozen=True)
class Piece:
    """A stretch of a file.

    Attributes:
        place: where in the file, in words; never what stands there.
        data: text, or bytes.
        dense: the bytes are compressed or numbers: they look like chance.
        cells: the text is made of values of a table.
    """

    place: str
    data: str | bytes
    dense: bool = False
    cells: bool = False


def pieces(path: Path) -> Iterator[Piece]:
    """Everything in a file, opened as far as it goes."""
    with path.open("rb") as stream:
        head = stream.read(4)
    if head == b"PAR1":
        yield from _parquet(path)
    else:
        yield from blob(path.read_bytes(), "", 0)


def blob(data: bytes, place: str, depth: int) -> Iterator[Piece]:
    """Bytes of a kind that their beginning tells."""
    at = f"{place}, " if place else ""
    if depth > _DEEPEST:
        yield Piece(f"{at}bytes", data, dense=True)
    elif data.startswith(b"\xff\xd8"):
        yield from _jpeg(data, at)
    elif data.startswith(b"\x89PNG\r\n\x1a\n"):
        yield from _png(data, at)
    elif data.startswith(b"PK\x03\x04"):
        yield from _zip(data, at, depth)
    elif data.startswith(b"\x1f\x8b"):
        yield Piece(f"{at}header", data[:512])
        yield from blob(_gunzip(data), f"{at}gzip", depth + 1)
    elif data.startswith(b"\x93NUMPY"):
        yield from _numpy(data, at)
    elif data.startswith(b"SQLite format 3"):
        yield Piece(f"{at}database", data)
    else:
        yield from _unknown(data, at, depth)


def _unknown(data: bytes, at: str, depth: int) -> Iterator[Piece]:
    """Text in an encoding that its bytes tell, and the bytes themselves."""
    text = _decoded(data)
    yield Piece(f"{at}bytes", data, dense=text is None and _dense(data))
    if text is not None:
        yield from written(text, f"{at}text", depth)


def _dense(data: bytes) -> bool:
    """Whether bytes look like chance: they cannot be packed any further."""
    sample = data[: 1 << 16]
    return len(sample) > 512 and len(zlib.compress(sample, 1)) > 0.8 * len(sample)


def _decoded(data: bytes) -> str | None:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    if b"\x00" in data:
        return None
    for encoding in ("utf-8", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        odd = sum(1 for char in text[:4096] if not (char.isprintable() or char.isspace()))
        return text if odd <= len(text[:4096]) // 20 else None
    return None


def written(text: str, place: str, depth: int, *, cells: bool = False) -> Iterator[Piece]:
    """A text as it stands and with its escapes undone; what it carries in base64 is opened."""
    if "base64," in text:
        for number, found in enumerate(_BASE64.finditer(text)):
            try:
                inner = base64.b64decode(re.sub(r"\s", "", found[1]), validate=True)
            except (binascii.Error, ValueError):
                continue
            yield from blob(inner, f"{place}, base64 {number + 1}", depth + 1)
        text = _BASE64.sub(BARRIER, text)
    readings = {text: place}
    if "\\" in text:
        plain = re.sub(r"\\u([0-9a-fA-F]{4})", lambda hit: chr(int(hit[1], 16)), text)
        readings.setdefault(re.sub(r"\\[nrt]", " ", plain), f"{place}, escapes undone")
    if "&" in text:
        readings.setdefault(html.unescape(text), f"{place}, entities undone")
    if re.search("%[0-9a-fA-F]{2}", text):
        readings.setdefault(unquote(text), f"{place}, percent signs undone")
        readings.setdefault(unquote(text, "gb18030"), f"{place}, percent signs undone")
    for reading, where in readings.items():
        step = _TEXT_CHUNK - 256  # chunks overlap: a string on the border is whole in one of them
        for start in range(0, max(1, len(reading)), step):
            yield Piece(where, reading[start : start + _TEXT_CHUNK], cells=cells)


def _numpy(data: bytes, at: str) -> Iterator[Piece]:
    """An array: words as text (NumPy keeps them in UTF-32), numbers as they lie."""
    yield Piece(f"{at}header", data[:256])
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except ValueError:
        yield Piece(f"{at}bytes", data)
        return
    if array.dtype.kind == "U":
        yield from written(BARRIER.join(map(str, array.ravel())), f"{at}words", 0, cells=True)
    else:
        yield Piece(f"{at}values", data, dense=array.dtype.kind in "biufc")


def _jpeg(data: bytes, at: str) -> Iterator[Piece]:
    """Segments; the picture's own bits lie between a start of scan and the next marker."""
    here = 2
    while here + 4 <= len(data) and data[here] == 0xFF:
        code = data[here + 1]
        if code == 0xFF:
            here += 1
            continue
        if code == 0xD9:
            here += 2
            break
        size = int.from_bytes(data[here + 2 : here + 4], "big")
        name = f"APP{code - 0xE0}" if 0xE0 <= code <= 0xEF else "COM" if code == 0xFE else "table"
        yield Piece(f"{at}JPEG segment {name}", data[here + 4 : here + 2 + size], code == 0xDA)
        here += 2 + size
        if code == 0xDA:
            found = _MARKER.search(data, here)
            stop = found.start() if found else len(data)
            yield Piece(f"{at}JPEG picture", data[here:stop], dense=True)
            here = stop
    if here < len(data):
        yield Piece(f"{at}after the JPEG's end", data[here:])


def _png(data: bytes, at: str) -> Iterator[Piece]:
    here = 8
    while here + 8 <= len(data):
        size = int.from_bytes(data[here : here + 4], "big")
        name = data[here + 4 : here + 8].decode("latin-1")
        body = data[here + 8 : here + 8 + size]
        place = f"{at}PNG chunk {name if name.isalpha() and name.isascii() else '?'}"
        yield Piece(place, body, dense=name == "IDAT")
        if name in ("zTXt", "iTXt", "iCCP"):
            for packed in re.finditer(rb"\x00\x78[\x01\x5e\x9c\xda]", body):
                yield Piece(f"{place}, inflated", _inflated(body[packed.start() + 1 :]))
        here += 12 + size
        if name == "IEND":
            break
    if here < len(data):
        yield Piece(f"{at}after the PNG's end", data[here:])


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data)
    except zlib.error:
        return b""


def _gunzip(data: bytes) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return b""


def _zip(data: bytes, at: str, depth: int) -> Iterator[Piece]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile:
        yield Piece(f"{at}bytes", data, dense=True)
        return
    with archive:
        yield Piece(f"{at}comment", archive.comment)
        for number, member in enumerate(archive.infolist()):
            place = f"{at}member {number + 1}"
            yield Piece(f"{place}, its name", member.filename)
            yield Piece(f"{place}, its entry", member.comment + member.extra)
            yield from blob(archive.read(member), place, depth + 1)


def _parquet(path: Path) -> Iterator[Piece]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as table:
        meta = table.metadata
        said = [str(table.schema_arrow.names), str(meta.created_by)]
        pairs = [*(meta.metadata or {}).items(), *(table.schema_arrow.metadata or {}).items()]
        for field in table.schema_arrow:
            pairs += list((field.metadata or {}).items())
        yield Piece("Parquet schema", BARRIER.join(said))
        for key, value in pairs:
            if key != b"ARROW:schema":  # the schema once more, in Arrow's own bytes
                yield from blob(key, "Parquet metadata", 0)
                yield from blob(value, "Parquet metadata", 0)
        row = 0
        size = sum(meta.row_group(number).total_byte_size for number in range(meta.num_row_groups))
        at_once = max(1, min(4096, _AT_ONCE * meta.num_rows // max(1, size)))
        for batch in table.iter_batches(batch_size=at_once):
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                number = batch.schema.names.index(name)
                yield from _column(
                    column, f"column {number + 1}, rows {row}-{row + len(batch) - 1}"
                )
            row += len(batch)


def _column(column: Any, place: str) -> Iterator[Piece]:
    """The values of an Arrow array, lists and structures taken apart."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        yield from _column(column.dictionary, place)
    elif pa.types.is_struct(kind):
        for number in range(kind.num_fields):
            yield from _column(column.field(number), f"{place}, part {number + 1}")
    elif pa.types.is_map(kind):
        yield from _column(column.keys, place)
        yield from _column(column.items, place)
    elif pa.types.is_nested(kind):
        yield from _column(column.flatten(), place)
    elif (
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    ):
        for value in column.to_pylist():
            if value:
                yield from blob(value, place, 0)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        # Newlines would join with their neighbors: the barrier keeps values apart.
        yield from written(BARRIER.join(filter(None, column.to_pylist())), place, 0, cells=True)
    else:
        yield Piece(place, BARRIER.join(_figures(column)), cells=True)


def _figures(column: Any) -> list[str]:
    """Whole numbers of nine digits and more, days and times, as text.

    Shorter numbers in columns of numbers are sizes and counts, not numbers of people.
    """
    import pyarrow as pa

    if pa.types.is_temporal(column.type):
        return [str(value) for value in set(column.drop_null().to_pylist())]
    if pa.types.is_boolean(column.type) or pa.types.is_null(column.type):
        return []
    values = column.drop_null().to_pylist()
    whole = {int(value) for value in values if abs(value) >= 1e8 and value == value // 1}
    return [str(value) for value in sorted(whole)]
