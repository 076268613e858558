from datetime import date
from pathlib import Path

import pytest

from funduscope.archive import pairing
from funduscope.archive.description import Columns, EyeWords, Format, Source, Values
from funduscope.archive.pairing import Contents

EYES = {"L": "OS", "R": "OD"}


def _contents(tmp_path: Path, rows: str, files: list[str], **given: object) -> Contents:
    (tmp_path / "t.csv").write_text(rows, encoding="utf-8")
    for name in files:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    source = Source.model_validate({"table": "t.csv", "site": "s", **given})
    return pairing.read_site(tmp_path, "s", [(0, source)])


def _notes(contents: Contents) -> list[tuple[str, str, str]]:
    return [(note.item, note.code, note.severity) for note in contents.notes]


def test_one_row_an_examination_with_columns_for_both_eyes(tmp_path: Path) -> None:
    contents = _contents(
        tmp_path,
        "no,pat,born,day,sex,r,l,find,imp\nE1,P1,1950-06-15,2020-06-15,F,a.jpg;b.jpg,c.jpg,one,two\n",
        ["a.jpg", "b.jpg", "c.jpg"],
        columns=Columns(
            exam="no",
            patient="pat",
            birth_date="born",
            exam_date="day",
            sex="sex",
            right="r",
            left="l",
            report=("find", "imp"),
        ),
        values=Values(sex={"F": "female"}),
    )
    (exam,) = contents.exams
    assert [(p.path, p.eye, p.eye_source) for p in exam.photos] == [
        ("a.jpg", "OD", "record"),
        ("b.jpg", "OD", "record"),
        ("c.jpg", "OS", "record"),
    ]
    assert [report.text for report in exam.reports] == ["one\ntwo"]
    assert (exam.visit, exam.age, exam.sex) == (date(2020, 6, 15), 70, "female")
    assert exam.secrets["patient"] == ("P1",)
    assert exam.secrets["birth_date"] == ("1950-06-15",)
    assert contents.notes == []
    assert contents.photos == ["a.jpg", "b.jpg", "c.jpg"]


def test_rows_of_one_patient_become_one_examination_with_words_per_eye(tmp_path: Path) -> None:
    contents = _contents(
        tmp_path,
        "image,patient,eye,text\na.jpg,1,L,cataract\nb.jpg,1,R,normal fundus\nc.jpg,1,R,drusen\n",
        ["a.jpg", "b.jpg", "c.jpg"],
        columns=Columns(images="image", patient="patient", eye="eye", eye_report={"en": "text"}),
        values=Values(eye=EYES),
        eye_words={"en": EyeWords()},
    )
    (exam,) = contents.exams
    assert exam.eye_words == {"en": {"OS": ["cataract"], "OD": ["normal fundus", "drusen"]}}
    assert [p.eye for p in exam.photos] == ["OD", "OD", "OS"]


def test_words_on_an_unknown_eye_or_patient_stay_with_their_photograph(tmp_path: Path) -> None:
    contents = _contents(
        tmp_path,
        "image,patient,eye,text\na.jpg,,L,cataract\nb.jpg,1,,normal\nc.jpg,1,R,drusen\n",
        ["a.jpg", "b.jpg", "c.jpg"],
        columns=Columns(images="image", patient="patient", eye="eye", eye_report={"en": "text"}),
        values=Values(eye=EYES),
    )
    a, b, c = contents.exams
    assert (a.patient, [(r.language, r.text) for r in a.reports]) == (None, [("en", "cataract")])
    assert (b.patient, [(r.language, r.text) for r in b.reports]) == ("1", [("en", "normal")])
    assert (c.patient, c.reports, c.eye_words) == ("1", [], {"en": {"OD": ["drusen"]}})


def test_photographs_found_by_their_names(tmp_path: Path) -> None:
    contents = _contents(
        tmp_path,
        "no\nE1\nE2\n",
        ["img/E1-R-1.jpg", "img/E1-L-1.jpg", "img/E9-R-1.jpg", "img/notes.txt"],
        photos=("img/*",),
        columns=Columns(exam="no"),
        format=Format(file_pattern=r"^(?P<exam>E\d)-(?P<eye>[RL])"),
        values=Values(eye=EYES),
    )
    first, second, unknown = contents.exams
    assert [(p.path, p.eye, p.eye_source) for p in first.photos] == [
        ("img/E1-R-1.jpg", "OD", "filename"),
        ("img/E1-L-1.jpg", "OS", "filename"),
    ]
    assert second.photos == []
    assert [p.path for p in unknown.photos] == ["img/E9-R-1.jpg"]  # its report was never exported
    assert _notes(contents) == [("record", "not_a_record", "rejected")]


def test_what_cannot_be_placed_is_noted(tmp_path: Path) -> None:
    contents = _contents(
        tmp_path,
        "no,pat,img,eye,age\nE1,P1,a_R.jpg,R,70\nE2,P2,b.jpg,L,old\nE3,P3,b.jpg,L,\n"
        "E4,P4,c_R.jpg,L,\nE5,P5,gone.jpg,?,\n",
        ["a_R.jpg", "b.jpg", "c_R.jpg"],
        columns=Columns(exam="no", patient="pat", images="img", eye="eye", age="age"),
        format=Format(eye_pattern=r"_(?P<eye>[RL])"),
        values=Values(eye=EYES),
    )
    assert [len(exam.photos) for exam in contents.exams] == [1, 0, 0, 0, 0]
    assert sorted(_notes(contents)) == [
        ("image", "eye_conflict", "review"),
        ("image", "two_records", "review"),
        ("record", "missing_image", "rejected"),
        ("record", "odd_age", "review"),
        ("record", "odd_eye", "review"),
    ]
    for note in contents.notes:  # what a cell says may name a person: only the place holds it
        assert "old" not in note.detail
        assert "gone.jpg" not in note.detail


def test_a_photograph_outside_the_archive_is_not_read(tmp_path: Path) -> None:
    inside = tmp_path / "archive"
    inside.mkdir()
    (tmp_path / "secret.jpg").write_bytes(b"x")
    (inside / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    contents = _contents(
        inside,
        "img\n../secret.jpg\nlink.jpg\n",
        [],
        photos=("*.jpg",),
        columns=Columns(images="img"),
    )
    assert all(not exam.photos for exam in contents.exams)
    assert sorted(_notes(contents)) == [
        ("image", "symlink_outside", "rejected"),
        ("record", "missing_image", "rejected"),
    ]


def test_a_second_row_on_a_photograph_adds_its_labels(tmp_path: Path) -> None:
    contents = _contents(
        tmp_path,
        "image,labels\na.jpg,dr1;drusen\na.jpg,drusen;erm\n",
        ["a.jpg"],
        columns=Columns(images="image", labels="labels"),
    )
    (exam,) = contents.exams
    assert [p.labels for p in exam.photos] == [("dr1", "drusen", "erm")]


@pytest.mark.parametrize("written", ["images\\a.jpg", "./images/a.jpg", " images/a.jpg "])
def test_ways_to_write_a_path(tmp_path: Path, written: str) -> None:
    contents = _contents(
        tmp_path, f"image\n{written}\n", ["images/a.jpg"], columns=Columns(images="image")
    )
    assert [p.path for p in contents.exams[0].photos] == ["images/a.jpg"]


def test_words_on_one_eye_in_columns_of_their_own_get_their_eye(tmp_path: Path) -> None:
    contents = _contents(
        tmp_path,
        "no,right,left,advice\nE1,no drusen,视网膜在位,come back\nE2,,hemorrhage,\n",
        [],
        columns=Columns(
            exam="no", report_right=("right",), report_left=("left",), report=("advice",)
        ),
    )
    said = [report.text for exam in contents.exams for report in exam.reports]
    # What names no eye stands first: behind the left eye's words it would be the left eye's.
    assert said == ["come back\nRight eye: no drusen\n左眼：视网膜在位", "Left eye: hemorrhage"]


def test_a_list_of_objects_tells_each_photograph_its_eye(tmp_path: Path) -> None:
    frames = '[{"file": "a.jpg", "eye": "R"}, {"file": "b.jpg", "eye": "L"}, {"file": "c.jpg"}]'
    contents = _contents(
        tmp_path,
        f'{{"no": "E1", "frames": {frames}}}\n',
        ["a.jpg", "b.jpg", "c.jpg"],
        kind="jsonl",
        columns=Columns(exam="no", images="frames.file", eye="frames.eye"),
        values=Values(eye={"R": "OD", **EYES}),
    )
    (exam,) = contents.exams
    assert {photo.path: photo.eye for photo in exam.photos} == {
        "a.jpg": "OD",
        "b.jpg": "OS",
        "c.jpg": "unknown",
    }


def test_a_file_name_that_says_the_other_eye_is_a_conflict(tmp_path: Path) -> None:
    contents = _contents(
        tmp_path,
        "no,file,eye\nE1,a_OS.jpg,R\nE2,b_OD.jpg,R\nE3,左眼1.jpg,\nE4,OD_OS.jpg,R\n",
        ["a_OS.jpg", "b_OD.jpg", "左眼1.jpg", "OD_OS.jpg"],
        columns=Columns(exam="no", images="file", eye="eye"),
        values=Values(eye={"R": "OD"}),
    )
    assert {photo.path: photo.eye for exam in contents.exams for photo in exam.photos} == {
        "b_OD.jpg": "OD",
        "左眼1.jpg": "OS",
        "OD_OS.jpg": "OD",
    }
    assert _notes(contents) == [("image", "eye_conflict", "review")]
