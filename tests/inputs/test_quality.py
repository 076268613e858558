from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funduscope.inputs import Quality, assess, decode, find_field


def judge(rgb: np.ndarray) -> Quality:
    return assess(rgb, find_field(rgb))


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


@pytest.mark.parametrize("spoil", [darkened, overexposed, lidded])
def test_a_spoiled_photograph_is_marked_down(
    spoil: Callable[[np.ndarray], np.ndarray], fundus: np.ndarray
) -> None:
    """Whatever the network thinks of a spoiled drawing, a measurement falls below the mark."""
    from funduscope.inputs.features import look
    from funduscope.inputs.quality import _mark, measure

    poor = spoil(fundus)
    marks = [_mark(name, v) for name, v in measure(look(poor, find_field(poor))).items()]
    assert min(marks) < 0.5


def test_an_overexposed_photograph_is_called_bright(fundus: np.ndarray) -> None:
    from funduscope.inputs.features import look
    from funduscope.inputs.quality import measure

    poor = overexposed(fundus)
    assert measure(look(poor, find_field(poor)))["bright"] > 0.5


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
    for plane in ((rows // 9) % 2 * 255, (rows // 20 + columns // 20) % 2 * 200, rows):
        rgb = np.stack([plane] * 3, axis=2).astype(np.uint8)
        assert not judge(rgb).is_fundus


def test_the_answer_does_not_depend_on_exposure(fundus: np.ndarray) -> None:
    from funduscope.inputs.fundus_net import fundus_score

    field = find_field(fundus)
    half = (fundus * 0.6).astype(np.uint8)
    assert abs(fundus_score(fundus, field) - fundus_score(half, field)) < 1.0


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
    for path in real(name, 12):
        assert judge(decode(path.read_bytes(), name=path.name)).is_fundus, path.name


@pytest.mark.realdata
def test_real_oct_is_refused(real: Callable[[str, int], list[Path]]) -> None:
    for path in real("unam_oct", 12):
        assert not judge(decode(path.read_bytes(), name=path.name)).is_fundus, path.name
