from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from funduscope import store, tables


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Forty photographs of forty patients, marks 0.000 to 0.975, and one line in review."""
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
            rows = {"images": images, "rejects": rejects}.get(name, [])
            tables.write(table, tables.frame(table, rows), path / f"{name}.parquet")
        (path / "pixels").mkdir()
        stream = io.BytesIO()
        Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(stream, format="PNG")
        stored = {"bytes": stream.getvalue(), "path": None}
        shard = pa.table({"image_id": ids, "image": [stored for _ in ids]})
        pq.write_table(shard, path / "pixels" / "part-00000.parquet")
        out.counts["images"] = {"seen": 41, "kept": 40, "rejected": 0, "review": 1}
        out.counts["reports"] = {"seen": 0, "kept": 0, "rejected": 0, "review": 0}
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
