from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funduscope.inputs import ImageSpec, crop_field, find_field, normalize, standardize
from funduscope.inputs.light import local_contrast


def planes(rgb: np.ndarray, size: int = 128) -> np.ndarray:
    crop = crop_field(rgb, find_field(rgb), size)
    return (crop.transpose(2, 0, 1) / 255).astype(np.float32)


def inner(image: np.ndarray) -> np.ndarray:
    """The middle half, away from the rim."""
    quarter = image.shape[-1] // 4
    return image[..., quarter:-quarter, quarter:-quarter]


@settings(max_examples=20, deadline=None)
@given(gains=st.tuples(*[st.floats(0.7, 1.1)] * 3))
def test_the_cameras_white_balance_hardly_matters(gains: tuple[float, float, float]) -> None:
    rng = np.random.default_rng(0)
    texture = 0.5 + 0.3 * rng.random((3, 96, 96), dtype=np.float32)
    tinted = texture * np.array(gains, np.float32)[:, None, None]
    difference = np.abs(inner(local_contrast(tinted)) - inner(local_contrast(texture)))
    assert difference.max() < 0.06 * np.ptp(inner(local_contrast(texture)))


def test_a_falloff_of_the_flash_is_taken_out_and_a_spot_stays(fundus: np.ndarray) -> None:
    even = planes(fundus)
    slope = np.linspace(0.6, 1.0, even.shape[-1], dtype=np.float32)
    spotted = even.copy()
    spotted[:, 60:64, 40:44] *= 0.5
    base = local_contrast(even)
    assert np.abs(inner(local_contrast(even * slope) - base)).mean() < 0.05
    assert (local_contrast(spotted) - base)[1, 60:64, 40:44].max() < -0.5


@pytest.mark.parametrize("size", [33, 64, 100, 224])
def test_even_pictures_are_zero_and_so_is_what_lies_outside(size: int) -> None:
    image = np.full((3, size, size), 0.5, np.float32)
    assert np.abs(inner(local_contrast(image))).max() < 1e-2
    image[:, :, : size // 2] = 0
    assert not local_contrast(image)[:, :, : size // 2].any()


def test_one_by_one_or_together_is_the_same(fundus: np.ndarray) -> None:
    one = planes(fundus)
    two = one[:, :, ::-1].copy()
    both = standardize(np.stack([one, two]), ImageSpec(size=128, light="local"))
    np.testing.assert_allclose(both[1], local_contrast(two), atol=1e-5)
    assert both.dtype == np.float32
    assert np.abs(both).max() <= 3


def test_normalize_reads_the_light_it_is_told(fundus: np.ndarray) -> None:
    crop = crop_field(fundus, find_field(fundus), 96)
    camera, local = (normalize(crop, ImageSpec(size=96, light=w)) for w in ("camera", "local"))
    np.testing.assert_allclose(camera, (crop.transpose(2, 0, 1) - 127.0) / 128, atol=1e-5)
    assert abs(float(inner(local).mean())) < abs(float(inner(camera).mean()))
