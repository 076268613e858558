from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from funduscope import tables
from funduscope.errors import DataError

PAIR = {
    "image_id": "i",
    "report_id": "r",
    "eye": "OD",
    "caption": "drusen",
    "caption_language": "en",
    "caption_source": "report",
}


@pytest.mark.parametrize("table", tables.TABLES.values(), ids=lambda t: t.name)
def test_an_empty_table_has_its_columns_and_comes_back(table: tables.Table, tmp_path: Path) -> None:
    made = tables.frame(table, [])
    assert made.columns == [c.name for c in table.columns]
    tables.write(table, made, tmp_path / "t.parquet")
    assert tables.read(table, tmp_path / "t.parquet").schema == made.schema
    assert [p.name for p in tmp_path.iterdir()] == ["t.parquet"]


@pytest.mark.parametrize("table", tables.TABLES.values(), ids=lambda t: t.name)
def test_every_column_says_what_it_means(table: tables.Table) -> None:
    assert table.doc
    assert all(c.doc for c in table.columns)
    assert len({c.name for c in table.columns}) == len(table.columns)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"eye": "left"}, "one of OD, OS, unknown"),
        ({"caption": None}, "a value in every row"),
        ({"colour": "red"}, "known columns only"),
    ],
)
def test_rows_that_break_the_form_are_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(DataError, match=said):
        tables.frame(tables.PAIRS, [PAIR | change])


def test_a_foreign_file_is_refused_with_table_and_column(tmp_path: Path) -> None:
    file = tmp_path / "pairs.parquet"
    pl.DataFrame({"image_id": ["i"]}).write_parquet(file)
    with pytest.raises(DataError, match="column 'report_id' is missing"):
        tables.read(tables.PAIRS, file)
    file.write_bytes(b"not parquet")
    with pytest.raises(DataError, match="a Parquet file"):
        tables.read(tables.PAIRS, file)
    with pytest.raises(DataError, match="no such file"):
        tables.read(tables.PAIRS, tmp_path / "none.parquet")


def test_a_file_from_before_a_column_was_added_has_it_empty(tmp_path: Path) -> None:
    file = tmp_path / "log.parquet"
    row = {"step": 1, "images": 8, "loss": 2.0, "temperature": 14.0, "learning_rate": 1e-3}
    made = tables.frame(tables.LOG, [{**row, "data_wait": 0.0, "seconds": 1.0}])
    made.drop("alignment", "gradient_norm").write_parquet(file)
    read = tables.read(tables.LOG, file)
    assert read["alignment"].to_list() == [None]
    assert read.schema == {name: made.schema[name] for name in read.columns}
    made.drop("loss").write_parquet(file)
    with pytest.raises(DataError, match="column 'loss' is missing"):
        tables.read(tables.LOG, file)


def test_the_frozen_columns_of_the_contracts() -> None:
    """Columns may be added; these may not go or change their names."""
    frozen = {
        "pairs": "image_id report_id eye caption caption_language caption_source",
        "labels": "image_id task finding value unit source",
        "rejects": "locator item step code detail severity",
        "scores": "task finding unit unit_id patient_id site_id score label method shots seed "
        "prompt_set refused",
        "metrics": "task finding unit subgroup metric value ci_low ci_high ci_method n_units "
        "n_positive n_patients method shots seeds selected_on reason",
        "assertions": "report_id eye finding status temporality experiencer grade start_char "
        "end_char rule",
        "reports": "report_id patient_id exam_id site_id language text text_sha256",
    }
    for name, columns in frozen.items():
        there = [c.name for c in tables.TABLES[name].columns]
        assert [c for c in columns.split() if c not in there] == []


@pytest.mark.parametrize("count", [0, 1, 8192, 8193, 20_000])
def test_rows_written_group_by_group_all_come_back(count: int, tmp_path: Path) -> None:
    path = tmp_path / "pairs.parquet"
    with tables.Writer(tables.PAIRS, path) as writer:
        writer.extend(PAIR | {"image_id": str(number)} for number in range(count))
        assert not path.exists()
    assert tables.read(tables.PAIRS, path)["image_id"].to_list() == [*map(str, range(count))]
    assert [p.name for p in tmp_path.iterdir()] == ["pairs.parquet"]


def test_a_table_that_breaks_off_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "pairs.parquet"
    with pytest.raises(DataError, match="one of"), tables.Writer(tables.PAIRS, path) as writer:
        writer.extend([PAIR, PAIR | {"eye": "left"}])
    assert not path.exists()
