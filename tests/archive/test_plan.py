from dataclasses import replace
from pathlib import Path

import pytest

from funduscope.archive import plan
from funduscope.archive.description import Columns, Description, Source, Values
from funduscope.archive.identity import Pseudonyms
from funduscope.errors import DataError

KEY = Pseudonyms(b"k" * 32)
SOURCE = Source(
    site="s",
    table="t.csv",
    photos=("*.jpg",),
    columns=Columns(patient="p", images="i", eye="e", exam_date="d"),
    values=Values(eye={"R": "OD", "L": "OS"}),
)


def _make(folder: Path, rows: str, files: dict[str, bytes], source: Source = SOURCE) -> plan.Plan:
    folder.mkdir(exist_ok=True)
    (folder / "t.csv").write_text("p,i,e,d\n" + rows, encoding="utf-8")
    for name, data in files.items():
        (folder / name).write_bytes(b"\xff\xd8\xff" + data)
    return plan.make(folder, Description(source=(source,)), KEY)


def test_the_order_does_not_depend_on_the_order_of_rows(tmp_path: Path) -> None:
    files = {f"{n}.jpg": bytes([n]) * (n + 1) for n in range(4)}
    rows = ["P1,0.jpg,R,2020-01-02\n", "P2,1.jpg,R,\n", "P1,2.jpg,L,2020-01-01\n", "P3,3.jpg,L,\n"]
    one = _make(tmp_path / "a", "".join(rows), files)
    other = _make(tmp_path / "b", "".join(rows[::-1]), files)
    assert [e.key for e in one.exams] == [e.key for e in other.exams]
    days = [e.visit for e in one.exams if e.patient == "P1"]
    assert days == sorted(days)


def test_a_photograph_of_two_sites_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("p,i,e,d\nP1,0.jpg,R,\n", encoding="utf-8")
    (tmp_path / "0.jpg").write_bytes(b"\xff\xd8\xff")
    both = Description(source=(SOURCE, SOURCE.model_copy(update={"site": "other"})))
    with pytest.raises(DataError, match="belongs to one site") as caught:
        plan.make(tmp_path, both, KEY)
    assert caught.value.code == "two_sites"


def test_the_input_id_follows_what_is_there(tmp_path: Path) -> None:
    files = {"0.jpg": b"abc"}
    base = _make(tmp_path, "P1,0.jpg,R,\n", files).input_id
    assert _make(tmp_path, "P1,0.jpg,R,\n", files).input_id == base
    assert _make(tmp_path, "P1,0.jpg,L,\n", files).input_id != base
    assert _make(tmp_path, "P1,0.jpg,R,\n", {"0.jpg": b"abcd"}).input_id != base
    assert _make(tmp_path, "P1,0.jpg,R,\n", files | {"1.jpg": b"x"}).input_id != base


def test_copies_of_one_patient_keep_the_first(tmp_path: Path) -> None:
    made = _make(tmp_path, "P1,0.jpg,R,\nP1,1.jpg,R,\n", {"0.jpg": b"x", "1.jpg": b"x"})
    assert made.known == {
        "1.jpg": ("read", "exact_duplicate", "the same file as another", "rejected")
    }


def test_copies_under_two_patients_or_eyes_all_go_to_review(tmp_path: Path) -> None:
    files = {"0.jpg": b"x", "1.jpg": b"x", "2.jpg": b"y", "3.jpg": b"y"}
    rows = "P1,0.jpg,R,\nP2,1.jpg,R,\nP3,2.jpg,R,\nP3,3.jpg,L,\n"
    found = {name: (o[1], o[3]) for name, o in _make(tmp_path, rows, files).known.items()}
    assert found == {
        "0.jpg": ("duplicate_across_patients", "review"),
        "1.jpg": ("duplicate_across_patients", "review"),
        "2.jpg": ("duplicate_other_eye", "review"),
        "3.jpg": ("duplicate_other_eye", "review"),
    }


def test_a_labeled_set_loses_no_picture_to_a_copy(tmp_path: Path) -> None:
    source = SOURCE.model_copy(update={"keep_refused": True})
    files = {"0.jpg": b"x", "1.jpg": b"x"}
    made = _make(tmp_path, "P1,0.jpg,R,\nP2,1.jpg,R,\n", files, source)
    assert [outcome[1] for outcome in made.known.values()] == ["exact_duplicate"]


def test_patients_are_told_apart_by_site_and_by_being_named(tmp_path: Path) -> None:
    exam = _make(tmp_path, "P1,0.jpg,R,\n", {"0.jpg": b"x"}).exams[0]
    ids = {
        plan.patient_id(one, KEY)
        for one in (
            exam,
            replace(exam, site="other"),
            replace(exam, patient=None),
            replace(exam, patient="P2"),
        )
    }
    assert len(ids) == 4
