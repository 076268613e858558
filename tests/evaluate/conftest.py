from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from funduscope import store, tables
from funduscope.findings import vocabulary

IMAGE = {
    "patient_id_source": "record",
    "site_id": "site",
    "eye_source": "record",
    "modality": "cfp",
    "field": "macula",
    "source": "here",
    "width_px": 8,
    "height_px": 8,
    "phash": 0,
    "shard": "part-00000.parquet",
    "row": 0,
    "gradable": True,
    "split": "test",
}


def png(number: int) -> bytes:
    """An 8 x 8 picture that holds its number in its first pixel."""
    pixels = np.zeros((8, 8, 3), dtype=np.uint8)
    pixels[0, 0] = (number % 256, number // 256, 0)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    return stream.getvalue()


def write_corpus(
    path: Path,
    images: Sequence[Mapping[str, Any]],
    *,
    labels: Sequence[Mapping[str, Any]] = (),
    reports: Sequence[Mapping[str, Any]] = (),
    assertions: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """A small finished corpus; image number i holds the picture png(i)."""
    rows = []
    for number, image in enumerate(images):
        name = image.get("image_id", f"i{number}")
        side = "OD" if number % 2 == 0 else "OS"
        exam = f"e{number // 2}"
        rows.append(
            IMAGE
            | {"image_id": name, "patient_id": f"p{number // 2}", "exam_id": exam, "eye": side}
            | {"visit_day": 0, "row": number}
            | image
        )
    with store.create(path, kind="corpus", config={}, seed=0) as out:
        found = {
            tables.IMAGES: rows,
            tables.REPORTS: reports,
            tables.ASSERTIONS: assertions,
            tables.PAIRS: [],
            tables.LABELS: labels,
            tables.REJECTS: [],
        }
        for table, listed in found.items():
            tables.write(table, tables.frame(table, listed), path / f"{table.name}.parquet")
        (path / "pixels").mkdir()
        pictures = [{"bytes": png(n), "path": None} for n in range(len(rows))]
        shard = pa.table({"image_id": [row["image_id"] for row in rows], "image": pictures})
        pq.write_table(shard, path / "pixels" / "part-00000.parquet")
        out.counts["images"] = {"seen": len(rows), "kept": len(rows), "rejected": 0, "review": 0}
    return path


@pytest.fixture
def corpus(tmp_path: Path) -> Callable[..., Path]:
    """Make a corpus below tmp_path: corpus(name, images, labels=...)."""

    def make(name: str, images: Sequence[Mapping[str, Any]], **tables_: Any) -> Path:
        return write_corpus(tmp_path / name, images, **tables_)

    return make


class FakeEncoder:
    """Embeds picture number i as the row i of `vectors`; words for a finding as an axis."""

    kind = "bundle"
    id = "fake"
    scale = 10.0
    findings = vocabulary().codes

    def __init__(self, vectors: np.ndarray, axes: Mapping[str, int]) -> None:
        self.vectors = vectors
        self.axes = axes
        self.embedded: list[str] = []

    def images(self, named):
        for name, data in named:
            first = np.asarray(Image.open(io.BytesIO(data)))[0, 0]
            number = int(first[0]) + 256 * int(first[1])
            self.embedded.append(name)
            yield [name], self.vectors[number : number + 1]

    def directions(self, codes, bank, language):
        rows = np.eye(self.vectors.shape[1], dtype=np.float32)[
            [self.axes.get(c, -1) for c in codes]
        ]
        return rows, -rows


@pytest.fixture
def fake_encoder() -> type[FakeEncoder]:
    """A model that knows each picture by its number."""
    return FakeEncoder


@pytest.fixture
def png_of() -> Callable[[int], bytes]:
    """A gray picture of one level."""

    def make(level: int) -> bytes:
        stream = io.BytesIO()
        Image.fromarray(np.full((64, 64, 3), level, dtype=np.uint8)).save(stream, format="PNG")
        return stream.getvalue()

    return make
