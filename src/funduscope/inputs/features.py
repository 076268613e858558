"""One look at a photograph: a square of 128 px around the field of view, and its thin dark lines.

All judgements of a photograph start from this square, on ratios of brightness, so that exposure
and size do not matter.
Vessels are thin, dark and line-shaped; they show in green, because hemoglobin absorbs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from funduscope.inputs.crop import crop_field, disk, shown
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
# Rows of a plane with its first and last repeated.
_REACH = np.arange(-1, SIDE + 1).clip(0, SIDE - 1)


@dataclass(frozen=True)
class Look:
    """What all judgements of one photograph share.

    Attributes:
        square: uint8 (128, 128, 3), `crop_field` of the photograph.
        inside: (128, 128), pixels of the field that lie in the picture, off the rim.
        likeness: how much neighboring pixels are alike, -1..1 (the correlation; 0 is noise or a
            plain surface).
    """

    square: Photo
    inside: Mask
    likeness: float

    @property
    def share(self) -> float:
        """Part of the circle's area that lies in the picture, 0..1."""
        return float(self.inside.sum() / disk(SIDE, 1 - _EDGE).sum())

    @cached_property
    def ridges(self) -> tuple[Plane, Plane]:
        """Thin dark lines, (128, 128) each.

        How strongly one passes here (>= 0, as a contrast), and its shape: 0 (spot) .. 1 (line).
        """
        weight = self.inside.astype(np.float32)
        green = self.square[..., 1].astype(np.float32)
        ground = blur(green * weight, _GROUND) / (blur(weight, _GROUND) + 1e-3)
        contrast = weight * (green - ground) / (ground + _FLOOR)
        dark, line = _ridges(blur(contrast, _FINE))
        wide_dark, wide_line = _ridges(blur(contrast, _COARSE))
        wider = wide_dark > dark
        return np.where(wider, wide_dark, dark), np.where(wider, wide_line, line)


def look(rgb: Photo, field: Field | None) -> Look:
    """Look at a photograph once.

    Args:
        rgb: uint8 (H, W, 3), upright.
        field: the circle found in it by `find_field`, or None.
    """
    inside = disk(SIDE, 1 - _EDGE)
    if field is None or field.clipped:
        inside = inside & shown(rgb, field, SIDE, _EDGE)
    return Look(crop_field(rgb, field, SIDE), inside, _likeness(rgb))


def _likeness(rgb: Photo) -> float:
    """Correlation of each pixel with its right neighbor; 128 rows are enough."""
    green = rgb[:: max(1, len(rgb) // 128), :, 1].astype(np.float32)
    green -= green.mean()
    variance = float((green**2).mean())
    return float((green[:, :-1] * green[:, 1:]).mean()) / variance if variance > 1.0 else 0.0


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
    padded = plane[_REACH][:, _REACH]
    middle = padded[1:-1, 1:-1]
    xx = padded[1:-1, 2:] + padded[1:-1, :-2] - 2 * middle
    yy = padded[2:, 1:-1] + padded[:-2, 1:-1] - 2 * middle
    xy = (padded[2:, 2:] + padded[:-2, :-2] - padded[2:, :-2] - padded[:-2, 2:]) / 4
    half = (xx + yy) / 2
    swing = np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    across, along = np.abs(half + swing), np.abs(half - swing)
    strongest = np.maximum(across, along) + 1e-6
    return np.maximum(half + swing, 0), 1 - np.minimum(across, along) / strongest
