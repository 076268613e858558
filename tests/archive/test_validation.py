from __future__ import annotations

import csv
import json
from collections import Counter

import pytest

from funduscope import stats, store
from funduscope.archive import ReviewSettings, read_card, review_marks, review_reports
from funduscope.archive.marks import read_marks
from funduscope.archive.validation import agreement, beside, figures
from funduscope.errors import DataError

EVIL = "<img src=x onerror=alert(1)>"
TEXTS = [
    *[f"OD: drusen, no cataract, number {n}." for n in range(12)],
    *[f"OS: possible macular hole {n}. {EVIL}" for n in range(4)],
]
MISSED = {"finding": "exudate", "eye": "OD", "status": "present"}


@pytest.fixture
def corpus(told):
    return told([*TEXTS, *[TEXTS[0]] * 9])


@pytest.fixture
def page(corpus, tmp_path):
    return review_reports(corpus.path, tmp_path / "queue").path / "mark.html"


@pytest.fixture
def files(page, save_marks):
    """Two readers: the text with ten copies is read wrong, two texts miss an exudate."""
    first = save_marks(
        page,
        "R1",
        wrong=lambda text, row: text == TEXTS[0] and row["finding"] == "drusen",
        missed=lambda text: [MISSED] if text in TEXTS[1:3] else [],
    )
    second = save_marks(
        page,
        "R2",
        wrong=lambda text, row: row["finding"] == "macular_hole",
        done=lambda text: text not in TEXTS[6:8],
    )
    return [first, second]


def test_figures_are_of_the_corpus_not_of_the_sample(corpus, files):
    found = {(one.by, one.name): one for one in figures(read_marks(files[:1], corpus))}
    drusen = found["finding", "drusen"]
    assert (drusen.right, drusen.wrong, drusen.missed, drusen.reports) == (11, 1, 0, 12)
    assert drusen.precision.value == pytest.approx(11 / 21)  # the wrong one stands for ten
    whole = found["all", ""]
    assert whole.precision.value == pytest.approx((2 * 21 + 4 - 10) / 46)
    assert whole.recall.value == pytest.approx(36 / 38)
    assert whole.precision.low < whole.precision.value < whole.precision.high
    present = found["status", "present"]
    assert present.recall.value == pytest.approx(11 / 13)
    assert found["status", "absent"].precision.value == 1.0
    assert found["status", "absent"].precision.low < 0.9
    assert found["finding", "exudate"].precision.reason == "nothing to count"
    assert found["finding", "exudate"].recall.value == 0.0
    assert [one.name for one in found.values() if one.by == "finding"][:2] == ["cataract", "drusen"]


def test_two_readers_are_averaged_and_compared(corpus, files):
    marked = read_marks(files, corpus)
    found = {one.name: one for one in figures(marked)}
    assert found["macular_hole"].precision.value == pytest.approx(0.5)
    assert found["macular_hole"].right == found["macular_hole"].wrong == 4
    [pair] = agreement(marked, seed=0)
    assert (pair.readers, pair.reports, pair.readings) == (("R1", "R2"), 14, 24)
    counts = Counter({(True, True): 19, (False, True): 1, (True, False): 4})
    assert pair.same == pytest.approx(19 / 24)
    table = [counts[key] for key in ((True, True), (True, False), (False, True), (False, False))]
    assert pair.kappa.value == pytest.approx(stats.cohen_kappa([table], seed=0).value)
    assert agreement(marked[:1], seed=0) == []


def test_pages_tables_and_the_card_beside_the_corpus(corpus, files, tmp_path):
    assert read_card(corpus) is None
    made = review_marks(corpus.path, tmp_path / "out", files=files)
    assert (made.reports, made.shown, made.readers) == (16, 16, ("R1", "R2"))
    html = (made.path / "report.html").read_text(encoding="utf-8")
    assert "<img" not in html.split("</header>")[1]
    assert "Do readers agree?" in html
    assert "not for diagnosis" in html
    with (made.path / "figures.csv").open(encoding="utf-8-sig") as stream:
        rows = {(row["by"], row["name"]): row for row in csv.DictReader(stream)}
    assert rows["status", "present"]["precision"] == "0.7619"  # (10 / 2 + 11) / 21
    with (made.path / "marks.csv").open(encoding="utf-8-sig") as stream:
        answers = Counter((row["reader"], row["answer"]) for row in csv.DictReader(stream))
    assert answers["R1", "missed"] == 2
    assert answers["R1", "wrong"] == 1
    card = read_card(corpus)
    assert card["readers"] == {"R1": 16, "R2": 14}
    assert card["figures"][0]["precision"]["value"] == made.figures[0].precision.value
    assert store.verify(corpus.path)
    assert store.verify(made.path)
    assert str(tmp_path) not in json.dumps(card)
    assert not beside(corpus).frozen.exists()
    beside(corpus).card.write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="no card"):
        read_card(corpus)


def test_the_page_is_there_in_chinese_and_twice_the_same(corpus, files, tmp_path):
    chinese = ReviewSettings(language="zh")
    one = review_marks(corpus.path, tmp_path / "one", chinese, files=files)
    two = review_marks(corpus.path, tmp_path / "two", chinese, files=files)
    assert "报告读得有多准" in (one.path / "report.html").read_text(encoding="utf-8")
    kinds = [store.read_manifest(made.path, "validation").files for made in (one, two)]
    assert kinds[0] == kinds[1]


def test_nothing_is_written_of_files_that_are_refused(corpus, files, tmp_path):
    files[1].write_text("{", encoding="utf-8")
    with pytest.raises(DataError):
        review_marks(corpus.path, tmp_path / "out", files=files, freeze=True)
    assert not (tmp_path / "out").exists()
    assert not beside(corpus).card.parent.exists()


def test_a_perfect_reader_leaves_doubt(told, tmp_path, save_marks):
    corpus = told(["OD: drusen.", "OS: drusen."])
    page = review_reports(corpus.path, tmp_path / "queue").path / "mark.html"
    made = review_marks(corpus.path, tmp_path / "out", files=[save_marks(page, "R1")])
    whole = made.figures[0].precision
    assert whole.value == 1.0
    assert whole.low < 0.4
    html = (made.path / "report.html").read_text(encoding="utf-8")
    assert "Nothing was marked wrong or missed." in html


def test_marks_inside_the_output_folder_are_not_emptied_away(corpus, files, tmp_path):
    with pytest.raises(DataError, match="inside the output folder"):
        review_marks(corpus.path, tmp_path, files=files, force=True)
    assert files[0].exists()
