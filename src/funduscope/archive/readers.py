"""Tables of an archive -> rows of text, whatever they were exported as.

A reader yields plain rows and knows nothing of roles; `records` gives them their meaning. Here:
what readers share, and file names; `delimited` reads CSV, `structured` JSON and XML, `fhir` FHIR,
`workbook` spreadsheets, `prose` one report a file, `dicom_rows` DICOM files.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from funduscope.archive import encodings, places
from funduscope.archive.description import Source
from funduscope.archive.encodings import Decoded
from funduscope.archive.places import Entry
from funduscope.errors import DataError

FILE_COLUMN = "file"
_WHOSE = ("name", "identity", "patient", "exam")
"""Roles of which a second column of the same name may hold another person's."""


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
        torn: its attributes tell different eyes.
    """

    frames: int
    eye: str | None
    seen: tuple[str, ...] = ()
    torn: bool = False


@dataclass
class Sheet:
    """Tables as read.

    Attributes:
        rows, columns: what they hold.
        bad: records that could not be read.
        aside: lines that are no records: titles, totals.
        doubts: what a person should confirm; nothing of a person is told.
        objects: DICOM objects by their path.
        forms: table -> its encoding and delimiter.
    """

    rows: list[Row] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    columns: dict[str, None] = field(default_factory=dict)
    objects: dict[str, Object] = field(default_factory=dict)
    aside: list[BadRow] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    forms: dict[str, tuple[str, str | None]] = field(default_factory=dict)


@dataclass(frozen=True)
class Given:
    """What a reader works on.

    Attributes:
        archive: root of the archive.
        source: the description.
        tables: files of the source that hold rows, below the archive.
        photos: its photographs.
        is_header: whether a word may head a column; default: the columns that the source names.
        limit: rows that are enough.
    """

    archive: Path
    source: Source
    tables: Sequence[str]
    photos: Sequence[Entry]
    is_header: Callable[[str], bool] | None = None
    limit: int = sys.maxsize

    def known(self, name: str) -> bool:
        """Whether a column of that name is expected."""
        if self.is_header is not None:
            return self.is_header(name)
        return any(name in columns for columns in self.source.columns.roles().values())

    @property
    def needs_columns(self) -> bool:
        """Whether anything is expected of the columns of a table."""
        return self.is_header is not None or bool(self.source.columns.roles())

    def text(self, table: str, sheet: Sheet) -> Decoded:
        """A table as text, in the source's encoding or the one its bytes speak for.

        What a person should confirm of it is added to the sheet's doubts.
        """
        encoding = self.source.encoding
        found = encodings.decode(self.data(table), encoding)
        if found is None:
            raise bad_table(
                f"not {encoding or 'UTF-8, UTF-16, GB18030, Big5 or Windows-1252'}",
                str(self.archive / table),
                "set `encoding` in the description to the table's encoding",
            )
        if found.doubt:
            sheet.doubts.append(f"{table}: {found.doubt}")
        return found

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

    sheet = rows(given)
    if given.source.kind != "dicom":
        sheet.objects = dicom_rows.objects(given)
    _check_columns(given, sheet)
    return sheet


def rows(given: Given) -> Sheet:
    """The rows of a source, whatever columns it names; of several tables a broken one is left out.

    Raises:
        DataError: none of its tables can be read.
    """
    reader = _readers()[given.source.kind]
    try:
        sheet = reader(given)
    except DataError:
        faults = {table: fault for table in given.tables if (fault := _fault(reader, given, table))}
        sound = [table for table in given.tables if table not in faults]
        if not sound:
            raise
        sheet = reader(replace(given, tables=sound))
        sheet.doubts += [f"{table}: left out: {fault}" for table, fault in faults.items()]
    if given.source.format.table_pattern:
        _tell_paths(sheet, re.compile(given.source.format.table_pattern), given.source.prefix)
    return sheet


def _fault(reader: Callable[[Given], Sheet], given: Given, table: str) -> str | None:
    """Why a table cannot be read."""
    try:
        reader(replace(given, tables=[table]))
    except DataError as error:
        return f"{error.value}; {error.remedy}"
    return None


def _tell_paths(sheet: Sheet, pattern: re.Pattern[str], prefix: str) -> None:
    """Add what the path of each row's table tells; what the row says itself wins."""
    sheet.columns.update(dict.fromkeys(pattern.groupindex))
    for at, row in enumerate(sheet.rows):
        found = pattern.search(places.as_folders(row.place).removeprefix(prefix))
        if found is not None:
            told = filled(found.groupdict("").items())
            sheet.rows[at] = replace(row, cells=told | row.cells)


def tables_of(archive: Path, source: Source) -> list[str]:
    """Files that hold the rows of a source: `table` is a file or a glob, below its folder.

    Raises:
        DataError: a source of a kind that needs a table names none, or one that is not there.
    """
    kind = source.kind
    if kind in ("folder",):
        return []
    if not source.table:
        if kind == "dicom":
            return [entry.path for entry in places.entries(archive, source.folder, source.photos)]
        raise bad_table(
            "no table named", str(archive / source.folder), "set `table` in the description"
        )
    found = places.entries(archive, source.folder, source.table)
    if not found:
        place = str(archive / source.folder / ", ".join(source.table))
        raise bad_table("no such file", place, "correct `table` in the description")
    return [entry.path for entry in found if entry.fault is None]


def _check_columns(given: Given, sheet: Sheet) -> None:
    roles = given.source.columns.roles()
    named = {column for columns in roles.values() for column in columns}
    for role, columns in roles.items():
        for column in columns:
            twin = f"{column}.2"
            if role in _WHOSE and twin in sheet.columns and twin not in named:
                remedy = f"give the columns different names, or name '{twin}' in `identity`, too"
                raise bad_table(f"two columns '{column}'", ", ".join(given.source.table), remedy)
            if column in sheet.columns or role in given.source.optional:
                continue
            near = difflib.get_close_matches(column, sheet.columns, n=1, cutoff=0.5)
            hint = f"did you mean '{near[0]}'? " if near else ""
            table = given.archive / given.source.folder / ", ".join(given.source.table)
            raise DataError(
                f"no column '{column}'",
                place=f"{table}, [source.columns] {role}",
                rule="a column named in the description is in the table",
                remedy=f"{hint}the table has: {', '.join(sheet.columns)}",
                code="no_column",
            )


def _read_folder(given: Given) -> Sheet:
    """One row a photograph: column `file`, and a column for each group of `file_pattern`."""
    pattern = re.compile(given.source.format.file_pattern or "")
    sheet = Sheet(columns=dict.fromkeys((FILE_COLUMN, *pattern.groupindex)))
    prefix = given.source.prefix
    for number, entry in enumerate(given.photos, start=1):
        name = entry.path.removeprefix(prefix)
        found = pattern.search(places.as_folders(name))
        groups = found.groupdict("") if found else {}
        cells = filled([(FILE_COLUMN, name), *groups.items()])
        sheet.rows.append(Row(given.source.folder, number, cells))
    return sheet


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
    from funduscope.archive import delimited, dicom_rows, fhir, prose, structured, workbook

    return {
        "csv": delimited.read_csv,
        "folder": _read_folder,
        "jsonl": structured.read_jsonl,
        "fhir": fhir.read_fhir,
        "xml": structured.read_xml,
        "text": prose.read_text,
        "xlsx": workbook.read_xlsx,
        "dicom": dicom_rows.read_files,
    }
