"""Tables for people: CSV that a spreadsheet program shows and never runs.

A cell that begins like a formula is run by Excel and LibreOffice when the file is opened, and an
archive may hold such cells (OWASP, CSV Injection). They get an apostrophe in front, which these
programs take for "this is text".
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from funduscope.store.folder import write_bytes

# The four signs, their full-width forms (which East Asian editions accept), and what separates
# cells: a cell broken there would begin a new one.
_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")


def to_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV text with a heading; text that begins like a formula is neutralized.

    None is an empty cell. Numbers stay numbers, negative ones too.
    """
    text = io.StringIO()
    # RFC 4180; also, Python quotes a cell with a line end only if that is in the terminator
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([_cell(name) for name in columns])
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write `to_csv` to a file, with the mark by which Excel knows UTF-8 (Chinese site names)."""
    write_bytes(path, to_csv(columns, rows).encode("utf-8-sig", "surrogateescape"))


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    bare = value.lstrip(" \u3000\0")
    risky = value.startswith(_FORMULA) or bare.startswith(_FORMULA)
    return f"'{value}" if risky else value
