"""Sheets of a workbook: where the header ends, what its columns are called, rows as text."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

from funduscope.archive.draft.words import role_of
from funduscope.archive.workbook import cell_text

_HEADER_ROWS = 6


def read(path: Path, limit: int) -> dict[str, tuple[list[str], list[dict[str, str]]]]:
    """Sheet -> (columns, rows); sheets without two columns are left out, a broken file is empty."""
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError):
        return {}
    found: dict[str, tuple[list[str], list[dict[str, str]]]] = {}
    for sheet in book.worksheets:
        lines = [[cell_text(cell) for cell in line] for line in sheet.iter_rows(values_only=True)]
        names, body = header(lines[: _HEADER_ROWS * 2]), lines
        if sum(map(bool, names)) < 2:
            continue
        rows = []
        for cells in body[_depth(lines, names) : limit]:
            row = {n: c for n, c in zip(names, cells, strict=False) if n and c}
            if row:
                rows.append(row)
        found[sheet.title] = ([name for name in names if name], rows)
    book.close()
    return found


def header(top: Sequence[Sequence[str]]) -> list[str]:
    """Names of the columns from the first rows of a sheet.

    The header is the row with the most words that headers use; where two columns bear one name,
    the title over them (a merged cell) tells them apart: `title.name`.
    """
    at = _header_at(top)
    if at is None:
        return []
    names = list(top[at])
    above = top[at - 1] if at else []
    for column, name in enumerate(names):
        if name and top[at].count(name) > 1 and above:
            over = next(
                (above[c] for c in range(min(column, len(above) - 1), -1, -1) if above[c]), ""
            )
            names[column] = f"{over}.{name}" if over else name
    return names


def _header_at(top: Sequence[Sequence[str]]) -> int | None:
    scores = [
        sum(role_of(cell) is not None for cell in row if cell and len(cell) <= 24)
        - sum(bool(re.search(r"\d{3}", cell)) for cell in row)
        for row in top[:_HEADER_ROWS]
    ]
    best = max(scores, default=0)
    return scores.index(best) if best >= 1 else None


def _depth(lines: Sequence[Sequence[str]], _names: Sequence[str]) -> int:
    at = _header_at(lines[:_HEADER_ROWS])
    return (at or 0) + 1
