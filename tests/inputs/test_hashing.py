from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from funduscope.inputs import decode, find_field, look, phash

Draw = Callable[..., np.ndarray]


def hashed(rgb: np.ndarray) -> int:
    return phash(look(rgb, find_field(rgb)))


def bits_apart(one: int, two: int) -> int:
    return (one ^ two).bit_count()


def copies(rgb: np.ndarray, encode: Callable[..., bytes]) -> dict[str, np.ndarray]:
    image = Image.fromarray(rgb)
    width, height = image.size
    half = np.asarray(image.resize((width // 2, height // 2), Image.Resampling.LANCZOS))
    double = np.asarray(image.resize((width * 2, height * 2), Image.Resampling.BICUBIC))
    return {
        "jpeg 60": decode(encode(rgb, "JPEG", quality=60), name="x"),
        "half": half,
        "half, jpeg 75": decode(encode(half, "JPEG", quality=75), name="x"),
        "double": double,
        "padded": np.pad(rgb, ((30, 10), (5, 45), (0, 0))),
        "brighter": (rgb * 1.1).clip(0, 255).astype(np.uint8),
    }


def test_copies_are_near_and_others_far(draw: Draw, encode: Callable[..., bytes]) -> None:
    photographs = [draw(seed, 300, side) for seed in range(4) for side in ("left", "right")]
    hashes = [hashed(rgb) for rgb in photographs]
    assert all(0 <= value < 2**64 for value in hashes)
    for rgb, value in zip(photographs, hashes, strict=True):
        for kind, copy in copies(rgb, encode).items():
            assert bits_apart(value, hashed(copy)) <= 8, kind
    left, right = hashes[0::2], hashes[1::2]
    assert min(bits_apart(a, b) for a in left for b in right) >= 16


def test_pictures_without_content_have_a_hash() -> None:
    assert 0 <= hashed(np.zeros((64, 64, 3), np.uint8)) < 2**64


@pytest.mark.realdata
def test_real_copies_are_near_and_real_others_far(
    real: Callable[[str, int], list[Path]], encode: Callable[..., bytes]
) -> None:
    photographs = [decode(p.read_bytes(), name=p.name) for p in real("odir", 24)]
    hashes = [hashed(rgb) for rgb in photographs]
    near = [
        bits_apart(value, hashed(copy))
        for rgb, value in zip(photographs, hashes, strict=True)
        for copy in copies(rgb, encode).values()
    ]
    far = [bits_apart(a, b) for a, b in combinations(hashes, 2)]
    assert np.quantile(near, 0.95) <= 6
    assert np.quantile(far, 0.01) >= 10
