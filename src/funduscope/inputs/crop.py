"""The square around the field of view, resampled to the size a model reads."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image

from funduscope.inputs.field import Field, Mask
from funduscope.inputs.photo import Photo


def crop_field(rgb: Photo, field: Field | None, size: int) -> Photo:
    """Cut the square around the field and resample it; black outside the circle.

    Shrinking averages over the area that each new pixel covers (Hamming window, no aliasing).

    Args:
        rgb: uint8 (H, W, 3).
        field: the circle, in pixels of `rgb`; None: the whole picture, padded to a square with
            black, is taken, since nothing is known about where the field ends.
        size: side of the result, px.

    Returns:
        uint8 (size, size, 3).
    """
    height, width = rgb.shape[:2]
    x, y, radius = _circle(rgb, field)
    left, top = int(np.floor(x - radius)), int(np.floor(y - radius))
    right, bottom = int(np.ceil(x + radius)), int(np.ceil(y + radius))
    inner = rgb[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    if left < 0 or top < 0 or right > width or bottom > height:
        square = np.zeros((bottom - top, right - left, 3), np.uint8)
        row, column = max(-top, 0), max(-left, 0)
        square[row : row + inner.shape[0], column : column + inner.shape[1]] = inner
        inner = square
    box = (x - radius - left, y - radius - top, x + radius - left, y + radius - top)
    image = Image.fromarray(np.ascontiguousarray(inner))
    box = tuple(np.clip(box, 0.0, [image.width, image.height] * 2))
    small = image.resize((size, size), Image.Resampling.HAMMING, box=box, reducing_gap=3.0)
    result: Photo = np.asarray(small)
    return result if field is None else result * _open(size)


@lru_cache(maxsize=8)
def _open(size: int) -> Photo:
    """1 inside the inscribed disk, 0 outside; (size, size, 3)."""
    return np.repeat(disk(size)[..., None].astype(np.uint8), 3, axis=2)


def shown(rgb: Photo, field: Field | None, size: int, edge: float) -> Mask:
    """Pixels of `crop_field`'s square that lie in the picture; (size, size).

    Args:
        rgb, field, size: as given to `crop_field`.
        edge: this part of the radius at the picture's own edges does not count.
    """
    x, y, radius = _circle(rgb, field)
    axis = (np.arange(size) + 0.5) / size * 2 - 1
    row, column = y + axis * radius, x + axis * radius
    rows = (row > edge * radius) & (row < rgb.shape[0] - edge * radius)
    columns = (column > edge * radius) & (column < rgb.shape[1] - edge * radius)
    both: Mask = rows[:, None] & columns[None, :]
    return both


def _circle(rgb: Photo, field: Field | None) -> tuple[float, float, float]:
    """Center and radius; without a field those of the whole picture, padded to a square."""
    if field is not None:
        return field.x, field.y, field.radius
    height, width = rgb.shape[:2]
    return width / 2, height / 2, max(height, width) / 2


@lru_cache(maxsize=8)
def disk(size: int, share: float = 1.0) -> Mask:
    """Pixels of a `size` x `size` square whose centers lie in the circle in its middle; read-only.

    The circle's radius is `share` of the inscribed one's.
    """
    axis = np.arange(size) + 0.5 - size / 2
    mask: Mask = np.hypot(axis[:, None], axis[None, :]) <= share * size / 2
    mask.flags.writeable = False
    return mask
