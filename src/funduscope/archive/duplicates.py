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

MIN_CORRELATION = 0.9
"""Of the fine structure (vessels, disc) of both fields; confirms a pair. See `fine`."""

_BLUR = 9


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
        thumbs: gray pictures of the field of view, (N, S, S).

    Returns:
        (i, j, correlation) with i < j, sorted.
    """
    found = []
    block = 1024
    for start in range(0, len(hashes), block):
        rows = hashes[start : start + block]
        bits = np.bitwise_count(rows[:, None] ^ hashes[None, start:])
        i, j = np.nonzero(bits <= MAX_BITS)
        keep = i < j
        i, j = i[keep] + start, j[keep] + start
        for at in range(0, len(i), block):
            first, second = i[at : at + block], j[at : at + block]
            score = (fine(thumbs[first]) * fine(thumbs[second])).mean(axis=1)
            for a, b, value in zip(first, second, score, strict=True):
                if value >= MIN_CORRELATION:
                    found.append((int(a), int(b), float(value)))
    return sorted(found)


def fine(thumbs: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """What is left of the pictures without their slow shading, inside the field; rows of mean 0
    and standard deviation 1, so that the mean product of two rows is their correlation.

    The shading is nearly the same in all eyes and would make strangers resemble each other.
    """
    pictures = thumbs.astype(np.float64)
    detail = pictures - _blurred(pictures)
    side = thumbs.shape[1]
    axis = np.arange(side) + 0.5 - side / 2
    inside = np.hypot(axis[:, None], axis[None, :]) < 0.85 * side / 2
    rows = detail[:, inside]
    rows = rows - rows.mean(axis=1, keepdims=True)
    spread: npt.NDArray[np.float64] = np.maximum(rows.std(axis=1, keepdims=True), 1e-9)
    return rows / spread


def _blurred(pictures: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Moving average over `_BLUR` x `_BLUR` px, edges repeated."""
    for axis in (1, 2):
        pad = [(0, 0)] * 3
        pad[axis] = (_BLUR // 2 + 1, _BLUR // 2)
        total = np.cumsum(np.pad(pictures, pad, mode="edge"), axis=axis)
        length = pictures.shape[axis]
        upper = np.take(total, np.arange(_BLUR, _BLUR + length), axis=axis)
        lower = np.take(total, np.arange(length), axis=axis)
        pictures = (upper - lower) / _BLUR
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
