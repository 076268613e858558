"""Label words of labelled public sets -> label rows.

    word                row
    dr, erm, normal     task finding, value 1, unit class
    no_dme, non_...     task finding, value 0, unit class
    glaucoma_suspect    task finding, value 1, unit uncertain: a reader doubted. Never a positive;
                        scoring leaves the eye out of this finding's negatives as well.
    dr0 ... dr4         task icdr, finding diabetic_retinopathy, value 0-4, unit grade
    cataract_moderate   task cataract_severity, finding cataract, value 0-3, unit grade
    q_low               task quality, finding poor_image_quality, value 1, unit class
    other:..., unknown  no row; the word is handed back, so that the caller can write it down

Absence is only written where the source says it (`no_`, `non_`). Sets whose words are complete
for each eye (one list of words an eye) take a finding against all other labelled eyes; the
choice belongs to the evaluation, which knows the set.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from funduscope.findings.vocabulary import Vocabulary, vocabulary

_SEVERITY = {"minimal": 0.0, "mild": 1.0, "moderate": 2.0, "severe": 3.0}


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One row of the table `labels` without its image and source."""

    task: str
    finding: str
    value: float
    unit: str


def _read_word(word: str, words: Vocabulary) -> LabelRow | None:
    if grade := re.fullmatch(r"dr([0-4])", word):
        return LabelRow("icdr", "diabetic_retinopathy", float(grade[1]), "grade")
    if level := re.fullmatch(r"cataract_(minimal|mild|moderate|severe)", word):
        return LabelRow("cataract_severity", "cataract", _SEVERITY[level[1]], "grade")
    if code := words.match_label(word):
        task = "quality" if words[code].kind == "quality" else "finding"
        return LabelRow(task, code, 1.0, "class")
    if code := words.match_label(word.removesuffix("_suspect")):
        return LabelRow("finding", code, 1.0, "uncertain")
    if code := words.match_label(re.sub(r"^(no|non)_", "", word)):
        return LabelRow("finding", code, 0.0, "class")
    return None


def label_rows(label_words: Sequence[str]) -> tuple[list[LabelRow], list[str]]:
    """Rows for one image's label words, in their order without repeats, and the words dropped.

    Rows that contradict each other are all kept: which one counts is not this map's choice.
    """
    words = vocabulary()
    rows: dict[LabelRow, None] = {}
    dropped: list[str] = []
    for raw in label_words:
        word = raw.strip().lower()
        if not word:
            continue
        row = _read_word(word, words)
        if row is None:
            dropped.append(raw)
        else:
            rows[row] = None
    return list(rows), dropped
