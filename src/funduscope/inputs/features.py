"""What is measured inside the field of view: brightness, background, contrast, thin dark lines.

All on a square of 128 px and on ratios of brightness, so that exposure and size do not matter.
Vessels are thin, dark and line-shaped; they show in green, because hemoglobin absorbs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from funduscope.inputs.crop import crop_field
from funduscope.inputs.field import Field, Mask
from funduscope.inputs.photo import Photo

Plane = npt.NDArray[np.floating[Any]]

SIDE = 128
# Gaussian sigmas in px of the 128 px square: vessels of one to three px, and the background.
_FINE, _COARSE, _GROUND = 1.0, 2.0, 8.0
# Added to brightness (0-255) before ratios are taken, so that noise in the dark counts for little.
_FLOOR = 6.0
# The outer part of the radius is left out: the rim itself is an edge.
_EDGE = 0.06


@dataclass(frozen=True)
class Look:
    """Planes measured once and shared by all judgements; (128, 128) each.

    Attributes:
        rgb: float32 (128, 128, 3), 0..255, the square around the field.
        inside: pixels of the field that lie in the picture, off the rim.
        share: part of the circle's area that lies in the picture, 0..1.
        dark_ridge: how strongly a thin dark line passes here, >= 0, as a contrast.
        line: 0 (spot) .. 1 (line), the shape of that ridge.
    """

    rgb: Plane
    inside: Mask
    share: float
    dark_ridge: Plane
    line: Plane


def look(rgb: Photo, field: Field | None) -> Look:
    """Measure the planes; without a field, in the largest disk in the middle of the picture."""
    height, width = rgb.shape[:2]
    if field is None:
        field = Field(width / 2, height / 2, min(height, width) / 2, clipped=False)
    square = crop_field(rgb, field, SIDE).astype(np.float32)
    disk, inside = _inside(field, height, width)
    weight = inside.astype(np.float32)
    green = square[..., 1]
    ground = blur(green * weight, _GROUND) / (blur(weight, _GROUND) + 1e-3)
    contrast = weight * (green - ground) / (ground + _FLOOR)
    dark, line = _ridges(blur(contrast, _FINE))
    wide_dark, wide_line = _ridges(blur(contrast, _COARSE))
    wider = wide_dark > dark
    return Look(
        square,
        inside,
        float(inside.sum() / disk.sum()),
        np.where(wider, wide_dark, dark),
        np.where(wider, wide_line, line),
    )


def _inside(field: Field, height: int, width: int) -> tuple[Mask, Mask]:
    """The disk without its rim, and that part of it which lies in the picture."""
    axis = (np.arange(SIDE) + 0.5) / SIDE * 2 - 1
    disk: Mask = np.hypot(axis[:, None], axis[None, :]) < 1 - _EDGE
    if not field.clipped:
        return disk, disk
    edge = _EDGE * field.radius
    x, y = field.x + axis * field.radius, field.y + axis * field.radius
    rows, columns = (y > edge) & (y < height - edge), (x > edge) & (x < width - edge)
    return disk, disk & rows[:, None] & columns[None, :]


def blur(plane: Plane, sigma: float) -> Plane:
    """Gaussian blur of one (128, 128) plane; beyond the edges it is 0.

    Two products with a small matrix: at this size faster than Fourier transforms.
    """
    kernel = _gaussian(sigma)
    blurred: Plane = kernel @ plane.astype(np.float32) @ kernel
    return blurred


@lru_cache(maxsize=8)
def _gaussian(sigma: float) -> Plane:
    """The symmetric matrix (128, 128) that blurs rows; sums to 1 away from the edges."""
    axis = np.arange(SIDE)
    kernel = np.exp(-0.5 * ((axis[:, None] - axis) / sigma) ** 2)
    matrix: Plane = (kernel / kernel[SIDE // 2].sum()).astype(np.float32)
    return matrix


def _ridges(plane: Plane) -> tuple[Plane, Plane]:
    """Curvature across the darkest line through each pixel, and how line-like it is."""
    padded = np.pad(plane, 1, mode="edge")
    middle = padded[1:-1, 1:-1]
    xx = padded[1:-1, 2:] + padded[1:-1, :-2] - 2 * middle
    yy = padded[2:, 1:-1] + padded[:-2, 1:-1] - 2 * middle
    xy = (padded[2:, 2:] + padded[:-2, :-2] - padded[2:, :-2] - padded[:-2, 2:]) / 4
    half = (xx + yy) / 2
    swing = np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    across, along = np.abs(half + swing), np.abs(half - swing)
    strongest = np.maximum(across, along) + 1e-6
    return np.maximum(half + swing, 0), 1 - np.minimum(across, along) / strongest
