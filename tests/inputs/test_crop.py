from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from funduscope.inputs import Field, crop_field, find_field
from funduscope.inputs.crop import disk


def test_flat_color_stays_and_outside_is_black(fundus: np.ndarray) -> None:
    flat = np.full_like(fundus, 90)
    crop = crop_field(flat, Field(150, 150, 140, clipped=False), 64)
    assert (crop[disk(64)] == 90).all()
    assert (crop[~disk(64)] == 0).all()


def test_what_the_picture_lacks_is_black() -> None:
    flat = np.full((200, 300, 3), 90, np.uint8)
    crop = crop_field(flat, Field(150, 100, 140, clipped=True), 140)
    assert (crop[:18] == 0).all()
    assert (crop[-18:] == 0).all()
    assert (crop[70, 5:135] == 90).all()


def test_without_a_field_the_whole_picture_is_padded_to_a_square() -> None:
    crop = crop_field(np.full((100, 200, 3), 90, np.uint8), None, 40)
    assert crop.shape == (40, 40, 3)
    assert (crop[12:28] == 90).all()
    assert (crop[:8] == 0).all()


def test_shrinking_averages_over_the_area() -> None:
    """A fine checkerboard becomes its mean, not one of its two levels."""
    board = np.indices((400, 400)).sum(axis=0) % 2 * 200
    rgb = np.stack([board] * 3, axis=2).astype(np.uint8)
    crop = crop_field(rgb, Field(200, 200, 190, clipped=False), 50)
    inner = crop[15:35, 15:35].astype(int)
    assert np.abs(inner - 100).max() < 12


@settings(max_examples=25, deadline=None)
@given(
    top=st.integers(0, 90),
    left=st.integers(0, 90),
    right=st.integers(0, 90),
    end=st.integers(0, 90),
)
def test_a_shifted_padded_photograph_gives_nearly_the_same_crop(
    top: int, left: int, right: int, end: int
) -> None:
    rgb = _photo()
    moved = np.pad(rgb, ((top, end), (left, right), (0, 0)))
    one = crop_field(rgb, find_field(rgb), 96).astype(int)
    two = crop_field(moved, find_field(moved), 96).astype(int)
    inner = disk(96)
    assert np.abs(one - two)[inner].mean() < 3


def _photo() -> np.ndarray:
    rng = np.random.default_rng(5)
    axis = np.arange(240) - 119.5
    far = np.hypot(axis[:, None], axis)
    waves = 40 * np.sin(axis / 9)[:, None] + 30 * np.cos(axis / 14)[None, :]
    level = np.where(far < 116, 120 + waves, 0)[..., None] * (1.0, 0.6, 0.3)
    return (level + rng.uniform(0, 3, (240, 240, 3))).clip(0, 255).astype(np.uint8)


@settings(max_examples=30, deadline=None)
@given(
    x=st.floats(-50, 350),
    y=st.floats(-50, 250),
    radius=st.floats(5, 400),
    size=st.integers(16, 80),
)
def test_any_circle_gives_a_crop(x: float, y: float, radius: float, size: int) -> None:
    flat = np.full((200, 300, 3), 90, np.uint8)
    crop = crop_field(flat, Field(x, y, radius, clipped=True), size)
    assert crop.shape == (size, size, 3)
    assert crop.max() <= 90
