from __future__ import annotations

import pytest

from funduscope.findings import Caption, captions, extract, vocabulary


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
    assert _one(text, "OD", "as_written") == "白内障。母亲患青光眼"


def test_eye_that_is_not_named_has_no_caption_unless_none_is_named() -> None:
    for language in ("as_written", "en", "zh"):
        assert _one("右眼白内障", "OS", language) is None
        assert _one("白内障", "OS", language) is not None


def test_rendered_captions_read_back_as_the_same_findings() -> None:
    for finding in vocabulary():
        if finding.kind in ("systemic", "treatment", "grade"):
            continue
        for language in ("en", "zh"):
            text = _one(finding.en, "OD", language)
            assert text is not None, finding.code
            assert [a.finding for a in extract(text)] == [finding.code]


@pytest.mark.parametrize(
    ("text", "eye", "own"),
    [
        (
            "OD: drusen, C/D 0.3. Electronically signed by [id] on [day 0].",
            "OD",
            "drusen, C/D 0.3.",
        ),
        ("右眼：黄斑水肿。\n医生签名：[name]  日期：[day 0]", "OD", "黄斑水肿。"),
        ("Normal fundus. Seen by Dr. [name]", "unknown", "Normal fundus."),
        (
            "OS: mild NPDR since [year -2], by [name], drusen",
            "OS",
            "mild NPDR since [year -2], drusen",
        ),
        ("审核医生：[name]", "unknown", None),
    ],
)
def test_signatures_are_no_captions(text: str, eye: str, own: str | None) -> None:
    assert _one(text, eye, "as_written") == own
