"""The dual encoder: a photograph and a caption as unit vectors of one space.

Shapes: B batch, S side in px, L tokens, W text width, D shared dimensions, C h w feature map.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from funduscope.model.image_tower import ImageTower
from funduscope.model.text_tower import TextTower

MAX_SCALE = 100.0


class DualEncoder(nn.Module):
    """Image tower, text tower, one linear projection each and a learned scale (CLIP, 2021).

    The image embedding is `unit(projection(mean over cells of the feature map))`: linear in the
    map, so that a class-activation map is exact (Zhou et al., CVPR 2016).
    """

    def __init__(self, image: ImageTower, text: TextTower, dim: int) -> None:
        super().__init__()
        self.image = image
        self.text = text
        self.image_projection = nn.Linear(image.width, dim, bias=False)
        self.text_projection = nn.Linear(text.width, dim, bias=False)
        self.log_scale = nn.Parameter(torch.tensor(math.log(14.0)))

    @property
    def scale(self) -> Tensor:
        """What similarities are multiplied by; at most 100, as in CLIP."""
        return self.log_scale.exp().clamp(max=MAX_SCALE)

    def image_features(self, image_B3SS: Tensor) -> Tensor:
        """Normalized photographs -> mean over the cells of the feature map (B, C)."""
        map_BChw: Tensor = self.image(image_B3SS)
        return map_BChw.mean((2, 3))

    def project_image(self, features_BC: Tensor) -> Tensor:
        """Features of the image tower -> unit embeddings (B, D)."""
        return functional.normalize(self.image_projection(features_BC), dim=-1)

    def project_text(self, features_BW: Tensor) -> Tensor:
        """Features of the text tower -> unit embeddings (B, D)."""
        return functional.normalize(self.text_projection(features_BW), dim=-1)

    def encode_image(self, image_B3SS: Tensor) -> tuple[Tensor, Tensor]:
        """Normalized photographs -> unit embeddings (B, D) and feature maps (B, C, h, w)."""
        map_BChw = self.image(image_B3SS)
        return self.project_image(map_BChw.mean((2, 3))), map_BChw

    def encode_text(self, ids_BL: Tensor, mask_BL: Tensor) -> Tensor:
        """Token ids -> unit embeddings (B, D)."""
        return self.project_text(self.text(ids_BL, mask_BL))
