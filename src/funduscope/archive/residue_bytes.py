"""Many strings among many bytes: each stretch of six bytes is looked up in a table.

Compressed pictures look like chance, and there an automaton of a million patterns waits for memory
at every byte. Here the first bytes of each pattern are a number; one table of bits says for nearly
all places of a file at once that no pattern begins there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from funduscope.archive.residue_forms import Form, encoded

SHORTEST = 4
"""Shorter patterns are not looked for, bytes."""

_HEAD = 6
_BLOCK = 1 << 20
# An odd number near 2^64 / golden ratio: multiplied by it, neighboring keys fall far apart.
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
# Bits of the table for each key, and the largest table: one place in fifty is looked at twice.
_ROOM, _LARGEST = 32, 27

Found = tuple[int, int, str, Form]
"""start, end, encoding, form."""


class Patterns:
    """All ways to write some forms as bytes."""

    def __init__(self, wanted: Sequence[Form]) -> None:
        heads: tuple[list[bytes], list[bytes]] = ([], [])
        owners: tuple[list[int], list[int]] = ([], [])
        for number, form in enumerate(wanted):
            for head in {data[:_HEAD] for _, data in encoded(form) if len(data) >= SHORTEST}:
                long = len(head) == _HEAD
                heads[long].append((head if long else head[:SHORTEST]).ljust(8, b"\0"))
                owners[long].append(number)
        self._wanted = wanted
        self._short = _Table(b"".join(heads[0]), owners[0], SHORTEST)
        self._long = _Table(b"".join(heads[1]), owners[1], _HEAD)

    def find(self, data: bytes, shortest: int) -> Iterator[Found]:
        """Where patterns of at least `shortest` bytes stand, overlapping ones too."""
        tables = (self._long,) if shortest >= _HEAD else (self._short, self._long)
        for table in tables:
            for start, owner in table.places(data):
                form = self._wanted[owner]
                for encoding, pattern in encoded(form):
                    if len(pattern) >= max(shortest, SHORTEST) and data.startswith(pattern, start):
                        yield start, start + len(pattern), encoding, form


class _Table:
    """Sorted keys with their owners; `seen` tells at once which values cannot be a key."""

    def __init__(self, keys: bytes, owners: list[int], width: int) -> None:
        found: npt.NDArray[np.uint64] = np.frombuffer(keys, "<u8")
        order = np.argsort(found, kind="stable")
        self._keys = found[order]
        self._owners = np.array(owners, np.int32)[order]
        self._mask = np.uint64((1 << 8 * width) - 1)
        self._width = width
        bits = min(_LARGEST, max(10, (_ROOM * len(found)).bit_length()))
        self._shift = np.uint64(64 - bits)
        self._seen = np.zeros(1 << bits, bool)
        self._seen[self._slots(self._keys)] = True

    def _slots(self, keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        slots = keys * _SPREAD
        slots >>= self._shift
        return slots.view(np.int64)

    def places(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Places whose next bytes are a key, and the owners of that key."""
        if not len(self._keys):
            return
        for start in range(0, len(data) - self._width + 1, _BLOCK):
            count = min(_BLOCK, len(data) - self._width + 1 - start)
            block = data[start : start + count + 7].ljust(count + 7, b"\0")
            windows = np.ndarray((count,), "<u8", block, strides=(1,)) & self._mask
            maybe = np.flatnonzero(self._seen.take(self._slots(windows)))
            values = windows[maybe]
            left = np.searchsorted(self._keys, values, "left")
            right = np.searchsorted(self._keys, values, "right")
            for hit in np.flatnonzero(right > left):
                for owner in self._owners[left[hit] : right[hit]]:
                    yield start + int(maybe[hit]), int(owner)
