"""Changes to training photographs, on tensors; all draws come from a numpy Generator.

A mirrored photograph is a picture of the other eye. Captions here are per eye and name no side,
so the text stays true.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from funduscope.pretrain.settings import AugmentSettings


def augment(
    crop_B3SS: Tensor, size: int, settings: AugmentSettings, rng: np.random.Generator
) -> Tensor:
    """Crops on the scale 0..1 -> changed crops (B, 3, size, size) on the same scale."""
    x = _warp(crop_B3SS, size, settings, rng)
    for change in (_recolor, _relight, _refocus):
        x = change(x, settings, rng)
    return x.clamp(0.0, 1.0)


def _draw(rng: np.random.Generator, low: float, high: float, *shape: int) -> Tensor:
    return torch.from_numpy(rng.uniform(low, high, shape).astype(np.float32))


def _warp(x: Tensor, size: int, s: AugmentSettings, rng: np.random.Generator) -> Tensor:
    count = x.shape[0]
    angle = _draw(rng, -s.rotation, s.rotation, count) * (np.pi / 180)
    zoom = _draw(rng, *s.zoom, count)
    side = torch.from_numpy(rng.choice(np.array([-1.0, 1.0], np.float32), count))
    mirror = side if s.flip else torch.ones(count)
    shift = _draw(rng, -s.shift, s.shift, count, 2)
    cos, sin = zoom * torch.cos(angle), zoom * torch.sin(angle)
    rows = (
        torch.stack([mirror * cos, -sin, shift[:, 0]], 1),
        torch.stack([mirror * sin, cos, shift[:, 1]], 1),
    )
    grid = functional.affine_grid(torch.stack(rows, 1), [count, 3, size, size], align_corners=False)
    return functional.grid_sample(x, grid, align_corners=False)


def _recolor(x: Tensor, s: AugmentSettings, rng: np.random.Generator) -> Tensor:
    """Another sensor: gamma, gain, white balance, saturation, contrast, mixed channels."""
    count = x.shape[0]
    x = x.clamp(1e-4, 1.0) ** torch.exp(_draw(rng, -s.gamma, s.gamma, count, 1, 1, 1))
    x = x * torch.exp(_draw(rng, -s.tint, s.tint, count, 3, 1, 1))
    x = x * torch.exp(_draw(rng, -s.gain, s.gain, count, 1, 1, 1))
    gray = x.mean(1, keepdim=True)
    x = gray + (x - gray) * _draw(rng, *s.saturation, count, 1, 1, 1)
    mean = x.mean((2, 3), keepdim=True)
    x = mean + (x - mean) * _draw(rng, *s.contrast, count, 1, 1, 1)
    mix = torch.from_numpy(rng.normal(0, s.mix, (count, 3, 3)).astype(np.float32))
    x = torch.einsum("bij,bjhw->bihw", torch.eye(3) + mix, x)
    colorless = _chosen(rng, s.gray, count)
    return torch.where(colorless, x.mean(1, keepdim=True), x)


def _relight(x: Tensor, s: AugmentSettings, rng: np.random.Generator) -> Tensor:
    """Another flash and another frame: uneven light, black bars above and below."""
    count, size = x.shape[0], x.shape[-1]
    uneven = _draw(rng, -s.shade, s.shade, count, 1, 4, 4) * _draw(rng, 0, 1, count, 1, 1, 1)
    light = functional.interpolate(uneven, size=(size, size), mode="bicubic")
    x = x.clamp(0.0, 2.0) * torch.exp(light)
    bar = torch.from_numpy(rng.uniform(0, 0.14 * size, count) * (rng.random(count) < s.bars))
    bar = bar.floor()
    row = torch.arange(size)
    inside = (row >= bar[:, None]) & (row < size - bar[:, None])
    return x * inside[:, None, :, None]


def _refocus(x: Tensor, s: AugmentSettings, rng: np.random.Generator) -> Tensor:
    """Another lens and another export: sharpened, softened, coarsened, grainy."""
    count, size = x.shape[0], x.shape[-1]
    around = functional.avg_pool2d(x, 5, 1, 2, count_include_pad=False)
    crisp = x + (x - around) * _draw(rng, 0.3, 1.5, count, 1, 1, 1)
    x = torch.where(_chosen(rng, s.sharpen, count), crisp, x)
    kind = torch.from_numpy(rng.random(count)).view(count, 1, 1, 1)
    soft = functional.avg_pool2d(x, 3, 1, 1)
    coarse = functional.interpolate(x, scale_factor=0.5, mode="area")
    coarse = functional.interpolate(coarse, size=(size, size), mode="bilinear")
    x = torch.where(kind < s.blur * 0.6, soft, torch.where(kind > 1 - s.blur * 0.4, coarse, x))
    noise = torch.from_numpy(rng.standard_normal(x.shape, dtype=np.float32))
    grainy = x + noise * _draw(rng, 0, s.grain, count, 1, 1, 1)
    return torch.where(_chosen(rng, 0.3, count) & (x > 0), grainy, x)


def _chosen(rng: np.random.Generator, share: float, count: int) -> Tensor:
    return torch.from_numpy(rng.random(count) < share).view(count, 1, 1, 1)
