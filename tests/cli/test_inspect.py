from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from funduscope import store, tables
from funduscope.archive.description import Description
from funduscope.cli import inspect


def image(number: int) -> dict[str, object]:
    return {
        "image_id": f"i{number}",
        "patient_id": f"p{number}",
        "patient_id_source": "record",
        "exam_id": f"e{number}",
        "site_id": "site",
        "eye": "OD",
        "eye_source": "record",
        "modality": "cfp",
        "field": "macula",
        "visit_day": 0,
        "source": "here",
        "width_px": 8,
        "height_px": 8,
        "phash": 0,
        "split": "test",
        "shard": "part-00000.parquet",
        "row": number,
    }


def reject(code: str, severity: str = "rejected") -> dict[str, str]:
    return {
        "locator": "x",
        "item": "image",
        "step": "read",
        "code": code,
        "detail": "words",
        "severity": severity,
    }


@pytest.fixture
def corpus(tmp_path: Path) -> Callable[..., Path]:
    def make(*, seen: int = 5, stored: int = 3) -> Path:
        path = tmp_path / "corpus"
        with store.create(path, kind="corpus", config={}, seed=0) as out:
            rows = {table: [] for table in ("reports", "assertions", "pairs", "labels")}
            rows["images"] = [image(n) for n in range(3)]
            rows["rejects"] = [reject("truncated"), reject("swapped", "review")]
            for name, listed in rows.items():
                table = tables.TABLES[name]
                tables.write(table, tables.frame(table, listed), path / f"{name}.parquet")
            (path / "pixels").mkdir()
            ids = [f"i{n}" for n in range(stored)]
            pixels = [{"bytes": b"x", "path": None} for _ in ids]
            shard = pa.table({"image_id": ids, "image": pixels})
            pq.write_table(shard, path / "pixels" / "part-00000.parquet")
            out.counts["images"] = {"seen": seen, "kept": 3, "rejected": 1, "review": 1}
            out.counts["reports"] = {"seen": 0, "kept": 0, "rejected": 0, "review": 0}
        return path

    return make


def test_show_counts_a_corpus_by_reason(run, corpus):
    shown = run("show", corpus())
    assert shown.code == 0
    for word in ("site_id: site 3", "patients: 3", "truncated", "swapped", "review"):
        assert word in shown.out


def test_show_a_table_and_its_json(run, corpus):
    path = corpus()
    shown = run("show", path / "rejects.parquet")
    assert "rejects: 2 rows" in shown.out
    table = json.loads(run("show", path / "rejects.parquet", "--json").out)
    assert table["rows"] == 2
    assert json.loads(run("show", path, "--json").out)["kind"] == "corpus"


def test_show_refuses_what_no_stage_made(run, tmp_path):
    shown = run("show", tmp_path)
    assert shown.code == 3
    assert "no manifest.json" in shown.err
    (tmp_path / "rejcts.parquet").write_bytes(b"")
    shown = run("show", tmp_path / "rejcts.parquet")
    assert "did you mean 'rejects'?" in shown.err


def test_check_proves_a_whole_corpus(run, corpus):
    shown = run("check", corpus())
    assert shown.code == 0
    assert "7 files are as they were written" in shown.out
    assert "images: 5 seen = 3 + 1 + 1" in shown.out
    assert "pixels: 3 photographs" in shown.out


def test_check_finds_a_lost_record(run, corpus):
    shown = run("check", corpus(seen=6))
    assert shown.code == 3
    assert "seen = kept + rejected + review" in shown.err


def test_check_finds_lost_pixels(run, corpus):
    shown = run("check", corpus(stored=2))
    assert shown.code == 3
    assert "2 photographs stored, 3 listed" in shown.err


def test_check_names_a_changed_file(run, corpus):
    path = corpus()
    (path / "labels.parquet").write_bytes(b"changed")
    shown = run("check", path)
    assert shown.code == 4
    assert "labels.parquet" in shown.err


def test_check_refuses_a_folder_that_was_not_finished(run, corpus, tmp_path):
    with pytest.raises(KeyError), store.create(tmp_path / "half", kind="corpus", config={}, seed=0):
        raise KeyError
    (tmp_path / "half" / "rejects.parquet").write_bytes(b"")
    for command, thing in (("check", ""), ("show", ""), ("show", "rejects.parquet")):
        shown = run(command, tmp_path / "half" / thing)
        assert shown.code == 3
        assert "--resume" in shown.err


@pytest.mark.parametrize("stage", sorted(inspect.STAGES))
def test_config_prints_toml_with_every_setting(run, stage):
    shown = run("config", stage)
    assert shown.code == 0
    assert tomllib.loads(shown.out)
    assert shown.out.startswith("# ")


def test_config_ingest_prints_a_source_description(run):
    shown = run("config", "ingest")
    described = tomllib.loads(shown.out)
    assert Description.model_validate(described).source[0].kind == "csv"
    assert "max_side" in shown.out
