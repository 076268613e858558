from __future__ import annotations

import numpy as np
import pytest

from funduscope import evaluate, store
from funduscope.errors import DataError
from funduscope.evaluate import EmbedSettings, embedding


@pytest.fixture
def encoder(monkeypatch, fake_encoder):
    rows = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    made = fake_encoder(rows, {})
    monkeypatch.setattr(embedding, "open_encoder", lambda _path: made)
    return made


def test_rows_follow_the_table_images(corpus, encoder, tmp_path):
    images = [{"split": "train"}, {}, {}, {"split": "val"}, {}, {}]
    path = corpus("eyes", images)
    made = evaluate.embed("model", path, tmp_path / "out")
    assert np.array_equal(made.vectors, encoder.vectors)
    assert made.vectors.dtype == np.float32
    assert made.rows["image_id"].to_list() == [f"i{n}" for n in range(6)]
    assert made.rows["row"].to_list() == list(range(6))
    held = evaluate.embed("model", path, tmp_path / "test", EmbedSettings(split="test"))
    assert held.rows["image_id"].to_list() == ["i1", "i2", "i4", "i5"]
    assert np.array_equal(held.vectors, encoder.vectors[[1, 2, 4, 5]])
    assert store.verify(tmp_path / "test") == 2


def test_an_empty_split_is_refused(corpus, encoder, tmp_path):
    path = corpus("eyes", [{}] * 2)
    with pytest.raises(DataError, match="no photograph"):
        evaluate.embed("model", path, tmp_path / "out", EmbedSettings(split="val"))


def test_missing_bytes_are_named(corpus, encoder, tmp_path):
    path = corpus("eyes", [{}] * 4)
    (path / "pixels" / "part-00000.parquet").unlink()
    with pytest.raises(DataError, match="4 photographs without bytes, first i0"):
        evaluate.embed("model", path, tmp_path / "out")
    with pytest.raises(DataError, match="unfinished") as caught:
        store.Embeddings.open(tmp_path / "out")
    assert "funduscope embed model" in caught.value.remedy
    assert "--force" in caught.value.remedy
