"""Roles of columns: headers of many systems, numbers that only count, words on one eye."""

from __future__ import annotations

import pytest

from funduscope.archive.draft.columns import Column, assign
from funduscope.archive.draft.words import eye_of, role_of


@pytest.mark.parametrize(
    ("header", "role"),
    [
        ("patient.patName", "name"),
        ("PATNAME", "name"),
        ("EXAM.PATID", "patient"),
        ("Hosp. No.", "patient"),
        ("client.age.value", "age"),
        ("reading.by", "doctor"),
        ("reading.followup", "report"),
        ("O.D.", "right"),
        ("阅片人", "doctor"),
        ("检查所见（必填）", "report"),
        ("participant.no", "patient"),
        ("subject.code", "patient"),
        ("exam.no", "exam"),
        ("病歷號碼", "patient"),
        ("檢查日", "exam_date"),
        ("眼別", "eye"),
        ("報告狀態", "status"),
    ],
)
def test_the_last_part_of_a_header_tells_its_role(header: str, role: str) -> None:
    found = role_of(header)
    assert found is not None
    assert found[0] == role


@pytest.mark.parametrize(
    ("header", "eye"),
    [
        ("右眼情况", "OD"),
        ("左", "OS"),
        ("findings_od", "OD"),
        ("leftEyeReport", "OS"),
        ("双眼", None),
        ("right and left", None),
        ("model", None),
    ],
)
def test_a_header_names_one_eye_or_none(header: str, eye: str | None) -> None:
    assert eye_of(header) == eye


def test_words_on_one_eye_are_told_apart() -> None:
    said = ["视网膜在位，未见出血及渗出，黄斑反光可", "黄斑区可见玻璃膜疣，余未见明显异常改变"]
    columns = {name: Column(name, said) for name in ("右眼情况", "左眼情况", "小结")}
    roles = assign(columns).columns
    assert roles["report_right"] == ["右眼情况"]
    assert roles["report_left"] == ["左眼情况"]
    assert roles["report"] == ["小结"]


def test_where_somebody_lives_is_no_report() -> None:
    homes = [f"柏湾市明河区临江巷{n}号3栋20{n}" for n in range(8)]
    streets = [f"{n} Old Quarry Lane, Dunholt" for n in range(8)]
    said = ["视盘边界清，黄斑反光可，未见出血及渗出。"] * 4
    columns = {"w": Column("w", homes), "v": Column("v", streets), "t": Column("t", said)}
    roles = assign(columns).columns
    assert (roles["address"], roles["report"]) == (["w", "v"], ["t"])


def test_a_header_of_pictures_over_names_without_a_suffix() -> None:
    files = ["pic/a1.jpg", "a1.jpg", "pic/b2.jpg", "b2.jpg"]
    roles = assign(
        {"文件": Column("文件", ["a1", "b2", "c3"], files), "x": Column("x", ["a1", "b2"], files)}
    )
    assert (roles.columns.get("images"), "x" in roles.left) == (["文件"], True)


def test_long_names_of_examinations_are_no_reports() -> None:
    names = ["Retinal photography (bilateral)"] * 20 + ["Ultrasound B-scan of both the eyes"] * 2
    assert assign({"STUDY": Column("STUDY", names)}).columns == {"procedure": ["STUDY"]}


def test_dates_without_a_form() -> None:
    stamps = Column("taken_at", [str(1551751200000 + 86_400_000 * n) for n in range(9)])
    written = Column("照相日", ["二〇一九年三月五日", "民国108年3月6日", "2019年3月7日"])
    roles = assign({"taken_at": stamps}), assign({"照相日": written})
    assert [one.columns.get("exam_date") for one in roles] == [["taken_at"], ["照相日"]]
    assert written.date_forms == (["%Y年%m月%d日"], 1.0)


def test_numbers_of_patients_may_follow_one_another() -> None:
    numbers = [str(33120 + n) for n in range(9)]
    assert assign({"病历号": Column("病历号", numbers)}).columns["patient"] == ["病历号"]
    assert "patient" not in assign({"序号": Column("序号", numbers)}).columns


def test_a_number_that_counts_the_rows_is_no_key() -> None:
    counting = Column("序号", ["1", "2", "3", "合计", "1", "2", "合计"])
    cards = Column("门诊号", ["08513", "08514", "09001", "08513", "07222"])
    roles = assign({"序号": counting, "门诊号": cards})
    assert "exam" not in roles.columns
    assert roles.columns["patient"] == ["门诊号"]


def test_remarks_that_describe_the_fundus_are_reports() -> None:
    seen = Column("comment", ["R/E - flat macula and healthy disc, no drusen seen at all."] * 3)
    told = Column("comment", ["Attended with her daughter; lives alone, needs a lift home."] * 3)
    assert assign({"comment": seen}).columns == {"report": ["comment"]}
    assert assign({"comment": told}).columns == {}


def test_what_stands_inside_a_report_is_part_of_it() -> None:
    said = [f"Diabetes for {n} years, no operation so far." for n in range(9)]
    columns = {name: Column(name, said) for name in ("visit.report.history", "visit.history")}
    roles = assign(columns)
    assert roles.columns["report"] == ["visit.report.history"]
    assert "visit.history" in roles.left


def test_cells_that_could_be_names_identify() -> None:
    names = ["Lindgren", "Pruitt", "O'Hara", "Van Dyke", "Osei", "Marsh", "Bell"]
    roles = assign({"Fld7": Column("Fld7", names), "Unit": Column("Unit", ["North", "South"] * 9)})
    assert roles.columns == {"relative": ["Fld7"]}
