import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funduscope.archive import candidates

_HASHES = st.lists(st.integers(0, 2**64 - 1), max_size=12)
_CHANGES = st.lists(st.tuples(st.integers(0, 11), st.sets(st.integers(0, 63), max_size=11)))


def _planted(base: list[int], changes: list[tuple[int, set[int]]]) -> np.ndarray:
    """Hashes with near copies: random ones alone are never near."""
    more = [base[at % len(base)] ^ sum(1 << bit for bit in bits) for at, bits in changes if base]
    return np.array(base + more, np.uint64)


def _brute(first: np.ndarray, second: np.ndarray, bits: int) -> list[tuple[int, int]]:
    return [
        (i, j)
        for i, one in enumerate(first.tolist())
        for j, other in enumerate(second.tolist())
        if (one ^ other).bit_count() <= bits
    ]


def _all(chunks: object) -> list[tuple[int, int]]:
    return sorted(tuple(pair) for chunk in chunks for pair in chunk.tolist())  # type: ignore[attr-defined]


@pytest.mark.parametrize("few", [0, 1 << 28])
@settings(max_examples=60, deadline=None)
@given(_HASHES, _CHANGES, st.integers(0, 9), st.integers(0, 2**64 - 1))
def test_search_equals_brute_force(
    few: int, base: list[int], changes: list[tuple[int, set[int]]], bits: int, flip: int
) -> None:
    hashes = _planted(base, changes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "_FEW", few)  # 0: by bands, however few there are
        own = _all(candidates.within(hashes, bits))
        flipped = _all(candidates.within(hashes, bits, flip))
        crossed = _all(candidates.between(hashes, hashes[::2] ^ np.uint64(1), bits))
    assert own == [(i, j) for i, j in _brute(hashes, hashes, bits) if i < j]
    other = hashes ^ np.uint64(flip)
    assert flipped == [(i, j) for i, j in _brute(hashes, other, bits) if i < j]
    assert crossed == _brute(hashes, hashes[::2] ^ np.uint64(1), bits)


def test_bands_find_what_brute_force_finds_among_many(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(3)
    hashes = draw.integers(0, 2**64, 600, np.uint64)
    hashes[300:] = hashes[:300] ^ (np.uint64(0b1011) << draw.integers(0, 60, 300, np.uint64))
    expected = _all(candidates.within(hashes, 8))
    monkeypatch.setattr(candidates, "_FEW", 0)
    monkeypatch.setattr(candidates, "_CHUNK", 20)
    chunks = list(candidates.within(hashes, 8))
    assert len(expected) >= 300
    assert len(chunks) > 5
    assert _all(chunks) == expected
