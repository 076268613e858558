from __future__ import annotations

from collections import Counter

import pytest


def test_texts_are_alike_whatever_stands_for_identity(judge):
    grams, alike = judge.ingest_truth.grams, judge.ingest_truth.alike
    told = grams("患者，电话。右眼：杯盘比０.４，见微血管瘤。")
    for stored in (
        "患者[姓名]，电话***。右眼: 杯盘比0.4，\n见微血管瘤。",
        "患者<NAME>电话【号码】右眼杯盘比0.4见微血管瘤",
    ):
        assert alike(told, grams(stored)) == 1
    assert alike(told, grams("Nothing of the kind")) == 0
    assert alike(grams("/"), grams("")) == 1
    assert alike(grams("同前"), grams("同前")) == 1
    assert alike(Counter("ab"), Counter("abcd")) == pytest.approx(2 * 2 / 6)


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("a/1_OD.jpg", "a/1_OD.jpg"),
        ("./a/1_OD.jpg", "a/1_OD.jpg"),
        ("archive/a/1_OD.jpg", "a/1_OD.jpg"),
        ("a\\1_OD.jpg", "a/1_OD.jpg"),
        ("a/1_OD.jpg#3", "a/1_OD.jpg"),
        ("z.zip!2_OD.jpg", "z.zip!2_OD.jpg"),
        ("a/README.txt", None),
    ],
)
def test_a_place_is_a_file_of_the_truth(truth, place, name):
    assert truth.file_of(place) == name


def test_planted_strings_are_cut_out(truth):
    assert truth.plain["R2"] == "Mr \0 seen \0. OD: cotton wool spot. OS: drusen."


def test_the_same_text_of_two_visits_goes_by_the_visit(made, judge, truth, tmp_path):
    """Both persons have the same report: the examination tells which is whose."""
    for key in ("R1", "R2"):
        truth.reports[key]["fields"] = '{"t": "OU: normal fundus, nothing else seen"}'
    for row in truth.phi:
        row["report"] = ""
    tables = made.right()
    for row in tables["reports"]:
        row["text"] = "OU: normal fundus, nothing else seen"
    corpus = made.write(judge, tmp_path / "corpus", tables)
    found, _ = judge.ingest_truth.ends(truth, corpus)
    assert judge.ingest_truth.match(truth, corpus, found).reports == {"r1": "R1", "r2": "R2"}


def test_a_report_without_photographs_goes_by_its_text(made, judge, truth, tmp_path):
    tables = made.right()
    for number, row in enumerate(tables["reports"]):
        row |= {"exam_id": f"unseen{number}", "patient_id": f"unseen{number}"}
    corpus = made.write(judge, tmp_path / "corpus", tables)
    found, beside = judge.ingest_truth.ends(truth, corpus)
    assert judge.ingest_truth.match(truth, corpus, found).reports == {"r1": "R1", "r2": "R2"}
    assert not beside.total()


def test_ledger_rows_go_by_key_then_by_code(made, judge, truth, tmp_path):
    tables = made.right()
    corpus = made.write(judge, tmp_path / "corpus", tables)
    wanted = {"R3": ["other_examination"], "R4": ["says_nothing"]}
    codes = judge.ingest_truth.ledger_codes(truth, corpus, ["R3", "R4"], wanted)
    assert codes == {"R3": "other_examination", "R4": "says_nothing"}
    # A place with the key in it leaves no choice, whatever its code.
    made.change(tables, "rejects", {"code": "says_nothing"}, locator="l-a/t.csv#no=R3")
    corpus = made.write(judge, tmp_path / "other", tables)
    codes = judge.ingest_truth.ledger_codes(truth, corpus, ["R3", "R4"], wanted)
    assert codes == {"R3": "says_nothing", "R4": "other_examination"}


def test_a_file_both_kept_and_not_is_no_right_end(made, judge, truth, tmp_path):
    tables = made.right()
    row = {"locator": "l-a/1_OD.jpg", "item": "image", "code": "x", "severity": "review"}
    tables["rejects"].append(row)
    found, _ = judge.ingest_truth.ends(truth, made.write(judge, tmp_path / "c", tables))
    assert found["a/1_OD.jpg"].outcome == "kept and not kept"
    assert not judge.ingest_truth.right_end(truth.images["a/1_OD.jpg"], found["a/1_OD.jpg"])
