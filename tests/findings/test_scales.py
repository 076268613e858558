from __future__ import annotations

import pytest

from funduscope.findings import extract, vocabulary
from funduscope.findings.grades import SEVERITY, TARGETS
from funduscope.findings.scales import (
    convert,
    scale_mappings,
    scales,
    scales_of,
    scales_version,
    severity_words,
    targets,
)


def test_every_scale_is_whole_named_in_both_languages_and_has_a_source() -> None:
    words = vocabulary()
    assert scales_version()
    for code, scale in scales().items():
        assert scale.code == code
        assert scale.en.isascii()
        assert not scale.zh.isascii()
        assert scale.source
        assert scale.findings
        assert all(finding in words for finding in scale.findings)
        assert bool(scale.values) != scale.measurement
        values = [step.value for step in scale.values]
        assert len(values) == len(set(values))
        assert bool(scale.referable) == bool(scale.referable_source)
        assert scale.referable is None or scale.referable in values
        for step in scale.values:
            assert step.en.isascii()
            assert not step.zh.isascii()
            assert step.finding is None or step.finding in words


def test_mappings_lead_from_scale_to_scale() -> None:
    for mapping in scale_mappings():
        start, end = scales()[mapping.start], scales()[mapping.end]
        assert set(mapping.values) == {step.value for step in start.values}
        assert set(mapping.values.values()) <= {step.value for step in end.values}
        assert set(mapping.approximate) <= set(mapping.values)
        assert mapping.source


def test_mapping_agrees_with_the_codes_of_both_scales() -> None:
    """A stage that means pdr stays pdr on the other scale."""
    for mapping in scale_mappings():
        for value, other in mapping.values.items():
            one = scales()[mapping.start].value(value)
            two = scales()[mapping.end].value(other)
            assert one
            assert two
            assert None in (one.finding, two.finding) or one.finding == two.finding


@pytest.mark.parametrize(
    ("grade", "to", "expected"),
    [
        ("cn_dr:2", "icdr", ("icdr:2", True)),
        ("cn_dr:5", "icdr", ("icdr:4", False)),
        ("dme:3", "dme_center", ("dme_center:ci", False)),
        ("icdr:2", "cn_dr", None),
        ("cn_dr:9", "icdr", None),
        ("cdr:0.4", "icdr", None),
    ],
)
def test_convert_says_what_is_approximate(
    grade: str, to: str, expected: tuple[str, bool] | None
) -> None:
    assert convert(grade, to) == expected


def test_referable_thresholds() -> None:
    icdr = scales()["icdr"]
    assert [icdr.is_referable(value) for value in "01234"] == [False, False, True, True, True]
    assert scales()["metapm"].is_referable("C1") is False
    assert scales()["kwb"].is_referable("3") is None
    assert icdr.is_referable("7") is None


def test_scales_of_a_finding_are_those_of_its_broader_ones_too() -> None:
    assert [scale.code for scale in scales_of("npdr")] == ["icdr", "cn_dr"]
    assert scales_of("drusen") == ()


def test_the_reader_writes_the_scales_that_the_table_says() -> None:
    assert targets() == TARGETS
    assert severity_words("icdr") == SEVERITY
    written = {scale.code for scale in scales().values() if scale.in_reports}
    assert written == {*TARGETS, "cdr", "avr"}


@pytest.mark.parametrize(
    "text",
    [
        "糖尿病视网膜病变Ⅲ期",
        "高血压视网膜病变2级",
        "病理性近视（META-PM C3）",
        "AMD, AREDS category 3",
        "severe NPDR",
    ],
)
def test_grades_that_the_reader_writes_are_values_of_their_scale(text: str) -> None:
    grades = [row.grade.split(":") for row in extract(text) if row.grade]
    assert grades
    for code, value in grades:
        assert scales()[code].value(value), (code, value)
