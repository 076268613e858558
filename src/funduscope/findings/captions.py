"""Captions: what the text tower sees of one eye, as written or rendered from assertions.

As written: the eye's own words (`words`). Rendered: what is present first (text order), then
doubts, then `normal fundus` (`rendering`). Advice, history, relatives and systemic diseases are in
neither: no photograph shows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from funduscope.findings.assertions import Assertion
from funduscope.findings.rendering import Detail, Language, render, shown
from funduscope.findings.symbols import language_of
from funduscope.findings.words import words_by_eye

CaptionForm = Literal["as_written", "en", "zh", "en_full", "zh_full", "en_short", "zh_short"]
_BOILERPLATE = ("advice", "history", "family")
_RENDERED: dict[str, tuple[Language, Detail]] = {
    "en": ("en", "plain"),
    "zh": ("zh", "plain"),
    "en_full": ("en", "full"),
    "zh_full": ("zh", "full"),
    "en_short": ("en", "short"),
    "zh_short": ("zh", "short"),
}


@dataclass(frozen=True, slots=True)
class Caption:
    """`language` is zh, en or mixed; `source` is report (as written) or rendered."""

    text: str
    language: str
    source: str


def captions(
    text: str, assertions: Sequence[Assertion], eye: str, *, language: CaptionForm
) -> list[Caption]:
    """The captions of one eye of a report: none where the report says nothing of that eye.

    Args:
        text: the report.
        assertions: what `extract(text)` gave.
        eye: OD, OS or unknown. A text that names no eye speaks of whichever eye is asked for.
        language: the form. `as_written` are the report's own words. `en` and `zh` are rendered
            from the assertions, whatever the report's language, with denials only where nothing
            else is said; `en_full`, `zh_full` with all denials; `en_short`, `zh_short` with
            nothing but the names of what is present.
    """
    if language == "as_written":
        words = _written(text)
        own = words.get(eye) or (words.get("unknown") if len(words) == 1 else None)
        return [Caption(own, language_of(own), "report")] if own else []
    into, detail = _RENDERED[language]
    rendered = render(_of_eye(assertions, eye), into, detail)
    return [Caption(rendered, into, "rendered")] if rendered else []


@lru_cache(maxsize=64)
def _written(text: str) -> dict[str, str]:
    """The words of each eye, read once for both."""
    return words_by_eye(text, skip=_BOILERPLATE)


def _of_eye(assertions: Sequence[Assertion], eye: str) -> list[Assertion]:
    seen = shown(assertions)
    named = any(a.eye != "unknown" for a in seen)
    return [a for a in seen if a.eye == eye or (not named and a.eye == "unknown")]
