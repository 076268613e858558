from __future__ import annotations

import csv
from operator import attrgetter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funduscope.findings import Assertion, Caption, captions, extract, vocabulary


def _one(text: str, eye: str, language: str) -> str | None:
    found = captions(text, extract(text), eye, language=language)  # type: ignore[arg-type]
    return found[0].text if found else None


def test_as_written_gives_the_eyes_own_words() -> None:
    text = "Right eye: moderate non proliferative retinopathy, laser spot; left eye: normal fundus"
    assert captions(text, extract(text), "OD", language="as_written") == [
        Caption("moderate non proliferative retinopathy, laser spot", "en", "report")
    ]


@pytest.mark.parametrize(
    ("text", "en", "zh"),
    [
        (
            "OD: moderate non proliferative retinopathy, epiretinal membrane",
            "moderate nonproliferative diabetic retinopathy, epiretinal membrane",
            "中度非增殖期糖尿病视网膜病变，黄斑前膜",
        ),
        ("OD: suspected glaucoma, drusen", "drusen, suspected glaucoma", "玻璃膜疣，可疑青光眼"),
        ("右眼未见明显异常", "normal fundus", "正常眼底"),
        (
            "右眼未见出血及渗出",
            "no retinal hemorrhage, no retinal exudate",
            "未见视网膜出血，未见渗出",
        ),
        ("右眼白内障，未见出血", "cataract", "白内障"),
        ("右眼DR III期", "diabetic retinopathy stage III", "糖尿病视网膜病变III期"),
        ("右眼C/D 0.7", "cup-to-disc ratio 0.7", "杯盘比0.7"),
        ("s/p vitrectomy OD", "after vitrectomy", "玻璃体切除术后"),
    ],
)
def test_rendered_in_both_languages(text: str, en: str, zh: str) -> None:
    assert _one(text, "OD", "en") == en
    assert _one(text, "OD", "zh") == zh


def test_boilerplate_and_people_are_left_out() -> None:
    text = (
        "既往：糖尿病史10年。右眼：白内障。母亲患青光眼。建议：定期复查，如出现视网膜脱离请就诊。"
    )
    assert _one(text, "OD", "en") == "cataract"
    assert _one(text, "OD", "as_written") == "白内障"


def test_eye_that_is_not_named_has_no_caption_unless_none_is_named() -> None:
    for language in ("as_written", "en", "zh"):
        assert _one("右眼白内障", "OS", language) is None
        assert _one("白内障", "OS", language) is not None


def _row(finding: str, status: str = "present", grade: str | None = None) -> Assertion:
    treated = vocabulary()[finding].kind == "treatment"
    time = "history" if treated else "current"
    return Assertion("OD", finding, status, time, "patient", grade, 0, 1, "")


def _read_back(rows: list[Assertion], language: str) -> None:
    """The caption with denials says what it was made of, and names no side."""
    found = captions("", rows, "OD", language=f"{language}_full")  # type: ignore[arg-type]
    said = extract(found[0].text)
    key = attrgetter("finding", "status", "grade")
    assert {key(a) for a in said} == {key(a) for a in rows}, found[0].text
    assert {a.eye for a in said} == {"unknown"}


_MEASURED = ("cup_disc_ratio", "av_ratio")
_SHOWN = [f.code for f in vocabulary() if f.kind != "systemic"]
# Denied they say nothing.
_PICTURE = {
    "normal",
    "referable_disease",
    "ungradable",
    "partially_ungradable",
    "poor_image_quality",
}
_GRADES = {
    "diabetic_retinopathy": [
        *(f"icdr:{n}" for n in range(5)),
        *(f"cn_dr:{n}" for n in range(1, 7)),
    ],
    "npdr": ["icdr:1", "icdr:2", "icdr:3", "cn_dr:1", "cn_dr:2", "cn_dr:3"],
    "pdr": ["icdr:4", "cn_dr:4", "cn_dr:5", "cn_dr:6"],
    "hypertensive_retinopathy": [f"kwb:{n}" for n in range(1, 5)],
    "pathologic_myopia": [f"metapm:C{n}" for n in range(5)],
    "diffuse_chorioretinal_atrophy": ["metapm:C2"],
    "patchy_chorioretinal_atrophy": ["metapm:C3"],
    "macular_atrophy": ["metapm:C4"],
    "amd": [f"areds:{n}" for n in range(1, 5)],
    "macular_hole": [f"gass:{n}" for n in range(1, 5)],
    "rop": [f"rop:{n}" for n in range(1, 6)],
    "pvr": ["pvr:1", "pvr:3"],
    "cup_disc_ratio": ["cdr:0.3", "cdr:0.85", "cdr:>0.6", "cdr:>=0.8", "cdr:0.4-0.5"],
    "av_ratio": ["avr:2/3", "avr:1/2"],
}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("status", ["present", "absent", "uncertain"])
def test_every_finding_reads_back_from_its_caption(status: str, language: str) -> None:
    for code in _SHOWN:
        if code not in _MEASURED and (status == "present" or code not in _PICTURE):
            grade = "icdr:4" if code == "pdr" and status != "absent" else None
            _read_back([_row(code, status, grade)], language)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_grade_reads_back_from_its_caption(language: str) -> None:
    for code, grades in _GRADES.items():
        for grade in grades:
            status = "absent" if grade.endswith(":0") else "present"
            _read_back([_row(code, status, grade)], language)
            if status == "present" and not grade.startswith(("cdr", "avr")):
                _read_back([_row(code, "uncertain", grade)], language)


def test_letters_of_pvr_are_written_in_both_languages() -> None:
    """`grade C` of a proliferative vitreoretinopathy is read back in Chinese only."""
    row = _row("pvr", grade="pvr:C")
    _read_back([row], "zh")
    assert captions("", [row], "OD", language="en")[0].text.endswith("grade C")


_SEEN = ("ungradable", "partially_ungradable", "poor_image_quality")


@st.composite
def _eyes(draw: st.DrawFn) -> list[Assertion]:
    """What a report says of an eye: no finding twice, no broader one beside a narrower."""
    words = vocabulary()
    rows = []
    for code in draw(st.lists(st.sampled_from(_SHOWN), min_size=1, max_size=8, unique=True)):
        if code in _SEEN and any(r.finding in _SEEN for r in rows):
            continue  # of how well an eye is seen only the worst stands
        status = draw(st.sampled_from(["present", "absent", "uncertain"]))
        if code in _PICTURE or code in _MEASURED:
            status = "present"
        grades = [g for g in _GRADES.get(code, ()) if not g.endswith(":0")]
        grade = draw(st.sampled_from([None, *grades])) if grades and status != "absent" else None
        if code == "pdr" and status != "absent":
            grade = grade or "icdr:4"
        if code in _MEASURED:
            grade = grade or grades[0]
        rows.append(_row(code, status, grade))
    broader = {(c, r.status) for r in rows for c in words.ancestors(r.finding)}
    return [r for r in rows if (r.finding, r.status) not in broader]


@settings(deadline=None, max_examples=150)
@given(_eyes(), st.sampled_from(["en", "zh"]))
def test_what_is_said_of_an_eye_reads_back_from_its_caption(
    rows: list[Assertion], language: str
) -> None:
    _read_back(rows, language)


@pytest.mark.parametrize(
    ("form", "caption"),
    [
        ("en", "drusen, suspected glaucoma"),
        ("en_full", "drusen, suspected glaucoma, no retinal hemorrhage"),
        ("en_short", "drusen"),
        ("zh", "玻璃膜疣，可疑青光眼"),
        ("zh_full", "玻璃膜疣，可疑青光眼，未见视网膜出血"),
        ("zh_short", "玻璃膜疣"),
        ("as_written", "玻璃膜疣，青光眼待排，未见出血"),
    ],
)
def test_the_forms_of_one_eye(form: str, caption: str) -> None:
    text = "糖尿病史5年。右眼：玻璃膜疣，青光眼待排，未见出血。建议OCT排除黄斑水肿。"
    assert _one(text, "OD", form) == caption


def test_nothing_is_said_twice_or_without_its_number() -> None:
    stated = [_row("cataract"), _row("cataract", "uncertain"), _row("av_ratio")]
    assert captions("", stated, "OD", language="en_full")[0].text == "cataract"
    assert captions("", [_row("av_ratio")], "OD", language="en") == []


def test_a_short_caption_keeps_a_ratio_and_drops_a_severity() -> None:
    assert _one("OD: severe NPDR, C/D 0.7", "OD", "en_short") == (
        "nonproliferative diabetic retinopathy, cup-to-disc ratio 0.7"
    )


@pytest.mark.realdata
@pytest.mark.parametrize("form", ["as_written", "en", "zh"])
def test_every_real_text_has_a_caption(shared: Path, form: str) -> None:
    """Of each of the 142 keywords of ODIR: a caption that is no boilerplate by mistake."""
    with (shared / "data" / "odir" / "labels.csv").open(encoding="utf-8", newline="") as handle:
        texts = sorted({row["text"] for row in csv.DictReader(handle)})
    assert [text for text in texts if _one(f"Right eye: {text}", "OD", form) is None] == []


@pytest.mark.parametrize(
    ("text", "eye", "own"),
    [
        (
            "OD: drusen, C/D 0.3. Electronically signed by [id] on [day 0].",
            "OD",
            "drusen, C/D 0.3",
        ),
        ("右眼：黄斑水肿。\n医生签名：[name]  日期：[day 0]", "OD", "黄斑水肿"),
        ("Normal fundus. Seen by Dr. [name]", "unknown", "Normal fundus"),
        (
            "OS: mild NPDR since [year -2], by [name], drusen",
            "OS",
            "mild NPDR, drusen",
        ),
        ("审核医生：[name]", "unknown", None),
    ],
)
def test_signatures_are_no_captions(text: str, eye: str, own: str | None) -> None:
    assert _one(text, eye, "as_written") == own
