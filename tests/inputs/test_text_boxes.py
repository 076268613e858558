from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from funduscope.errors import DataError
from funduscope.inputs import Box, Field, find_field, find_text, letters_read

Photo = npt.NDArray[np.uint8]


def written(
    rgb: Photo,
    color: tuple[int, int, int],
    at: tuple[int, int],
    high: int,
    text: str = "2016-06-04",
) -> Photo:
    image = Image.fromarray(rgb)
    font = ImageFont.load_default(size=high * 1.3)
    ImageDraw.Draw(image).text(at, text, color, font)
    return np.asarray(image)


@pytest.mark.parametrize("color", [(255, 255, 255), (255, 255, 0), (0, 255, 0), (0, 0, 0)])
@pytest.mark.parametrize("high", [9, 16, 28])
def test_letters_inside_are_found_where_they_are(
    fundus: Photo, color: tuple[int, int, int], high: int
) -> None:
    rgb = written(fundus, color, (60, 180), high)
    boxes = find_text(rgb, find_field(rgb))
    assert boxes
    assert min(box.x0 for box in boxes) <= 80
    assert all(150 < box.y0 < box.y1 < 250 for box in boxes)


def test_a_photograph_without_letters_has_none(fundus: Photo) -> None:
    assert find_text(fundus, find_field(fundus)) == []
    large = np.asarray(Image.fromarray(fundus).resize((1024, 1024)))
    assert find_text(large, find_field(large)) == []


def test_letters_outside_the_field_are_not_its_business(fundus: Photo) -> None:
    wide = np.zeros((300, 500, 3), np.uint8)
    wide[:, 200:] = fundus
    rgb = written(wide, (255, 255, 255), (5, 5), 12)
    assert find_text(rgb, find_field(fundus) and find_field(wide)) == []
    assert find_text(rgb, None), "without a field the whole picture is searched"


@pytest.mark.parametrize(("side", "high"), [(1024, 9), (1024, 32), (2400, 40)])
def test_large_pictures(fundus: Photo, side: int, high: int) -> None:
    large = np.asarray(Image.fromarray(fundus).resize((side, side)))
    at = (side // 3, side // 2)
    rgb = written(large, (255, 255, 255), at, high)
    boxes = find_text(rgb, find_field(rgb))
    assert boxes
    assert any(box.x0 <= at[0] + 4 * high and box.x1 > at[0] for box in boxes)
    assert all(abs(box.y0 - at[1]) < 2 * high + 16 for box in boxes)


@pytest.mark.parametrize("text", ["WL", "06-04", "M 56"])
@pytest.mark.parametrize("turns", [0, 1])
def test_a_few_signs_level_or_upright(fundus: Photo, text: str, turns: int) -> None:
    rgb = np.rot90(written(np.rot90(fundus, -turns), (255, 255, 0), (120, 90), 14, text), turns)
    assert len(find_text(rgb, find_field(rgb))) == 1


@pytest.mark.parametrize("high", [9, 14, 60])
def test_a_large_picture_is_searched_at_its_own_size(fundus: Photo, high: int) -> None:
    large = np.asarray(Image.fromarray(fundus).resize((2000, 2000)))
    rgb = written(large, (255, 255, 255), (800, 900), high)
    boxes = find_text(rgb, find_field(rgb))
    assert boxes
    assert all(box.x0 > 700 and box.y0 > 850 and box.y1 < 1050 for box in boxes)


def test_clumps_of_pigment_on_bare_sclera_are_not_letters(fundus: Photo) -> None:
    """Dark brown, wider than strokes, on nearly white: what long eyes show."""
    image = Image.fromarray(fundus)
    pen = ImageDraw.Draw(image)
    pen.ellipse((60, 120, 200, 240), fill=(250, 225, 160))
    rng = np.random.default_rng(3)
    for _ in range(10):
        x, y = rng.uniform(90, 170), rng.uniform(150, 210)
        a, b = rng.uniform(3, 8, 2)
        pen.ellipse((x - a, y - b, x + a, y + b), fill=(110, 60, 20))
    rgb = np.asarray(image.filter(ImageFilter.GaussianBlur(1)))
    assert find_text(rgb, find_field(rgb)) == []
    gray = np.repeat(rgb[..., 1:2], 3, axis=2)
    assert find_text(gray, find_field(gray)) == []


def blurred(fundus: Photo, rng: np.random.Generator) -> Photo:
    """A pale disc on black that ends in speckles, smaller than the circle that was fitted."""
    rgb = np.zeros_like(fundus)
    down, across = np.mgrid[:300, :300] + 0.5
    distance = np.hypot(across - 150, down - 150) + rng.uniform(-4, 4, (300, 300))
    rgb[distance < 132] = (150, 150, 110)
    return rgb


CIRCLE = Field(150.0, 150.0, 145.0, False)


def test_speckles_where_a_blurred_field_ends_are_not_letters(fundus: Photo) -> None:
    assert find_text(blurred(fundus, np.random.default_rng(2)), CIRCLE) == []


def test_letters_are_found_beside_the_speckles(fundus: Photo) -> None:
    for seed, color in enumerate(((255, 255, 255), (0, 0, 0))):
        rgb = written(blurred(fundus, np.random.default_rng(seed)), color, (90, 180), 14)
        boxes = find_text(rgb, CIRCLE)
        assert boxes
        assert all(box.x0 > 70 and 160 < box.y0 < box.y1 < 220 for box in boxes)


@pytest.mark.parametrize("high", [9, 16, 28])
@pytest.mark.parametrize("border", [110, 135])
def test_a_name_in_a_black_corner_inside_the_circle(fundus: Photo, high: int, border: int) -> None:
    """Black down to just above the letters, or some way below them."""
    rgb = fundus.copy()
    rgb[:border] = 0
    rgb = written(rgb, (255, 255, 255), (80, 70), high, "White, E.")
    assert find_text(rgb, CIRCLE)


@pytest.mark.parametrize("field", [None, CIRCLE])
def test_crescents_and_bars_are_not_letters(fundus: Photo, field: Field | None) -> None:
    """White wedges and arcs beside a squeezed photograph: one stroke each."""
    image = Image.fromarray(np.zeros_like(fundus))
    pen = ImageDraw.Draw(image)
    pen.ellipse((10, 20, 290, 280), fill=(255, 255, 255))
    pen.ellipse((24, 10, 285, 290), fill=(0, 0, 0))
    pen.ellipse((60, 10, 240, 290), fill=(70, 60, 10))
    pen.rectangle((0, 0, 299, 24), fill=(0, 0, 0))
    assert find_text(np.asarray(image), field) == []


def test_tiny_and_plain_pictures_have_none() -> None:
    for shape in ((32, 32), (32, 200), (8, 300)):
        assert find_text(np.full((*shape, 3), 90, np.uint8), None) == []


def test_ocr_says_so_where_it_is_missing(fundus: Photo) -> None:
    with pytest.raises(DataError) as caught:
        letters_read(fundus, [Box(0, 0, 30, 10)], program="no-such-program")
    assert caught.value.code == "no_ocr"
