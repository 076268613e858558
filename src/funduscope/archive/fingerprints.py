"""Thumbnails of the field of view -> vessels' pattern, a small patch of it, and a 64-bit hash.

A copy that was cropped has lost the outer part of its field, and the circle fitted to what is left
is off by a percent or two: only the inner part is hashed, and shading is taken out first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from funduscope.archive import frames
from funduscope.archive.frames import DARK, SIDE, Floats, Thumbs

CELL = 3
CELLS = 24
"""The patch: this many cells of CELL x CELL px a side, in the middle of the thumbnail."""

# Radii of the parts that are hashed, shares of the field's. Of two exports of one photograph, or of
# one that shows little, one hash or the other may differ much.
_REACH, _INNER = 0.66, 0.5
_GROUND = 21
_BATCH = 256


@dataclass(frozen=True)
class Prints:
    """What pictures are proposed by.

    Attributes:
        hashes: (N,), of the patch; copies differ in few bits, mirrored ones by `MIRRORED`.
        inner: (N,), likewise of the middle of the patch.
        patches: int8 (N, CELLS * CELLS), unit rows times 127 (few rows come near 127).
        sure: (N,), the picture lies in its circle; else in the box of what it shows.
    """

    hashes: npt.NDArray[np.uint64]
    inner: npt.NDArray[np.uint64]
    patches: npt.NDArray[np.int8]
    sure: npt.NDArray[np.bool_]


def prints(thumbs: Thumbs) -> Prints:
    """Fingerprints of many thumbnails, (N, SIDE, SIDE); read in batches, so it may be a memory map.

    Raises:
        AssertionError: thumbnails of another size.
    """
    assert thumbs.shape[1:] == (SIDE, SIDE), thumbs.shape
    hashes, inner = np.zeros((2, len(thumbs)), np.uint64)
    patches = np.zeros((len(thumbs), CELLS * CELLS), np.int8)
    sure = np.zeros(len(thumbs), bool)
    for start in range(0, len(thumbs), _BATCH):
        part = slice(start, start + _BATCH)
        some = np.asarray(thumbs[part])
        sure[part] = frames.sure(some)
        found = patches_at(detail(np.stack([frames.framed(thumb) for thumb in some]))[0], [(0, 0)])
        hashes[part] = hashes_of(found)
        inner[part] = hashes_of(_middle(found))
        patches[part] = packed(found)
    return Prints(hashes, inner, patches, sure)


def detail(thumbs: Thumbs | Floats) -> tuple[Floats, Floats]:
    """Fine structure relative to its surroundings, and where the picture shows something (0, 1).

    Slow shading, bright disc and overall contrast are nearly the same in all eyes and would make
    strangers resemble each other: the picture is set against its surroundings, divided by their
    contrast, and clipped.
    """
    pictures = thumbs.astype(np.float32)
    there = (_blurred((pictures > DARK).astype(np.float32), 3) > 0.99).astype(np.float32)
    weight: Floats = np.maximum(_smooth(there), np.float32(0.02))
    fine: Floats = (pictures - _smooth(pictures * there) / weight) * there
    contrast: Floats = np.sqrt(_smooth(fine**2) / weight) + np.float32(1.0)
    clipped: Floats = np.clip(fine / contrast, np.float32(-2.0), np.float32(2.0))
    return clipped * there, there


def patches_at(fine: Floats, shifts: Sequence[tuple[int, int]]) -> Floats:
    """Patches (down, right) cells off the middle of details (N, SIDE, SIDE).

    Returns:
        Unit rows (N * shifts, CELLS * CELLS), picture by picture.
    """
    cells = SIDE // CELL
    pooled = fine.reshape(-1, cells, CELL, cells, CELL).mean(axis=(2, 4))
    first = (cells - CELLS) // 2
    inner = np.stack(
        [
            pooled[:, first + down : first + down + CELLS, first + right : first + right + CELLS]
            for down, right in shifts
        ],
        axis=1,
    )
    window = _window(_REACH)
    mean = (inner * window).sum(axis=(2, 3), keepdims=True) / window.sum()
    rows = ((inner - mean) * window).reshape(-1, CELLS * CELLS)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Floats = (rows / np.maximum(length, 1e-3)).astype(np.float32)
    return unit


def packed(patches: Floats) -> npt.NDArray[np.int8]:
    """Unit rows in one byte a value; two such rows' product is their correlation x SCALE^2."""
    rows: npt.NDArray[np.int8] = np.clip(np.rint(patches * SCALE), -127, 127).astype(np.int8)
    return rows


SCALE = 360.0
"""Of packed patches: values of unit rows stay below 127 / SCALE but for very bright spots."""


def hashes_of(patches: Floats) -> npt.NDArray[np.uint64]:
    """Signs of 64 low cosine frequencies of patches, (N,)."""
    cells = patches.reshape(-1, CELLS, CELLS)
    waves = np.einsum("ai,nij,bj->nab", _cosines(), cells, _cosines(), optimize=True)
    rows, columns = _picked()
    bits = waves[:, rows, columns] > 0
    octets = np.ascontiguousarray(np.packbits(bits, axis=1))
    return octets.view(">u8").ravel().astype(np.uint64)


def _middle(patches: Floats) -> Floats:
    """What the patches show further in, (N, CELLS * CELLS)."""
    window = _window(_INNER).ravel()
    mean = patches @ window / window.sum()
    middle: Floats = (patches - mean[:, None]) * window
    return middle


def mirrored(patches: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """The patches of the mirrored pictures."""
    flipped: npt.NDArray[np.int8] = patches.reshape(-1, CELLS, CELLS)[:, :, ::-1]
    return flipped.reshape(len(patches), -1)


def _smooth(pictures: Floats) -> Floats:
    return _blurred(pictures, _GROUND // 2 | 1, 2)


def _blurred(pictures: Floats, width: int, times: int = 1) -> Floats:
    """Moving average over `width` x `width` px (odd), repeated; beyond the edges it is 0."""
    kernel = _box(pictures.shape[1], width, times)
    return np.asarray(kernel @ pictures @ kernel.T, np.float32)


@lru_cache(maxsize=8)
def _box(side: int, width: int, times: int) -> Floats:
    axis = np.arange(side)
    near = np.abs(axis[:, None] - axis) <= width // 2
    kernel: Floats = np.linalg.matrix_power(near / width, times).astype(np.float32)
    return kernel


@lru_cache(maxsize=2)
def _window(reach: float) -> Floats:
    """1 in the middle of the patch, falling smoothly to 0 where the hashed part ends."""
    axis = np.arange(CELLS) + 0.5 - CELLS / 2
    away = np.hypot(axis[:, None], axis[None, :]) / (reach * SIDE / 2 / CELL)
    fall = np.cos(np.clip(away, 0, 1) * np.pi / 2).clip(0) ** 0.5
    window: Floats = fall.astype(np.float32)
    return window


@lru_cache(maxsize=1)
def _cosines() -> Floats:
    """The first 16 rows of the cosine transform (DCT-II) of CELLS points."""
    wave = np.arange(16)[:, None] * (np.arange(CELLS)[None, :] + 0.5)
    waves: Floats = np.cos(wave * np.pi / CELLS).astype(np.float32)
    return waves


@lru_cache(maxsize=1)
def _picked() -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Rows and columns of the 64 lowest frequencies above the overall slope."""
    row, column = np.divmod(np.arange(256), 16)
    order = np.lexsort((row, row + column))[3:67]
    return row[order], column[order]


MIRRORED = sum(1 << (63 - place) for place, column in enumerate(_picked()[1]) if column % 2)
"""Bits of a hash that are inverted when the picture is mirrored left to right."""
