"""A 64-bit fingerprint of what a photograph shows, for finding the same photograph again."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from funduscope.inputs.features import SIDE, Look

_SIDE = 32


def phash(seen: Look) -> int:
    """Perceptual hash: nearly the same for re-encoded, resized or padded copies.

    The signs (against their median) of 64 low cosine frequencies of the green channel inside the
    field of view. Every fundus photograph is a bright disk on black, so the disk's own outline is
    taken out first; else all hashes would resemble each other.

    Returns:
        0 .. 2^64 - 1. Copies differ in a few bits, different eyes in about 32.
    """
    cell = SIDE // _SIDE
    green = seen.square[..., 1].reshape(_SIDE, cell, _SIDE, cell).mean(axis=(1, 3))
    weight, basis = _window(), _cosines()
    mean = (green * weight).sum() / weight.sum()
    waves = basis @ ((green - mean) * weight) @ basis.T
    signs = waves.ravel()[_picked()]
    bits = signs > np.median(signs)
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


@lru_cache(maxsize=1)
def _window() -> npt.NDArray[np.float64]:
    """1 in the middle of the field, falling smoothly to 0 at its rim."""
    axis = (np.arange(_SIDE) + 0.5) / (_SIDE / 2) - 1
    distance = np.hypot(axis[:, None], axis[None, :])
    window: npt.NDArray[np.float64] = np.sqrt(np.cos(np.clip(distance, 0, 1) * np.pi / 2))
    return window


@lru_cache(maxsize=1)
def _cosines() -> npt.NDArray[np.float64]:
    """The first 16 rows of the cosine transform (DCT-II) of 32 points."""
    wave = np.arange(16)[:, None] * (np.arange(_SIDE)[None, :] + 0.5)
    return np.cos(wave * np.pi / _SIDE)


@lru_cache(maxsize=1)
def _picked() -> npt.NDArray[np.intp]:
    """The 64 lowest frequencies above the overall slope of brightness."""
    row, column = np.divmod(np.arange(256), 16)
    order = np.lexsort((row, row + column))
    return order[3:67]
