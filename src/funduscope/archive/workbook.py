"""Spreadsheets -> rows: several sheets, headers of several rows, dates in several disguises."""

from __future__ import annotations

import io
import itertools
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from funduscope.archive import headers
from funduscope.archive.readers import BadRow, Given, Row, Sheet, bad_table, filled

_NO_WORKBOOK = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, SyntaxError)
"""What openpyxl and what it reads by (ZIP, XML) raise at a file that is broken somewhere."""


def read_xlsx(given: Given) -> Sheet:
    """Every sheet's rows, one after another; what meets in an examination, `records` decides.

    A sheet without any column that the description names is left out.
    """
    sheet = Sheet()
    for table in given.tables:
        try:
            for lines in _worksheets(given.data(table)):
                _add(given, table, lines, sheet)
        except _NO_WORKBOOK as error:
            remedy = "save it again as .xlsx, or export it as CSV"
            raise bad_table(f"no workbook: {type(error).__name__}", table, remedy) from error
    return sheet


def _worksheets(data: bytes) -> Iterator[Iterator[list[str]]]:
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    for one in book.worksheets:
        yield ([cell_text(cell) for cell in line] for line in one.iter_rows(values_only=True))
    book.close()


def _add(given: Given, table: str, lines: Iterator[list[str]], sheet: Sheet) -> None:
    """Take in the rows of one worksheet; their numbers go on from sheet to sheet."""
    top = [line for line in itertools.islice(lines, headers.TOP) if any(line)]
    header = headers.find(top, given.known)
    names = header.names
    if not top or (header.known <= 0 and given.needs_columns):
        if top:
            sheet.doubts.append(f"{table}: a sheet without any expected column is left out")
        return
    sheet.doubts += [one for one in header.doubts(table) if one not in sheet.doubts]
    sheet.columns.update(dict.fromkeys(name for name in names if name))
    body = itertools.chain(top[header.at + 1 :], lines)
    for cells in itertools.islice(body, given.limit):
        _row(table, names, cells, sheet)


def _row(table: str, names: list[str], cells: list[str], sheet: Sheet) -> None:
    said = [cell for cell in cells if cell]
    if not said or said == [name for name in names if name]:
        return  # blank, or the header again
    number = len(sheet.rows) + len(sheet.bad) + len(sheet.aside) + 1
    width = sum(map(bool, names))
    if headers.is_aside(cells, width):
        detail = "a title, a total or a remark, no record"
        sheet.aside.append(BadRow(table, number, detail, tuple(said)))
    elif len(said) > sum(bool(c and n) for c, n in zip(cells, names, strict=False)):
        detail = "cells under columns without a name"
        sheet.bad.append(BadRow(table, number, detail, tuple(said)))
    else:
        named = [(name, cell) for name, cell in zip(names, cells, strict=False) if name]
        sheet.rows.append(Row(table, number, filled(named)))


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
