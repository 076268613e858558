"""Captions: what the text tower sees of one eye, as written or rendered from assertions.

Rendered captions name what is present first (text order), then doubts, then `normal fundus`; what
is denied is named only where nothing else is said. Advice, history, relatives and systemic
diseases are left out: no photograph shows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from funduscope.findings.assertions import Assertion
from funduscope.findings.symbols import language_of
from funduscope.findings.vocabulary import vocabulary
from funduscope.findings.words import words_by_eye

CaptionLanguage = Literal["en", "zh", "as_written"]
_BOILERPLATE = ("advice", "history", "family")
_SEVERITY = {
    "en": {"1": "mild ", "2": "moderate ", "3": "severe "},
    "zh": {"1": "轻度", "2": "中度", "3": "重度"},
}
_ROMAN = ("", "I", "II", "III", "IV", "V", "VI")


@dataclass(frozen=True, slots=True)
class Caption:
    """`language` is zh, en or mixed; `source` is report (as written) or rendered."""

    text: str
    language: str
    source: str


def captions(
    text: str, assertions: Sequence[Assertion], eye: str, *, language: CaptionLanguage
) -> list[Caption]:
    """The captions of one eye of a report: none where the report says nothing of that eye.

    text: the report; assertions: what `extract(text)` gave; eye: OD, OS or unknown. A text that
    names no eye at all speaks of whichever eye is asked for. `en` and `zh` are rendered from the
    assertions, whatever the report's language; `as_written` are the report's own words.
    """
    if language == "as_written":
        words = words_by_eye(text, skip=_BOILERPLATE)
        own = words.get(eye) or (words.get("unknown") if len(words) == 1 else None)
        return [Caption(own, language_of(own), "report")] if own else []
    rendered = _render(_of_eye(assertions, eye), language)
    return [Caption(rendered, language, "rendered")] if rendered else []


def _of_eye(assertions: Sequence[Assertion], eye: str) -> list[Assertion]:
    words = vocabulary()
    seen = [
        a
        for a in assertions
        if a.experiencer == "patient"
        and words[a.finding].kind != "systemic"
        and (a.temporality == "current" or words[a.finding].kind == "treatment")
    ]
    named = any(a.eye != "unknown" for a in seen)
    return [a for a in seen if a.eye == eye or (not named and a.eye == "unknown")]


def _render(rows: Sequence[Assertion], language: Literal["en", "zh"]) -> str:
    present = [_name(a, language) for a in rows if a.status == "present" and a.finding != "normal"]
    stated = {a.finding for a in rows if a.status == "present"}
    doubts = [
        ("suspected " if language == "en" else "可疑") + _name(a, language)
        for a in rows
        if a.status == "uncertain" and a.finding not in stated and a.finding != "normal"
    ]
    normal = [_name(a, language) for a in rows if a.status == "present" and a.finding == "normal"]
    phrases = [*present, *doubts, *normal]
    if not phrases:
        denial = "no " if language == "en" else "未见"
        phrases = [denial + _name(a, language) for a in rows if a.status == "absent"]
    return (", " if language == "en" else "，").join(dict.fromkeys(phrases))


def _name(row: Assertion, language: Literal["en", "zh"]) -> str:
    finding = vocabulary()[row.finding]
    english = language == "en"
    name = finding.en if english else finding.zh
    if finding.kind == "treatment" and row.status == "present":
        return f"after {name}" if english else (name if name.endswith("术") else name + "术") + "后"
    scale, _, value = (row.grade or "").partition(":")
    if scale == "icdr" and row.status != "absent":
        return _SEVERITY[language].get(value, "") + name if row.finding != "pdr" else name
    if scale == "cn_dr":
        stage = _ROMAN[int(value)]
        return f"{name} stage {stage}" if english else f"{name}{stage}期"
    if scale == "kwb":
        return f"{name} grade {value}" if english else f"{name}{value}级"
    if scale in ("cdr", "avr"):
        return f"{name} {value}" if english else f"{name}{value}"
    return name
