"""Local contrast: what a photograph shows once the light of its camera is taken out.

Exposure, white balance, flash falloff and the color of the fundus multiply each channel by
something smooth. In logarithms that is a sum, and the local mean subtracts it; lesions, vessels
and the disc's edge stay. The idea of subtracting the local average is that of B. Graham's report
on the Kaggle diabetic retinopathy competition (2015); ratios instead of differences make it
independent of exposure.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Planes = npt.NDArray[np.float32]

# Sigma of the local mean, as a share of the side (a tenth: two thirds of an optic disc).
_SIGMA = 0.1
# The local mean is smooth: it is taken on a grid of this side.
_GRID = 48
# Added to brightness (0..1) before the logarithm, so that noise in the dark counts for little.
FLOOR = 0.04
# Pixels below this brightness in all channels are taken as outside the field.
DARK = 0.05
# Brings the spread near 1, where networks read best; a ratio of 4.5 is the largest kept.
GAIN, LIMIT = 2.0, 3.0


def local_contrast(planes: Planes) -> Planes:
    """Logarithm of each channel over its local geometric mean.

    Args:
        planes: float32 (..., 3, S, S) on the scale 0..1, black outside the field.

    Returns:
        float32 of the same shape within -3..3; 0 where a pixel equals its surroundings, and
        outside the field.
    """
    down, up = smoothing(planes.shape[-1])
    inside = (planes.max(axis=-3, keepdims=True) > DARK).astype(np.float32)
    level = planes.clip(0.0, 1.0)
    level += np.float32(FLOOR)
    np.log(level, out=level)
    total = down @ (level * inside) @ down.T
    weight = down @ inside @ down.T
    level -= up @ (total / (weight + np.float32(1e-3))) @ up.T
    level *= inside * np.float32(GAIN)
    np.clip(level, -LIMIT, LIMIT, out=level)
    return level


@lru_cache(maxsize=8)
def smoothing(size: int) -> tuple[Planes, Planes]:
    """Matrices (grid, size): mean over cells, then Gaussian; (size, grid): linear between cells."""
    edge = np.arange(_GRID + 1) * size / _GRID
    pixel = np.arange(size)
    overlap = np.minimum(edge[1:, None], pixel + 1) - np.maximum(edge[:-1, None], pixel)
    mean = overlap.clip(0) / (size / _GRID)
    cell = np.arange(_GRID)
    gauss = np.exp(-0.5 * ((cell[:, None] - cell) / (_SIGMA * _GRID)) ** 2)
    gauss /= gauss[_GRID // 2].sum()
    place = ((pixel + 0.5) * _GRID / size - 0.5).clip(0, _GRID - 1)
    up = (1 - np.abs(place[:, None] - cell)).clip(0)
    return (gauss @ mean).astype(np.float32), up.astype(np.float32)
