"""Delimited text as hospitals export it: quotes in the middle of words, quotes never closed.

A parser that trusts quotes loses the rest of the table at the first one left open. This one reads
record by record: a quote closes only before a separator or a line's end, and a record that would
swallow whole records of the table is given up alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from funduscope.archive import headers
from funduscope.archive.description import Source
from funduscope.archive.headers import Header
from funduscope.archive.readers import BadRow, Given, Row, Sheet, filled

_DELIMITERS = ",\t;|\uff0c^"
_SEPARATOR = re.compile(r'[ \t]*"?sep=(.)"?[ \t]*\r?\n', re.IGNORECASE)
"""First line by which a table tells a spreadsheet program its delimiter."""


@dataclass(frozen=True)
class Record:
    """One record: its cells, the line it begins on (from 1), and what is wrong with it."""

    cells: list[str]
    line: int
    fault: str | None = None


def read_csv(given: Given) -> Sheet:
    """Delimited text: one row a record; lines above the header and totals are left out."""
    sheet = Sheet()
    for table in given.tables:
        decoded = given.text(table, sheet)
        text = decoded.text.replace("\r\n", "\n").replace("\r", "\n")
        delimiter, header, start = _layout(text, given)
        sheet.forms.setdefault(table, (decoded.encoding, delimiter))
        sheet.doubts += header.doubts(table)
        names = header.names
        sheet.columns.update(dict.fromkeys(name for name in names if name))
        for number, record in enumerate(records(text[start:], delimiter, len(names)), start=1):
            if len(sheet.rows) >= given.limit:
                break
            _take(Record(record.cells, number, record.fault), table, names, given.source, sheet)
    return sheet


def _take(record: Record, table: str, names: list[str], source: Source, sheet: Sheet) -> None:
    cells, number, detail = record.cells, record.line, record.fault
    if [cell.strip() for cell in cells if cell.strip()] == [name for name in names if name]:
        return  # exports of several days glued together repeat their header
    if headers.is_aside(cells, len(names)):
        aside = BadRow(table, number, "a title, a total or a remark, no record", tuple(cells))
        sheet.aside.append(aside)
    elif detail is not None and len(cells) != len(names):
        sheet.bad.append(BadRow(table, number, detail, _sure(source, names, cells)))
    else:
        sheet.rows.append(Row(table, number, filled(zip(names, cells, strict=True))))


def _sure(source: Source, header: Sequence[str], cells: Sequence[str]) -> tuple[str, ...]:
    """What of a broken row surely identifies: cells before the first report, and long numbers."""
    columns = source.columns
    named = {*columns.identity, *columns.name, columns.patient, columns.exam}
    reports = [header.index(name) for name in columns.report if name in header]
    before = min(reports, default=0)
    own = [cell for name, cell in zip(header[:before], cells, strict=False) if name in named]
    return tuple(own) + tuple(cell for cell in cells if re.fullmatch(r"[\d\s-]{6,}|\S+@\S+", cell))


def _layout(text: str, given: Given) -> tuple[str, Header, int]:
    """Delimiter, header, and where the text goes on behind the header."""
    said = _SEPARATOR.match(text)
    start = said.end() if said else 0
    wanted = given.source.delimiter or (said[1] if said else _DELIMITERS)
    best: tuple[tuple[int, int], str, Header, int] | None = None
    for delimiter in (wanted,) if given.source.delimiter else wanted:
        top = _top(text, start, delimiter)
        header = headers.find([cells for cells, _ in top], given.known)
        end = top[header.at][1] if top else len(text)
        rank = header.known, len(list(filter(None, header.names)))
        if best is None or rank > best[0]:
            best = (rank, delimiter, header, end)
    assert best is not None
    return best[1:]


def _top(text: str, start: int, delimiter: str) -> list[tuple[list[str], int]]:
    """The first lines as if each were a record, and where each ends; blank ones are left out."""
    found: list[tuple[list[str], int]] = []
    at = start
    while at < len(text) and len(found) < headers.TOP:
        cells, end, _ = _record(text, at, delimiter)
        if any(cell.strip() for cell in cells):
            found.append((cells, end))
        at = _line_end(text, at) + 1
    return found


def records(text: str, delimiter: str, width: int = 0) -> Iterator[Record]:
    """The records of a table; blank lines are left out.

    Args:
        text: with line feeds alone at the ends of lines.
        width: columns of the header; 0: the first record is the header.

    A fault is given where the number of cells is not the header's, or quotes are unbalanced:
    such a record may hold words in wrong columns.
    """
    at, line = 0, 1
    while at < len(text):
        cells, end, clean = _record(text, at, delimiter)
        fault = None
        if width and _swallows(cells, width, delimiter):
            stop = _line_end(text, at)
            # Lines that are too short for a record are the rest of the cell.
            while stop < len(text) and len(_record(text, stop + 1, delimiter)[0]) < width:
                stop = _line_end(text, stop + 1)
            cells = [cell.strip('"') for cell in text[at:stop].split(delimiter)]
            end, fault = stop + 1, "a quote that is never closed"
        elif width and len(cells) != width and any(cells):
            fault = f"{len(cells)} cells under {width} columns"
        elif not clean:
            fault = "quotes inside a quoted cell"
        if any(cell.strip() for cell in cells):
            yield Record(cells, line, fault if width else None)
            width = width or len(cells)
        line += text.count("\n", at, end)
        at = end


def _record(text: str, at: int, delimiter: str) -> tuple[list[str], int, bool]:
    """Cells of the record that begins at `at`, where the next begins, whether quotes were sound."""
    cells, clean = [], True
    while True:
        if text.startswith('"', at):
            cell, at, sound = _quoted(text, at + 1, delimiter)
            clean = clean and sound
        else:
            stop = min(_find(text, delimiter, at), _find(text, "\n", at))
            cell, at = text[at:stop], stop
        cells.append(cell)
        if at >= len(text) or text[at] == "\n":
            return cells, at + 1, clean
        at += 1


def _quoted(text: str, at: int, delimiter: str) -> tuple[str, int, bool]:
    """A quoted cell from behind its first quote; a quote closes it before a separator only."""
    parts: list[str] = []
    sound = True
    while True:
        stop = text.find('"', at)
        if stop < 0:
            return "".join([*parts, text[at:]]), len(text), False
        parts.append(text[at:stop])
        following = text[stop + 1 : stop + 2]
        if following in ("", "\n", delimiter):
            return "".join(parts), stop + 1, sound
        if following == '"':
            at = stop + 2
        else:
            sound = False
            at = stop + 1
        parts.append('"')


def _find(text: str, what: str, at: int) -> int:
    found = text.find(what, at)
    return found if found >= 0 else len(text)


def _line_end(text: str, at: int) -> int:
    return _find(text, "\n", at)


def _swallows(cells: list[str], width: int, delimiter: str) -> bool:
    """Whether a cell holds lines that are records of this table themselves.

    Of a record that has a cell of several lines itself the first line is half a record, up to the
    quote that opens this cell.
    """
    if width < 3:
        return False
    lines = [line for cell in cells if "\n" in cell for line in cell.split("\n")[1:]]
    return any(
        line.count(delimiter) >= width - 1
        or (f'{delimiter}"' in line and line.count(delimiter) >= width // 2)
        for line in lines
    )
