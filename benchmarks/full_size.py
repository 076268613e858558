"""Are two photographs the same picture? A check at full size, for benchmarks/duplicates.py.

It shares nothing with `archive.alignment` but the circle: edges between 1.5 and 6 px of a square of
256 px, which the thumbnails of 96 px hold only in part; the middle of one is sought in the other at
many sizes and places. The same picture has the same grain of vessels there; another picture of the
same eye is bent and lit otherwise.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from funduscope import inputs

SIDE = 256
"""Of the square around the circle, px; photographs of `odir` have no more."""

_FRAME = 320
_SIZES = tuple(0.88 + 0.01 * step for step in range(25))
_REACH = 24
_MIDDLE = 0.7

Plane = npt.NDArray[np.float32]


def agreement(first: bytes, second: bytes, *, mirrored: bool) -> float:
    """Largest correlation of fine structure over sizes and places, -1..1."""
    one, other = (inputs.decode(data, name="a photograph") for data in (first, second))
    other = np.ascontiguousarray(other[:, ::-1]) if mirrored else other
    best = -1.0
    axis = (np.arange(SIDE) + 0.5) / (SIDE / 2) - 1
    middle = (np.hypot(axis[:, None], axis[None, :]) < _MIDDLE).astype(np.float32)
    sought = _fine(_square(one, SIDE)) * middle
    sought -= middle * sought.sum() / middle.sum()
    template, mask = np.conj(_waves(sought)), np.conj(_waves(middle))
    for size in _SIZES:
        fine = _fine(_square(other, round(SIDE * size)))
        product = np.fft.irfft2(_waves(fine) * template, (_FRAME, _FRAME))
        energy = np.fft.irfft2(_waves(fine**2) * mask, (_FRAME, _FRAME))
        score = product / np.sqrt(np.maximum(energy * (sought**2).sum(), 1e-3))
        shifts = np.arange(-_REACH, _REACH + 1)
        best = max(best, float(score[shifts][:, shifts].max()))
    return best


def _square(rgb: inputs.Photo, size: int) -> Plane:
    """Green channel around the circle, `size` px large, in the middle of a square of SIDE px."""
    green = inputs.crop_field(rgb, inputs.find_field(rgb), size)[..., 1].astype(np.float32)
    cut = max(0, size - SIDE)
    green = green[cut // 2 : cut // 2 + SIDE, cut // 2 : cut // 2 + SIDE]
    left = (SIDE - len(green)) // 2
    return np.pad(green, (left, SIDE - len(green) - left))


def _fine(green: Plane) -> Plane:
    """Relative to its surroundings, and without single pixels' noise."""
    there = (green > 8).astype(np.float32)
    ground = _blurred(green * there, 6.0) / np.maximum(_blurred(there, 6.0), 0.05)
    contrast = there * (green - ground) / (ground + 8.0)
    fine: Plane = np.clip(_blurred(contrast.astype(np.float32), 0.75), -0.3, 0.3) * there
    return fine


def _blurred(plane: Plane, sigma: float) -> Plane:
    kernel = _gaussian(sigma)
    blurred: Plane = (kernel @ plane @ kernel).astype(np.float32)
    return blurred


@lru_cache(maxsize=2)
def _gaussian(sigma: float) -> Plane:
    axis = np.arange(SIDE)
    kernel = np.exp(-0.5 * ((axis[:, None] - axis) / sigma) ** 2)
    matrix: Plane = (kernel / kernel[SIDE // 2].sum()).astype(np.float32)
    return matrix


def _waves(plane: Plane) -> npt.NDArray[np.complexfloating[Any, Any]]:
    return np.fft.rfft2(plane, (_FRAME, _FRAME))
