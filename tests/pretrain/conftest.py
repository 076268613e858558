from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from funduscope import store, tables
from funduscope.findings import extract, vocabulary
from funduscope.model import ModelSettings
from funduscope.pretrain import PretrainSettings
from funduscope.pretrain.examples import Examples, Lists
from funduscope.pretrain.shards import Shards

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


def write_archive(
    path: Path, patients: int = 10, labels: bool = True, words: Sequence[str] = WORDS
) -> Path:
    """A finished corpus of both eyes of some patients at two sites, with captions."""
    rows: dict[tables.Table, list[dict[str, object]]] = {
        t: []
        for t in (tables.IMAGES, tables.REPORTS, tables.ASSERTIONS, tables.PAIRS, tables.LABELS)
    }
    pictures = []
    for p in range(patients):
        said = {"OD": words[p % 4], "OS": words[(p // 2) % 4]}
        text = f"Right eye: {said['OD']}; left eye: {said['OS']}"
        ids = {"patient_id": f"p{p}", "exam_id": f"e{p}", "site_id": f"s{p % 2}"}
        rows[tables.REPORTS].append(
            {**ids, "report_id": f"r{p}", "language": "en", "text": text, "text_sha256": "0"}
        )
        for a in extract(text):
            fields = {name: getattr(a, name) for name in a.__slots__}
            rows[tables.ASSERTIONS].append({"report_id": f"r{p}", **fields})
        for eye, spoken in said.items():
            name = f"i{p}{eye}"
            rows[tables.IMAGES].append(_image(name, eye, ids, len(pictures)))
            rows[tables.PAIRS].append(
                {"image_id": name, "report_id": f"r{p}", "eye": eye, "caption": spoken}
                | {"caption_language": "en", "caption_source": "report"}
            )
            rows[tables.LABELS].append(
                {"image_id": name, "task": "finding", "finding": "glaucoma", "value": float(p % 2)}
                | {"unit": "class", "source": "test"}
            )
            pictures.append({"bytes": disc_jpeg(len(pictures)), "path": None})
    with store.create(path, kind="corpus", config={}, seed=0) as output:
        known = vocabulary()
        output.extra["vocabulary"] = {"version": known.version, "hash": known.hash}
        if not labels:
            del rows[tables.LABELS]
        for table, listed in rows.items():
            tables.write(table, tables.frame(table, listed), path / f"{table.name}.parquet")
        (path / "pixels").mkdir()
        names = [row["image_id"] for row in rows[tables.IMAGES]]
        shard = pa.table({"image_id": names, "image": pictures})
        pq.write_table(shard, path / "pixels" / "part-00000.parquet", row_group_size=7)
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


def listed(rows: Sequence[Sequence[int]], values: Sequence[Sequence[float]] = ()) -> Lists:
    starts = np.cumsum([0, *map(len, rows)])
    flat = np.array([v for row in values for v in row], np.float32)
    return Lists(starts, np.array([i for row in rows for i in row], np.int32), flat)


def drawn_examples(
    patients: int, seed: int = 0, photos: int = 1, unknown: float = 0.0, block: int = 7
) -> Examples:
    """Made-up tables: up to three examinations a patient, eyes that are missing or unknown."""
    rng = np.random.default_rng(seed)
    texts = pl.Series("text", ["a", "b left", "b right", "c", "无"])
    eyes = []  # patient, examination, side
    for patient in range(patients):
        for exam in range(int(rng.integers(1, 4))):
            for side in {int(rng.integers(2)), int(rng.integers(2))}:
                side = 2 if rng.random() < unknown else side
                eyes.append((patient, 10 * patient + exam, side))
    patient, exam, side = np.array(eyes, np.int32).T
    count = rng.integers(1, photos + 1, len(eyes))
    whole = [sorted({0, *rng.choice([1, 3, 4], 2).tolist()}) for _ in eyes]
    said = [[0] if rng.random() < 0.9 else [0, 5] for _ in eyes]
    first = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    total = int(first[-1])
    block_N = (np.arange(total) // block).astype(np.int32)
    blocks = int(block_N[-1]) + 1
    shards = Shards(
        ("part",),
        np.zeros(blocks, np.int32),
        np.arange(blocks, dtype=np.int32),
        np.full(blocks, 2**18),
    )
    return Examples(
        shards=shards,
        image_id=pl.Series([f"i{n}" for n in range(total)]),
        block_N=block_N,
        row_N=(np.arange(total) % block).astype(np.int32),
        field_N4=np.full((total, 4), np.nan, np.float32),
        first_E=first,
        patient_E=patient,
        exam_E=exam,
        site_E=np.zeros(len(eyes), np.int32),
        side_E=side,
        words_E=np.arange(len(eyes), dtype=np.int32),
        captions=listed(whole),
        statements=listed([[3] if 3 in row else [] for row in whole]),
        said=listed(said, [[1.0] * len(row) for row in said]),
        texts=texts,
        language_T=np.array([0, 0, 0, 0, 1], np.int32),
        mirror_T=np.array([0, 2, 1, 3, 4], np.int32),
        said_T=listed([[], [], [], [], [0]], [[], [], [], [], [1.0]]),
        patients=pl.Series([f"p{n}" for n in range(patients)]),
    )


@pytest.fixture(scope="session")
def make_examples() -> Callable[..., Examples]:
    return drawn_examples


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
