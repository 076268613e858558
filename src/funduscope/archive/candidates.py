"""All pairs of 64-bit hashes that differ in few bits, exactly, for half a million of them.

Pigeonhole: cut 64 bits into five bands; hashes that differ in at most nine bits differ in at most
one bit of some band. So each band is sorted once, and only runs of hashes whose bands agree up to
one bit are compared (multi-index hashing: Norouzi, Punjani, Fleet, CVPR 2012). Nothing is missed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Pairs = npt.NDArray[np.intp]

MOST_BITS = 9
"""The search is exact up to this distance."""

_BANDS = 5
# Neighboring bits of a hash are alike; every fifth bit makes bands that tell more pictures apart.
_OF_BAND = [range(band, 64, _BANDS) for band in range(_BANDS)]
_BLOCK = 1 << 20
_CHUNK = 1 << 18
_FEW = 1 << 30


def within(hashes: Hashes, bits: int, flip: int = 0) -> Iterator[Pairs]:
    """Pairs (i, j), i < j, of hashes that differ in at most `bits` bits, once each, in chunks.

    Args:
        hashes: (N,).
        bits: 0 .. MOST_BITS.
        flip: bits of the second hash that are inverted before comparing; a picture's mirror image
            has the same hash but for some inverted bits.

    Yields:
        (P, 2), in no order; memory stays bounded whatever the number of pairs.
    """
    return _search(hashes, hashes ^ np.uint64(flip), bits, own=True)


def between(first: Hashes, second: Hashes, bits: int) -> Iterator[Pairs]:
    """Pairs (i of first, j of second) that differ in at most `bits` bits, once each, in chunks."""
    return _search(first, second, bits, own=False)


def _search(first: Hashes, second: Hashes, bits: int, *, own: bool) -> Iterator[Pairs]:
    assert 0 <= bits <= MOST_BITS, bits
    if len(first) * len(second) <= _FEW:
        found = _compare(first, second, np.arange(len(first)), np.arange(len(second)), bits)
        chunks: Iterator[Pairs] = (pairs for pairs, _ in found)
    else:
        chunks = _by_bands(first, second, bits)
    held: list[Pairs] = []
    size = 0
    for pairs in chunks:
        kept = pairs[pairs[:, 0] < pairs[:, 1]] if own else pairs
        if len(kept):
            held.append(kept)
            size += len(kept)
        if size >= _CHUNK:
            yield np.concatenate(held)
            held, size = [], 0
    if held:
        yield np.concatenate(held)


def _compare(
    first: Hashes, second: Hashes, rows: Pairs, columns: Pairs, bits: int
) -> Iterator[tuple[Pairs, Hashes]]:
    """Every one of these against every one of those, in blocks: pairs and their differing bits."""
    step = max(1, _BLOCK // max(1, len(second)))
    for start in range(0, len(first), step):
        for left in range(0, len(second), _BLOCK):
            differ = first[start : start + step, None] ^ second[None, left : left + _BLOCK]
            near = np.flatnonzero(np.bitwise_count(differ).ravel() <= bits)
            row, column = np.divmod(near, differ.shape[1])
            if len(row):
                found = np.stack([rows[start + row], columns[left + column]], axis=1)
                yield found, differ[row, column]


def _by_bands(first: Hashes, second: Hashes, bits: int) -> Iterator[Pairs]:
    masks = [np.uint64(sum(1 << bit for bit in band)) for band in _OF_BAND]
    for number, band in enumerate(_OF_BAND):
        one, other = _Runs(first, band), _Runs(second, band)
        for key, start, stop in one.runs():
            for near in (key, *(key ^ (1 << bit) for bit in range(len(band)))):
                left, right = other.starts[near], other.starts[near + 1]
                if left == right:
                    continue
                found = _compare(
                    one.hashes[start:stop],
                    other.hashes[left:right],
                    one.order[start:stop],
                    other.order[left:right],
                    bits,
                )
                for pairs, differ in found:
                    # A pair that an earlier band has found is left out.
                    new = np.ones(len(pairs), bool)
                    for mask in masks[:number]:
                        new &= np.bitwise_count(differ & mask) > 1
                    yield pairs[new]


class _Runs:
    """Hashes sorted by one band: those with band value k are `hashes[starts[k]:starts[k + 1]]`."""

    def __init__(self, hashes: Hashes, band: range) -> None:
        keys = np.zeros(len(hashes), np.int32)
        for place, bit in enumerate(band):
            keys |= ((hashes >> np.uint64(bit)) & np.uint64(1)).astype(np.int32) << place
        self.order: Pairs = np.argsort(keys, kind="stable")
        self.hashes = hashes[self.order]
        count = np.bincount(keys, minlength=1 << len(band))
        self.starts: list[int] = np.concatenate([[0], np.cumsum(count)]).tolist()

    def runs(self) -> Iterator[tuple[int, int, int]]:
        """Band value, start, stop of each run that is not empty."""
        for key, (start, stop) in enumerate(zip(self.starts, self.starts[1:], strict=False)):
            if start < stop:
                yield key, start, stop
