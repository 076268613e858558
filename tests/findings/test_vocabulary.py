from __future__ import annotations

import csv
from pathlib import Path

import pytest

from funduscope.errors import DataError
from funduscope.findings import vocabulary
from funduscope.findings.vocabulary import LABEL_WORDS


def test_codes_names_and_parents_are_whole() -> None:
    words = vocabulary()
    assert len(words) == len(set(words.codes)) >= 211
    for finding in words:
        assert finding.code.isidentifier()
        assert finding.zh
        assert finding.en
        assert finding.kind in {"sign", "disease", "grade", "quality", "treatment", "systemic"}
        assert finding.referable in {"yes", "no", "depends"}
        assert finding.parent is None or finding.parent in words
        assert finding.code not in words.ancestors(finding.code)


def test_preferred_names_are_distinct() -> None:
    words = vocabulary()
    for language in ("zh", "en"):
        names = [finding.names(language)[0] for finding in words]
        assert len(names) == len(set(names))


def test_ancestors_and_descendants_mirror_each_other() -> None:
    words = vocabulary()
    assert words.ancestors("ci_dme") == ("diabetic_macular_edema", "macular_edema")
    assert "csme" in words.descendants("macular_edema")
    for code in words.codes:
        assert all(code in words.ancestors(lower) for lower in words.descendants(code))


def test_unknown_code_names_the_nearest() -> None:
    with pytest.raises(DataError, match="glaucoma"):
        vocabulary()["glaucom"]


def test_label_words_lead_to_codes() -> None:
    words = vocabulary()
    assert {words.match_label(word) for word in LABEL_WORDS} == set(LABEL_WORDS.values())
    assert words.match_label("ERM ") == "erm"
    assert words.match_label("dr2") is None


@pytest.mark.realdata
def test_every_code_of_the_reference_list_is_kept(shared: Path) -> None:
    path = shared / "reference" / "nlp" / "findings_list.tsv"
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))
    words = vocabulary()
    assert len(rows) == 211
    for row in rows:
        finding = words[row["code"]]
        assert (finding.zh, finding.en, finding.kind) == (row["zh"], row["en"], row["kind"])
        assert (finding.icd10 or "") == row["icd10"]
