from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from funduscope.inputs import Field, decode, find_field

Draw = Callable[..., np.ndarray]


def disk(
    height: int, width: int, x: float, y: float, radius: float, level: float = 150, noise: float = 2
) -> np.ndarray:
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:height, :width] + 0.5
    far = np.hypot(columns - x, rows - y)
    shade = np.clip(radius - far, 0, 1) * (1 - 0.3 * (far / radius) ** 2)
    rgb = shade[..., None] * np.array([1.0, 0.5, 0.2]) * level
    return (rgb + np.abs(rng.normal(0, noise, rgb.shape))).clip(0, 255).astype(np.uint8)


def close(found: Field | None, x: float, y: float, radius: float, share: float) -> None:
    assert found is not None
    assert abs(found.x - x) < share * radius
    assert abs(found.y - y) < share * radius
    assert abs(found.radius - radius) < share * radius


@settings(max_examples=60, deadline=None)
@given(
    side=st.integers(200, 700),
    aspect=st.floats(1, 1.5),
    size=st.floats(0.7, 1.0),
    level=st.sampled_from([40, 90, 150, 250]),
)
def test_a_whole_circle_is_found(side: int, aspect: float, size: float, level: int) -> None:
    width = int(side * aspect)
    radius = size * side / 2
    found = find_field(disk(side, width, width / 2, side / 2, radius, level))
    close(found, width / 2, side / 2, radius, 0.015)
    assert found is not None
    assert not found.clipped


@settings(max_examples=60, deadline=None)
@given(cut=st.floats(0.55, 0.95), shift=st.floats(-0.05, 0.05))
def test_a_circle_cut_at_top_and_bottom_is_found(cut: float, shift: float) -> None:
    radius, height = 200.0, int(400 * cut)
    y = height / 2 + shift * 200
    found = find_field(disk(height, 420, 210, y, radius))
    close(found, 210, y, radius, 0.02)
    assert found is not None
    assert found.clipped == (min(y, height - y) < 0.98 * radius)


@pytest.mark.parametrize("share", [0.8, 0.85, 0.9, 0.95, 1.0])
def test_a_tight_square_with_four_small_corners(share: float) -> None:
    side = int(2 * 200 * share)
    found = find_field(disk(side, side, side / 2, side / 2, 200))
    close(found, side / 2, side / 2, 200, 0.02)


@pytest.mark.parametrize("side", [200, 333, 1000, 4000])
def test_any_size(side: int, draw: Draw) -> None:
    small = draw(3, 400)
    rgb = np.asarray(Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC))
    close(find_field(rgb), side / 2, side / 2, 0.97 * side / 2, 0.02)


def test_a_very_dark_photograph(fundus: np.ndarray) -> None:
    dark = (fundus * 0.1).astype(np.uint8)  # brightest field values about 19 of 255
    close(find_field(dark), 150, 150, 145.5, 0.03)


def test_a_dark_quadrant_and_a_notch_and_a_label_do_not_move_it(fundus: np.ndarray) -> None:
    rgb = np.pad(fundus, ((40, 40), (60, 60), (0, 0)))
    rgb[40:150, 60:180] //= 40
    rgb[180:200, 350:366] = 120
    rgb[5:20, 5:60] = 255
    close(find_field(rgb), 210, 190, 145.5, 0.02)


def test_a_white_background(fundus: np.ndarray) -> None:
    axis = np.arange(300) - 149.5
    rgb = np.where((np.hypot(axis[:, None], axis) < 145)[..., None], fundus, 250).astype(np.uint8)
    close(find_field(rgb), 150, 150, 145, 0.02)


def test_no_circle_where_there_is_none(fundus: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    assert find_field(np.ascontiguousarray(fundus[90:210, 90:210])) is None
    assert find_field(np.zeros((100, 150, 3), np.uint8)) is None
    assert find_field(np.full((100, 150, 3), 255, np.uint8)) is None
    assert find_field(rng.integers(0, 255, (100, 150, 3), np.uint8)) is None
    square = np.zeros((200, 200, 3), np.uint8)
    square[30:170, 30:170] = 200
    assert find_field(square) is None


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(32, 80), st.integers(32, 80)),
    seed=st.integers(0, 10**6),
    kind=st.integers(0, 2),
)
def test_any_picture_gives_a_sane_answer(shape: tuple[int, int], seed: int, kind: int) -> None:
    rng = np.random.default_rng(seed)
    rgb = rng.integers(0, (2, 40, 256)[kind], (*shape, 3)).astype(np.uint8)
    found = find_field(rgb)
    if found is not None:
        assert -0.31 * shape[1] <= found.x <= 1.31 * shape[1]
        assert -0.31 * shape[0] <= found.y <= 1.31 * shape[0]
        assert 0 < found.radius < sum(shape)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["odir", "palm", "eyepacs_subset", "unam_cfp", "csdi"])
def test_real_fields_agree_between_a_photograph_and_its_padded_copy(name: str, real: Draw) -> None:
    agree, seen = 0, 0
    for path in real(name, 20):
        rgb = decode(path.read_bytes(), name=path.name)
        one = find_field(rgb)
        two = find_field(np.pad(rgb, ((20, 70), (50, 30), (0, 0))))
        if one is None or two is None:
            continue
        seen += 1
        gap = max(abs(one.x + 50 - two.x), abs(one.y + 20 - two.y), abs(one.radius - two.radius))
        agree += gap < 0.03 * one.radius
    assert seen >= 16
    assert agree >= 0.85 * seen


def test_a_bright_spot_in_the_dark_is_no_field() -> None:
    rows, columns = np.indices((300, 300))
    spot = np.hypot(rows - 200, columns - 90) < 20
    rgb = np.where(spot[..., None], (200, 120, 60), (9, 6, 4)).astype(np.uint8)
    assert find_field(rgb) is None


@pytest.mark.parametrize("kept", [0.42, 0.5, 0.6])
def test_the_circle_of_a_photograph_cut_off_below_is_found(fundus: np.ndarray, kept: float) -> None:
    whole = find_field(fundus)
    part = find_field(np.ascontiguousarray(fundus[: int(kept * len(fundus))]))
    assert whole is not None
    assert part is not None
    assert part.clipped
    assert abs(part.radius - whole.radius) < 0.05 * whole.radius
    assert np.hypot(part.x - whole.x, part.y - whole.y) < 0.05 * whole.radius


def test_letters_beside_a_squeezed_field_are_not_of_it() -> None:
    rows, columns = np.indices((300, 420))
    inside = np.hypot((columns - 210) / 0.9, rows - 150) < 160
    inside[:6] = inside[294:] = False  # the camera cuts it flat
    rgb = np.where(inside[..., None], (150, 90, 40), 0).astype(np.uint8)
    image = Image.fromarray(rgb)
    pen = ImageDraw.Draw(image)
    for at, text in ((4, "Zhang Wei"), (22, "2016-06-04")):
        pen.text((4, at), text, (255, 255, 255), ImageFont.load_default(size=13))
    found = find_field(np.asarray(image))
    assert found is not None
    assert np.hypot(found.x - 210, found.y - 150) < 6
    assert 140 < found.radius < 170
