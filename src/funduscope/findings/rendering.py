"""Assertions of one eye -> a caption in English or Chinese, whatever the report's language.

Every phrase is one that the reader reads back: the same finding, status and grade. No phrase names
a side, since training pictures may be mirrored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from funduscope.findings.assertions import Assertion
from funduscope.findings.vocabulary import BOTH_EYES, vocabulary

Language = Literal["en", "zh"]
Detail = Literal["plain", "short", "full"]
_SEVERITY = {
    "en": {"1": "mild ", "2": "moderate ", "3": "severe "},
    "zh": {"1": "轻度", "2": "中度", "3": "重度"},
}
_ROMAN = ("", "I", "II", "III", "IV", "V", "VI")
# How a grade stands behind the name of what it grades, by scale.
_BEHIND = {
    "en": {
        "icdr": "{} ICDR {}",
        "kwb": "{} grade {}",
        "metapm": "{} {}",
        "areds": "{} AREDS category {}",
        "gass": "{} stage {}",
        "pvr": "{} grade {}",
        "rop": "{} stage {}",
        "cdr": "{} {}",
        "avr": "{} {}",
    },
    "zh": {
        "icdr": "{}ICDR {}级",
        "kwb": "{}{}级",
        "metapm": "{}{}",
        "areds": "{}AREDS {}级",
        "gass": "{}{}期",
        "pvr": "{}{}级",
        "rop": "{}{}期",
        "cdr": "{}{}",
        "avr": "{}{}",
    },
}
_STATUS = {
    "en": {"present": "{}", "uncertain": "suspected {}", "absent": "no {}"},
    "zh": {"present": "{}", "uncertain": "可疑{}", "absent": "未见{}"},
}
_UNSAID = ("normal", "ungradable", "partially_ungradable", "poor_image_quality")
"""Findings whose denial or doubt says nothing of a photograph."""
_MEASURED = ("cup_disc_ratio", "av_ratio")
"""Findings that say nothing without their number."""


def shown(assertions: Sequence[Assertion]) -> list[Assertion]:
    """The assertions that a photograph of the eye can show: the patient's, of now, of the eye.

    Without relatives, systemic diseases, history (treatments stay: they leave traces), what is
    only advised to be looked for, denials or doubts of `normal` and of the picture's quality, and
    ratios without a number.
    """
    words = vocabulary()
    return [
        a
        for a in assertions
        if a.experiencer == "patient"
        and words[a.finding].kind != "systemic"
        and (a.temporality == "current" or words[a.finding].kind == "treatment")
        and "advice_to_clarify" not in a.rule
        and (a.status == "present" or a.finding not in _UNSAID)
        and (a.grade is not None or a.finding not in _MEASURED)
    ]


def render(rows: Sequence[Assertion], language: Language, detail: Detail = "plain") -> str:
    """What is present in text order, then other doubts, then `normal fundus`, then denials.

    detail: `plain` names denials only where nothing else is said, `full` always, `short` leaves
    doubts, denials and grades out. Empty where nothing is left to say.
    """
    rows = shown(rows)
    present = [a for a in rows if a.status == "present" and a.finding != "normal"]
    normal = [a for a in rows if a.status == "present" and a.finding == "normal"]
    stated = {a.finding for a in present}
    doubts = [a for a in rows if a.status == "uncertain" and a.finding not in stated]
    if detail == "short":
        phrases = [_named(a, language, graded=False) for a in (*present, *normal)]
    else:
        phrases = [_phrase(a, language) for a in (*present, *doubts, *normal)]
        if detail == "full" or not phrases:
            phrases += [_phrase(a, language) for a in rows if a.status == "absent"]
    return (", " if language == "en" else "，").join(dict.fromkeys(phrases))


def _phrase(row: Assertion, language: Language) -> str:
    if row.status == "absent" and (row.grade or "").endswith(":0"):
        return _named(row, language, graded=True)  # `grade 0` denies by itself
    return _STATUS[language][row.status].format(_named(row, language, graded=True))


def _named(row: Assertion, language: Language, *, graded: bool) -> str:
    """The preferred name with its grade, or `after ...` for a treatment."""
    finding = vocabulary()[row.finding]
    name = finding.en if language == "en" else _chinese(row)
    if finding.kind == "treatment" and row.status == "present":
        if language == "en":
            return f"after {name}"
        return (name if name.endswith("术") else name + "术") + "后"
    scale, _, value = (row.grade or "").partition(":")
    if not value or not (graded or scale in ("cdr", "avr")):
        return name
    return _with_grade(row.finding, name, scale, value, language)


def _with_grade(code: str, name: str, scale: str, value: str, language: Language) -> str:
    if scale == "icdr":
        if code == "pdr":
            return name
        if value in _SEVERITY[language]:
            return _SEVERITY[language][value] + name
    if scale == "cn_dr":
        stage = _ROMAN[int(value)]
        return f"{name} stage {stage}" if language == "en" else f"{name}{stage}期"
    form = _BEHIND[language].get(scale)
    return form.format(name, value.replace("/", ":")) if form else name


def _chinese(row: Assertion) -> str:
    """The Chinese name; denied, one that does not begin with 有: 未见有 is a denial itself."""
    names = [name.removeprefix(BOTH_EYES) for name in vocabulary()[row.finding].names("zh")]
    if row.status != "absent":
        return names[0]
    return next((name for name in names if not name.startswith("有")), names[0])
