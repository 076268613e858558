"""What sort of picture it is: color, gray (red-free), black, or two fields of view in one."""

from __future__ import annotations

from typing import Literal

import numpy as np

from funduscope.inputs.crop import crop_field, disk
from funduscope.inputs.field import Field, find_field, thumbnail
from funduscope.inputs.photo import Photo

Kind = Literal["color", "gray", "black", "two_fields"]

_SIDE = 32
_THUMB = 256
# A picture is black when this part of it is below that brightness (0-255, brightest channel):
# faint numbers of a label may stand in the rest.
_SHARE, _DARK = 0.9, 10
# Pixels below this brightness say nothing of color.
_LIT = 24
# Each channel is fitted as a straight line over brightness; what the lines leave over is color.
# On 2,200 photographs of `odir`, `eyepacs_subset`, `palm`, `unam_cfp` the rest is from 0.057 of
# the spread and from 0.008 of the mean on, never both at once as small as here; gray ones that
# were tinted, made noisy and compressed leave 0.02 and 0.005 (medians), and at most 1.0 (0-255).
_REST_OF_SPREAD, _REST_OF_MEAN, _MOST = 0.055, 0.015, 1.3
# Less than this (0-255) is the noise of the compression.
_REST = 0.3
# A green filter: green leads red by this part of the mean. No retina in white light does that.
_GREEN_LEAD = 0.5
# Two fields: their centers lie this many radii apart, and the smaller has this part of the larger.
_APART, _ALIKE = 1.4, 0.75
# A field in the middle of the picture (within this part of the side) leaves no room for another.
_MIDDLE = 0.12


def kind_of(rgb: Photo, field: Field | None) -> Kind:
    """Say what sort of picture it is.

    Args:
        rgb: uint8 (H, W, 3), upright.
        field: the circle that `find_field` found in it, or None.

    Returns:
        `black`: nothing can be seen. `two_fields`: two circles side by side or one above the
        other (both eyes stitched). `gray`: without color, also when tinted as a whole: red-free,
        angiography. `color`: all others.
    """
    small, factor = thumbnail(rgb, _THUMB)
    field = field.scaled(1 / factor) if field else None
    brightest = np.maximum(np.maximum(small[..., 0], small[..., 1]), small[..., 2])
    if np.quantile(brightest, _SHARE) < _DARK:
        return "black"
    if _two_fields(small, field):
        return "two_fields"
    return "gray" if _gray(small, field) else "color"


def _gray(small: Photo, field: Field | None) -> bool:
    square = crop_field(small, field, _SIDE)
    lit = disk(_SIDE, 0.9) & (square.max(axis=2) > _LIT)
    if lit.sum() < 50:
        return False
    colors = square[lit].astype(np.float64)
    mean = colors.mean(axis=0)
    level = colors.mean(axis=1)
    if mean[1] - mean[0] > _GREEN_LEAD * level.mean():
        return True
    line = np.stack([level, np.ones_like(level)], axis=1)
    fitted = line @ np.linalg.solve(line.T @ line + 1e-6 * np.eye(2), line.T @ colors)
    rest = float(np.abs(colors - fitted).mean())
    if rest < _REST:
        return True
    few = rest < min(_MOST, _REST_OF_SPREAD * (level.std() + 2))
    return bool(few and rest < _REST_OF_MEAN * level.mean())


def _two_fields(small: Photo, field: Field | None) -> bool:
    height, width = small.shape[:2]
    if field is not None:
        off = abs(field.x / width - 0.5), abs(field.y / height - 0.5)
        if max(off) < _MIDDLE and field.radius > 0.35 * min(height, width):
            return False
    across, down = small.shape[1] // 2, small.shape[0] // 2
    if across >= down and _pair(small[:, :across], small[:, -across:], (across, 0)):
        return True
    return down >= across and _pair(small[:down], small[-down:], (0, down))


def _pair(first: Photo, second: Photo, step: tuple[int, int]) -> bool:
    """Both halves show a whole field of their own, as large as the other's."""
    one, other = (find_field(np.ascontiguousarray(half)) for half in (first, second))
    if one is None or other is None:
        return False
    for found, half in ((one, first), (other, second)):
        if not (0 < found.x < half.shape[1] and 0 < found.y < half.shape[0]):
            return False
    small, large = sorted((one.radius, other.radius))
    apart = np.hypot(other.x + step[0] - one.x, other.y + step[1] - one.y)
    return bool(small > _ALIKE * large and apart > _APART * large)
