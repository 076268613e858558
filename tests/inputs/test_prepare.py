from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from funduscope.errors import DataError
from funduscope.inputs import ImageSpec, decode, normalize, prepare

Encode = Callable[..., bytes]


def test_shapes_and_types(fundus: np.ndarray, encode: Encode) -> None:
    done = prepare(encode(fundus), ImageSpec(size=96), name="x")
    assert done.image.shape == (3, 96, 96)
    assert done.image.dtype == np.float32
    assert done.image.flags.c_contiguous
    assert done.crop.shape == (96, 96, 3)
    assert done.field is not None
    assert done.quality.is_fundus


def test_normalize_is_scale_minus_mean_over_std() -> None:
    crop = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
    spec = ImageSpec(size=32, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))
    expected = (crop / 255 - np.array(spec.mean)) / np.array(spec.std)
    assert np.allclose(normalize(crop, spec), expected.transpose(2, 0, 1), atol=1e-5)


def test_the_default_is_that_of_efficientnet_lite() -> None:
    """Those towers were trained on (x - 127) / 128."""
    crop = np.arange(0, 3 * 1024, dtype=np.int64).reshape(32, 32, 3).astype(np.uint8)
    expected = (crop.astype(float) - 127) / 128
    assert np.allclose(normalize(crop, ImageSpec(size=32)), expected.transpose(2, 0, 1), atol=1e-5)


def test_twice_the_same(fundus: np.ndarray, encode: Encode) -> None:
    data = encode(fundus, "JPEG", quality=90)
    one, two = (prepare(data, ImageSpec(size=64), name="x") for _ in range(2))
    assert one.image.tobytes() == two.image.tobytes()
    assert one.quality == two.quality
    assert one.field == two.field


@pytest.mark.parametrize("orientation", [2, 3, 6, 8])
def test_a_turned_photograph_equals_the_upright_one(
    orientation: int, fundus: np.ndarray, encode: Encode
) -> None:
    inverse = {2: 0, 3: 3, 6: 2, 8: 4}[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = np.asarray(Image.fromarray(fundus).transpose(Image.Transpose(inverse)))
    upright = prepare(encode(fundus), ImageSpec(size=64), name="x")
    again = prepare(encode(turned, exif=exif), ImageSpec(size=64), name="x")
    assert np.array_equal(upright.image, again.image)


def test_scaled_decoding_changes_little(fundus: np.ndarray, encode: Encode) -> None:
    """A 2,400 px photograph is decoded at a fraction; the crop is that of the whole picture."""
    big = np.asarray(Image.fromarray(fundus).resize((2400, 2400), Image.Resampling.BICUBIC))
    data = encode(big, "JPEG", quality=92)
    scaled = prepare(data, ImageSpec(size=128), name="x").crop
    whole = prepare(encode(big), ImageSpec(size=128), name="x").crop
    assert decode(data, name="x", min_side=160).shape[0] < 1200
    assert np.abs(scaled.astype(int) - whole).mean() < 2


def test_bad_bytes_raise_and_bad_settings_are_refused() -> None:
    with pytest.raises(DataError):
        prepare(b"text", ImageSpec(), name="x")
    with pytest.raises(ValidationError):
        ImageSpec(size=8)
    with pytest.raises(ValidationError):
        ImageSpec(std=(0.0, 1.0, 1.0))


@pytest.mark.realdata
def test_real_photographs_pass(real: Callable[[str, int], list[Path]]) -> None:
    for name in ("odir", "palm", "eyepacs_subset", "unam_cfp", "csdi"):
        for path in real(name, 6):
            done = prepare(path.read_bytes(), ImageSpec(size=64), name=path.name)
            assert done.crop.mean() > 1
