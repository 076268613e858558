from __future__ import annotations

import io
import shutil
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from funduscope import deploy, inputs, store

SIZE, CHANNELS, DIM = 64, 12, 8


class TinyEncoder(nn.Module):
    """An encoder of the form that `model` makes, with three convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.tower = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=4, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU6(),
            nn.Conv2d(8, CHANNELS, 3, stride=4, padding=1, bias=False),
            nn.BatchNorm2d(CHANNELS),
            nn.ReLU6(),
        )
        self.image_projection = nn.Linear(CHANNELS, DIM, bias=False)
        self.scale = nn.Parameter(torch.tensor(12.0))

    def encode_image(self, x: Tensor) -> tuple[Tensor, Tensor]:
        feature_map = self.tower(x)
        embedding = self.image_projection(feature_map.mean((2, 3)))
        return nn.functional.normalize(embedding, dim=-1), feature_map


@dataclass
class Loaded:
    encoder: TinyEncoder
    image_spec: inputs.ImageSpec


def _load(folder: Path) -> Loaded:
    torch.manual_seed(5)
    encoder = TinyEncoder()
    with torch.no_grad():
        for layer in encoder.tower:
            if isinstance(layer, nn.BatchNorm2d):
                layer.running_mean.normal_()
                layer.running_var.uniform_(0.5, 2.0)
    assert (folder / "weights.safetensors").is_file()
    return Loaded(encoder, inputs.ImageSpec(size=SIZE))


def _embed_texts(loaded: Loaded, texts: Sequence[str]) -> np.ndarray:
    rows = [np.random.default_rng(list(text.encode())).normal(size=DIM) for text in texts]
    return np.stack([row / np.linalg.norm(row) for row in rows]).astype(np.float32)


@contextmanager
def _fake_model() -> Iterator[None]:
    """`funduscope.model` with a tiny encoder: what is tested here is the package, not the tower."""
    fake: Any = types.ModuleType("funduscope.model")
    fake.load, fake.embed_texts, fake.Loaded = _load, _embed_texts, Loaded
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "funduscope.model", fake)
        patch.setattr(sys.modules["funduscope"], "model", fake, raising=False)
        yield


@pytest.fixture
def fake_model() -> Iterator[None]:
    with _fake_model():
        yield


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "bundle"
    folder.mkdir()
    store.write_json(folder / "bundle.json", {"format": 1, "id": "b0"})
    (folder / "weights.safetensors").write_bytes(b"")
    (folder / "card.md").write_text("# A tiny bundle\n", encoding="utf-8")
    (folder / "LICENSE").write_text("Apache-2.0, in full\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve drawn photographs of six patients; two of them are in the split test."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from funduscope import tables

    path = tmp_path_factory.mktemp("data") / "corpus"
    rows, pictures = [], []
    for number in range(12):
        rows.append(
            {
                "image_id": f"i{number:02}",
                "patient_id": f"p{number // 2}",
                "patient_id_source": "record",
                "exam_id": f"e{number // 2}",
                "site_id": "site",
                "eye": ("OD", "OS")[number % 2],
                "eye_source": "record",
                "modality": "cfp",
                "field": "macula",
                "visit_day": 0,
                "source": "here",
                "width_px": 96,
                "height_px": 96,
                "gradable": True,
                "phash": number,
                "split": "test" if number < 4 else "val",
                "shard": "part-00000.parquet",
                "row": number,
            }
        )
        pictures.append({"bytes": photograph(number), "path": None})
    with store.create(path, kind="corpus", config={}, seed=0):
        filled = {tables.IMAGES: rows}
        names = (tables.IMAGES, tables.REPORTS, tables.ASSERTIONS, tables.PAIRS)
        for table in (*names, tables.LABELS, tables.REJECTS):
            frame = tables.frame(table, filled.get(table, []))
            tables.write(table, frame, path / f"{table.name}.parquet")
        (path / "pixels").mkdir()
        shard = pa.table({"image_id": [row["image_id"] for row in rows], "image": pictures})
        pq.write_table(shard, path / "pixels" / "part-00000.parquet")
    return path


def photograph(number: int, side: int = 96) -> bytes:
    """A bright, noisy disk on black, as PNG; another for each number."""
    from PIL import Image

    draw = np.random.default_rng(number)
    y, x = (np.mgrid[:side, :side] + 0.5) / side
    tint = draw.uniform(60, 220, size=3)
    rgb = tint + draw.normal(0, 25, size=(side, side, 3))
    rgb[np.hypot(x - 0.5, y - 0.5) > 0.46] = 0
    stream = io.BytesIO()
    Image.fromarray(np.clip(rgb, 0, 255).astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def draw_photograph() -> Callable[..., bytes]:
    return photograph


@pytest.fixture
def same_graph(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Further exports of the one bundle copy its graph: tracing takes seconds."""
    from funduscope.deploy import graph

    def copy(encoder: object, size: int, path: Path) -> None:
        shutil.copyfile(package / path.name, path)

    monkeypatch.setattr(graph, "write_tower", copy)


@pytest.fixture(scope="session")
def package(bundle: Path, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "package"
    with _fake_model():
        deploy.export(bundle, out, corpus=corpus)
    return out
