"""Auxiliary loss for ViT towers: guess the hidden part of a photograph.

RET-CLIP+ adds such a loss to the contrast, so that the tower keeps small lesions that no report
mentions. The form is SimMIM's (Xie et al., CVPR 2022): one linear layer, no decoder.

Shapes: B photographs, S their side in px, C width of the tower, h w patches.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from funduscope.errors import ConfigError


class MaskedImage(nn.Module):
    """Linear head from a tower's patch map to the pixels of each patch, and its loss.

    Use: `mask = draw_mask(...)`, `map = tower(head.hide(image, mask))`, `loss = head(map, image,
    mask)`. Every photograph hides the same number of patches, so that the mean of the losses of
    equal chunks is the loss of the batch.
    """

    def __init__(self, width: int, patch: int) -> None:
        super().__init__()
        self.patch = patch
        self.to_pixels = nn.Sequential(
            nn.Conv2d(width, 3 * patch * patch, 1), nn.PixelShuffle(patch)
        )

    def hide(self, image_B3SS: Tensor, mask_Bhw: Tensor) -> Tensor:
        """The standardized photograph with hidden patches at 0, the middle of its scale."""
        return image_B3SS * ~enlarged(mask_Bhw, self.patch)

    def forward(self, map_BChw: Tensor, image_B3SS: Tensor, mask_Bhw: Tensor) -> Tensor:
        """The loss of a map made from the hidden photograph, against the whole one."""
        return hidden_error(self.to_pixels(map_BChw), image_B3SS, mask_Bhw)


def head_for(tower: nn.Module, width: int) -> MaskedImage:
    """The head for a tower of patches.

    Raises:
        ConfigError: the cells of the tower's map are no patches (it has no `patch`, the side of one
            in px): in a convolution each cell sees its neighbors, so nothing can be hidden.
    """
    patch = getattr(tower, "patch", None)
    if not isinstance(patch, int):
        raise ConfigError(
            f"image tower {type(tower).__name__}",
            place="the masked-image loss",
            rule="it needs a tower that reads patches (a ViT)",
            remedy="set the masked-image loss to 0, or choose image_tower=transformers:FOLDER",
        )
    return MaskedImage(width, patch)


def draw_mask(count: int, side: int, share: float, rng: np.random.Generator) -> Tensor:
    """Which patches are hidden: bool (count, side, side), the same number in each photograph.

    Args:
        count: photographs.
        side: patches along a side.
        share: share hidden, 0 < share < 1; SimMIM takes 0.6.
        rng: where the draws come from.
    """
    hidden = max(1, round(share * side * side))
    order = rng.random((count, side * side)).argsort(axis=1).argsort(axis=1)
    return torch.from_numpy(order < hidden).view(count, side, side)


def hidden_error(guess_B3SS: Tensor, image_B3SS: Tensor, mask_Bhw: Tensor) -> Tensor:
    """Mean absolute error over the hidden pixels, on the standardized scale.

    L = |guess - image|_1 over hidden pixels / number of hidden values
    """
    hidden = enlarged(mask_Bhw, image_B3SS.shape[-1] // mask_Bhw.shape[-1]).expand_as(image_B3SS)
    return (guess_B3SS - image_B3SS)[hidden].abs().mean()


def enlarged(mask_Bhw: Tensor, patch: int) -> Tensor:
    """A mask of patches as one of pixels, bool (B, 1, h patch, w patch)."""
    pixels = mask_Bhw.repeat_interleave(patch, 1).repeat_interleave(patch, 2)
    return pixels[:, None]
