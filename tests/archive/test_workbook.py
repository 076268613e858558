from __future__ import annotations

from datetime import datetime
from pathlib import Path

from openpyxl import Workbook

from funduscope.archive import readers
from funduscope.archive.description import Source


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
