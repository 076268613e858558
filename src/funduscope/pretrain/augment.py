"""Changes to training photographs, on tensors of any device; all draws come from a numpy Generator.

A mirrored photograph is a picture of the other eye: the batch says which ones are mirrored, and
its texts follow. Colors change by one power and one affine map a pixel, light by one factor, and
lens and export only where they are drawn, so that few passes over the pixels are made.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from funduscope.pretrain.settings import AugmentSettings


def augment(
    crop_BSS3: Tensor,
    size: int,
    settings: AugmentSettings,
    flip_B: Tensor,
    rng: np.random.Generator,
) -> Tensor:
    """Crops uint8 (B, S, S, 3) -> changed crops float32 (B, 3, size, size) on the scale 0..1.

    Args:
        crop_BSS3: the crops; work is done on their device.
        size: side of the result, px.
        settings: how far each change may go.
        flip_B: bool (B), which crops are mirrored.
        rng: where every draw comes from.
    """
    drawn = _Draws(rng, len(crop_BSS3), crop_BSS3.device)
    x = _warp(crop_BSS3, size, settings, flip_B, drawn)
    x = _recolor(x, settings, drawn)
    x = _relight(x, settings, drawn)
    return _refocus(x, settings, drawn).clamp_(0.0, 1.0)


class _Draws:
    """Draws for each of a number of photographs, as tensors on the device."""

    def __init__(self, rng: np.random.Generator, count: int, device: torch.device) -> None:
        self.rng, self.count, self.device = rng, count, device

    def tensor(self, values: npt.NDArray[Any]) -> Tensor:
        return torch.from_numpy(values.astype(np.float32)).to(self.device)

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        return self.tensor(self.rng.uniform(low, high, (self.count, *shape)))

    def chosen(self, share: float) -> Tensor:
        """Numbers of the photographs of a random share of them."""
        found = np.flatnonzero(self.rng.random(self.count) < share)
        return torch.from_numpy(found).to(self.device)

    def noise(self, like: Tensor) -> Tensor:
        """Standard normal noise, made on the device from a seed."""
        generator = torch.Generator(self.device).manual_seed(int(self.rng.integers(2**62)))
        return torch.randn(like.shape, generator=generator, device=self.device)


def _warp(x: Tensor, size: int, s: AugmentSettings, flip_B: Tensor, drawn: _Draws) -> Tensor:
    """Turned, zoomed, shifted, mirrored: one resampling; uint8 (B, S, S, 3) -> 0..1."""
    angle = drawn.uniform(-s.rotation, s.rotation) * (np.pi / 180)
    zoom = drawn.uniform(*s.zoom)
    mirror = 1.0 - 2.0 * flip_B.to(x.device, torch.float32)
    shift = drawn.uniform(-s.shift, s.shift, 2)
    cos, sin = zoom * torch.cos(angle), zoom * torch.sin(angle)
    across = torch.stack([mirror * cos, mirror * sin], 1)[:, None, None, :]
    down = torch.stack([-sin, cos], 1)[:, None, None, :]
    # A sum of rows and columns: what affine_grid gives, without its matrix products.
    axis = (2 * torch.arange(size, device=x.device) + 1.0) / size - 1.0
    grid = axis[:, None] * across + (axis[:, None, None] * down + shift[:, None, None, :])
    # Color last in memory, as the crops are: what one pixel needs lies together.
    x = x.to(torch.float32).permute(0, 3, 1, 2)
    return functional.grid_sample(x, grid, align_corners=False).mul_(1 / 255)


def _recolor(x: Tensor, s: AugmentSettings, drawn: _Draws) -> Tensor:
    """Another sensor: gamma, gain, white balance, saturation, contrast, mixed channels, no color.

    All but gamma are affine in the color, so they are one matrix and one offset a photograph.
    """
    count, size = x.shape[0], x.shape[-1]
    power = torch.exp(drawn.uniform(-s.gamma, s.gamma, 1, 1, 1))
    x = x.clamp_(1e-4, 1.0).log_().mul_(power).exp_()  # x ** power; pow_ is slower
    tint = drawn.uniform(-s.tint, s.tint, 3) + drawn.uniform(-s.gain, s.gain, 1)
    eye = torch.eye(3, device=x.device)
    gray = torch.full((3, 3), 1 / 3, device=x.device)
    saturation = drawn.uniform(*s.saturation, 1, 1)
    balanced = (gray + (eye - gray) * saturation) * torch.exp(tint)[:, None, :]
    mean = balanced @ x.mean((2, 3))[:, :, None]
    contrast = drawn.uniform(*s.contrast, 1, 1)
    mixed = eye + drawn.tensor(drawn.rng.normal(0, s.mix, (count, 3, 3)))
    colorless = drawn.chosen(s.gray)
    mixed[colorless] = gray @ mixed[colorless]
    matrix, offset = mixed @ balanced * contrast, mixed @ mean * (1 - contrast)
    return torch.baddbmm(offset, matrix, x.view(count, 3, -1)).view(count, 3, size, size)


def _relight(x: Tensor, s: AugmentSettings, drawn: _Draws) -> Tensor:
    """Another flash and another frame: uneven light, black bars above and below."""
    count, size = x.shape[0], x.shape[-1]
    uneven = drawn.uniform(-s.shade, s.shade, 1, 4, 4) * drawn.uniform(0, 1, 1, 1, 1)
    coarse = functional.interpolate(uneven, size=(24, 24), mode="bicubic")
    light = functional.interpolate(coarse, size=(size, size), mode="bilinear").exp_()
    barred = drawn.tensor(drawn.rng.random(count) < s.bars)
    bar = (drawn.uniform(0, 0.14 * size) * barred).floor()
    row = torch.arange(size, device=x.device)
    inside = (row >= bar[:, None]) & (row < size - bar[:, None])
    return x.clamp_(0.0, 2.0).mul_(light.mul_(inside[:, None, :, None]))


def _refocus(x: Tensor, s: AugmentSettings, drawn: _Draws) -> Tensor:
    """Another lens and another export: sharpened, softened, coarsened, grainy."""
    size = x.shape[-1]
    some = drawn.chosen(s.sharpen)
    sharp = x[some]
    around = _box(sharp, 5)
    amount = drawn.uniform(0.3, 1.5, 1, 1, 1)[some]
    x[some] = sharp + (sharp - around) * amount
    kind = drawn.rng.random(drawn.count)
    soft = torch.from_numpy(np.flatnonzero(kind < s.blur * 0.6)).to(x.device)
    coarse = torch.from_numpy(np.flatnonzero(kind > 1 - s.blur * 0.4)).to(x.device)
    x[soft] = _box(x[soft], 3)
    half = functional.interpolate(x[coarse], scale_factor=0.5, mode="area")
    x[coarse] = functional.interpolate(half, size=(size, size), mode="bilinear")
    some = drawn.chosen(0.3 if s.grain else 0.0)
    grainy = x[some]
    spread = drawn.uniform(0, s.grain, 1, 1, 1)[some]
    x[some] = torch.where(grainy > 0, grainy + drawn.noise(grainy) * spread, grainy)
    return x


def _box(x: Tensor, width: int) -> Tensor:
    """Mean over a square of odd `width` px, edges repeated; avg_pool2d is slower on CPUs."""
    half = width // 2
    padded = functional.pad(x, (half, half, half, half), mode="replicate")
    return padded.unfold(-1, width, 1).mean(-1).unfold(-2, width, 1).mean(-1)
