"""`python -m funduscope.findings IN.tsv OUT.tsv`: assertions of every text of a table.

IN has a column `text`; OUT gets text, eye, finding, status, temporality, experiencer, grade, one
row an assertion (a text that asserts nothing gets none). Both are UTF-8, tab-separated, unquoted;
texts are read as they stand. Exit code 2 for wrong arguments, 3 for a table without the column.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from funduscope.errors import DataError, FunduscopeError
from funduscope.findings.extraction import extract

COLUMNS = ("text", "eye", "finding", "status", "temporality", "experiencer", "grade")


def _texts(path: Path) -> Iterator[str]:
    """The distinct texts of a table in its order; DataError without a column `text`."""
    try:
        handle = path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise DataError(
            error.strerror or "unreadable",
            place=str(path),
            rule="IN.tsv is a readable table",
            remedy="check the path",
            code="unreadable",
        ) from error
    with handle:
        rows = csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE)
        try:
            columns = rows.fieldnames or ()
        except UnicodeDecodeError as error:
            raise _no_utf8(path, error) from None
        if "text" not in columns:
            raise DataError(
                "no column 'text'",
                place=str(path),
                rule="a tab-separated table with a column 'text'",
                remedy="name the column that holds the reports 'text'",
                code="missing_column",
            )
        try:
            yield from dict.fromkeys(row["text"] or "" for row in rows)
        except UnicodeDecodeError as error:
            raise _no_utf8(path, error) from None


def _no_utf8(path: Path, error: UnicodeDecodeError) -> DataError:
    return DataError(
        f"bytes that are no UTF-8 ({error.object[error.start : error.start + 2].hex()})",
        place=str(path),
        rule="IN.tsv is UTF-8",
        remedy="convert it first, e.g. iconv -f GB18030 -t UTF-8 IN.tsv",
        code="encoding",
    )


def read_table(source: Path, target: Path) -> int:
    """Write the assertions of all texts of `source` to `target`; returns how many there are."""
    lines = ["\t".join(COLUMNS)]
    for text in _texts(source):
        for a in extract(text):
            cells = (text, a.eye, a.finding, a.status, a.temporality, a.experiencer, a.grade or "")
            lines.append("\t".join(cells))
    try:
        target.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    except OSError as error:
        raise DataError(
            error.strerror or "not writable",
            place=str(target),
            rule="OUT.tsv lies in a folder that is there and can be written",
            remedy="make the folder, or give another place",
            code="unwritable",
        ) from error
    return len(lines) - 1


def main(arguments: Sequence[str]) -> int:
    """The exit code of one run."""
    if len(arguments) != 2:
        sys.stderr.write(__doc__ or "")
        return 2
    try:
        count = read_table(Path(arguments[0]), Path(arguments[1]))
    except FunduscopeError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stderr.write(f"{count} assertions written to {arguments[1]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
