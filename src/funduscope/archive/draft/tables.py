"""Tables of an unknown folder as samples, read by `archive.readers` as whatever they seem to be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from funduscope.archive import encodings, places, prose, readers
from funduscope.archive.description import Source
from funduscope.archive.draft import dicoms
from funduscope.archive.draft.keys import ONE_COLUMN
from funduscope.archive.draft.listing import File
from funduscope.archive.draft.words import role_of
from funduscope.archive.readers import Given, Sheet
from funduscope.errors import DataError

ROWS = 4000
_HEAD = 200_000
_LIKE = 0.5
"""Part of the columns that two files of one form share: not every report has every element."""
_LABELED = 0.05
"""Part of the reports, one a file, that bear a label."""
_NOTES = re.compile(r"(?:read.?me|licen[cs]e|notice|index|changelog|\u8bf4\u660e)", re.IGNORECASE)


@dataclass
class Table:
    """A table as read for guessing.

    Attributes:
        paths: its files below the archive (several of one form are one table).
        kind: csv, xlsx, jsonl, fhir, xml, text or dicom.
        columns: names in order.
        rows: some thousand rows, column -> text.
        places: of the rows: the file each stands in.
        encoding, delimiter: of text.
        doubts: what a person should look at.
    """

    paths: list[str]
    kind: str
    columns: list[str]
    rows: list[dict[str, str]]
    encoding: str | None = None
    delimiter: str | None = None
    places: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def values(self, column: str) -> list[str]:
        """The filled cells of a column."""
        return [cell for row in self.rows if (cell := row.get(column, "").strip())]


def read_tables(archive: Path, files: Iterable[File]) -> list[Table]:
    """Every file that is a table or a report, each by itself (a README is none)."""
    found = []
    for file in files:
        if file.kind == "table" and (table := _read(archive, file.path)) is not None:
            found.append(table)
    return found


def together(archive: Path, tables: Sequence[Table]) -> list[Table]:
    """The tables of one site: files of one form are one table, FHIR resources always."""
    groups: list[list[Table]] = []
    for table in tables:
        home = next((group for group in groups if _alike(group[0], table)), None)
        if home is None:
            groups.append([table])
        else:
            home.append(table)
    found = [_joined(archive, group) for group in groups]
    return [table for table in found if table.kind != "text" or len(table.paths) > 2]


def read_dicom(archive: Path, files: Iterable[File]) -> Table | None:
    """The attributes of a site's DICOM files as a table; None without DICOM files."""
    paths = [file.path for file in files if file.kind == "dicom"]
    if not paths:
        return None
    rows, doubts = dicoms.read(archive, paths[:ROWS])
    columns = list(dict.fromkeys(key for row in rows for key in row))
    return Table(paths, "dicom", columns, rows, doubts=doubts)


def _read(archive: Path, path: str) -> Table | None:
    """A file as the table it seems to be; None if it is none."""
    kind = _kind(archive, path)
    if kind in ("fhir", "text"):
        return _text(path) if kind == "text" else Table([path], kind, [], [])
    sheet = _sheet(archive, kind, [path])
    if sheet is not None and _is_table(kind, sheet):
        return _table(kind, [path], sheet)
    return _text(path) if path.lower().endswith(".txt") else None


def _text(path: str) -> Table | None:
    name = path.rpartition("/")[2]
    return None if _NOTES.match(name) else Table([path], "text", [], [])


def _kind(archive: Path, path: str) -> str:
    suffix = path.rpartition(".")[2].lower()
    if suffix in ("xlsx", "xlsm"):
        return "xlsx"
    if suffix in ("htm", "html"):
        return "text"
    found = encodings.decode(places.read_bytes(archive, path)[:_HEAD])
    head = found.text.lstrip() if found else ""
    if suffix == "xml" or head.startswith("<?xml"):
        return "xml"
    if suffix in ("jsonl", "ndjson", "json") or head.startswith(("{", '[{"')):
        return "fhir" if '"resourceType"' in head else "jsonl"
    return "csv"


def _sheet(archive: Path, kind: str, paths: Sequence[str], **named: object) -> Sheet | None:
    source = Source.model_validate({"kind": kind, "table": list(paths), **named})
    given = Given(archive, source, paths, [], _may_head, ROWS)
    try:
        return readers.rows(given)
    except DataError:
        return None


def _may_head(name: str) -> bool:
    return len(name) <= 40 and not re.search(r"\d{3}", name) and role_of(name) is not None


def _is_table(kind: str, sheet: Sheet) -> bool:
    """Whether a file read as a table is one: known headers over rows that fit them."""
    names = list(sheet.columns)
    known = sum(role_of(name) is not None for name in names)
    if kind == "xml":
        return bool(sheet.rows or sheet.bad)
    if not sheet.rows or len(names) < 2:
        return False
    if kind != "csv":
        return known >= 2
    if any(re.search(r"[:\uff1a]\s*\S", name) for name in names):
        return False  # labels with their values: a report
    even = len(sheet.rows) > 0.8 * (len(sheet.rows) + len(sheet.bad))
    return known >= (1 if even and len(sheet.rows) > 1 else 2)


def _table(kind: str, paths: list[str], sheet: Sheet) -> Table:
    forms = set(sheet.forms.values())
    encodings_, delimiters = {form[0] for form in forms}, {form[1] for form in forms}
    told = kind in ("csv", "jsonl")
    return Table(
        paths,
        kind,
        [name for name in sheet.columns if name],
        [row.cells for row in sheet.rows[:ROWS]],
        encodings_.pop() if told and len(encodings_) == 1 else None,
        delimiters.pop() if told and len(delimiters) == 1 else None,
        [row.place for row in sheet.rows[:ROWS]],
        [*sheet.doubts, *_refused(sheet)],
    )


def _refused(sheet: Sheet) -> list[str]:
    unsafe = sum("XML" in bad.detail for bad in sheet.bad)
    return [f"{unsafe} files are unsafe or broken XML: they are not read"] if unsafe else []


def _alike(one: Table, other: Table) -> bool:
    """Whether two files are of one form."""
    if one.kind != other.kind:
        return False
    if one.kind == "fhir":
        return True
    if one.kind == "text":
        return one.paths[0].rpartition(".")[2] == other.paths[0].rpartition(".")[2]
    first, second = set(one.columns), set(other.columns)
    if not first or not second:  # an XML file that is refused belongs to the others
        return True
    if one.kind in ("xml", "jsonl"):
        return len(first & second) > _LIKE * min(len(first), len(second))
    return first == second and one.delimiter == other.delimiter


def _joined(archive: Path, group: list[Table]) -> Table:
    paths = [path for table in group for path in table.paths]
    kind = group[0].kind
    if kind == "text":
        return _reports(archive, paths)
    if kind == "fhir" or len(group) > 1:
        sheet = _sheet(archive, kind, paths)
        if sheet is not None:
            return _table(kind, paths, sheet)
    return group[0]


def _reports(archive: Path, paths: list[str]) -> Table:
    """One report a file: labels that several bear and that speak for a role are columns."""
    sheet = _sheet(archive, "text", paths)
    texts = [row.cells.get(prose.TEXT, "") for row in sheet.rows] if sheet else []
    bearers: dict[str, set[int]] = {}
    for number, text in enumerate(texts):
        for label in prose.labels_of(text):
            said = role_of(label)
            if said is not None and said[2] and said[0] not in _SECTIONS:
                bearers.setdefault(label, set()).add(number)
    least = max(min(2, len(texts)), _LABELED * len(texts))
    labels = _alternatives({one: some for one, some in bearers.items() if len(some) >= least})
    sheet = _sheet(archive, "text", paths, columns={"identity": labels})
    assert sheet is not None
    table = _table("text", paths, sheet)
    table.columns = [*labels, prose.BODY]
    return table


def _alternatives(bearers: Mapping[str, set[int]]) -> list[str]:
    """Labels, those of one role that never stand in one report as `one|other`."""
    groups: list[tuple[str, list[str], set[int]]] = []
    for label, some in sorted(bearers.items(), key=lambda item: -len(item[1])):
        said = role_of(label)
        role = said[0] if said else ""
        for known, names, all_ in groups:
            if known == role and role in (*ONE_COLUMN, "name") and not all_ & some:
                names.append(label)
                all_ |= some
                break
        else:
            groups.append((role, [label], set(some)))
    return ["|".join(names) for _, names, _ in groups]


_SECTIONS = ("report", "right", "left", "images", "remarks", "other", "eye")
"""Roles whose labels stand over words of the report."""
