"""Where the picture lies in a thumbnail: in the camera's circle, or in the box of what is seen.

A copy keeps the retina where it was in the circle. Where too little of the rim is left to be sure
of the circle (cut on all sides, squeezed to an ellipse), copies are fitted by another circle each:
such a picture is set into the box of what it shows.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from funduscope import inputs

Floats = npt.NDArray[np.float32]
Thumbs = npt.NDArray[np.uint8]

SIDE = 96
"""Side of the thumbnails, px."""

DARK = 8
_BLACK = 3
_RIM = 0.94
_WHOLE = 0.985
# The rim, and the least part of it that must be seen. With more, 98% of the copies planted in
# `odir` and `eyepacs_subset` lie alike in their circles; with less, about nine in ten.
_RING = (0.93, 0.975)
_MIN_ARC = 0.4
# Fewer px of a row or column that are not black are noise.
_SPECKS = 4


def thumb(rgb: inputs.Photo, field: inputs.Field | None) -> Thumbs:
    """What copies are compared by: the field in grey, uint8 (SIDE, SIDE).

    Grey and not green: of dark and of red photographs, green holds little but noise.

    Args:
        rgb: uint8 (H, W, 3).
        field: the circle, in pixels of `rgb`; None: the whole picture.
    """
    small = inputs.crop_field(rgb, field, SIDE)
    grey: Thumbs = np.asarray(Image.fromarray(small).convert("L"))
    return grey


def whole(thumbs: Thumbs | Floats) -> npt.NDArray[np.bool_]:
    """Whether all of the circle is in the picture, (N,)."""
    shown: npt.NDArray[np.bool_] = (thumbs[:, rim()] > _BLACK).mean(axis=1) > _WHOLE
    return shown


def sure(thumbs: Thumbs) -> npt.NDArray[np.bool_]:
    """Whether a circle was found, and enough of its rim is seen to rely on it, (N,)."""
    circle = thumbs[:, _away() > 1.02].mean(axis=1) <= DARK
    ring = (_away() > _RING[0]) & (_away() < _RING[1])
    enough: npt.NDArray[np.bool_] = circle & ((thumbs[:, ring] > _BLACK).mean(axis=1) >= _MIN_ARC)
    return enough


def box(thumb: Thumbs) -> tuple[float, float, float]:
    """Scale and shifts, px, with which what is seen fills the square (see `warped`)."""
    spans = []
    for axis in (1, 0):
        seen = np.flatnonzero((thumb > _BLACK).sum(axis=axis) >= _SPECKS)
        spans.append((int(seen[0]), int(seen[-1]) + 1) if len(seen) else (0, SIDE))
    scale = SIDE / max(stop - start for start, stop in spans)
    down, right = (scale * (SIDE - start - stop) / 2 for start, stop in spans)
    return scale, down, right


def framed(thumb: Thumbs) -> Floats:
    """The thumbnail in its circle if that is sure, else in its box; float32 (SIDE, SIDE)."""
    return thumb.astype(np.float32) if sure(thumb[None])[0] else warped(thumb, *box(thumb))


def warped(thumb: Thumbs | Floats, scale: float, down: float = 0.0, right: float = 0.0) -> Floats:
    """The thumbnail `scale` times as large, moved; black where it ends. float32 (SIDE, SIDE)."""
    rows, columns = _weights(scale, down), _weights(scale, right)
    small: Floats = rows @ thumb.astype(np.float32) @ columns.T
    return small


@lru_cache(maxsize=512)
def _weights(scale: float, shift: float) -> Floats:
    """Linear interpolation along one axis, averaging where it shrinks, (SIDE, SIDE)."""
    at = (np.arange(SIDE) + 0.5 - SIDE / 2 - shift) / scale + SIDE / 2 - 0.5
    reach = max(1.0, 1 / scale)
    away = np.abs(at[:, None] - np.arange(SIDE)) / reach
    weights = np.maximum(0.0, 1.0 - away)
    inside = (at > -0.5) & (at < SIDE - 0.5)
    total = np.maximum(weights.sum(axis=1, keepdims=True), 1e-6)
    matrix: Floats = (weights / total * inside[:, None]).astype(np.float32)
    return matrix


@lru_cache(maxsize=1)
def rim() -> npt.NDArray[np.bool_]:
    """The part of a thumbnail that lies inside the circle, off its rim."""
    mask: npt.NDArray[np.bool_] = _away() < _RIM
    return mask


@lru_cache(maxsize=1)
def _away() -> npt.NDArray[np.float64]:
    """Distance from the middle of a thumbnail, in radii, (SIDE, SIDE)."""
    axis = (np.arange(SIDE) + 0.5) / (SIDE / 2) - 1
    distance: npt.NDArray[np.float64] = np.hypot(axis[:, None], axis[None, :])
    return distance
