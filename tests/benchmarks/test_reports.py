from __future__ import annotations

import hashlib
import importlib
import itertools
from pathlib import Path
from types import SimpleNamespace

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
MODULES = ("page", "negex", "traps", "texts", "archive", "bilingual", "odir", "speed")


@pytest.fixture(scope="module")
def reports():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        found = {name: importlib.import_module(f"reports_{name}") for name in MODULES}
        yield SimpleNamespace(page_of_all=importlib.import_module("reports"), **found)


def test_counts(reports):
    count = reports.page.Count.of({1, 2, 3}, {2, 3, 4, 5})
    assert (count.precision, count.recall, count.f1) == (2 / 3, 0.5, 4 / 7)
    assert reports.page.Count.of(set(), set()).f1 == 0


def test_halves_go_by_the_hash_of_the_text_id(reports):
    odd = int(hashlib.sha256(b"d004").hexdigest(), 16) % 2 == 1
    assert reports.traps.is_closed("d004") is odd
    shares = [reports.traps.is_closed(f"d{n:03}") for n in range(400)]
    assert 150 < sum(shares) < 250


def test_a_concept_stands_in_capitals_else_where_it_is_spelled(reports):
    places = reports.negex.places
    assert places("cough", "cough? No COUGH today") == [(10, 15)]
    assert places("bowel  sounds", "normal bowel sounds") == [(7, 19)]
    assert places("PE", "PE and PErhaps PE") == [(0, 2), (15, 17)]
    assert places("soft. No mass", "Abdomen soft.") == [(8, 13)]


def test_a_concept_named_twice_is_given_to_two_rows_in_order(reports, tmp_path):
    text = "WOUND here, no WOUND there"
    row = f"{{}}\t \twound\t{text}\t{{}}\tRecent\tPatient"
    lines = [row.format(1, "Affirmed"), row.format(2, "Negated")]
    (tmp_path / "two.tsv").write_text("\n".join(lines), encoding="utf-8")
    found = reports.negex.answers(reports.negex.read(tmp_path / "two.tsv"))
    assert [a.negated for a in found] == [False, True]
    assert [a.sentence.half for a in found] == ["closed", "open"]


def test_no_report_is_drawn_twice_and_a_seed_draws_the_same(reports):
    pool = reports.texts.sentences(reports.texts.synthetic_reports(exams=40))
    drawn = list(itertools.islice(reports.texts.distinct(pool, seed=1), 500))
    assert len(set(drawn)) == 500
    assert drawn == list(itertools.islice(reports.texts.distinct(pool, seed=1), 500))
    assert 80 < sum(map(len, drawn)) / 500 < 250
    assert len(reports.texts.of_length(pool, 5000, seed=1).encode()) >= 5000


def test_truth_of_an_archive_in_the_words_of_the_contracts(reports):
    base = {"report": "R1", "eye": "OD", "optional": "0"}
    rows = [
        {**base, "finding": "npdr_mild", "status": "present"},
        {**base, "finding": "diabetes", "status": "history", "eye": "NA"},
        {**base, "finding": "diabetes", "status": "family", "eye": "NA"},
        {**base, "finding": "maculopathy", "status": "present"},
        {**base, "finding": "npdr_mild", "status": "absent", "optional": "1"},
    ]
    codes = {"npdr_mild": "npdr", "diabetes": "diabetes", "maculopathy": ""}
    key = reports.archive.Key
    assert set(reports.archive.gold(rows, codes)) == {
        key("R1", "patient", "OD", "npdr", "present"),
        key("R1", "patient", "unknown", "diabetes", "present"),
        key("R1", "family", "unknown", "diabetes", "present"),
    }
    assert (
        reports.archive.known("vitreous_degeneration", {"vitreous_opacity"}) == "vitreous_opacity"
    )
    assert reports.archive.known("drusen", set()) == ""


def test_descriptions_in_two_languages_share_findings_and_may_differ(reports):
    rows = [
        {
            "image": "a",
            "text": "Cataract, no drusen.",
            "text_zh": "可疑白内障，未见玻璃膜疣，前膜。",
        }
    ]
    pair = reports.bilingual.pairs(rows)[0]
    assert pair.shared == ["cataract", "drusen"]
    assert pair.apart == ["cataract"]
    assert set(pair.zh) - set(pair.en) == {"erm"}


def test_a_description_is_right_when_all_its_assertions_are_reviewed_so(reports):
    review = {"drusen, cataract": {"clinician": "cataract present; drusen present", "note": ""}}
    assert reports.odir.text_right("drusen, cataract", review)
    assert not reports.odir.text_right("drusen, glaucoma", review)
    assert reports.odir.verdict("glaucoma", False, review) == "not reviewed"


def test_the_page_names_every_target(reports):
    section = reports.page_of_all.Section("Things")
    section.least("F1", 0.5, 0.9)
    text = reports.page_of_all.page([section], "command")
    assert "0 of 1 targets reached." in text
    assert "| Things | F1 | 0.500 | >= 0.9 | **MISSED** |" in text
    assert "no medical device" in text
