from __future__ import annotations

import csv
import json
import re
import tomllib
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from funduscope import store
from funduscope.archive import ReviewSettings, review_quality, review_reports
from funduscope.errors import ConfigError, DataError
from funduscope.inputs import GRADABLE_FROM

EVIL = "<script>alert(1)</script>"


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))


def text(path: Path) -> str:
    body = path.read_text(encoding="utf-8").split("</style>")[1]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", body)))


@pytest.fixture
def graded(finished):
    """Sixty photographs of sixty patients, 0.00 to 0.98; the south is darker than the north."""
    marks = [round(n / 60, 3) for n in range(60)]
    return finished(
        "graded",
        [
            {
                "gradability": mark,
                "gradable": mark >= 0.5,
                "ungradable_reason": None if mark >= 0.5 else "dark",
                "patient_id": f"p{n:02d}",
                "site_id": "south" if n < 30 else "north",
                "camera": ("Alpha", "=Beta")[n % 2],
            }
            for n, mark in enumerate(marks)
        ],
    )


@pytest.fixture
def labels(tmp_path, graded):
    """People find gradable what has 0.3 or more."""

    def write(least: float = 0.3) -> Path:
        path = tmp_path / "labels.csv"
        marks = graded.images.select("image_id", "gradability").rows()
        lines = [f"{name},{int(mark >= np.float32(least))}" for name, mark in marks]
        path.write_text("\n".join(["image_id,gradable", *lines]), encoding="utf-8")
        return path

    return write


def test_what_a_threshold_removes_by_site_and_camera(graded, tmp_path):
    found = review_quality(graded.path, tmp_path / "out", ReviewSettings(gradable_from=0.55))
    assert (found.photographs, found.removed, found.patients_lost) == (60, 33, 33)
    removed = {
        (row["by"], row["name"]): row
        for row in rows(found.path / "removed.csv")
        if row["threshold"] == "0.55"
    }
    assert removed["all", ""]["removed"] == "33"
    assert removed["site", "south"]["share"] == "1.0"
    assert removed["site", "north"]["share"] == "0.1"
    assert removed["camera", "'=Beta"]["photographs"] == "30"  # no formula in a table for people
    page = text(found.path / "report.html")
    assert "south 30 30 100.0 30" in page
    assert "north 30 3 10.0 3" in page
    assert page.index("south 30") < page.index("north 30")
    assert "too dark 30" in page
    assert "mark 0.533" in page
    assert "mark 0.550" in page
    assert page.index("mark 0.533") < page.index("mark 0.550")
    assert (found.path / "report.html").read_text(encoding="utf-8").count("<svg viewBox") == 3


def test_without_labels_there_are_photographs_to_judge(graded, tmp_path):
    found = review_quality(graded.path, tmp_path / "out")
    asked = rows(found.path / "to_label.csv")
    assert [row["number"] for row in asked] == [str(n) for n in range(1, 51)]
    assert {row["gradable"] for row in asked} == {""}
    assert set(asked[0]) == {"number", "image_id", "gradable"}  # no opinion of the program
    page = (found.path / "to_label.html").read_text(encoding="utf-8")
    assert page.count("<img") == 50
    assert 'class="sheet large"' in page
    assert "mark" not in text(found.path / "to_label.html").replace("Marks of the program", "")
    assert not (found.path / "threshold.toml").exists()
    assert found.calibration is None


def test_labels_choose_a_threshold_that_can_be_used_again(graded, labels, tmp_path):
    found = review_quality(graded.path, tmp_path / "out", labels=labels())
    assert found.threshold == 0.29
    assert found.calibration.chosen.specificity.value == 1.0
    assert found.calibration.in_use.sensitivity.value == pytest.approx(30 / 42, abs=0.02)
    assert found.removed == 18
    kept = tomllib.loads((found.path / "threshold.toml").read_text(encoding="utf-8"))
    again = ReviewSettings(**kept)
    assert again.gradable_from == pytest.approx(found.threshold)
    assert review_quality(graded.path, tmp_path / "again", again).removed == 18
    page = text(found.path / "report.html")
    assert "chosen threshold 0.29" in page
    assert "--set gradable_from" in page
    assert not (found.path / "to_label.csv").exists()


def test_the_pages_exist_in_both_languages_and_twice_the_same(graded, labels, tmp_path):
    chinese = ReviewSettings(language="zh")
    one = review_quality(graded.path, tmp_path / "one", chinese, labels=labels())
    two = review_quality(graded.path, tmp_path / "two", chinese, labels=labels())
    assert "可判读阈值会剔除什么" in text(one.path / "report.html")
    files = [store.read_manifest(made.path, "quality").files for made in (one, two)]
    assert files[0] == files[1]
    written = json.loads((one.path / "manifest.json").read_text(encoding="utf-8"))
    assert [item["kind"] for item in written["inputs"]] == ["corpus", "labels"]
    assert str(tmp_path) not in json.dumps(written["inputs"])


def test_a_corpus_without_marks_is_refused(finished, tmp_path):
    corpus = finished("unjudged", [{"gradability": None, "gradable": None}])
    with pytest.raises(DataError) as caught:
        review_quality(corpus.path, tmp_path / "out")
    assert caught.value.code == "not_judged"
    assert not (tmp_path / "out").exists()


def test_without_matplotlib_the_extra_is_named(graded, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(ConfigError, match=r"'\.\[stats\]'"):
        review_quality(graded.path, tmp_path / "out")


def test_photographs_without_a_mark_are_counted_apart(finished, tmp_path):
    corpus = finished("some", [{"gradability": None}, {"gradability": 0.2}, {"gradability": 0.9}])
    found = review_quality(corpus.path, tmp_path / "out")
    assert (found.photographs, found.removed) == (2, 1)
    assert "photographs without a mark (left out here) 1" in text(found.path / "report.html")


def test_the_default_threshold_is_the_one_that_ingest_uses():
    assert ReviewSettings().gradable_from == GRADABLE_FROM


def reject(locator, code, severity="review", item="image", detail="words"):
    return {
        "locator": locator,
        "item": item,
        "step": "pairing",
        "code": code,
        "detail": detail,
        "severity": severity,
    }


@pytest.fixture
def queued(finished):
    return finished(
        "queued",
        [{}],
        rejects=[
            *[reject(f"l{n}", "eye_unknown") for n in range(3)],
            reject("l7", "no_image", item="report", detail=EVIL),
            reject("=l8", "truncated", "rejected"),
        ],
    )


def test_the_queue_lists_what_waits_with_counts_and_what_to_do(queued, tmp_path):
    found = review_reports(queued.path, tmp_path / "out")
    assert found.counts == {("image", "eye_unknown"): 3, ("report", "no_image"): 1}
    assert found.rejected == {("image", "truncated"): 1}
    assert [row["locator"] for row in rows(found.path / "queue.csv")] == ["l0", "l1", "l2", "l7"]
    assert rows(found.path / "rejected.csv")[0]["locator"] == "'=l8"
    page = text(found.path / "report.html")
    assert "eye unknown · photographs 3" in page
    assert "Have the camera write the eye into DICOM" in page
    assert "file cut short 1" in page
    assert EVIL in page
    assert "<script" not in (found.path / "report.html").read_text(encoding="utf-8")


def test_an_empty_queue_says_so_in_both_languages(finished, tmp_path):
    corpus = finished("clean", [{}])
    said = {"en": "Nothing waits for a person.", "zh": "没有待复核条目。"}
    for language, words in said.items():
        found = review_reports(corpus.path, tmp_path / language, ReviewSettings(language=language))
        assert words in text(found.path / "report.html")
        assert rows(found.path / "queue.csv") == []


def test_a_taken_folder_is_not_overwritten(queued, tmp_path):
    review_reports(queued.path, tmp_path / "out")
    with pytest.raises(DataError, match="finished"):
        review_reports(queued.path, tmp_path / "out")
    review_reports(queued.path, tmp_path / "out", force=True)
