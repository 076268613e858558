import pytest

from funduscope import findings
from funduscope.archive import texts
from funduscope.archive.description import EyeWords
from funduscope.archive.identity import Pseudonyms
from funduscope.archive.records import Exam, Report
from funduscope.archive.workers import Workers

FORMS = {"en": EyeWords(), "zh": EyeWords(right="右眼：{}", left="左眼：{}", between="；")}
IDS = {"patient_id": "p", "exam_id": "e", "site_id": "s"}
BOTH = [("image-r", "OD"), ("image-l", "OS")]


def _exam(**given: object) -> Exam:
    return Exam(0, "s", "E1", "P1", "t.csv#1", **given)  # type: ignore[arg-type]


def _add(exam: Exam, images: list[tuple[str, str]], *languages: str) -> texts.Texts:
    made = texts.Texts([], [], [])
    captions = languages or ("as_written",)
    (drafted,) = texts.removed([exam], [FORMS], exam.secrets, texts.ours(["s"]), Workers(1))
    texts.add_exam(made, exam, drafted, images, False, IDS, Pseudonyms(b"k" * 32), captions)
    return made


def test_words_per_eye_become_one_report_and_come_back_out_of_it() -> None:
    words = {"en": {"OS": ["cataract"], "OD": ["normal fundus", "lens dust"]}}
    made = _add(_exam(eye_words=words), BOTH)
    (report,) = made.reports
    assert report["text"] == "Right eye: normal fundus, lens dust; left eye: cataract"
    assert report["language"] == "en"
    captions = {pair["image_id"]: pair["caption"] for pair in made.pairs}
    assert captions == {"image-r": "normal fundus, lens dust", "image-l": "cataract"}
    assert {pair["caption_source"] for pair in made.pairs} == {"report"}
    assert {row["eye"] for row in made.assertions} == {"OD", "OS"}
    assert {row["report_id"] for row in made.assertions} == {report["report_id"]}


def test_an_eye_without_words_is_left_out() -> None:
    made = _add(_exam(eye_words={"zh": {"OS": ["白内障"]}}), BOTH)
    assert made.reports[0]["text"] == "左眼：白内障"
    assert [(pair["image_id"], pair["caption"]) for pair in made.pairs] == [("image-l", "白内障")]


def test_one_report_a_language() -> None:
    made = _add(
        _exam(reports=[Report("mild cataract", "t#1", "en"), Report("轻度白内障", "t#1", "zh")]),
        [("i", "unknown")],
    )
    assert [report["language"] for report in made.reports] == ["en", "zh"]
    assert [pair["caption"] for pair in made.pairs] == ["mild cataract", "轻度白内障"]
    assert len({report["report_id"] for report in made.reports}) == 2


def test_captions_that_differ_in_separators_or_case_are_one() -> None:
    made = _add(
        _exam(eye_words={"en": {"OD": ["Drusen; cataract"]}}), [("i", "OD")], "as_written", "en"
    )
    assert [p["caption"] for p in made.pairs] == ["Drusen; cataract"]


def test_each_form_asked_for_makes_its_caption() -> None:
    words = {"en": {"OD": ["drusen", "no hemorrhage"]}}
    made = _add(_exam(eye_words=words), [("i", "OD")], "en_full", "zh_full", "zh_short")
    assert [p["caption"] for p in made.pairs] == [
        "drusen, no retinal hemorrhage",
        "玻璃膜疣，未见视网膜出血",
        "玻璃膜疣",
    ]
    assert {p["caption_source"] for p in made.pairs} == {"rendered"}


def test_rendered_captions_are_marked_and_not_repeated() -> None:
    made = _add(
        _exam(eye_words={"en": {"OD": ["cataract"]}}), [("i", "OD")], "as_written", "en", "zh"
    )
    found = {(p["caption_language"], p["caption_source"]): p["caption"] for p in made.pairs}
    assert found[("en", "report")] == "cataract"
    assert findings.vocabulary()["cataract"].zh in found[("zh", "rendered")]
    assert len(made.pairs) == len({pair["caption"] for pair in made.pairs})


def test_identity_is_removed_before_anything_is_kept() -> None:
    exam = _exam(
        reports=[Report("Jane Roe, OD: cataract.", "t#1")], secrets={"name": ("Jane Roe",)}
    )
    made = _add(exam, [("i", "OD")])
    assert made.reports[0]["text"] == "[name], OD: cataract."
    assert all("Roe" not in pair["caption"] for pair in made.pairs)


def test_what_removal_missed_withholds_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("funduscope.archive.texts.redact.redact", lambda text, _secrets: text)
    exam = _exam(
        reports=[Report("Jane Roe, OD: cataract.", "t#1")], secrets={"name": ("Jane Roe",)}
    )
    made = _add(exam, [("i", "OD")])
    assert made.reports == made.pairs == made.assertions == []
    (note,) = made.notes
    assert (note.item, note.step, note.code, note.severity) == (
        "report",
        "identity",
        "identity_remains",
        "review",
    )
    assert "Roe" not in note.detail
    assert made.counts == {"seen": 1, "kept": 0, "rejected": 0, "review": 1}


def test_a_report_without_photographs_is_rejected() -> None:
    made = _add(_exam(reports=[Report("OD: cataract.", "t#1")]), [])
    assert [(note.item, note.code, note.severity) for note in made.notes] == [
        ("report", "no_image", "rejected")
    ]
    assert made.counts == {"seen": 1, "kept": 0, "rejected": 1, "review": 0}


def test_a_report_on_both_eyes_says_nothing_of_an_unknown_one() -> None:
    made = _add(_exam(reports=[Report("OD: cataract. OS: drusen.", "t#1")]), [("i", "unknown")])
    assert made.pairs == []
    assert made.counts["kept"] == 1
