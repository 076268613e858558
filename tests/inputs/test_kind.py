from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from funduscope.inputs import decode, find_field, kind_of

Photo = npt.NDArray[np.uint8]


def kind(rgb: Photo) -> str:
    return kind_of(rgb, find_field(rgb))


def test_a_photograph_is_color(fundus: Photo) -> None:
    assert kind(fundus) == "color"
    assert kind(np.asarray(Image.fromarray(fundus).resize((1024, 1024)))) == "color"


@pytest.mark.parametrize("tint", [(1.0, 1.0, 1.0), (1.08, 1.0, 0.9), (0.9, 1.0, 1.1)])
@pytest.mark.parametrize("quality", [60, 90])
def test_red_free_is_gray_also_tinted_noisy_and_compressed(
    fundus: Photo, tint: tuple[float, float, float], quality: int
) -> None:
    rng = np.random.default_rng(0)
    level = fundus[..., 1:2].astype(float) * 1.5
    noisy = level * np.array(tint) + rng.normal(0, 3, fundus.shape)
    stream = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(stream, "JPEG", quality=quality)
    assert kind(decode(stream.getvalue(), name="x")) == "gray"


def test_a_green_filter_is_gray(fundus: Photo) -> None:
    assert kind(fundus * np.array([0, 1, 0], np.uint8)) == "gray"


def test_black_also_with_noise_and_a_label() -> None:
    rng = np.random.default_rng(0)
    dark = rng.integers(0, 6, (300, 400, 3)).astype(np.uint8)
    image = Image.fromarray(dark)
    ImageDraw.Draw(image).text((5, 5), "2016-06-04", (255, 255, 255))
    assert kind(np.asarray(image)) == "black"


def test_a_dark_fundus_is_not_black(fundus: Photo) -> None:
    assert kind((fundus * 0.25).astype(np.uint8)) == "color"


@pytest.mark.parametrize("axis", [0, 1])
def test_two_fields_side_by_side_and_one_above_the_other(
    fundus: Photo, draw: object, axis: int
) -> None:
    other = draw(1, 300, "left")  # type: ignore[operator]
    for gap in (0, 20):
        shape = (gap, 300, 3) if axis == 0 else (300, gap, 3)
        both = np.concatenate([fundus, np.zeros(shape, np.uint8), other], axis=axis)
        assert kind(both) == "two_fields"


def test_one_field_in_a_wide_picture_is_one(fundus: Photo) -> None:
    for left, right in ((0, 300), (150, 150), (300, 0)):
        wide = np.pad(fundus, ((0, 0), (left, right), (0, 0)))
        assert kind(wide) == "color"


@pytest.mark.realdata
def test_real_photographs_are_color(real_data: Path) -> None:
    for name in ("odir", "eyepacs_subset", "unam_cfp", "palm"):
        with (real_data / name / "labels.csv").open(encoding="utf-8") as file:
            paths = [row["image"] for row in csv.DictReader(file)][::50]
        found = [kind(decode((real_data / name / p).read_bytes(), name=p)) for p in paths]
        assert found.count("color") == len(found), name
