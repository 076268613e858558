"""Do two thumbnails show the same picture? One is shifted and scaled a little until it fits best.

A copy keeps the retina where it was in the circle of the camera; another photograph of the same
eye does not. So no more is allowed than the error of the fitted circle: little where the whole
circle is seen, more where it is cut.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from funduscope.archive.fingerprints import SIDE, Floats, Thumbs, detail, rim, whole

_SCALES = (0.94, 0.96, 0.98, 1.0, 1.02, 1.04, 1.06)
_NARROW = (0.985, 1.0, 1.015)
_FAR, _CLOSE = 6, 2
"""Largest shift, px of SIDE, where a circle is cut and where both are whole."""

_FRAME = 108  # SIDE + 2 * _FAR: shifts do not wrap around
_LEAST_SEEN = 0.25


def agreement(
    first: Thumbs, second: Thumbs, scale: float = 1.0, down: float = 0.0, right: float = 0.0
) -> float:
    """Largest correlation of the fine structure of two thumbnails over small shifts and scales.

    Phase correlation's search with the right norm: products, and squares of what overlaps, by
    Fourier transform.

    Args:
        first, second: uint8 (SIDE, SIDE).
        scale, down, right: where in `first` the second is expected: `scale` times as large, its
            middle that many px off.

    Returns:
        -1..1; 0 if too little overlaps.
    """
    fieldless = scale != 1.0 or down != 0.0 or right != 0.0
    certain = not fieldless and bool(whole(np.stack([first, second])).all())
    scales = _NARROW if certain else _SCALES
    reach = _CLOSE if certain else _FAR
    placed = np.stack([warped(second, scale * more, down, right) for more in scales])
    ours, there = _prepared(first[None], clip=True)
    others, shown = _prepared(placed, clip=not fieldless)
    spectra = [np.fft.rfft2(x, (_FRAME, _FRAME)) for x in (ours, ours**2, there)]
    turned = [np.conj(np.fft.rfft2(x, (_FRAME, _FRAME))) for x in (others, shown, others**2)]
    product, left, across = (
        np.fft.irfft2(a * b, (_FRAME, _FRAME)) for a, b in zip(spectra, turned, strict=True)
    )
    seen = np.fft.irfft2(spectra[2] * turned[1], (_FRAME, _FRAME))
    score = product / np.sqrt(np.maximum(left * across, 1.0))
    score[seen < _LEAST_SEEN * rim().sum()] = 0.0
    shifts = np.arange(-reach, reach + 1)
    return float(score[:, shifts][:, :, shifts].max())


def _prepared(pictures: npt.NDArray[np.uint8] | Floats, *, clip: bool) -> tuple[Floats, Floats]:
    """Details with mean 0, and where they count."""
    fine, there = detail(pictures)
    if clip:
        there = there * rim()
    mean = (fine * there).sum(axis=(1, 2), keepdims=True)
    mean /= np.maximum(there.sum(axis=(1, 2), keepdims=True), 1.0)
    return (fine - mean) * there, there


def warped(thumb: Thumbs, scale: float, down: float = 0.0, right: float = 0.0) -> Floats:
    """The thumbnail `scale` times as large, moved; black where it ends. float32 (SIDE, SIDE)."""
    rows, columns = _weights(scale, down), _weights(scale, right)
    small: Floats = rows @ thumb.astype(np.float32) @ columns.T
    return small


@lru_cache(maxsize=4096)
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
