from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from funduscope.inputs import Quality, assess, decode, find_field, look


def judge(rgb: np.ndarray) -> Quality:
    return assess(look(rgb, find_field(rgb)))


def test_a_good_photograph_is_gradable(fundus: np.ndarray) -> None:
    quality = judge(fundus)
    assert quality == Quality(True, True, quality.gradability, None)
    assert quality.gradability > 0.6


def darkened(rgb: np.ndarray) -> np.ndarray:
    return (rgb * 0.08).astype(np.uint8)


def overexposed(rgb: np.ndarray) -> np.ndarray:
    bright = rgb.astype(float) * (1.6, 3.2, 4.0)
    return np.where(rgb.max(axis=2, keepdims=True) > 5, bright, rgb).clip(0, 255).astype(np.uint8)


def lidded(rgb: np.ndarray) -> np.ndarray:
    covered = rgb.copy()
    covered[: int(0.68 * len(rgb))] //= 12
    return covered


def cut(rgb: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(rgb[: int(0.42 * len(rgb))])


def blurred(rgb: np.ndarray, sigma: float = 12) -> np.ndarray:
    return np.asarray(Image.fromarray(rgb).filter(ImageFilter.GaussianBlur(sigma)))


def marks(rgb: np.ndarray) -> dict[str, float]:
    """The marks alone, whatever the network thinks of a drawing."""
    from funduscope.inputs.quality import _mark, measure

    return {name: _mark(name, v) for name, v in measure(look(rgb, find_field(rgb))).items()}


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (blurred, "blur"),
        (darkened, "dark"),
        (overexposed, "bright"),
        (lidded, "occluded"),
        (cut, "coverage"),
    ],
)
def test_each_way_of_being_poor_has_its_name(
    spoil: Callable[[np.ndarray], np.ndarray], reason: str, fundus: np.ndarray
) -> None:
    poor = marks(spoil(fundus))
    assert min(poor, key=lambda name: poor[name]) == reason
    assert poor[reason] < 0.5


def test_more_blur_never_helps(fundus: np.ndarray) -> None:
    sharp = [marks(blurred(fundus, sigma))["blur"] for sigma in (0, 2, 4, 6, 8, 10, 12)]
    assert sharp == sorted(sharp, reverse=True)
    assert sharp[0] == 1
    assert sharp[-1] < 0.5


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["odir", "palm", "eyepacs_subset", "unam_cfp"])
def test_real_photographs_lose_marks_as_they_lose_focus(
    name: str, real: Callable[[str, int], list[Path]]
) -> None:
    lost = []
    for path in real(name, 8):
        rgb = decode(path.read_bytes(), name=path.name)
        sharp, soft = (marks(blurred(rgb, share * max(rgb.shape)))["blur"] for share in (0, 0.02))
        assert soft <= sharp, path.name
        lost.append(sharp - soft)
    assert np.mean(lost) > 0.25


@settings(max_examples=30, deadline=None)
@given(shape=st.tuples(st.integers(32, 90), st.integers(32, 200)), seed=st.integers(0, 10**6))
def test_noise_of_any_shape_is_not_a_fundus(shape: tuple[int, int], seed: int) -> None:
    rgb = np.random.default_rng(seed).integers(0, 256, (*shape, 3)).astype(np.uint8)
    assert judge(rgb) == Quality(False, False, 0.0, "not_fundus")


@pytest.mark.parametrize("level", [0, 90, 255])
def test_plain_gray_is_not_a_fundus(level: int) -> None:
    assert not judge(np.full((200, 260, 3), level, np.uint8)).is_fundus


def test_stripes_and_a_checkerboard_and_a_page_are_not_a_fundus() -> None:
    rows, columns = np.indices((240, 240))
    words = (rows % 20 > 12) & (columns % 47 < 38) & (columns * 7919 // 5 % 3 > 0)
    page = np.where(words & (np.minimum(rows, columns) > 20), 20, 240)
    for plane in ((rows // 9) % 2 * 255, (rows // 20 + columns // 20) % 2 * 200, page):
        rgb = np.stack([plane] * 3, axis=2).astype(np.uint8)
        assert not judge(rgb).is_fundus


def test_the_answer_does_not_depend_on_exposure(fundus: np.ndarray) -> None:
    from funduscope.inputs.fundus_net import fundus_score

    field = find_field(fundus)
    full, half = (look((fundus * part).astype(np.uint8), field).square for part in (1.0, 0.6))
    assert abs(fundus_score(full) - fundus_score(half)) < 1.0


def test_sample_pictures_are_refused_and_the_sample_retina_is_not() -> None:
    skimage = pytest.importorskip("skimage")
    folder = Path(skimage.__file__).parent / "data"
    for name in ("chelsea.png", "astronaut.png", "coffee.png", "coins.png", "moon.png"):
        rgb = decode((folder / name).read_bytes(), name=name)
        assert judge(rgb).reason == "not_fundus", name
    assert judge(decode((folder / "retina.jpg").read_bytes(), name="retina")).is_fundus


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["odir", "palm", "eyepacs_subset", "unam_cfp", "csdi"])
def test_real_photographs_pass_as_fundus(name: str, real: Callable[[str, int], list[Path]]) -> None:
    red_free = []
    for path in real(name, 12):
        rgb = decode(path.read_bytes(), name=path.name)
        assert judge(rgb).is_fundus, path.name
        red_free.append(judge(np.repeat(rgb[..., 1:2], 3, axis=2)).is_fundus)
    assert sum(red_free) >= 11


@pytest.mark.realdata
def test_real_oct_is_refused(real: Callable[[str, int], list[Path]]) -> None:
    for path in real("unam_oct", 12):
        assert not judge(decode(path.read_bytes(), name=path.name)).is_fundus, path.name
