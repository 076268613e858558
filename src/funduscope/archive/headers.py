"""Where the header of a table stands, and what its columns are called.

Exports put titles, dates and merged cells above it, and name two columns alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

TOP = 20
"""Lines in which the header is looked for."""

_FEW = 4
"""Columns from which on a line with one filled cell is no record."""
_TOTALS = re.compile(
    r"\s*(?:\u5408\u8ba1|\u603b\u8ba1|\u5c0f\u8ba1|\u5171\u8ba1|\u603b\u6570|\u8bb0\u5f55\u6570"
    r"|(?:sub|grand )?total|sum|count|page|rows?|records?)\b",
    re.IGNORECASE,
)

_KEY = re.compile(r"[A-Za-z0-9_\-./\\]+|[^\n]+\.\w{2,4}")
"""A number or a file: a record of which nothing else is known."""


@dataclass(frozen=True)
class Header:
    """The header of a table.

    Attributes:
        at: its last line among those looked at; above: lines over it that are none of it.
        names: of the columns, all different; empty at the end where a column has none.
        known: how many of them were expected.
        repeated: names that stood there twice, which now bear a title or a number.
    """

    at: int
    above: int
    names: list[str]
    known: int
    repeated: tuple[str, ...] = ()

    def doubts(self, place: str) -> list[str]:
        """What a person should know of it; nothing of a person is told."""
        found = []
        if self.above:
            found.append(f"{place}: {self.above} lines stand above the header; left out")
        for name in self.repeated:
            now = ", ".join(one for one in self.names if _bare(one, name))
            found.append(f"{place}: more than one column '{name}'; they are called {now}")
        return found


def find(top: Sequence[Sequence[str]], known: Callable[[str], bool] | None) -> Header:
    """The header among the first lines of a table.

    Args:
        top: cells of the first lines.
        known: whether a name is one that is expected; the line with the most of them is the
            header. Without it, or where none is known, the first line that is as full as any.
    """
    found = [_header(top, at, known) for at in range(len(top))]
    best = max(found, key=lambda header: header.known, default=Header(0, 0, [], 0))
    two = [_of_two(top, at, known) for at in range(len(top) - 1) if _goes_on(*top[at : at + 2])]
    best = max([best, *two], key=lambda header: header.known)
    if best.known > 0:
        return best
    fullest = max((len(set(filter(None, row))) for row in top), default=0)
    at = next((n for n, row in enumerate(top) if _like_header(row, fullest)), 0)
    return found[at] if found else best


def is_aside(cells: Sequence[str], width: int) -> bool:
    """Whether a line of a table is no record: a title, a total, a remark below the table."""
    filled = [cell for cell in cells if cell.strip()]
    if width < _FEW or not filled:
        return False
    if _TOTALS.match(filled[0]):
        return len(filled) * 2 <= width
    return len(filled) == 1 and not _KEY.fullmatch(filled[0].strip())


def _header(top: Sequence[Sequence[str]], at: int, known: Callable[[str], bool] | None) -> Header:
    raw = [_clean(cell) for cell in top[at]]
    names = list(raw)
    repeated = _repeated(raw)
    for column, name in enumerate(raw):
        if name in repeated and at:  # a merged title above tells columns of one name apart
            above = [_clean(title) for title in top[at - 1][: column + 1]]
            over = next((title for title in reversed(above) if title), "")
            names[column] = f"{over}.{name}" if over else name
    names = _apart(names)
    return Header(at, at, names, _score(names, known), repeated)


def _goes_on(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether a line under a header may tell parts of its merged columns: words, no record."""
    under = [n for n, cell in enumerate(second) if cell.strip()]
    parts = any(n < len(first) and n and not first[n].strip() for n in under)
    return parts and not any(re.search(r"\d{2}", second[n]) or len(second[n]) > 30 for n in under)


def _of_two(top: Sequence[Sequence[str]], at: int, known: Callable[[str], bool] | None) -> Header:
    """A header of two lines: `title.part` under titles that span several columns."""
    names, over = [], ""
    for column, part in enumerate(map(_clean, top[at + 1])):
        title = _clean(top[at][column]) if column < len(top[at]) else ""
        over = title or (over if part else "")
        names.append(f"{over}.{part}" if over and part else title or part)
    names += [_clean(cell) for cell in top[at][len(names) :]]
    repeated = _repeated(names)
    names = _apart(names)
    return Header(at + 1, at, names, _score(names, known), repeated)


def _clean(cell: str) -> str:
    return " ".join(cell.split()).strip("\ufeff\"'")


def _repeated(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name and names.count(name) > 1))


def _apart(names: Sequence[str]) -> list[str]:
    """The names, all different: `name.2`; one without a name before others is `column 3`."""
    last = max((n for n, name in enumerate(names) if name), default=-1)
    found: list[str] = []
    for column, name in enumerate(names):
        name = name or (f"column {column + 1}" if column < last else "")
        if name and name in found:
            name = next(f"{name}.{n}" for n in range(2, column + 3) if f"{name}.{n}" not in found)
        found.append(name)
    return found


def _score(names: Sequence[str], known: Callable[[str], bool] | None) -> int:
    return sum(
        1 if known is not None and known(name) else -bool(re.search(r"\d{3}", name))
        for name in names
        if name and not name.startswith("column ")
    )


def _bare(name: str, repeated: str) -> bool:
    return name == repeated or name.endswith(f".{repeated}") or name.startswith(f"{repeated}.")


def _like_header(row: Sequence[str], fullest: int) -> bool:
    filled = [cell for cell in row if cell]
    return len(set(filled)) >= max(1, fullest - 1) and not any(
        cell[:1].isdigit() for cell in filled
    )
