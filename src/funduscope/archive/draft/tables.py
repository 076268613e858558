"""Tables of an unknown folder as samples: how they are written, their columns, some thousand rows.

This reader guesses where `archive.readers` is told, and forgives what that one refuses; columns
bear the names that `archive.readers` gives them.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from funduscope.archive.draft import dicoms, workbooks
from funduscope.archive.draft.listing import File
from funduscope.archive.draft.words import role_of
from funduscope.archive.structured import flatten

ROWS = 4000
_BYTES = 16_000_000
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[0-9a-fA-F]+);)[\w.:-]+;")
_DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.DOTALL)


@dataclass
class Table:
    """A table as read for guessing.

    Attributes:
        paths: its files below the archive (several for one report a file).
        kind: csv, xlsx, jsonl, fhir, xml or dicom.
        columns: names in order; sheets: of a workbook, sheet -> its columns.
        rows: some thousand rows, column -> text.
        encoding, delimiter: of text.
        doubts: what a person should look at.
    """

    paths: list[str]
    kind: str
    columns: list[str]
    rows: list[dict[str, str]]
    encoding: str | None = None
    delimiter: str | None = None
    sheets: dict[str, list[str]] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)

    def values(self, column: str) -> list[str]:
        """The filled cells of a column."""
        return [cell for row in self.rows if (cell := row.get(column, "").strip())]


def read_tables(archive: Path, files: Iterable[File]) -> list[Table]:
    """Every file that is a table (a README is none), one-report-a-file XML put together."""
    found: list[Table] = []
    for file in files:
        if file.kind == "table":
            found += _read(archive, file.path)
    return _together(found)


def read_dicom(archive: Path, files: Iterable[File]) -> Table | None:
    """The attributes of a site's DICOM files as a table; None without DICOM files."""
    paths = [file.path for file in files if file.kind == "dicom"]
    if not paths:
        return None
    rows, doubts = dicoms.read(archive, paths[:ROWS])
    columns = list(dict.fromkeys(key for row in rows for key in row))
    return Table(paths, "dicom", columns, rows, doubts=doubts)


def _read(archive: Path, path: str) -> list[Table]:
    suffix = path.rpartition(".")[2].lower()
    if suffix in ("xlsx", "xlsm"):
        return _workbook(archive / path, path)
    with (archive / path).open("rb") as stream:
        text, encoding = decode(stream.read(_BYTES))
    if suffix == "xml" or text.lstrip()[:5] == "<?xml":
        return _xml(text, path)
    if suffix in ("jsonl", "ndjson", "json") or text.lstrip()[:1] == "{":
        return _json(text, path, encoding)
    return _delimited(text, path, encoding)


def decode(data: bytes) -> tuple[str, str]:
    """Text and encoding: marks first, then UTF-8, UTF-16 without a mark, GB18030, Latin-1.

    Up to four stray bytes in a thousand are borne: exports are cut and glued.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace").lstrip("\ufeff"), "utf-16"
    head = data[:4096]
    order = ["utf-8", "gb18030"]
    if b"\0" in head:
        odd, even = head[1::2].count(0), head[::2].count(0)
        order = ["utf-16-le" if odd >= even else "utf-16-be"]
    for share in (0.0, 0.004):
        for name in order:
            text = data.decode(name, "replace")
            if text[:-1].count("\ufffd") <= share * len(text):
                return text.lstrip("\ufeff"), name
    return data.decode("latin-1"), "latin-1"


def _delimited(text: str, path: str, encoding: str) -> list[Table]:
    text, skipped = _from_header(text)
    lines = [line for line in text.splitlines()[:400] if line.strip()]
    if len(lines) < 2:
        return []
    counts = {mark: lines[0].count(mark) for mark in "\t,;|，"}
    delimiter = max(counts, key=lambda mark: counts[mark])
    if counts[delimiter] == 0:
        return []
    header = next(csv.reader([lines[0]], delimiter=delimiter))
    names = [name.strip().strip('"') for name in header]
    known = [role for name in names if (role := role_of(name)) is not None]
    even = sum(len(cells) == len(names) for cells in csv.reader(lines, delimiter=delimiter))
    if len(names) < 2 or len(known) < (1 if even > 0.8 * len(lines) > 2 else 2):
        return []  # prose, or a table without a header
    csv.field_size_limit(_BYTES)
    rows = []
    for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
        if len(cells) == len(names) and [cell.strip() for cell in cells] != names:
            pairs = zip(names, cells, strict=True)
            rows.append({name: cell.strip() for name, cell in pairs if cell.strip()})
        if len(rows) == ROWS:
            break
    doubts = [f"{skipped} lines stand above the header: delete them"] if skipped else []
    table = Table([path], "csv", names, rows, encoding, delimiter, doubts=doubts)
    return [table] if rows else []


def _from_header(text: str) -> tuple[str, int]:
    """The text from its header on, and how many lines (titles of an export) stand above it."""
    top = text.split("\n", 12)[:10]
    for at, line in enumerate(top):
        words = [word.strip().strip('"') for word in re.split(r"[,\t;|，]", line)]
        if sum(role_of(word) is not None for word in words if 0 < len(word) < 40) >= 2:
            return "\n".join([*text.split("\n")[at:]]), at
    return text, 0


def _workbook(real: Path, path: str) -> list[Table]:
    sheets = workbooks.read(real, ROWS)
    if not sheets:
        return []
    columns = list(dict.fromkeys(name for names, _ in sheets.values() for name in names))
    if sum(role_of(name) is not None for name in columns) < 2:
        return []
    rows = [row for _, body in sheets.values() for row in body]
    names = {sheet: own for sheet, (own, _) in sheets.items()}
    return [Table([path], "xlsx", columns, rows, sheets=names)]


def _json(text: str, path: str, encoding: str) -> list[Table]:
    values = list(_objects(text))
    if any("resourceType" in value for value in values):
        return [_fhir(values, path)]
    rows = [{key: cell for key, cell in flatten(value, "", ";") if cell} for value in values]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    if sum(role_of(name) is not None for name in columns) < 2:
        return []
    return [Table([path], "jsonl", columns, rows, encoding)]


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Objects of JSON Lines, of one JSON list, or one object."""
    whole: Any = None
    if text.lstrip()[:1] in ("[", "{"):
        try:
            whole = json.loads(text)
        except ValueError:
            whole = None
    if isinstance(whole, list):
        yield from [item for item in whole if isinstance(item, dict)][:ROWS]
    elif isinstance(whole, dict):
        yield whole
    else:
        for line in text.split("\n")[:ROWS]:
            try:
                value = json.loads(line) if line.strip() else None
            except ValueError:
                continue
            if isinstance(value, dict):
                yield value


def _fhir(values: list[dict[str, Any]], path: str) -> Table:
    """The parts of FHIR resources that matter for joins, under the names of the FHIR reader."""
    resources: list[dict[str, Any]] = []
    for value in values:
        parts = value.get("entry", []) if value.get("resourceType") == "Bundle" else [value]
        resources += [part.get("resource", part) for part in parts if isinstance(part, dict)]
    rows = []
    for one in resources:
        if one.get("resourceType") != "DiagnosticReport":
            continue
        inside = [part for part in one.get("contained", []) if isinstance(part, dict)]
        numbers = [str(i.get("value", "")) for i in one.get("identifier", [])]
        studies = [n.removeprefix("urn:oid:") for n in numbers]
        studies += [str(i.get("reference", "")) for i in one.get("imagingStudy", [])]
        people = [p for p in inside if p.get("resourceType") == "Patient"]
        code = one.get("code", {})
        cells = {
            "study": next((s for s in studies if re.fullmatch(r"[\d.]{10,}", s)), ""),
            "accession": ";".join(n for n in numbers if not re.search(r"\d\.\d+\.", n)),
            "effective": str(one.get("effectiveDateTime", one.get("issued", "")))[:10],
            "code": str(
                code.get("text") or next((c.get("display", "") for c in code.get("coding", [])), "")
            ),
            "conclusion": str(one.get("conclusion", "")),
            "gender": str(people[0].get("gender", "")) if people else "",
        }
        rows.append({key: cell for key, cell in cells.items() if cell})
    columns = list(dict.fromkeys(key for row in rows for key in row))
    return Table([path], "fhir", columns, rows)


def _xml(text: str, path: str) -> list[Table]:
    """Elements as cells (`Report.Conclusion`, `Report@study`); entities are cut out unread."""
    from xml.etree.ElementTree import ParseError

    from defusedxml.ElementTree import fromstring

    clean = _ENTITY.sub("", _DOCTYPE.sub("", text))
    try:
        root = fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", clean))
    except (ParseError, ValueError):
        return []
    children = list(root)
    several = len(children) > 1 and len({child.tag for child in children}) == 1
    rows = []
    for element in (children if several else [root])[:ROWS]:
        cells = dict(_elements(element, element.tag.rpartition("}")[2]))
        rows.append({key: cell for key, cell in cells.items() if cell})
    columns = list(dict.fromkeys(key for row in rows for key in row))
    doubts = (
        ["a file has a DOCTYPE or entities of its own: they are not read"] if clean != text else []
    )
    return [Table([path], "xml", columns, rows, doubts=doubts)] if columns else []


def _elements(element: Any, name: str) -> Iterator[tuple[str, str]]:
    yield name, (element.text or "").strip()
    for key, value in element.attrib.items():
        yield f"{name}@{key}", value.strip()
    for child in element:
        yield from _elements(child, f"{name}.{child.tag.rpartition('}')[2]}")


def _together(tables: list[Table]) -> list[Table]:
    """FHIR files of one folder, and XML reports of one form, are one table each."""
    found: list[Table] = []
    homes: dict[tuple[str, str, str], Table] = {}
    for table in tables:
        if table.kind not in ("fhir", "xml"):
            found.append(table)
            continue
        folder = table.paths[0].rpartition("/")[0]
        root = table.columns[0].split(".")[0].split("@")[0] if table.kind == "xml" else ""
        home = homes.setdefault((table.kind, folder, root), table)
        if home is table:
            found.append(table)
            continue
        home.paths += table.paths
        home.rows += table.rows[: ROWS - len(home.rows)]
        home.columns = list(dict.fromkeys([*home.columns, *table.columns]))
        home.doubts += table.doubts
    return found
