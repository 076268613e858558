"""One statement of a report about one finding: the form that `extract` returns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Assertion:
    """The columns of the table `assertions` without report_id.

    Attributes:
        eye: OD, OS or unknown.
        finding: a code of the vocabulary.
        status: present, absent or uncertain.
        temporality: current or history.
        experiencer: patient or family.
        grade: `scale:value` as written, or None.
        start_char, end_char: where the finding's words stand in the text as given.
        rule: the rules that decided, joined by `+`, the finding's own rule first.
    """

    eye: str
    finding: str
    status: str
    temporality: str
    experiencer: str
    grade: str | None
    start_char: int
    end_char: int
    rule: str
