"""The real towers, untrained, through the real model code: bundle -> package -> the same scores."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from funduscope import deploy, inputs, model, runtime
from funduscope.deploy import graph
from funduscope.model.image_tower import EfficientNetLite, ImageTower, PatchTower
from funduscope.model.settings import ModelSettings
from funduscope.model.text_tower import build, from_spec


def test_a_bundle_of_efficientnet_lite0_becomes_plain_convolutions_that_agree(
    tmp_path: Path,
) -> None:
    torch.manual_seed(0)
    text, tokenizer = build(ModelSettings(text_tower="tiny"))
    encoder = model.DualEncoder(EfficientNetLite(pretrained=False), text, 16).eval()
    model.save(
        tmp_path / "bundle",
        encoder,
        tokenizer,
        inputs.ImageSpec(size=224),
        text_length=32,
        facts={},
        card="# card {id}\n",
        licence="terms",
    )
    settings = deploy.ExportSettings(findings=("glaucoma", "cataract"))
    made = deploy.export(tmp_path / "bundle", tmp_path / "package", settings)
    assert made.tower.dim == 16
    path = tmp_path / "package" / runtime.IMAGE_TOWER
    kinds = Counter(node.op_type for node in onnx.load(path).graph.node)
    assert (kinds["Conv"], kinds["Clip"]) == (49, 34)
    assert not {"BatchNormalization", "Pad", "Slice"} & set(kinds)
    assert path.stat().st_size < 15_000_000

    loaded = model.load(tmp_path / "bundle")
    images = np.random.default_rng(0).normal(size=(3, 3, 224, 224)).astype(np.float32)
    found, found_map = made.embed(images)
    right, right_map = graph.run_torch(loaded.encoder, images)
    np.testing.assert_allclose(found, right, atol=1e-5)
    np.testing.assert_allclose(found_map, right_map, atol=1e-4 * np.abs(right_map).max())
    assert len(deploy.Predictor(tmp_path / "package").package.self_test()) == 3


TINY = {
    "vocab_size": 8,
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "intermediate_size": 8,
    "max_position_embeddings": 8,
}


def _vision(size: int) -> ImageTower:
    """A tiny ViT made for another size than it reads."""
    from transformers import ViTConfig, ViTModel

    config = ViTConfig(
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=size * 2,
        patch_size=16,
    )
    return PatchTower(ViTModel(config, add_pooling_layer=False))


def _encoder(image: ImageTower) -> model.DualEncoder:
    text = from_spec({"config": TINY})
    return model.DualEncoder(image, text, 8).eval()


@pytest.mark.parametrize(
    ("image", "cells"),
    [
        (lambda: _vision(96), 6),
        pytest.param(
            lambda: EfficientNetLite("efficientnet_lite1", pretrained=False),
            3,
            marks=pytest.mark.accept,  # tracing takes as long as Lite0's above
        ),
    ],
    ids=["vit", "efficientnet_lite1"],
)
def test_other_towers_agree_in_embedding_and_map(tmp_path: Path, image, cells: int) -> None:
    torch.manual_seed(0)
    encoder = _encoder(image())
    graph.write_tower(encoder, 96, tmp_path / "tower.onnx")
    made = runtime.Tower(tmp_path / "tower.onnx")
    images = np.random.default_rng(0).normal(size=(3, 3, 96, 96)).astype(np.float32)
    found, found_map = made.embed(images)
    right, right_map = graph.run_torch(encoder, images)
    assert found_map.shape == (3, encoder.image.width, cells, cells)
    np.testing.assert_allclose(found, right, atol=1e-5)
    np.testing.assert_allclose(found_map, right_map, atol=1e-4 * np.abs(right_map).max())
    # The heat map of a finding is exact: its mean is the embedding.
    weight = encoder.image_projection.weight.detach().numpy()
    mean = np.einsum("dc,nchw->ndhw", weight, found_map).mean((2, 3))
    np.testing.assert_allclose(mean / np.linalg.norm(mean, axis=1)[:, None], found, atol=1e-5)
