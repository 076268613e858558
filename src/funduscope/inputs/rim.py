"""What lies outside the field of view: nothing of the eye, often a name and a date."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from funduscope.inputs.field import Field
from funduscope.inputs.photo import Photo

# This part of the radius beyond the circle stays, and at least that many px: the rim is kept as the
# camera drew it, and no letter fits in.
_MARGIN, _LEAST_MARGIN = 0.015, 3.0
# Beside the rim lies a faint halo of light and of JPEG blocks; this wide, as a part of the radius.
_HALO = 0.08
# Largest channel value that is still camera black: in the halo, and beyond it. JPEG noise
# alone is as strong in half of `odir`: fainter letters drown in it.
_BLACK_HALO, _BLACK = 20, 8


def blank_outside(rgb: Photo, field: Field | None, *, always: bool = False) -> tuple[Photo, bool]:
    """Make everything outside the field black, whatever it is.

    Args:
        rgb: uint8 (H, W, 3).
        field: the circle found in it; None: nothing is known, nothing is changed.
        always: blank also what is camera black, for a picture that is encoded anew anyway.

    Returns:
        The picture, and whether anything outside differed from camera black. If not, it is `rgb`
        itself, and bytes that were decoded to it may be kept; if so (or `always`), a new array
        that is exactly 0 outside the circle and its small margin.
    """
    if field is None:
        return rgb, False
    strip = _outside(rgb, field, field.radius + max(_LEAST_MARGIN, _MARGIN * field.radius))
    if not always and strip.max() <= _BLACK_HALO:
        far = _outside(strip, field, (1 + _HALO) * field.radius)
        if far.max() <= _BLACK:
            return rgb, False
    return rgb - strip, True


def _outside(rgb: Photo, field: Field, radius: float) -> Photo:
    """A copy that is 0 inside the circle of that radius."""
    outside = rgb.copy()
    for row, (left, right) in enumerate(spans(rgb.shape[:2], field, radius)):
        outside[row, left:right] = 0
    return outside


def spans(shape: tuple[int, ...], field: Field, radius: float) -> list[tuple[int, int]]:
    """Of each row the first column in the circle of that radius, and the first one after it."""
    height, width = shape
    down = np.arange(height) + 0.5 - field.y
    half = np.sqrt(np.maximum(radius**2 - down**2, 0.0))
    left = np.ceil(field.x - half - 0.5).clip(0, width)
    right = np.floor(field.x + half + 0.5).clip(0, width)
    empty = (np.abs(down) >= radius) | (right <= left)
    left[empty], right[empty] = width, width
    pairs: npt.NDArray[np.intp] = np.stack([left, right], axis=1).astype(np.intp)
    return [(int(a), int(b)) for a, b in pairs.tolist()]
