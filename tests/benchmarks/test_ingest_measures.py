from __future__ import annotations

import pytest


def test_a_right_corpus_reaches_every_target(made, judge, truth, tmp_path):
    found = made.verdicts(judge, truth, made.write(judge, tmp_path / "corpus", made.right()))
    assert [name for name, reached in found.items() if reached is False] == []
    judged = [name for name, reached in found.items() if reached]
    assert len(judged) > 35
    assert "photographs with an EXIF orientation stored upright" in judged
    assert "spans of evidence lost from stored reports" in judged


def lose_a_file(tables, made):
    made.take(tables, "rejects", locator="l-a/empty.jpg")


def name_it_otherwise(tables, made):
    made.change(tables, "rejects", {"locator": "l-a/empty.jpg"}, code="truncated")


def keep_both_copies(tables, made):
    tables["images"].append(made.stored_image("a/1_OD_copy.jpg", "p1", "e1", "OD"))
    made.take(tables, "rejects", code="exact_duplicate")


def lose_a_report(tables, made):
    made.take(tables, "reports", report_id="r2")
    made.take(tables, "pairs", report_id="r2")
    row = {"locator": "l-a/t.csv#3", "item": "report", "code": "no_image", "severity": "rejected"}
    tables["rejects"].append(row)


def lose_a_report_silently(tables, made):
    made.take(tables, "rejects", code="says_nothing")


def pair_across(tables, made):
    tables["pairs"].append({"image_id": "2_OD", "report_id": "r1", "eye": "OD", "caption": "x"})


def mix_two_reports(tables, made):
    text = tables["reports"][0]["text"]
    tables["reports"][0]["text"] = f"{text}\n{made.TEXTS['R3']}"


def turn_an_eye(tables, made):
    made.change(tables, "pairs", {"image_id": "1_OS"}, eye="OD")


def lose_a_word(tables, made):
    text = tables["reports"][1]["text"]
    tables["reports"][1]["text"] = text.replace("drusen", "[name]")


def part_a_person(tables, made):
    made.change(tables, "images", {"image_id": "2_OS"}, patient_id="p3")


def part_a_person_and_split(tables, made):
    made.change(tables, "images", {"image_id": "2_OS"}, split="val")


def age_wrong(tables, made):
    made.change(tables, "images", {"image_id": "2_OS"}, age_years=95)


def days_wrong(tables, made):
    made.change(tables, "images", {"image_id": "2_OS"}, visit_day=300)


def take_for_a_copy(tables, made):
    row = {"locator": "l-a/2_OS.jpg", "item": "record", "code": "near_duplicate"}
    tables["rejects"].append(row | {"severity": "review"})


def make_things_up(tables, made):
    row = {"report_id": "r1", "finding": "drusen", "status": "absent"}
    tables["reports"].append(
        {
            "report_id": "r9",
            "patient_id": "p9",
            "exam_id": "e9",
            "site_id": "a",
            "language": "en",
            "text": "Nothing like any report of the truth was ever written here.",
        }
    )
    tables["assertions"].append(row)


SPLIT = "copies or photographs of one eye in two splits"


@pytest.mark.parametrize(
    ("fault", "names"),
    [
        (lose_a_file, {"images that ended as expected"}),
        (name_it_otherwise, {"of those not kept: code names the reason"}),
        (keep_both_copies, {"exact copies of which both are kept", "planted copies found"}),
        (lose_a_report, {"reports that had to be kept and were"}),
        (lose_a_report_silently, {"reports of the truth in neither corpus nor ledger"}),
        (pair_across, {"wrong pairs among those made"}),
        (mix_two_reports, {"wrong pairs among those made"}),
        (turn_an_eye, {"eye right among pairs made"}),
        (lose_a_word, {"spans of evidence lost from stored reports"}),
        (part_a_person, {"persons with two numbers", "persons of two sites with one number"}),
        (part_a_person_and_split, {"persons in two splits", SPLIT}),
        (age_wrong, {"photographs with an age wrong by more than a year", "ages above 90"}),
        (days_wrong, {"persons of two visits with the true days between them"}),
        (take_for_a_copy, {"other photographs of an eye taken for copies"}),
        (make_things_up, {"stored reports that are none of the truth's"}),
    ],
)
def test_each_fault_is_seen(made, judge, truth, tmp_path, fault, names):
    tables = made.right()
    fault(tables, made)
    assert names <= set(made.missed(judge, truth, made.write(judge, tmp_path / "corpus", tables)))


def test_of_two_copies_either_may_stay(made, judge, truth, tmp_path):
    tables = made.right()
    made.change(tables, "images", {"image_id": "1_OD"}, source="l-a/1_OD_copy.jpg")
    made.change(tables, "rejects", {"code": "exact_duplicate"}, locator="l-a/1_OD.jpg")
    assert made.missed(judge, truth, made.write(judge, tmp_path / "corpus", tables)) == []
