"""Tables of an archive -> rows of text, whatever they were exported as.

A reader yields plain rows and knows nothing of roles; `records` gives them their meaning. Here:
delimited text and file names; `structured` reads JSON, FHIR and XML, `workbook` spreadsheets,
`dicom_rows` DICOM files.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from funduscope.archive import places
from funduscope.archive.delimited import records
from funduscope.archive.description import Source
from funduscope.archive.places import Entry
from funduscope.errors import DataError

FILE_COLUMN = "file"


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        place: the file it stands in, below the archive.
        number: of the row in that file, from 1.
        cells: column -> text (absent or empty: not there).
        seen: strings that identify a person and stand in no cell.
    """

    place: str
    number: int
    cells: dict[str, str]
    seen: tuple[str, ...] = ()


@dataclass(frozen=True)
class BadRow:
    """A row that could not be read: where it is, what is wrong with it, what it held."""

    place: str
    number: int
    detail: str
    seen: tuple[str, ...] = ()


@dataclass(frozen=True)
class Object:
    """What a photograph that is a DICOM object says of itself, whoever names it.

    Attributes:
        frames: number of pictures in it.
        eye: OD, OS or None.
        seen: identifying strings in it that no row holds.
    """

    frames: int
    eye: str | None
    seen: tuple[str, ...] = ()


@dataclass
class Sheet:
    """A table as read: its rows, its bad rows, the columns it has, DICOM objects by their path."""

    rows: list[Row] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    columns: dict[str, None] = field(default_factory=dict)
    objects: dict[str, Object] = field(default_factory=dict)


@dataclass(frozen=True)
class Given:
    """What a reader works on.

    Attributes:
        archive: root of the archive.
        source: the description.
        tables: files of the source that hold rows, below the archive.
        photos: its photographs.
    """

    archive: Path
    source: Source
    tables: Sequence[str]
    photos: Sequence[Entry]

    def text(self, table: str) -> str:
        """A table as text; see `decode_text`."""
        return decode_text(self.data(table), str(self.archive / table), self.source.encoding)

    def data(self, table: str) -> bytes:
        """The bytes of a table."""
        try:
            return places.read_bytes(self.archive, table)
        except (FileNotFoundError, IsADirectoryError):
            raise bad_table("no such file", table, "correct `table` in the description") from None


def read(given: Given) -> Sheet:
    """The rows of a source.

    Raises:
        DataError: no such table, unknown encoding, or a column of the description that the table
            does not have (with the nearest one that it has).
    """
    from funduscope.archive import dicom_rows  # builds on this module

    sheet = _readers()[given.source.kind](given)
    if given.source.kind != "dicom":
        sheet.objects = dicom_rows.objects(given)
    _check_columns(given, sheet)
    return sheet


def tables_of(archive: Path, source: Source) -> list[str]:
    """Files that hold the rows of a source: `table` is a file or a glob, below its folder.

    Raises:
        DataError: a source of a kind that needs a table names none, or one that is not there.
    """
    kind = source.kind
    if kind in ("folder",):
        return []
    if source.table is None:
        if kind == "dicom":
            return [entry.path for entry in places.entries(archive, source.folder, source.photos)]
        raise bad_table(
            "no table named", str(archive / source.folder), "set `table` in the description"
        )
    found = places.entries(archive, source.folder, (source.table,))
    if not found:
        place = str(archive / source.folder / source.table)
        raise bad_table("no such file", place, "correct `table` in the description")
    return [entry.path for entry in found if entry.fault is None]


def _check_columns(given: Given, sheet: Sheet) -> None:
    for role, columns in given.source.columns.roles().items():
        for column in columns:
            if column in sheet.columns or role in given.source.optional:
                continue
            near = difflib.get_close_matches(column, sheet.columns, n=1, cutoff=0.5)
            hint = f"did you mean '{near[0]}'? " if near else ""
            table = given.archive / given.source.folder / (given.source.table or "")
            raise DataError(
                f"no column '{column}'",
                place=f"{table}, [source.columns] {role}",
                rule="a column named in the description is in the table",
                remedy=f"{hint}the table has: {', '.join(sheet.columns)}",
                code="no_column",
            )


def decode_text(data: bytes, place: str, encoding: str | None) -> str:
    """Text in the encoding given, or in the one its bytes speak for.

    Tried in this order: byte order marks, UTF-8, UTF-16 without a mark, GB18030, Big5.
    """
    for name in (encoding,) if encoding else _guesses(data):
        try:
            text = data.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
        return text.removeprefix("\ufeff")
    raise bad_table(
        f"not {encoding or 'UTF-8, UTF-16, GB18030 or Big5'}",
        place,
        "set `encoding` in the description to the table's encoding",
    )


def _guesses(data: bytes) -> tuple[str, ...]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    head = data[:4096]
    if b"\0" in head:  # every second byte of Latin letters in UTF-16 is zero
        odd, even = head[1::2].count(0), head[::2].count(0)
        return ("utf-16-le" if odd >= even else "utf-16-be",)
    return ("utf-8", "gb18030", "big5")


def _read_csv(given: Given) -> Sheet:
    sheet = Sheet()
    for table in given.tables:
        text = given.text(table)
        first = text.split("\n", 1)[0]
        delimiter = given.source.delimiter or max(",\t;|", key=first.count)
        lines = records(text, delimiter)
        header = [name.strip() for name in next(lines).cells] if text.strip() else []
        check_header(header, given.source, table)
        sheet.columns.update(dict.fromkeys(header))
        for number, record in enumerate(lines, start=1):
            if [cell.strip() for cell in record.cells] == header:
                continue  # exports of several days glued together repeat their header
            if record.fault is not None and len(record.cells) != len(header):
                seen = _sure(given.source, header, record.cells)
                sheet.bad.append(BadRow(table, number, record.fault, seen))
                continue
            cells = filled(zip(header, record.cells, strict=True))
            sheet.rows.append(Row(table, number, cells))
    return sheet


def _sure(source: Source, header: Sequence[str], cells: Sequence[str]) -> tuple[str, ...]:
    """What of a broken row surely identifies: cells before the first report, and long numbers."""
    columns = source.columns
    named = {*columns.identity, columns.name, columns.patient, columns.exam}
    reports = [header.index(name) for name in columns.report if name in header]
    before = min(reports, default=0)
    own = [cell for name, cell in zip(header[:before], cells, strict=False) if name in named]
    return tuple(own) + tuple(cell for cell in cells if re.fullmatch(r"[\d\s-]{6,}|\S+@\S+", cell))


def _read_folder(given: Given) -> Sheet:
    """One row a photograph: column `file`, and a column for each group of `file_pattern`."""
    pattern = re.compile(given.source.format.file_pattern or "")
    sheet = Sheet(columns=dict.fromkeys((FILE_COLUMN, *pattern.groupindex)))
    prefix = given.source.prefix
    for number, entry in enumerate(given.photos, start=1):
        name = entry.path.removeprefix(prefix)
        found = pattern.search(name)
        groups = found.groupdict("") if found else {}
        cells = filled([(FILE_COLUMN, name), *groups.items()])
        sheet.rows.append(Row(given.source.folder, number, cells))
    return sheet


def check_header(header: Sequence[str], source: Source, table: str) -> None:
    """Refuse a table that has a column of the description twice: which one is meant?"""
    for role, columns in source.columns.roles().items():
        for column in columns:
            if header.count(column) > 1:
                remedy = f"give the columns different names and name one of them as {role}"
                raise bad_table(f"two columns '{column}'", table, remedy)


def filled(cells: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The cells that say something, without blanks around them.

    Half characters, which JSON can hold and no file can, become question marks.
    """
    sound = ((name, cell.encode("utf-8", "replace").decode().strip()) for name, cell in cells)
    return {name: cell for name, cell in sound if cell}


def bad_table(value: str, place: str, remedy: str) -> DataError:
    """A table that cannot be read at all."""
    return DataError(
        value,
        place=place,
        rule="`table` names a readable table of the source",
        remedy=remedy,
        code="bad_table",
    )


def _readers() -> dict[str, Callable[[Given], Sheet]]:
    # Here, not above: these modules build on this one, and DICOM needs its extra.
    from funduscope.archive import dicom_rows, structured, workbook

    return {
        "csv": _read_csv,
        "folder": _read_folder,
        "jsonl": structured.read_jsonl,
        "fhir": structured.read_fhir,
        "xml": structured.read_xml,
        "xlsx": workbook.read_xlsx,
        "dicom": dicom_rows.read_files,
    }
