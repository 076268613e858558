from __future__ import annotations

import json
from pathlib import Path

import pytest

from funduscope import store, tables

CONFIG = {
    "steps": 40,
    "batch": 8,
    "objective": "findings",
    "model": {"image_tower": "efficientnet_lite0", "image_size": 224, "text_tower": "minilm"},
}
INPUTS = [{"kind": "corpus", "id": "c0ffee", "path": "corpora/odir"}]


def rows(last: int) -> list[dict[str, object]]:
    return [
        {
            "step": step,
            "images": 8 * step,
            "loss": 3 - step / 40,
            "temperature": 14.0,
            "learning_rate": 1e-3,
            "recall_at_1": step / 40,
            "data_wait": 0.02,
            "seconds": 2.0 * step,
        }
        for step in range(10, last + 1, 10)
    ]


def begun(path: Path, log: list[dict[str, object]] | None, *, whole: bool) -> Path:
    with store.create(path, kind="run", config=CONFIG, seed=0, inputs=INPUTS) as out:
        (path / "work").mkdir()
        if log is not None:
            place = path if whole else path / "work"
            tables.write(tables.LOG, tables.frame(tables.LOG, log), place / "log.parquet")
        if whole:
            (path / "work").rmdir()
            (path / "report.html").write_text("page", encoding="utf-8")
            out.counts["images"] = 20
        out.whole = whole
    return path


def test_a_finished_run_is_drawn_with_its_facts(run, tmp_path):
    shown = run("show", begun(tmp_path / "run", rows(40), whole=True))
    assert shown.code == 0
    for said in (
        *("loss  last 2", "recall@1 (batch)  last 1", "alignment: not logged", "step 40"),
        *("c0ffee", "findings", "efficientnet_lite0 at 224 px, minilm", "80", "4.0", "2.0%"),
        *("report.html", "no evaluation"),
    ):
        assert said in shown.out, said
    assert "unfinished" not in shown.out


def test_a_run_that_is_training_is_drawn_so_far(run, tmp_path):
    path = begun(tmp_path / "run", rows(20), whole=False)
    shown = run("show", path)
    assert shown.code == 0
    for said in ("unfinished: step 20 of 40", "loss  last 2.5", "corpora/odir", "--resume"):
        assert said in shown.out, said
    said = json.loads(run("show", path, "--json").out)
    assert (said["unfinished"], said["step"], said["steps"]) == (True, 20, 40)
    assert said["last"][0]["loss"] == pytest.approx(2.5)
    assert f"funduscope pretrain corpora/odir {path} --resume" in said["resume"]


def test_a_run_before_its_first_checkpoint_says_so(run, tmp_path):
    shown = run("show", begun(tmp_path / "run", None, whole=False))
    assert shown.code == 0
    assert "unfinished: step 0 of 40" in shown.out
    assert "before the first checkpoint" in shown.out
    assert "--resume" in shown.out


def test_other_unfinished_folders_are_still_refused(run, tmp_path):
    with store.create(tmp_path / "c", kind="corpus", config={}, seed=0) as out:
        out.whole = False
    shown = run("show", tmp_path / "c")
    assert shown.code == 3
    assert "unfinished" in shown.err
