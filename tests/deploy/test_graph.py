"""The real towers, untrained, through the real model code: bundle -> package -> the same scores."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import torch

from funduscope import deploy, inputs, model, runtime
from funduscope.deploy import graph
from funduscope.model.image_tower import EfficientNetLite
from funduscope.model.settings import ModelSettings
from funduscope.model.text_tower import build


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
