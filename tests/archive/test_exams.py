"""Rows of several tables of one site that meet in its examinations."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from funduscope.archive import pairing, texts
from funduscope.archive.description import Source
from funduscope.archive.pairing import Contents

EYES = {"eye": {"L": "OS", "R": "OD"}}
EXAMS = {
    "table": "exams.csv",
    "columns": {"exam": "no", "patient": "pat", "exam_date": "day", "report": "text"},
}
PEOPLE = {
    "table": "people.csv",
    "photos": [],
    "columns": {"patient": "id", "name": "name", "birth_date": "born", "identity": ["tel"]},
}
BY_PATH = {"file_pattern": r"(?P<patient>[A-Z]\d+)_(?P<date>\d{8})_(?P<eye>[LR])",
           "file_date": "%Y%m%d"}  # fmt: skip


def _contents(
    folder: Path, files: dict[str, str], photos: list[str], *sources: dict[str, Any]
) -> Contents:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    for name in photos:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x")
    some = [Source.model_validate({"site": "s", "photos": ["*.jpg"]} | one) for one in sources]
    return pairing.read_site(folder, "s", list(enumerate(some)))


def _notes(contents: Contents) -> list[tuple[str, str]]:
    return sorted((note.item, note.code) for note in contents.notes)


def _pairs(contents: Contents) -> dict[str, list[str]]:
    return {photo.path: [r.text for r in exam.reports]
            for exam in contents.exams for photo in exam.photos}  # fmt: skip


def test_a_table_of_patients_reaches_all_their_examinations(tmp_path: Path) -> None:
    files = {
        "exams.csv": "no,pat,day,text\nE1,07,2020-01-01,one\nE2,07,2021-01-01,two\nE3,8,,x\n",
        "people.csv": "id,name,born,tel\n7,Ann Novak,1950-06-01,555-1234567\n9,Bob,,\n",
    }
    contents = _contents(
        tmp_path, files, ["P9_20200101_L.jpg"], PEOPLE, EXAMS | {"format": BY_PATH}
    )
    first, second, other, *_ = contents.exams
    for exam in (first, second):
        assert exam.birth == date(1950, 6, 1)
        assert exam.secrets["name"] == ("Ann Novak",)
        assert exam.secrets["identity"] == ("555-1234567",)
        assert exam.patient == "7"  # spreadsheets drop zeros
    assert (first.age, second.age) == (69, 70)
    assert other.secrets["name"] == ()
    # Who has no examination is sought in the corpus all the same.
    assert any(exam.secrets["name"] == ("Bob",) for exam in contents.exams if not exam.photos)


def test_what_contradicts_stays_empty(tmp_path: Path) -> None:
    files = {
        "exams.csv": "no,pat,day,text,born\nE1,7,2020-01-01,one,1960-01-01\n",
        "people.csv": "id,name,born,tel\n7,Ann,1950-06-01,\n",
    }
    columns = EXAMS["columns"] | {"birth_date": "born"}
    contents = _contents(tmp_path, files, [], PEOPLE, EXAMS | {"columns": columns})
    assert contents.exams[0].age is None
    assert _notes(contents) == [("record", "age_conflict")]


def test_reports_and_photographs_of_two_tables_meet_by_patient_and_date(tmp_path: Path) -> None:
    files = {
        "exams.csv": "no,pat,day,text\nE1,P7,2020-01-01,one\nE2,P7,2021-01-01,two\n",
        "photos.csv": "who,when,eye,file\nP7,2021-01-01,L,b.jpg\nP7,2020-01-01,R,a.jpg\n"
        "P7,,R,c.jpg\n",
    }
    photos = {
        "table": "photos.csv",
        "columns": {"patient": "who", "exam_date": "when", "eye": "eye", "images": "file"},
        "values": EYES,
    }
    contents = _contents(tmp_path, files, ["a.jpg", "b.jpg", "c.jpg"], photos, EXAMS)
    assert _pairs(contents) == {"a.jpg": ["one"], "b.jpg": ["two"]}
    assert _notes(contents) == [("image", "two_records")]


def test_names_of_files_meet_whatever_their_letter_case_or_suffix(tmp_path: Path) -> None:
    table = {"table": "t.csv", "columns": {"exam": "no", "images": "file", "report": "text"}}
    rows = "no,file,text\n1,f01.jpg,one\n2,CAFÉ.jpg,two\n3,img3,three\n4,img4.png,four\n"
    photos = ["F01.jpg", "café.jpg", "IMG3.jpg", "img4.jpg"]
    contents = _contents(tmp_path, {"t.csv": rows}, photos, table)
    assert _pairs(contents) == {"F01.jpg": ["one"], "café.jpg": ["two"], "IMG3.jpg": ["three"]}


def test_a_withdrawn_report_and_one_of_an_unknown_examination(tmp_path: Path) -> None:
    columns = {"exam": "no", "images": "file", "report": "text", "procedure": "what"}
    table = {
        "table": "t.csv",
        "columns": columns | {"status": "state"},
        "values": {"procedure": {"彩照": "cfp"}},
    }
    rows = "no,file,text,what,state\n1,a.jpg,one,彩照,final\n1,,two,某检查,final\n"
    rows += "1,,three,彩照,已作废\n2,b.jpg,four,某检查,\n"
    contents = _contents(tmp_path, {"t.csv": rows}, ["a.jpg", "b.jpg"], table)
    said = {r.text: (r.other, r.withdrawn) for exam in contents.exams for r in exam.reports}
    assert said == {
        "one": (None, False),
        "two": ("other", False),
        "three": (None, True),
        "four": (None, False),
    }


def test_a_number_given_twice_joins_neither_patients_nor_days(tmp_path: Path) -> None:
    rows = "no,pat,day,text,img\n1,A1,2020-01-01,one,a.jpg\n1,B2,2020-01-01,two,b.jpg\n"
    rows += "1,A1,2020-09-09,three,c.jpg\n"
    columns = EXAMS["columns"] | {"images": "img"}
    given = EXAMS | {"columns": columns, "format": {"file_pattern": r"^n(?P<exam>\d)_"}}
    contents = _contents(
        tmp_path, {"exams.csv": rows}, ["a.jpg", "b.jpg", "c.jpg", "n1_.jpg"], given
    )
    assert _pairs(contents) == {"c.jpg": ["three"]}
    assert _notes(contents) == [("image", "two_records")] * 3 + [("report", "two_patients")] * 2


def test_paths_with_patient_and_date(tmp_path: Path) -> None:
    rows = "pat,day,text\nA1,2020-01-01,one\nA1,2020-06-01,two\nB2,2020-01-01,three\n"
    columns = {"patient": "pat", "exam_date": "day", "report": "text"}
    given = {"table": "t.csv", "columns": columns, "values": EYES,
             "format": BY_PATH | {"window_days": 2}}  # fmt: skip
    names = ["A1_20200102_L.jpg", "A1_20200601_R.jpg", "B2_20200301_L.jpg"]
    contents = _contents(tmp_path, {"t.csv": rows}, names, given)
    assert _pairs(contents) == {names[0]: ["one"], names[1]: ["two"], names[2]: []}


def test_a_month_in_the_path_stands_for_all_its_days(tmp_path: Path) -> None:
    rows = "pat,day,text\nA1,2020-01-31,one\nA1,2020-02-01,two\n"
    columns = {"patient": "pat", "exam_date": "day", "report": "text"}
    form = {"file_pattern": r"(?P<date>\d{4}-\d\d)_(?P<patient>A\d)", "file_date": "%Y-%m"}
    given = {"table": "t.csv", "columns": columns, "format": form}
    contents = _contents(tmp_path, {"t.csv": rows}, ["2020-01_A1.jpg"], given)
    assert _pairs(contents) == {"2020-01_A1.jpg": ["one"]}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("R,drusen\nL,normal", ["Right eye: drusen", "Left eye: normal"]),
        ("R,drusen in both\nL,drusen in both", ["drusen in both"]),
        ("R,OD drusen\nL,normal", ["OD drusen", "Left eye: normal"]),
    ],
)
def test_rows_of_one_eye_speak_of_that_eye(tmp_path: Path, rows: str, said: list[str]) -> None:
    table = "no,pat,eye,text,img\n" + "".join(
        f"E1,P1,{row},{n}.jpg\n" for n, row in enumerate(rows.split("\n"))
    )
    columns = {"exam": "no", "patient": "pat", "eye": "eye", "report": "text", "images": "img"}
    given = {"table": "t.csv", "columns": columns, "values": EYES}
    (exam,) = _contents(tmp_path, {"t.csv": table}, ["0.jpg", "1.jpg"], given).exams
    assert [report.text for report in texts.drafts(exam, {})] == said


def test_another_examination_of_that_day_is_no_candidate(tmp_path: Path) -> None:
    rows = "no,pat,day,text,kind\nE1,A1,2020-01-01,one,OCT\nE2,A1,2020-01-01,two,fundus\n"
    given = EXAMS | {
        "format": BY_PATH,
        "columns": EXAMS["columns"] | {"procedure": "kind"},
        "values": EYES | {"procedure": {"OCT": "oct", "fundus": "cfp"}},
    }
    contents = _contents(tmp_path, {"exams.csv": rows}, ["A1_20200101_L.jpg"], given)
    assert _pairs(contents) == {"A1_20200101_L.jpg": ["two"]}


def test_documents_among_photographs_are_no_photographs(tmp_path: Path) -> None:
    given = EXAMS | {"photos": ["**/*"]}
    files = {"exams.csv": "no,pat,day,text\nE1,A1,,one\n", "notes.txt": "x", "~$e.xlsx": "x"}
    contents = _contents(tmp_path, files, [], given)
    assert contents.photos == []
    assert _notes(contents) == [("record", "not_a_record")] * 2


@pytest.mark.parametrize(
    ("family", "given", "name"),
    [("Field", "Iris", "Field Iris"), ("张", "小三", "张小三"), ("Field", "", "Field")],
)
def test_a_name_in_two_columns_is_one(tmp_path: Path, family: str, given: str, name: str) -> None:
    table = EXAMS | {"columns": {"exam": "no", "name": ["family", "given"], "report": "text"}}
    files = {"exams.csv": f"no,family,given,text\nE1,{family},{given},one\n"}
    (exam,) = _contents(tmp_path, files, [], table).exams
    assert exam.secrets["name"] == (name,)
