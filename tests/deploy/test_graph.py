from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from funduscope import runtime
from funduscope.deploy import graph


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        from efficientnet_lite_pytorch import EfficientNet

        self.body = EfficientNet.from_name("efficientnet-lite0")
        self.projection = nn.Linear(1280, 16, bias=False)

    def encode_image(self, x: Tensor) -> tuple[Tensor, Tensor]:
        feature_map = self.body.extract_features(x)
        embedding = self.projection(feature_map.mean((2, 3)))
        return nn.functional.normalize(embedding, dim=-1), feature_map


def test_efficientnet_lite0_folds_to_plain_convolutions_and_agrees(tmp_path: Path) -> None:
    torch.manual_seed(0)
    encoder = Encoder().eval()
    graph.write_tower(encoder, 224, tmp_path / "tower.onnx")
    kinds = Counter(n.op_type for n in onnx.load(tmp_path / "tower.onnx").graph.node)
    assert (kinds["Conv"], kinds["Clip"]) == (49, 34)
    assert not {"BatchNormalization", "Pad", "Slice"} & set(kinds)
    assert (tmp_path / "tower.onnx").stat().st_size < 15_000_000
    images = np.random.default_rng(0).normal(size=(3, 3, 224, 224)).astype(np.float32)
    tower = runtime.Tower(tmp_path / "tower.onnx", threads=1)
    for found, right in zip(tower.embed(images), graph.run_torch(encoder, images), strict=True):
        assert found.shape == right.shape
        np.testing.assert_allclose(found, right, atol=1e-3 * np.abs(right).max())
