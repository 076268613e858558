from __future__ import annotations

import numpy as np
import torch

from funduscope.pretrain.augment import augment
from funduscope.pretrain.settings import AugmentSettings

STILL = AugmentSettings(
    rotation=0, zoom=(1, 1), shift=0, flip=False, gamma=0, gain=0, tint=0,
    saturation=(1, 1), contrast=(1, 1), mix=0, gray=0, shade=0, bars=0, sharpen=0, blur=0, grain=0,
)  # fmt: skip


def picture() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).random((3, 3, 32, 32), dtype=np.float32))


def test_nothing_allowed_changes_nothing() -> None:
    made = augment(picture(), 32, STILL, np.random.default_rng(0))
    assert torch.allclose(made, picture().clamp(1e-4, 1), atol=1e-5)


def test_a_flip_mirrors_left_and_right_only() -> None:
    flips = STILL.model_copy(update={"flip": True})
    made = augment(picture().repeat(8, 1, 1, 1), 32, flips, np.random.default_rng(0))
    upright = picture().repeat(8, 1, 1, 1).clamp(1e-4, 1)
    for got, was in zip(made, upright, strict=True):
        mirrored = torch.allclose(got, was.flip(-1), atol=1e-4)
        assert mirrored or torch.allclose(got, was, atol=1e-4)
    assert not torch.allclose(made, upright, atol=1e-4)


def test_size_range_and_repetition() -> None:
    once = augment(picture(), 24, AugmentSettings(), np.random.default_rng(5))
    again = augment(picture(), 24, AugmentSettings(), np.random.default_rng(5))
    assert once.shape == (3, 3, 24, 24)
    assert float(once.min()) >= 0
    assert float(once.max()) <= 1
    assert torch.equal(once, again)


def test_bars_lie_above_and_below_and_gray_has_no_color() -> None:
    upright = picture().repeat(20, 1, 1, 1)
    rng = np.random.default_rng(3)
    barred = augment(upright, 32, STILL.model_copy(update={"bars": 1.0}), rng)
    dark = (barred == 0).all(dim=(1, 3))
    assert torch.equal(dark, dark.flip(1))
    assert dark[:, 0].any()
    assert not dark[:, 8:24].any()
    gray = augment(upright, 32, STILL.model_copy(update={"gray": 1.0}), rng)
    assert torch.allclose(gray[:, 0], gray[:, 2], atol=1e-6)
