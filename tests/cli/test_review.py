from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from funduscope import findings, store, tables

TEXTS = ("OD: drusen, no cataract.", "OS: possible macular hole.", "OD: drusen, no cataract.")


def told() -> dict[str, list[dict[str, object]]]:
    """Three reports, two of them alike, as ingest reads them."""
    reports, said = [], []
    for number, text in enumerate(TEXTS):
        head = {"report_id": f"r{number}", "patient_id": f"p{number}", "exam_id": f"e{number}"}
        digest = hashlib.sha256(text.encode()).hexdigest()
        more = {"site_id": "site", "language": "en", "text": text, "text_sha256": digest}
        reports.append(head | more)
        for one in findings.extract(text):
            row = {name: getattr(one, name) for name in findings.Assertion.__slots__}
            said.append({"report_id": f"r{number}"} | row)
    return {"reports": reports, "assertions": said}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Forty photographs of forty patients, marks 0.000 to 0.975; a line in review; reports."""
    path = tmp_path / "corpus"
    ids = [f"i{n:02d}" for n in range(40)]
    images = [
        {
            "image_id": name,
            "patient_id": f"p{n}",
            "patient_id_source": "record",
            "exam_id": f"e{n}",
            "site_id": "site",
            "eye": "OD",
            "eye_source": "record",
            "modality": "cfp",
            "field": "macula",
            "source": f"l{n}",
            "width_px": 64,
            "height_px": 64,
            "phash": 0,
            "gradable": n >= 20,
            "gradability": n / 40,
            "split": "train",
            "shard": "part-00000.parquet",
            "row": n,
        }
        for n, name in enumerate(ids)
    ]
    line = {"locator": "l0", "item": "image", "step": "pairing", "code": "eye_unknown"}
    rejects = [line | {"detail": "words", "severity": "review"}]
    with store.create(path, kind="corpus", config={}, seed=0) as out:
        for name in ("images", "reports", "assertions", "pairs", "labels", "rejects"):
            table = tables.TABLES[name]
            rows = ({"images": images, "rejects": rejects} | told()).get(name, [])
            tables.write(table, tables.frame(table, rows), path / f"{name}.parquet")
        (path / "pixels").mkdir()
        stream = io.BytesIO()
        Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(stream, format="PNG")
        stored = {"bytes": stream.getvalue(), "path": None}
        shard = pa.table({"image_id": ids, "image": [stored for _ in ids]})
        pq.write_table(shard, path / "pixels" / "part-00000.parquet")
        out.counts["images"] = {"seen": 41, "kept": 40, "rejected": 0, "review": 1}
        out.counts["reports"] = {"seen": 3, "kept": 3, "rejected": 0, "review": 0}
    return path


def test_quality_then_labels_then_the_threshold_again(run, corpus, tmp_path):
    first = run("review", "quality", corpus, tmp_path / "first")
    assert first.code == 0
    assert "threshold 0.50 removes 20 of 40 photographs" in first.out
    assert "--labels labels.csv" in first.out

    asked = (tmp_path / "first" / "to_label.csv").read_text(encoding="utf-8-sig").splitlines()
    names = [line.split(",")[1] for line in asked[1:]]
    said = [f"{name},{int(name >= 'i10')}" for name in names]
    labels = tmp_path / "labels.csv"
    labels.write_text("\n".join(["image_id,gradable", *said]), encoding="utf-8")
    second = run("review", "quality", corpus, tmp_path / "own", "--labels", labels, "--json")
    found = json.loads(second.out)
    assert found["threshold"] == pytest.approx(0.24)
    assert found["removed"] == 10
    assert found["calibration"]["chosen"]["sensitivity"]["value"] == 1.0

    toml = tmp_path / "own" / "threshold.toml"
    third = run("review", "quality", corpus, tmp_path / "third", "--config", toml)
    assert "threshold 0.24 removes 10 of 40" in third.out
    assert run("check", tmp_path / "own").code == 0


def test_reports_lists_the_queue(run, corpus, tmp_path):
    shown = run("review", "reports", corpus, tmp_path / "queue", "--set", "language=zh")
    assert shown.code == 0
    assert "eye_unknown" in shown.out
    data = json.loads(run("review", "reports", corpus, tmp_path / "json", "--json").out)
    assert data["review"] == [{"item": "image", "code": "eye_unknown", "lines": 1}]


def test_marks_give_figures_a_card_and_a_frozen_set(run, corpus, tmp_path, save_marks, monkeypatch):
    shown = run("review", "reports", corpus, tmp_path / "queue", "--seed", 3)
    assert "2 of 2 distinct reports can be marked" in shown.out
    assert "--marks" in shown.out
    page = tmp_path / "queue" / "mark.html"
    one = save_marks(page, "R1", wrong=lambda text, row: row["finding"] == "macular_hole")
    two = save_marks(page, "R2")

    plain = run("review", "reports", corpus, tmp_path / "plain", "--marks", one, "--json")
    data = json.loads(plain.out)
    assert data["kind"] == "validation"
    assert data["figures"][0]["precision"]["value"] == pytest.approx(4 / 5)
    assert "marked by people" in run("show", corpus).out

    words = ("--marks", one, "--marks", two, "--freeze")
    both = run("review", "reports", corpus, tmp_path / "both", *words)
    assert both.code == 0
    assert "R1 and R2: 3 readings in 2 reports, same answer 0.667" in both.out
    frozen = tmp_path / "both" / "frozen.json"
    assert run("check", frozen).out.startswith("ok: 2 frozen reports")
    assert run("check", tmp_path / "both").code == 0
    whole = run("check", corpus)
    assert whole.code == 0
    assert "2 frozen reports" in whole.out
    assert "warning" not in run("show", corpus).out

    monkeypatch.setattr(findings, "extract", lambda text: [])  # an upgrade that reads nothing
    changed = run("check", corpus)
    assert changed.code == 3
    assert "ok: " in changed.out
    assert "3 readings changed (0 better, 2 worse, 1 unjudged)" in changed.err
    assert "drusen OD present" in changed.out
    listed = json.loads(run("check", frozen, "--json").out)
    assert [row["effect"] for row in listed["changed"]].count("worse") == 2
    warned = run("show", corpus)
    assert warned.code == 0
    assert warned.out.count("warning: 3 readings changed") == 1
    (tmp_path / "reviews").joinpath(frozen_name(tmp_path)).write_text("{}", encoding="utf-8")
    assert "warning" in run("show", corpus).out
    assert run("check", corpus).code == 3


def frozen_name(folder: Path) -> str:
    [path] = (folder / "reviews").glob("*.frozen.json")
    return path.name


def test_freezing_needs_marks_and_marks_need_their_corpus(run, corpus, tmp_path, save_marks):
    shown = run("review", "reports", corpus, tmp_path / "out", "--freeze")
    assert shown.code == 2
    assert "--marks" in shown.err
    run("review", "reports", corpus, tmp_path / "queue")
    page = tmp_path / "queue" / "mark.html"
    file = save_marks(page, "R1", edit=lambda body: body.update(corpus="0" * 32))
    shown = run("review", "reports", corpus, tmp_path / "out", "--marks", file)
    assert shown.code == 3
    assert "marks of this corpus" in shown.err
    assert not (tmp_path / "out").exists()


def test_an_unfinished_review_names_its_command(run, corpus, tmp_path):
    with pytest.raises(KeyError), store.create(tmp_path / "half", kind="queue", config={}, seed=0):
        raise KeyError
    shown = run("review", "reports", corpus, tmp_path / "half")
    assert shown.code == 3
    assert "funduscope review reports" in shown.err


def test_the_group_has_a_help_of_its_own(run):
    shown = run("review", "--help")
    assert shown.code == 0
    assert "quality" in shown.out
    assert "reports" in shown.out
    assert run("review", "qualty", "a", "b").code == 2
