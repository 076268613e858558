"""Spreadsheets -> rows: several sheets, headers of several rows, dates in several disguises."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from funduscope.archive.description import Source
from funduscope.archive.readers import BadRow, Given, Row, Sheet, bad_table, check_header, filled

_HEADER_ROWS = 5
"""A header of titles, units and blanks is looked for in this many rows."""


def read_xlsx(given: Given) -> Sheet:
    """Every sheet's rows, one after another; a sheet without the exam column is joined.

    Sheets that hold the column of the examination are rows of their own, which meet in one
    examination. A sheet without it that has the patient's column says something of the patient:
    its cells are added to each row of that patient.
    """
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    sheet = Sheet()
    for table in given.tables:
        try:
            book = load_workbook(io.BytesIO(given.data(table)), read_only=True, data_only=True)
        except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError) as error:
            remedy = "save it again as .xlsx, or export it as CSV"
            raise bad_table(f"no workbook: {type(error).__name__}", table, remedy) from error
        found = [
            _rows(given.source, table, one.iter_rows(values_only=True), sheet)
            for one in book.worksheets
        ]
        book.close()
        sheet.rows += _joined(given, found)
    return sheet


def _rows(source: Source, table: str, lines: Iterator[Sequence[Any]], sheet: Sheet) -> list[Row]:
    """Rows of one worksheet; their numbers go on from sheet to sheet."""
    top: list[list[str]] = []
    rows: list[Row] = []
    names: list[str] | None = None
    for line in lines:
        cells = [cell_text(value) for value in line]
        if names is None:
            top.append(cells)
            if len(top) < _HEADER_ROWS:
                continue
            names, body = _header(top)
            check_header(names, source, table)
            sheet.columns.update(dict.fromkeys(name for name in names if name))
            for early in body:
                _add(table, names, early, rows, sheet)
            continue
        _add(table, names, cells, rows, sheet)
    if names is None and top:
        names, body = _header(top)
        check_header(names, source, table)
        sheet.columns.update(dict.fromkeys(name for name in names if name))
        for early in body:
            _add(table, names, early, rows, sheet)
    return rows


def _add(table: str, names: list[str], cells: list[str], rows: list[Row], sheet: Sheet) -> None:
    if not any(cells):
        return
    named = [(name, cell) for name, cell in zip(names, cells, strict=False) if name]
    if [cell for _, cell in named] == [name for name, _ in named]:
        return  # the header again
    number = len(sheet.rows) + len(sheet.bad) + len(rows) + 1
    lost = [cell for name, cell in zip(names, cells, strict=False) if cell and not name]
    if lost:
        detail = f"{len(lost)} cells under columns without a name"
        sheet.bad.append(BadRow(table, number, detail, tuple(cells)))
        return
    rows.append(Row(table, number, filled(named)))


def _header(top: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """Column names out of the first rows, and the rows below them.

    The header is the first of these rows in which the most cells are filled with different words;
    titles over it (merged cells) tell columns of one name apart.
    """
    fullest = max(len(set(filter(None, row))) for row in top)
    at = next((n for n, row in enumerate(top) if _like_header(row, fullest)), 0)
    names = list(top[at])
    for column, name in enumerate(names):
        if name and names.count(name) > 1 and at:
            over = next((top[at - 1][c] for c in range(column, -1, -1) if top[at - 1][c]), "")
            names[column] = f"{over}.{name}"
    return names, top[at + 1 :]


def _like_header(row: list[str], fullest: int) -> bool:
    filled_cells = [cell for cell in row if cell]
    return len(set(filled_cells)) >= max(1, fullest - 1) and not any(
        cell[:1].isdigit() for cell in filled_cells
    )


def cell_text(value: Any) -> str:
    """A cell as text: dates as YYYY-MM-DD, whole numbers without a fraction."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _joined(given: Given, sheets: list[list[Row]]) -> list[Row]:
    columns = given.source.columns
    exam, patient = columns.exam, columns.patient
    if exam is None or patient is None:
        return [row for rows in sheets for row in rows]
    facts: dict[str, dict[str, str]] = {}
    stay: list[Row] = []
    for rows in sheets:
        own = any(exam in row.cells for row in rows)
        if own or not any(patient in row.cells for row in rows):
            stay += rows
            continue
        for row in rows:
            if patient in row.cells:
                facts.setdefault(row.cells[patient], {}).update(row.cells)
    return [
        Row(row.place, row.number, facts.get(row.cells.get(patient, ""), {}) | row.cells, row.seen)
        for row in stay
    ]
