from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from funduscope.inputs import Field, blank_outside, find_field

Photo = npt.NDArray[np.uint8]


def _wide(fundus: Photo) -> tuple[Photo, Field]:
    wide = np.zeros((300, 460, 3), np.uint8)
    wide[:, 80:380] = fundus
    field = find_field(wide)
    assert field is not None
    return wide, field


def test_nothing_outside_keeps_the_picture_itself(fundus: Photo) -> None:
    rgb, field = _wide(fundus)
    same, changed = blank_outside(rgb, field)
    assert same is rgb
    assert not changed


def test_faint_letters_outside_go_and_the_field_stays(fundus: Photo) -> None:
    rgb, field = _wide(fundus)
    for level in (10, 60, 255):
        image = Image.fromarray(rgb)
        ImageDraw.Draw(image).text((4, 4), "Zhang Wei", (level,) * 3)
        marked = np.asarray(image)
        blank, changed = blank_outside(marked, field)
        assert changed
        rows, columns = np.mgrid[: rgb.shape[0], : rgb.shape[1]]
        far = np.hypot(columns + 0.5 - field.x, rows + 0.5 - field.y)
        assert (blank[far > field.radius + 4.5] == 0).all()
        assert (blank[far < field.radius] == marked[far < field.radius]).all()
        again, more = blank_outside(blank, field)
        assert again is blank
        assert not more


def test_always_blanks_camera_black_as_well(fundus: Photo) -> None:
    rgb, field = _wide(fundus)
    rgb = np.maximum(rgb, 2)
    assert not blank_outside(rgb, field)[1]
    blank, changed = blank_outside(rgb, field, always=True)
    assert changed
    assert blank[0, 0].max() == 0


def test_without_a_field_nothing_is_known() -> None:
    rgb = np.full((50, 60, 3), 200, np.uint8)
    same, changed = blank_outside(rgb, None)
    assert same is rgb
    assert not changed


def test_a_clipped_field_and_one_off_the_picture(fundus: Photo) -> None:
    strip = np.ascontiguousarray(fundus[60:240])
    strip[0, 0] = 255
    field = Field(150.0, 90.0, 146.0, clipped=True)
    blank, changed = blank_outside(strip, field)
    assert changed
    assert blank[0, 0].max() == 0
    assert (blank[:, 60:240] == strip[:, 60:240]).all()
