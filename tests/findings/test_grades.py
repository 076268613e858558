from __future__ import annotations

import pytest

from funduscope.findings import extract


@pytest.mark.parametrize(
    ("text", "finding", "grade"),
    [
        ("mild nonproliferative retinopathy", "npdr", "icdr:1"),
        ("moderate non proliferative retinopathy", "npdr", "icdr:2"),
        ("重度非增殖期糖尿病视网膜病变", "npdr", "icdr:3"),
        ("非增殖期糖尿病视网膜病变（中度）", "npdr", "icdr:2"),
        ("severe proliferative diabetic retinopathy", "pdr", "icdr:4"),
        ("糖尿病视网膜病变Ⅲ期", "diabetic_retinopathy", "cn_dr:3"),
        ("高血压视网膜病变2级", "hypertensive_retinopathy", "kwb:2"),
        ("Hypertensive retinopathy grade 3", "hypertensive_retinopathy", "kwb:3"),
        ("C/D 0.35", "cup_disc_ratio", "cdr:0.35"),
        ("C/D约0.4-0.5", "cup_disc_ratio", "cdr:0.4-0.5"),
        ("C/D > 0.6", "cup_disc_ratio", "cdr:>0.6"),
        ("动静脉比约2:3", "av_ratio", "avr:2/3"),
        ("moderate cataract", "cataract", None),
    ],
)
def test_grade_as_written(text: str, finding: str, grade: str | None) -> None:
    (row,) = extract(text)
    assert (row.finding, row.grade, row.status) == (finding, grade, "present")


def test_grade_zero_is_absence_with_the_grade() -> None:
    (row,) = extract("No apparent diabetic retinopathy (ICDR 0)")
    assert (row.status, row.grade) == ("absent", "icdr:0")


def test_grades_in_parentheses_go_to_each_eye() -> None:
    rows = extract("双眼糖尿病视网膜病变（右眼Ⅱ期，左眼Ⅳ期）")
    assert [(a.eye, a.grade) for a in rows] == [("OD", "cn_dr:2"), ("OS", "cn_dr:4")]


def test_ratios_of_both_eyes_behind_one_word() -> None:
    rows = extract("杯盘比：右0.3，左0.7")
    assert [(a.eye, a.grade) for a in rows] == [("OD", "cdr:0.3"), ("OS", "cdr:0.7")]
