"""Tables of an archive -> rows of text: CSV of any encoding and separator, JSON Lines, file names.

A reader yields plain rows and knows nothing of roles; `records` gives them their meaning.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from funduscope.archive.description import Source
from funduscope.errors import DataError

FILE_COLUMN = "file"


@dataclass(frozen=True)
class Row:
    """One row: column -> text (absent or empty: not there), and its number in the table, from 1."""

    number: int
    cells: dict[str, str]


@dataclass(frozen=True)
class BadRow:
    """A row that could not be read: its number and what is wrong with it."""

    number: int
    detail: str


@dataclass(frozen=True)
class Sheet:
    """A table as read: its rows, its bad rows, the columns it has."""

    rows: list[Row]
    bad: list[BadRow]
    columns: tuple[str, ...]


def read(source: Source, folder: Path, photos: Sequence[str]) -> Sheet:
    """The rows of a source.

    Args:
        source: its description.
        folder: the source's folder.
        photos: the photographs found there, below `folder`; the rows of a `folder` source.

    Raises:
        DataError: no such table, unknown encoding, or a column of the description that the table
            does not have (with the nearest one that it has).
    """
    path = folder / (source.table or "")
    sheet = READERS[source.kind](source, path, photos)
    _check_columns(source, path, sheet)
    return sheet


def _check_columns(source: Source, path: Path, sheet: Sheet) -> None:
    for role, columns in source.columns.roles().items():
        for column in columns:
            if column in sheet.columns or role in source.optional:
                continue
            near = difflib.get_close_matches(column, sheet.columns, n=1, cutoff=0.5)
            hint = f"did you mean '{near[0]}'? " if near else ""
            raise DataError(
                f"no column '{column}'",
                place=f"{path}, [source.columns] {role}",
                rule="a column named in the description is in the table",
                remedy=f"{hint}the table has: {', '.join(sheet.columns)}",
                code="no_column",
            )


def read_text(path: Path, encoding: str | None) -> str:
    """A text file in the encoding given, or in the one its bytes speak for.

    Tried in this order: byte order marks, UTF-8, UTF-16 without a mark, GB18030.
    """
    try:
        data = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise _bad_table("no such file", path, "correct `table` in the description") from None
    for name in (encoding,) if encoding else _guesses(data):
        try:
            text = data.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
        return text.removeprefix("\ufeff")
    raise _bad_table(
        f"not {encoding or 'UTF-8, UTF-16 or GB18030'}",
        path,
        "set `encoding` in the description to the table's encoding",
    )


def _guesses(data: bytes) -> tuple[str, ...]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    head = data[:4096]
    if b"\0" in head:  # every second byte of Latin letters in UTF-16 is zero
        odd, even = head[1::2].count(0), head[::2].count(0)
        return ("utf-16-le" if odd >= even else "utf-16-be",)
    return ("utf-8", "gb18030")


def _read_csv(source: Source, path: Path, _photos: Sequence[str]) -> Sheet:
    text = read_text(path, source.encoding)
    first = text.split("\n", 1)[0]
    delimiter = source.delimiter or max(",\t;|", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        lines = list(reader)
    except csv.Error as error:
        raise _bad_table(str(error), path, "correct the line, or set `delimiter`") from None
    header = [name.strip() for name in lines[0]] if lines else []
    if len(set(header)) < len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise _bad_table(f"two columns '{twice}'", path, "give the columns different names")
    rows, bad = [], []
    for number, cells in enumerate(lines[1:], start=1):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(header):
            bad.append(BadRow(number, f"{len(cells)} cells under {len(header)} columns"))
            continue
        rows.append(Row(number, _filled(zip(header, cells, strict=False))))
    return Sheet(rows, bad, tuple(header))


def _read_jsonl(source: Source, path: Path, _photos: Sequence[str]) -> Sheet:
    rows, bad = [], []
    columns: dict[str, None] = {}
    for number, line in enumerate(read_text(path, source.encoding).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            bad.append(BadRow(number, f"not JSON: {error}"))
            continue
        if not isinstance(value, dict):
            bad.append(BadRow(number, f"a JSON {type(value).__name__}, not an object"))
            continue
        flat = dict(_flatten(value, "", source.format.separator))
        columns.update(dict.fromkeys(flat))
        rows.append(Row(number, _filled(flat.items())))
    return Sheet(rows, bad, tuple(columns))


def _flatten(value: dict[str, Any], prefix: str, separator: str) -> Iterable[tuple[str, str]]:
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, dict):
            yield from _flatten(item, f"{name}.", separator)
        elif isinstance(item, list):
            yield name, separator.join(str(part) for part in item)
        else:
            yield name, "" if item is None else str(item)


def _read_folder(source: Source, _path: Path, photos: Sequence[str]) -> Sheet:
    """One row a photograph: column `file`, and a column for each group of `file_pattern`."""
    pattern = re.compile(source.format.file_pattern or "")
    rows = []
    for number, name in enumerate(photos, start=1):
        found = pattern.search(name)
        groups = found.groupdict("") if found else {}
        rows.append(Row(number, _filled([(FILE_COLUMN, name), *groups.items()])))
    return Sheet(rows, [], (FILE_COLUMN, *pattern.groupindex))


def _filled(cells: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: cell.strip() for name, cell in cells if cell.strip()}


def _bad_table(value: str, path: Path, remedy: str) -> DataError:
    return DataError(
        value,
        place=str(path),
        rule="`table` names a readable table of the source",
        remedy=remedy,
        code="bad_table",
    )


READERS: dict[str, Callable[[Source, Path, Sequence[str]], Sheet]] = {
    "csv": _read_csv,
    "jsonl": _read_jsonl,
    "folder": _read_folder,
}
