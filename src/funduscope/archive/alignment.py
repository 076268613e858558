"""Do two thumbnails show the same picture? One is shifted and scaled a little until it fits best.

A copy keeps the retina where it was in the circle of the camera; another photograph of the same
eye does not. So no more is allowed than the error of the fitted circle: little where the whole
circle is seen, more where it is cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from funduscope.archive.fingerprints import detail
from funduscope.archive.frames import Floats, Thumbs, rim, warped, whole

_SCALES = (0.94, 0.96, 0.98, 1.0, 1.02, 1.04, 1.06)
_NARROW = (0.985, 1.0, 1.015)
_FAR, _CLOSE = 6, 2
"""Largest shift, px of SIDE, where a circle is cut and where both are whole."""

_FRAME = 108  # SIDE + 2 * _FAR: shifts do not wrap around
_LEAST_SEEN = 0.25
# Correlation at the expected size below which no other size is tried; lower where the place is
# known only to a step of a search. Nine in ten and three in four pairs of strangers that hashes and
# patches propose lie below; no copy planted in `odir` and `eyepacs_subset` was lost by it.
_HOPELESS, _HOPELESS_MOVED = 0.38, 0.3


def agreement(
    first: Floats,
    second: Thumbs | Floats,
    scale: float = 1.0,
    down: float = 0.0,
    right: float = 0.0,
) -> float:
    """Largest correlation of the fine structure of two thumbnails over small shifts and scales.

    Phase correlation's search with the right norm: products, and squares of what overlaps, by
    Fourier transform.

    Args:
        first, second: (SIDE, SIDE), 0..255.
        scale, down, right: where in `first` the second is expected: `scale` times as large, its
            middle that many px off.

    Returns:
        -1..1; 0 if too little overlaps.
    """
    moved = scale != 1.0 or down != 0.0 or right != 0.0
    certain = not moved and all(bool(whole(one[None])[0]) for one in (first, second))
    reach = _CLOSE if certain else _FAR
    ours = _spectra(*_prepared(first[None], clip=True))

    def best(scales: Sequence[float]) -> float:
        placed = np.stack([warped(second, scale * more, down, right) for more in scales])
        theirs = _spectra(*_prepared(placed, clip=not moved))
        return _best(ours, theirs, reach)

    plain = best([1.0])
    if plain < (_HOPELESS_MOVED if moved else _HOPELESS):
        return plain
    return max(plain, best([more for more in (_NARROW if certain else _SCALES) if more != 1.0]))


_Spectra = tuple[npt.NDArray[np.complexfloating[Any, Any]], ...]


def _spectra(fine: Floats, there: Floats) -> _Spectra:
    """Of details, of where they count, and of their squares."""
    return tuple(np.fft.rfft2(x, (_FRAME, _FRAME)) for x in (fine, there, fine**2))


def _best(ours: _Spectra, theirs: _Spectra, reach: int) -> float:
    """Largest correlation over shifts of up to `reach` px."""
    fine, there, squares = (np.conj(x) for x in theirs)
    product, left, across, seen = (
        np.fft.irfft2(x, (_FRAME, _FRAME))
        for x in (ours[0] * fine, ours[2] * there, ours[1] * squares, ours[1] * there)
    )
    score = product / np.sqrt(np.maximum(left * across, 1.0))
    score[seen < _LEAST_SEEN * rim().sum()] = 0.0
    shifts = np.arange(-reach, reach + 1)
    return float(score[:, shifts][:, :, shifts].max())


def _prepared(pictures: Thumbs | Floats, *, clip: bool) -> tuple[Floats, Floats]:
    """Details with mean 0, and where they count."""
    fine, there = detail(pictures)
    if clip:
        there = there * rim()
    mean = (fine * there).sum(axis=(1, 2), keepdims=True)
    mean /= np.maximum(there.sum(axis=(1, 2), keepdims=True), 1.0)
    return (fine - mean) * there, there
