"""Delimited text as hospitals export it: quotes in the middle of words, quotes never closed.

A parser that trusts quotes loses the rest of the table at the first one left open. This one reads
record by record: a quote closes only before a separator or a line's end, and a record that would
swallow whole records of the table is given up alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """One record: its cells, the line it begins on (from 1), and what is wrong with it."""

    cells: list[str]
    line: int
    fault: str | None = None


def records(text: str, delimiter: str) -> Iterator[Record]:
    """The records of a table, the header first; blank lines are left out.

    A fault is given where the number of cells is not the header's, or quotes are unbalanced:
    such a record may hold words in wrong columns.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    at, line, width = 0, 1, 0
    while at < len(text):
        cells, end, clean = _record(text, at, delimiter)
        fault = None
        if width and _swallows(cells, width, delimiter):
            stop = _line_end(text, at)
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
    """Whether a cell holds lines that are records of this table themselves."""
    if width < 3:
        return False
    return any(
        line.count(delimiter) >= width - 1
        for cell in cells
        if "\n" in cell
        for line in cell.split("\n")[1:]
    )
