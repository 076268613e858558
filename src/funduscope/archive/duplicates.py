"""The same photograph twice: byte for byte, or re-encoded, resized, a little cropped."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

MAX_BITS = 8
"""Perceptual hashes of copies differ in at most this many of 64 bits; that only proposes a pair."""

MIN_CORRELATION = 0.5
"""Of the fine structure of both fields (see `fine`); confirms a pair.

Fixed on planted copies of 150 photographs of `eyepacs_subset`: JPEG at quality 60, half the size,
a quarter brighter gave at least 0.57; among all 600,000 pairs of different patients none had more
than 0.38. A copy that is cropped so that its rim is lost is not aligned, and not found.
"""

_BLUR = 9
_DARK = 12
_MIN_SEEN = 0.5
_BATCH = 256


def same_bytes(files: Sequence[tuple[str, Path]]) -> list[list[str]]:
    """Groups of names whose files are equal byte for byte; only files of equal size are read."""
    by_size: dict[int, list[tuple[str, Path]]] = defaultdict(list)
    for name, path in files:
        by_size[path.stat().st_size].append((name, path))
    by_hash: dict[str, list[str]] = defaultdict(list)
    for size, group in by_size.items():
        if size == 0 or len(group) == 1:
            continue
        for name, path in group:
            with path.open("rb") as stream:
                by_hash[hashlib.file_digest(stream, "sha256").hexdigest()].append(name)
    return [sorted(names) for names in by_hash.values() if len(names) > 1]


def near(
    hashes: npt.NDArray[np.uint64], thumbs: npt.NDArray[np.uint8]
) -> list[tuple[int, int, float]]:
    """Pairs of photographs that show the same picture.

    Args:
        hashes: perceptual hashes, (N,).
        thumbs: green channel of the field of view, (N, S, S).

    Returns:
        (i, j, correlation) with i < j, sorted.
    """
    pairs = _proposed(hashes)
    shown = np.unique(pairs)
    place = np.zeros(len(hashes), np.intp)
    place[shown] = np.arange(len(shown))
    # Half precision: correlations keep three digits, and a site's archive fits into memory.
    details = np.concatenate(
        [np.zeros((0, thumbs[0].size if len(thumbs) else 0), np.float16)]
        + [fine(thumbs[part]).astype(np.float16) for part in _batches(shown)]
    )
    found = []
    for part in _batches(pairs):
        first, second = details[place[part[:, 0]]], details[place[part[:, 1]]]
        scores = np.einsum("np,np->n", first.astype(np.float32), second.astype(np.float32))
        found += [
            (int(one), int(other), float(score))
            for (one, other), score in zip(part, scores, strict=True)
            if score >= MIN_CORRELATION
        ]
    return found


def _proposed(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.intp]:
    """Pairs (i, j), i < j, whose hashes nearly agree, sorted, (P, 2)."""
    found = [np.zeros((0, 2), np.intp)]
    for start in range(0, len(hashes), _BATCH):
        bits = np.bitwise_count(hashes[start : start + _BATCH, None] ^ hashes[None, start:])
        pairs = np.argwhere(bits <= MAX_BITS) + start
        found.append(pairs[pairs[:, 0] < pairs[:, 1]])
    return np.concatenate(found)


def _batches(rows: npt.NDArray[np.intp]) -> list[npt.NDArray[np.intp]]:
    return [rows[at : at + _BATCH] for at in range(0, len(rows), _BATCH)]


def fine(thumbs: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """The vessels' pattern of each picture: unit rows (N, S * S), whose products are correlations.

    Slow shading, bright disc and overall contrast are nearly the same in all eyes and would make
    strangers resemble each other: the picture is set against its surroundings, divided by their
    contrast, clipped, and only taken where the field really is.
    """
    pictures = thumbs.astype(np.float64)
    side = thumbs.shape[1]
    axis = np.arange(side) + 0.5 - side / 2
    inside = np.hypot(axis[:, None], axis[None, :]) < 0.85 * side / 2
    valid = (_blurred((pictures > _DARK).astype(np.float64), _BLUR) > 0.999) & inside
    detail = pictures - _blurred(pictures, _BLUR)
    contrast = np.sqrt(_blurred(detail**2, 2 * _BLUR + 1)) + 1.0
    rows = (np.clip(detail / contrast, -2.0, 2.0) * valid).reshape(len(thumbs), -1)
    flat = valid.reshape(len(thumbs), -1)
    count = flat.sum(axis=1, keepdims=True)
    rows = (rows - rows.sum(axis=1, keepdims=True) / np.maximum(count, 1)) * flat
    rows[count[:, 0] < _MIN_SEEN * inside.sum()] = 0.0  # mostly black: no copy of anything
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: npt.NDArray[np.float64] = rows / np.maximum(length, 1e-9)
    return unit


def _blurred(pictures: npt.NDArray[np.float64], width: int) -> npt.NDArray[np.float64]:
    """Moving average over `width` x `width` px (odd), edges repeated."""
    for axis in (1, 2):
        pad = [(0, 0)] * 3
        pad[axis] = (width // 2 + 1, width // 2)
        total = np.cumsum(np.pad(pictures, pad, mode="edge"), axis=axis)
        length = pictures.shape[axis]
        upper = np.take(total, np.arange(width, width + length), axis=axis)
        lower = np.take(total, np.arange(length), axis=axis)
        pictures = (upper - lower) / width
    return pictures


class Clusters:
    """Things joined pairwise into clusters; each cluster is named by its smallest member."""

    def __init__(self) -> None:
        self._parent: dict[Hashable, str] = {}

    def join(self, first: str, second: str) -> None:
        """Put two things (and all that hangs on them) into one cluster."""
        low, high = sorted((self.of(first), self.of(second)))
        self._parent[high] = low

    def of(self, thing: str) -> str:
        """The name of the thing's cluster; itself if it was never joined."""
        while (above := self._parent.get(thing, thing)) != thing:
            thing = above
        return thing

    def join_all(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Join each pair."""
        for first, second in pairs:
            self.join(first, second)
