from __future__ import annotations

import csv
from pathlib import Path

import pytest

from funduscope.findings import LabelRow, label_rows


@pytest.mark.parametrize(
    ("word", "row"),
    [
        ("dr", LabelRow("finding", "diabetic_retinopathy", 1.0, "class")),
        ("dr0", LabelRow("icdr", "diabetic_retinopathy", 0.0, "grade")),
        ("dr4", LabelRow("icdr", "diabetic_retinopathy", 4.0, "grade")),
        ("npdr", LabelRow("finding", "npdr", 1.0, "class")),
        ("amd_dry", LabelRow("finding", "dry_amd", 1.0, "class")),
        ("hypertensive", LabelRow("finding", "hypertensive_retinopathy", 1.0, "class")),
        ("no_dme", LabelRow("finding", "diabetic_macular_edema", 0.0, "class")),
        ("no_macular_hole", LabelRow("finding", "macular_hole", 0.0, "class")),
        ("non_pathologic_myopia", LabelRow("finding", "pathologic_myopia", 0.0, "class")),
        ("glaucoma_suspect", LabelRow("finding", "glaucoma", 1.0, "uncertain")),
        ("dr_suspect", LabelRow("finding", "diabetic_retinopathy", 1.0, "uncertain")),
        ("q_lens_dust", LabelRow("quality", "image_artefact", 1.0, "class")),
        ("cataract_moderate", LabelRow("cataract_severity", "cataract", 2.0, "grade")),
        ("normal", LabelRow("finding", "normal", 1.0, "class")),
    ],
)
def test_each_kind_of_word(word: str, row: LabelRow) -> None:
    assert label_rows([word]) == ([row], [])


def test_unknown_words_are_handed_back_and_repeats_are_one() -> None:
    rows, dropped = label_rows(["dr", "other:retina_fold", " dr ", "", "dr7", "unheard_of"])
    assert [row.finding for row in rows] == ["diabetic_retinopathy"]
    assert dropped == ["other:retina_fold", "dr7", "unheard_of"]


def test_contradictions_are_both_kept() -> None:
    rows, _ = label_rows(["dme", "no_dme"])
    assert {row.value for row in rows} == {0.0, 1.0}


@pytest.mark.realdata
def test_every_label_word_of_the_public_sets_is_read(shared: Path) -> None:
    sheets = sorted((shared / "data").glob("*/labels.csv"))
    assert len(sheets) == 8
    words: set[str] = set()
    for sheet in sheets:
        with sheet.open(encoding="utf-8", newline="") as handle:
            words |= {w for row in csv.DictReader(handle) for w in row["labels"].split(";")}
    _, dropped = label_rows(sorted(words))
    assert dropped
    assert all(word.startswith("other:") for word in dropped)
