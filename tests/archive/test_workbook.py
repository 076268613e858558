from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from funduscope.archive import readers
from funduscope.archive.description import Source
from funduscope.errors import DataError


def test_titles_blanks_dates_and_a_sheet_of_patients(tmp_path: Path) -> None:
    book = Workbook()
    exams = book.active
    exams.append(["Patient", None, "Exam", None])
    exams.append(["mrn", "sex", "exam", "day"])
    exams.append([None] * 4)
    exams.append(["P1", "F", 20160200044, datetime(2021, 6, 21)])
    patients = book.create_sheet("patients")
    patients.append(["mrn", "born"])
    patients.append(["P1", "1960-01-02"])
    book.save(tmp_path / "t.xlsx")
    columns = {"exam": "exam", "patient": "mrn", "exam_date": "day", "birth_date": "born"}
    source = Source.model_validate({"table": "t.xlsx", "kind": "xlsx", "columns": columns})
    tables = readers.tables_of(tmp_path, source)
    sheet = readers.read(readers.Given(tmp_path, source, tables, []))
    assert [row.cells for row in sheet.rows] == [
        {"mrn": "P1", "sex": "F", "exam": "20160200044", "day": "2021-06-21"},
        {"mrn": "P1", "born": "1960-01-02"},  # what meets in an examination, `exams` decides
    ]


@pytest.mark.parametrize("broken", [b"", b"PK\x03\x04 broken", b"half"])
def test_a_broken_one_of_several_workbooks_is_left_out_and_told(
    tmp_path: Path, broken: bytes
) -> None:
    for month in ("1", "2", "3"):
        book = Workbook()
        for line in (["exam", "report"], [f"E{month}", "normal fundus"]):
            book.active.append(line)
        book.save(tmp_path / f"{month}.xlsx")
    whole = (tmp_path / "2.xlsx").read_bytes()
    spoiled = whole[: len(whole) // 2] if broken == b"half" else broken
    (tmp_path / "2.xlsx").write_bytes(spoiled)
    columns = {"exam": "exam", "report": "report"}
    source = Source.model_validate({"table": "*.xlsx", "kind": "xlsx", "columns": columns})
    tables = readers.tables_of(tmp_path, source)
    sheet = readers.read(readers.Given(tmp_path, source, tables, []))
    assert [row.cells["exam"] for row in sheet.rows] == ["E1", "E3"]
    assert [doubt.partition(": ")[0] for doubt in sheet.doubts] == ["2.xlsx"]
    with pytest.raises(DataError, match="no workbook"):
        readers.read(readers.Given(tmp_path, source, ["2.xlsx"], []))
