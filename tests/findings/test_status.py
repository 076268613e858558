from __future__ import annotations

import pytest

from funduscope.findings import extract


def _status(text: str) -> dict[str, str]:
    return {a.finding: a.status for a in extract(text)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("未见出血、渗出及微血管瘤", "absent absent absent"),
        ("未见出血，可见渗出", "absent present"),
        ("未见出血但有渗出", "absent present"),
        ("出血、渗出均未见", "absent absent"),
        ("No drusen, exudates, or microaneurysms", "absent absent absent"),
        ("no drusen, but hard exudates", "absent present"),
        ("drusen, exudates or microaneurysms not seen", "absent absent absent"),
        ("no drusen, exudates present", "absent present"),
        ("retinal detachment was excluded", "absent"),
        ("MA(+) CWS(-)", "present absent"),
        ("drusen: none; exudates: many", "absent present"),
        ("不除外青光眼", "uncertain"),
        ("青光眼待排", "uncertain"),
        ("glaucoma cannot be ruled out", "uncertain"),
        ("suspected glaucoma", "uncertain"),
        ("CSC vs PCV", "uncertain uncertain"),
        ("黄斑前膜？", "uncertain"),
        ("并非没有黄斑前膜", "present"),
        ("not only drusen", "present"),
        ("玻璃体积血已吸收", "absent"),
        ("玻璃体积血部分吸收", "present"),
        ("建议OCT排除黄斑水肿", "uncertain"),
        ("Recommend OCT to rule out macular edema", "uncertain"),
        ("the drusen are unchanged", "present"),
    ],
)
def test_status_of_each_finding_in_order(text: str, expected: str) -> None:
    assert " ".join(a.status for a in extract(text)) == expected


@pytest.mark.parametrize(
    "text",
    ["如出现视网膜脱离请就诊", "If vitreous hemorrhage occurs, return", "有视网膜脱离风险"],
)
def test_conditions_and_risks_assert_nothing(text: str) -> None:
    assert extract(text) == []


def test_advised_treatment_asserts_nothing() -> None:
    assert _status("黄斑水肿，建议抗VEGF治疗") == {"macular_edema": "present"}


def test_history_and_family() -> None:
    (mother, own) = extract("母亲患青光眼，本人白内障")
    assert (mother.experiencer, mother.temporality, mother.eye) == ("family", "history", "unknown")
    assert (own.finding, own.experiencer) == ("cataract", "patient")
    (past,) = extract("高血压病史10年")
    assert (past.finding, past.temporality, past.status) == ("hypertension", "history", "present")
    (denied,) = extract("否认糖尿病病史")
    assert (denied.status, denied.temporality) == ("absent", "history")


def test_a_negation_does_not_reach_the_next_sentence() -> None:
    rows = extract("No hemorrhage. Drusen in the macula.")
    assert [(a.finding, a.status) for a in rows] == [
        ("retinal_hemorrhage", "absent"),
        ("drusen", "present"),
    ]


def test_a_verb_right_behind_the_denial_does_not_end_it() -> None:
    assert _status("The photograph does not show drusen.") == {"drusen": "absent"}


def test_a_list_holds_elements_that_the_vocabulary_does_not_know() -> None:
    read = _status("No hemorrhage, mass, or exudate; disc swelling")
    assert read == {
        "retinal_hemorrhage": "absent",
        "exudate": "absent",
        "optic_disc_edema": "present",
    }
    assert _status("no drusen, macula flat, hemorrhage and exudate")["exudate"] == "present"


def test_not_normal_asserts_nothing() -> None:
    assert _status("OD is not normal") == {}
