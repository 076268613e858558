"""Tables made, written, read and checked.

Storage is Parquet by pyarrow, computing by polars; both are imported only when a table is touched,
so that the clinic's base install can import this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funduscope.errors import DataError, missing_extra
from funduscope.tables.forms import Table

if TYPE_CHECKING:
    import polars as pl

_GROUP = 8192
"""Rows that a `Writer` holds before it writes them."""


def _polars() -> Any:
    try:
        import polars
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise missing_extra(error.name or "polars", "archive") from None
    return polars


def _types() -> dict[str, Any]:
    pl = _polars()
    return {
        "str": pl.String,
        "i16": pl.Int16,
        "i32": pl.Int32,
        "i64": pl.Int64,
        "u64": pl.UInt64,
        "f32": pl.Float32,
        "f64": pl.Float64,
        "bool": pl.Boolean,
    }


def frame(table: Table, rows: Iterable[Mapping[str, object]]) -> pl.DataFrame:
    """Rows (dicts) as a typed, checked frame; columns missing from a row become null.

    Raises:
        DataError: an unknown column, a null where none may be, a word outside the closed set.
    """
    polars = _polars()
    types = _types()
    schema = {c.name: types[c.type] for c in table.columns}
    listed = list(rows)
    unknown = {key for row in listed for key in row} - set(schema)
    if unknown:
        raise _fault(table, ", ".join(sorted(unknown)), "a new row", "known columns only")
    full = [{name: row.get(name) for name in schema} for row in listed]
    made: pl.DataFrame = polars.DataFrame(full, schema=schema, orient="row")
    check(table, made, "a new frame")
    return made


def check(table: Table, data: pl.DataFrame, place: str) -> None:
    """Hold a frame against its table: columns there, types right, no null, words known."""
    types = _types()
    for column in table.columns:
        where = f"{place}, column '{column.name}'"
        if column.name not in data.columns:
            raise _fault(table, f"column '{column.name}' is missing", place, "all columns present")
        values = data[column.name]
        if values.dtype != types[column.type]:
            raise _fault(table, str(values.dtype), where, f"type {column.type}")
        if not column.nullable and values.null_count():
            row = int(values.is_null().arg_max() or 0)
            raise _fault(table, "null", f"{where}, row {row}", "a value in every row")
        if column.values:
            odd = values.drop_nulls().unique().to_list()
            wrong = sorted(set(odd) - set(column.values))
            if wrong:
                rule = "one of " + ", ".join(column.values)
                raise _fault(table, repr(wrong[0]), where, rule)


def write(table: Table, data: pl.DataFrame, path: Path) -> None:
    """Check and write a table as Parquet, atomically (a reader sees the old file or the new)."""
    _polars()
    import pyarrow.parquet as pq

    check(table, data, str(path))
    part = path.with_name(path.name + ".part")
    pq.write_table(data.to_arrow(), part, compression="zstd")
    part.replace(path)


class Writer:
    """A table on its way into a Parquet file: rows go to disk group by group.

    So a table may be longer than memory. The file is there, atomically, when the `with` block ends
    without an error.
    """

    def __init__(self, table: Table, path: Path) -> None:
        self._table, self._path = table, path
        self._part = path.with_name(path.name + ".part")
        self._waiting: list[Mapping[str, object]] = []

    def __enter__(self) -> Writer:
        schema = frame(self._table, []).to_arrow().schema
        import pyarrow.parquet as pq

        self._file = pq.ParquetWriter(self._part, schema, compression="zstd")
        return self

    def __exit__(self, error: object, *_: object) -> None:
        with self._file:
            if error is None:
                self._write()
        if error is None:  # else the old file, if any, stays
            self._part.replace(self._path)

    def extend(self, rows: Iterable[Mapping[str, object]]) -> None:
        """Take in rows (dicts).

        Raises:
            DataError: what `frame` refuses; at the latest when the block ends.
        """
        for row in rows:
            self._waiting.append(row)
            if len(self._waiting) == _GROUP:
                self._write()

    def _write(self) -> None:
        if self._waiting:
            self._file.write_table(frame(self._table, self._waiting).to_arrow())
            self._waiting.clear()


def read(table: Table, path: Path) -> pl.DataFrame:
    """Read and check a table; columns that came later are filled with null if they may be.

    Raises:
        DataError: no such file, not Parquet, or not of the table's form.
    """
    polars = _polars()
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        stored = pq.read_table(path)
    except FileNotFoundError:
        raise _fault(table, "no such file", str(path), f"the table '{table.name}'") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise _fault(table, str(error), str(path), "a Parquet file") from None
    data: pl.DataFrame = polars.from_arrow(stored)
    later = [c for c in table.columns if c.nullable and c.name not in data.columns]
    data = data.with_columns(polars.lit(None, _types()[c.type]).alias(c.name) for c in later)
    check(table, data, str(path))
    return data


def _fault(table: Table, value: str, place: str, rule: str) -> DataError:
    return DataError(
        value,
        place=place,
        rule=f"table '{table.name}': {rule}",
        remedy="make the folder again with the stage that writes it, or correct the file",
        code="bad_table",
    )
