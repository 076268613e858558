from __future__ import annotations

import numpy as np
import pytest
import torch

from funduscope.inputs import ImageSpec
from funduscope.inputs import standardize as as_read
from funduscope.pretrain.augment import augment
from funduscope.pretrain.settings import AugmentSettings
from funduscope.pretrain.standard import standardize

STILL = AugmentSettings(
    rotation=0, zoom=(1, 1), shift=0, flip=False, gamma=0, gain=0, tint=0,
    saturation=(1, 1), contrast=(1, 1), mix=0, gray=0, shade=0, bars=0, sharpen=0, blur=0, grain=0,
)  # fmt: skip


def picture(count: int = 3) -> torch.Tensor:
    """Random crops as read."""
    values = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), np.uint8)
    return torch.from_numpy(values)


def planes(crops: torch.Tensor) -> torch.Tensor:
    return (crops.permute(0, 3, 1, 2).float() / 255).clamp(1e-4, 1)


def changed(
    crops: torch.Tensor, seed: int = 0, size: int = 32, flip: bool = False, **change: object
) -> torch.Tensor:
    settings = STILL.model_copy(update=change)
    flags = torch.full((len(crops),), flip)
    return augment(crops, size, settings, flags, np.random.default_rng(seed))


def test_nothing_allowed_changes_nothing() -> None:
    assert torch.allclose(changed(picture()), planes(picture()), atol=1e-5)


def test_what_is_to_be_mirrored_is() -> None:
    flags = torch.tensor([True, False, True])
    made = augment(picture(), 32, STILL, flags, np.random.default_rng(0))
    upright = planes(picture())
    for got, was, flip in zip(made, upright, flags, strict=True):
        assert torch.allclose(got, was.flip(-1) if flip else was, atol=1e-4)


def test_size_range_and_repetition() -> None:
    flags = torch.zeros(3, dtype=torch.bool)
    once, again = (
        augment(picture(), 24, AugmentSettings(), flags, np.random.default_rng(5)) for _ in range(2)
    )
    assert once.shape == (3, 3, 24, 24)
    assert float(once.min()) >= 0
    assert float(once.max()) <= 1
    assert torch.equal(once, again)


def test_bars_lie_above_and_below_and_gray_has_no_color() -> None:
    crops = picture(20).clamp(min=1)
    barred = changed(crops, 3, bars=1.0)
    dark = (barred == 0).all(dim=(1, 3))
    assert torch.equal(dark, dark.flip(1))
    assert dark[:, 0].any()
    assert not dark[:, 8:24].any()
    gray = changed(crops, gray=1.0)
    assert torch.allclose(gray[:, 0], gray[:, 2], atol=1e-6)


def test_saturation_and_contrast_are_what_they_were() -> None:
    """One matrix a photograph gives what the changes give one after the other."""
    flat = planes(picture())
    made = changed(picture(), saturation=(0.5, 0.5), contrast=(0.7, 0.7))
    gray = flat.mean(1, keepdim=True)
    expected = gray + (flat - gray) * 0.5
    mean = expected.mean((2, 3), keepdim=True)
    assert torch.allclose(made, mean + (expected - mean) * 0.7, atol=1e-5)


def test_blur_and_sharpening_touch_their_share_only() -> None:
    crops = picture(200)
    upright = planes(crops)
    for name in ("blur", "sharpen"):
        moved = (changed(crops, **{name: 0.4}) - upright).abs().amax((1, 2, 3)) > 0.01
        assert 0.25 < float(moved.float().mean()) < 0.55
    grainy = (changed(crops, grain=0.1) - upright).abs().amax((1, 2, 3)) > 1e-4
    assert 0.2 < float(grainy.float().mean()) < 0.4


@pytest.mark.parametrize("light", ["local", "camera"])
def test_tensors_are_standardized_as_the_clinic_reads(light: str) -> None:
    spec = ImageSpec.model_validate({"light": light})
    crops = picture(4)
    crops[:2, :9] = 0  # outside the field
    clinic = as_read(planes(crops).numpy(), spec)
    assert np.abs(standardize(planes(crops), spec).numpy() - clinic).max() < 1e-4
