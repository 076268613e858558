"""Write tables.md beside this file: `python docs/reference/make_tables.py`."""

from __future__ import annotations

from pathlib import Path

from funduscope.tables import TABLES

HEAD = """# Tables

Generated from `funduscope.tables` by `python docs/reference/make_tables.py`; a test compares.
Format 1: columns may be added, never renamed or dropped. Stored as Parquet. A `?` marks columns
that may be null."""


def page() -> str:
    """The reference page as Markdown."""
    parts = [HEAD]
    for table in TABLES.values():
        parts.append(f"## {table.name}\n{table.doc}")
        lines = ["| column | type | meaning | values |", "|---|---|---|---|"]
        for column in table.columns:
            kind = column.type + ("?" if column.nullable else "")
            values = ", ".join(column.values)
            lines.append(f"| {column.name} | {kind} | {column.doc} | {values} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("tables.md").write_text(page(), encoding="utf-8", newline="\n")
