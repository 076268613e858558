from __future__ import annotations

import json

import pytest

from funduscope import findings, store
from funduscope.archive import ReviewSettings, review_marks, review_reports
from funduscope.archive.frozen import changes, freeze, open_frozen, reader_version, summary
from funduscope.archive.marks import read_marks
from funduscope.errors import DataError

TEXT = "OD: drusen, no cataract. OS: possible macular hole."
MISSED = {"finding": "exudate", "eye": "OS", "status": "absent"}


@pytest.fixture
def marked(told, tmp_path, save_marks):
    """A corpus of one report, and the files of two readers; the second one disagrees twice."""
    corpus = told([TEXT])
    page = review_reports(corpus.path, tmp_path / "queue").path / "mark.html"
    first = save_marks(
        page,
        "R1",
        wrong=lambda text, row: row["finding"] == "macular_hole",
        missed=lambda text: [MISSED],
    )
    second = save_marks(
        page, "R2", wrong=lambda text, row: row["finding"] in ("macular_hole", "cataract")
    )
    return corpus, [first, second]


def test_what_was_judged_is_frozen_by_majority(marked):
    corpus, files = marked
    frozen = freeze(corpus.id, read_marks(files, corpus))
    [report] = frozen["reports"]
    words = {row["finding"]: row["judged"] for row in report["readings"]}
    assert words == {"drusen": "right", "cataract": "disputed", "macular_hole": "wrong"}
    assert report["missed"] == [MISSED]
    assert frozen["reader_version"] == reader_version()
    assert changes(frozen) == []


def test_later_readings_are_told_apart(marked, monkeypatch):
    corpus, files = marked
    frozen = freeze(corpus.id, read_marks(files, corpus))
    drusen, cataract, hole = sorted(findings.extract(TEXT), key=lambda one: one.start_char)
    field = findings.Assertion.__slots__

    def later(one, **more):
        return findings.Assertion(**({name: getattr(one, name) for name in field} | more))

    moved = later(drusen, start_char=0, rule="another")  # neither place nor rule is a reading
    monkeypatch.setattr(findings, "extract", lambda text: [moved, cataract, hole])
    assert changes(frozen) == []
    said = [
        later(drusen, eye="OS"),
        later(hole, status="present"),
        later(cataract, finding="exudate", eye="OS"),
    ]
    monkeypatch.setattr(findings, "extract", lambda text: said)
    found = {(one.what, one.reading): one.effect for one in changes(frozen)}
    assert found == {
        ("gone", "drusen OD present"): "worse",
        ("gone", "cataract OD absent"): "unjudged",
        ("gone", "macular_hole OS uncertain"): "better",
        ("new", "drusen OS present"): "unjudged",
        ("new", "macular_hole OS present"): "unjudged",
        ("new", "exudate OS absent"): "better",
    }
    assert summary(changes(frozen)) == "6 readings changed (2 better, 1 worse, 3 unjudged)"


def test_a_frozen_set_is_kept_beside_the_corpus_and_not_replaced_unasked(marked, tmp_path):
    corpus, files = marked
    one = review_marks(corpus.path, tmp_path / "one", files=files, freeze=True)
    assert one.frozen == corpus.path.parent / "reviews" / f"{corpus.id}.frozen.json"
    assert one.frozen.read_bytes() == (tmp_path / "one" / "frozen.json").read_bytes()
    store.verify(corpus.path)
    again = review_marks(corpus.path, tmp_path / "again", files=files, freeze=True)
    assert again.frozen == one.frozen
    with pytest.raises(DataError) as caught:
        review_marks(corpus.path, tmp_path / "two", files=files[:1], freeze=True)
    assert caught.value.code == "frozen_already"
    with pytest.raises(DataError) as caught:
        review_marks(corpus.path, tmp_path / "fewer", files=files[:1])
    assert caught.value.code == "readers_lost"
    assert not (tmp_path / "fewer").exists()
    assert not (tmp_path / "two").exists()
    chinese = ReviewSettings(language="zh")
    review_marks(corpus.path, tmp_path / "two", chinese, files=files[:1], freeze=True, force=True)
    assert open_frozen(one.frozen)["readers"] == ["R1"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda text: text.replace('"wrong"', '"right"'), "changed or damaged"),
        (lambda text: text[:-20], "no JSON"),
        (lambda text: "[]", "no frozen set"),
        (lambda text: text.replace('"format": 1', '"format": 2'), "format 2"),
    ],
)
def test_a_frozen_set_that_was_touched_is_refused(marked, tmp_path, change, word):
    corpus, files = marked
    frozen = freeze(corpus.id, read_marks(files, corpus))
    path = tmp_path / "frozen.json"
    path.write_text(change(json.dumps(frozen, ensure_ascii=False)), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        open_frozen(path)
    assert word in caught.value.value
    with pytest.raises(DataError, match="no such file"):
        open_frozen(tmp_path / "none.json")
