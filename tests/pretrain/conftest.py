from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from funduscope import store, tables
from funduscope.findings import extract
from funduscope.model import ModelSettings
from funduscope.pretrain import PretrainSettings

WORDS = ("normal fundus", "moderate non proliferative retinopathy", "glaucoma, drusen", "cataract")


def disc_jpeg(number: int) -> bytes:
    """A round colored field that differs from number to number."""
    rng = np.random.default_rng(number)
    y, x = np.mgrid[:80, :80] - 39.5
    pixels = np.zeros((80, 80, 3))
    pixels[x**2 + y**2 < 38**2] = rng.uniform(60, 200, 3)
    stream = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(stream, format="JPEG", quality=95)
    return stream.getvalue()


def write_archive(path: Path, patients: int = 10, labels: bool = True) -> Path:
    """A finished corpus of both eyes of some patients at two sites, with captions."""
    rows: dict[tables.Table, list[dict[str, object]]] = {
        t: []
        for t in (tables.IMAGES, tables.REPORTS, tables.ASSERTIONS, tables.PAIRS, tables.LABELS)
    }
    pictures = []
    for p in range(patients):
        words = {"OD": WORDS[p % 4], "OS": WORDS[(p // 2) % 4]}
        text = f"Right eye: {words['OD']}; left eye: {words['OS']}"
        ids = {"patient_id": f"p{p}", "exam_id": f"e{p}", "site_id": f"s{p % 2}"}
        rows[tables.REPORTS].append(
            {**ids, "report_id": f"r{p}", "language": "en", "text": text, "text_sha256": "0"}
        )
        for a in extract(text):
            fields = {name: getattr(a, name) for name in a.__slots__}
            rows[tables.ASSERTIONS].append({"report_id": f"r{p}", **fields})
        for eye, said in words.items():
            name = f"i{p}{eye}"
            rows[tables.IMAGES].append(_image(name, eye, ids, len(pictures)))
            rows[tables.PAIRS].append(
                {"image_id": name, "report_id": f"r{p}", "eye": eye, "caption": said}
                | {"caption_language": "en", "caption_source": "report"}
            )
            rows[tables.LABELS].append(
                {"image_id": name, "task": "finding", "finding": "glaucoma", "value": float(p % 2)}
                | {"unit": "class", "source": "test"}
            )
            pictures.append({"bytes": disc_jpeg(len(pictures)), "path": None})
    with store.create(path, kind="corpus", config={}, seed=0):
        if not labels:
            del rows[tables.LABELS]
        for table, listed in rows.items():
            tables.write(table, tables.frame(table, listed), path / f"{table.name}.parquet")
        (path / "pixels").mkdir()
        names = [row["image_id"] for row in rows[tables.IMAGES]]
        shard = pa.table({"image_id": names, "image": pictures})
        pq.write_table(shard, path / "pixels" / "part-00000.parquet")
    return path


def _image(name: str, eye: str, ids: dict[str, str], row: int) -> dict[str, object]:
    return {
        **ids,
        "image_id": name,
        "eye": eye,
        "patient_id_source": "record",
        "eye_source": "record",
        "modality": "cfp",
        "field": "macula",
        "source": "here",
        "width_px": 80,
        "height_px": 80,
        "phash": 0,
        "split": "train",
        "shard": "part-00000.parquet",
        "row": row,
    }


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_archive(tmp_path_factory.mktemp("pretrain") / "corpus")


@pytest.fixture
def make_archive(tmp_path: Path) -> Callable[..., Path]:
    return lambda name, **kw: write_archive(tmp_path / name, **kw)


@pytest.fixture
def tiny() -> PretrainSettings:
    """Two layers of text, 64 px, four steps of six photographs."""
    model = ModelSettings(image_size=64, text_tower="tiny", dim=32, english_rows=1000)
    return PretrainSettings(
        model=model, train_size=64, steps=4, batch=6, checkpoint_every=1, log_every=1, threads=1
    )
