from __future__ import annotations

import json

import pytest

from funduscope.archive import ReviewSettings, review_reports
from funduscope.archive.marks import Missed, read_marks
from funduscope.errors import DataError

TEXTS = ["OD: drusen, no cataract.", "OS: possible macular hole.", "双眼视网膜出血。"]
MISSED = {"finding": "exudate", "eye": "OD", "status": "present"}


@pytest.fixture
def corpus(told):
    return told(TEXTS)


@pytest.fixture
def page(corpus, tmp_path):
    return review_reports(corpus.path, tmp_path / "queue").path / "mark.html"


def test_a_file_is_read_as_it_was_marked(corpus, page, save_marks):
    file = save_marks(
        page,
        "R1",
        wrong=lambda text, row: row["finding"] == "cataract",
        missed=lambda text: [MISSED] if "hole" in text else [],
        done=lambda text: "双" not in text,
    )
    [marks] = read_marks([file], corpus)
    assert (marks.reader, marks.shown, len(marks.reports)) == ("R1", 3, 2)
    by_text = {report.text: report for report in marks.reports.values()}
    assert {one.finding: yes for one, yes in by_text[TEXTS[0]].right.items()} == {
        "drusen": True,
        "cataract": False,
    }
    assert by_text[TEXTS[1]].missed == (Missed("exudate", "OD", "present"),)
    assert by_text[TEXTS[1]].weight == 1.0


def unmark(body):
    body["reports"][0]["readings"][0]["right"] = None


def invent(body):
    body["reports"][0]["readings"][0]["finding"] = "glaucoma"


def drop(body):
    body["reports"][0]["readings"].pop()


def double(body):
    body["reports"].append(body["reports"][0])


def agree(body):
    row = body["reports"][0]["readings"][0]
    body["reports"][0]["missed"] = [{name: row[name] for name in MISSED}]


BAD = {
    "other corpus": (lambda body: body.update(corpus="0" * 32), "marks of the corpus 000"),
    "format": (lambda body: body.update(format=2), "format 2"),
    "kind": (lambda body: body.update(kind="notes"), "no marks"),
    "unknown key": (lambda body: body.update(more=1), "Extra inputs"),
    "no reader": (lambda body: body.update(reader=""), "at least 1 character"),
    "weight": (lambda body: body["reports"][0].update(weight="-3"), "match pattern"),
    "little weight": (lambda body: body["reports"][0].update(weight="0.5"), "weight 0.5"),
    "eye": (lambda b: b["reports"][0].update(missed=[MISSED | {"eye": "left"}]), "'OD', 'OS'"),
    "finding": (
        lambda b: b["reports"][0].update(missed=[MISSED | {"finding": "exudates"}]),
        "exudates",
    ),
    "twice": (lambda b: b["reports"][0].update(missed=[MISSED, MISSED]), "missed: exudate"),
    "text": (lambda b: b["reports"][0].update(text_id="f" * 64), "an unknown text"),
    "unmarked": (unmark, "unmarked reading"),
    "invented": (invent, "glaucoma"),
    "left out": (drop, "of"),
    "text twice": (double, "the same text twice"),
    "missed but right": (agree, "missed: "),
}


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_fit_the_corpus_is_refused(corpus, page, save_marks, name):
    edit, word = BAD[name]
    file = save_marks(page, "R1", edit=edit)
    with pytest.raises(DataError) as caught:
        read_marks([file], corpus)
    assert word in caught.value.value
    assert str(file) in caught.value.place
    assert caught.value.remedy


def test_edited_and_broken_files_are_refused(corpus, page, save_marks, tmp_path):
    file = save_marks(page, "R1")
    text = file.read_text(encoding="utf-8")
    for content, word in (
        (text.replace('"right": true', '"right": false', 1), "changed or damaged"),
        (text.replace('"reader": "R1"', '"reader": "\\ud800"'), "no JSON"),
        (text[:-1], "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("", "no JSON"),
        ("7", "no marks"),
    ):
        file.write_text(content, encoding="utf-8")
        with pytest.raises(DataError) as caught:
            read_marks([file], corpus)
        assert word in caught.value.value
    file.write_bytes(b"\xff\xfe{}")
    with pytest.raises(DataError, match="no JSON"):
        read_marks([file], corpus)
    with pytest.raises(DataError, match="no such file"):
        read_marks([tmp_path / "none.json"], corpus)


def test_files_that_do_not_belong_together_are_refused(corpus, page, save_marks, tmp_path):
    one = save_marks(page, "R1")
    copy = tmp_path / "copy.json"
    copy.write_bytes(one.read_bytes())
    with pytest.raises(DataError, match="two files of 'R1'"):
        read_marks([one, copy], corpus)
    other = review_reports(corpus.path, tmp_path / "other", ReviewSettings(to_mark=2, seed=1))
    two = save_marks(other.path / "mark.html", "R2")
    with pytest.raises(DataError) as caught:
        read_marks([one, two], corpus)
    assert "one sample" in caught.value.rule
    nothing = save_marks(page, "R3", done=lambda text: False)
    with pytest.raises(DataError, match="no finished report"):
        read_marks([nothing], corpus)


def test_the_saved_form_is_what_the_page_would_save(page, save_marks):
    body = json.loads(save_marks(page, "R1").read_text(encoding="utf-8"))
    script = page.read_text(encoding="utf-8").split('id="data">')[1]
    for name in (*body, *body["reports"][0]):
        assert f"{name}:" in script or f"{name}," in script or name == "crc32"
