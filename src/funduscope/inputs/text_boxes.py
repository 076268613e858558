"""Text burned into the picture: thin strokes of strong contrast and full color, close together.

Method: a stroke is what a morphological opening removes (it is narrower than the opening's
window), taken along rows and along columns. White, yellow and green letters stand out in green,
black and green ones are missing in red. Vessels, exudates and pigment can be thin too, but letters
are drawn in full colors (every channel near 0 or 255), which the retina seldom has, are not
brown, and hold strokes of both ways. A window's score adds up the square roots of the counts: some
of each count for more than many of one. What was found is sought again away from the borders of
black, and must be several strokes. No alphabet is known here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from funduscope.inputs.field import Field, Mask
from funduscope.inputs.photo import Photo
from funduscope.inputs.rim import spans

Plane = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int32]

# Strokes are narrower than this, px.
_WIDE = 9
# A stroke differs from its surroundings by more than this (0-255), a strong one by the second.
_STROKE, _STRONG = 60, 100
# Full color: no channel lies between these.
_FULL = (45, 210)
# Pixels are counted in square cells; a text is sought in windows of cells: 12 rows of 64 px, the
# same upright, and for a few large letters a square of 32 px.
_CELL = 4
_WINDOWS = ((3, 16), (16, 3), (8, 8))
# What strokes are worth in red, green and blue: all, strong ones, those of full color. Bright ones
# that are weak in blue are exudates and reflexes. From a logistic fit, then rounded and set by hand
# so that fewer of 192 eyes with pathologic myopia were hit; on `odir` (train and val) and
# `eyepacs_subset` only: what is likest to text in 5,964 clean photographs, and 1,180 planted texts.
# The last step, from 6.5 to 8, was for a reflex at a rim in an archive made from `odir`.
# `benchmarks/burned_text.py` measures on other sets, too.
_WORTH = ((0.5, 0.0, 1.0), (0.5, 0.0, 0.6), (-0.5, 0.5, 0.0))
_LEAST = 8.0
# Pigment and blood are dark in red too, but have less than this part of it in green; in gray
# pictures, green is no more than this above blue.
_BROWN, _GRAY = 0.75, 30
# Cells so many rows or columns apart belong to one text.
_NEAR = range(-2, 3)
# The rim itself is full of edges.
_INNER = 0.965
# What is black and what is lit (largest channel), and the side in cells of what is no letter;
# text is not sought where both are at most so many cells away. Set by hand on five very blurred
# photographs of `odir` (train and val) that an archive had enlarged; the reach, on drawn speckles.
_DARK, _LIT, _REACH = (24, 5), (64, 3), 3
# Text has lines along which several strokes begin: so many, on so many lines. Set by hand on one
# eye of `odir` (train) with white crescents beside the field, as two archives had changed it.
_SEVERAL, _LINES = 3, 2
# From this size on large letters are sought as well, at half the size, and a look at every fourth
# row decides where a closer look is worth its time: strokes seen in a window.
_LARGE = 512
_GLANCE = 5


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels: columns x0 .. x1 - 1, rows y0 .. y1 - 1."""

    x0: int
    y0: int
    x1: int
    y1: int


def find_text(rgb: Photo, field: Field | None) -> list[Box]:
    """Find letters that were drawn into the picture, inside the field of view.

    Args:
        rgb: uint8 (H, W, 3).
        field: the circle of the field of view; None: the whole picture is searched.

    Returns:
        Boxes around what looks like text; about as large as the text, to a few pixels. Empty for
        nearly every photograph without text. Letters of 8 to 40 px are found, in pictures of 512
        px and more of up to 80 px: search what is stored, at the size at which it is stored.
    """
    inside = _inside(rgb, field)
    found = _everywhere(rgb, inside)
    if found:  # seldom: what it costs, clean photographs do not pay
        inside &= ~_borders(rgb)
        found = _everywhere(rgb, inside)
    return [box for box in found if _several(rgb, inside, box)]


def _everywhere(rgb: Photo, inside: Mask) -> list[Box]:
    found = _search(rgb, inside)
    if min(rgb.shape[:2]) >= _LARGE:
        half = _search(rgb[::2, ::2], inside[::2, ::2])
        twice = [Box(2 * box.x0, 2 * box.y0, 2 * box.x1, 2 * box.y1) for box in half]
        found += [box for box in twice if not any(overlap(box, other) for other in found)]
    return found


def overlap(one: Box, other: Box) -> bool:
    """The boxes share a pixel."""
    return one.x0 < other.x1 and other.x0 < one.x1 and one.y0 < other.y1 and other.y0 < one.y1


def _search(rgb: Photo, inside: Mask) -> list[Box]:
    hits = np.zeros((rgb.shape[0] // _CELL, rgb.shape[1] // _CELL), bool)
    for box in _glance(rgb, inside):
        y, x = slice(box.y0, box.y1), slice(box.x0, box.x1)
        cells = hits[box.y0 // _CELL : box.y1 // _CELL, box.x0 // _CELL : box.x1 // _CELL]
        cells |= _written(rgb[y, x], inside[y, x])
    return _boxes(hits) if hits.any() else []


def _inside(rgb: Photo, field: Field | None) -> Mask:
    if field is None:
        return np.ones(rgb.shape[:2], bool)
    inside = np.zeros(rgb.shape[:2], bool)
    for row, (left, right) in enumerate(spans(inside.shape, field, _INNER * field.radius)):
        inside[row, left:right] = True
    return inside


def _borders(rgb: Photo) -> Mask:
    """Where black ends at something lit: speckles and steps of JPEG, whatever the circle says.

    Letters on black are not near: none is as wide as what counts as lit.
    """
    high, wide = (n // _CELL * _CELL for n in rgb.shape[:2])
    light = rgb[:high, :wide].max(axis=2).reshape(high // _CELL, _CELL, wide // _CELL, _CELL)
    near = np.ones((high // _CELL, wide // _CELL), bool)
    for solid, cells in (
        (light.max(axis=(1, 3)) <= _DARK[0], _DARK[1]),
        (light.min(axis=(1, 3)) >= _LIT[0], _LIT[1]),
    ):
        near &= _grown(_shrunk(solid, cells), cells // 2 + _REACH)
    borders = np.zeros(rgb.shape[:2], bool)
    borders[:high, :wide] = near.repeat(_CELL, 0).repeat(_CELL, 1)
    return borders


def _grown(cells: Mask, by: int) -> Mask:
    """True where any cell at most `by` rows and columns away is true."""
    for axis in (0, 1):
        padded = np.pad(cells, [(by, by) if axis == n else (0, 0) for n in (0, 1)])
        cells = np.asarray(sliding_window_view(padded, 2 * by + 1, axis).any(axis=-1), bool)
    return cells


def _shrunk(cells: Mask, side: int) -> Mask:
    """Middles of squares of that (odd) side that are all true; the picture's edge is no limit."""
    return ~_grown(~cells, side // 2)


def _several(rgb: Photo, inside: Mask, box: Box) -> bool:
    """Some lines across it meet several strokes; an arc or the tip of a wedge is only one."""
    pad = 2 * _WIDE
    y, x = slice(max(box.y0 - pad, 0), box.y1 + pad), slice(max(box.x0 - pad, 0), box.x1 + pad)
    step = 2 if min(rgb.shape[:2]) >= _LARGE else 1
    for by in range(1, step + 1):
        part, within = rgb[y, x][::by, ::by], inside[y, x][::by, ::by]
        for channel in range(3):
            for axis in (0, 1):
                strokes = (_strokes(_plane(part, channel), axis) > _STROKE) & within
                begun = np.diff(strokes.astype(np.int8), axis=axis) > 0
                if (begun.sum(axis=axis) >= _SEVERAL).sum() >= _LINES:
                    return True
    return False


def _glance(rgb: Photo, inside: Mask) -> list[Box]:
    """Where a closer look is worth its time, by every fourth row; whole cells."""
    high, wide = (n // _CELL * _CELL for n in inside.shape)
    if min(high, wide) < _LARGE // 2:
        return [Box(0, 0, wide, high)]
    seen = np.zeros(inside[::_CELL].shape, np.uint8)
    for channel in (0, 1):
        seen += _strokes(_plane(rgb[::_CELL], channel), 1) > _STROKE
    cells = _by_columns(seen * inside[::_CELL])[: high // _CELL]
    total = _summed(cells)
    near = np.zeros(cells.shape, bool)
    for window in _WINDOWS:
        _spread(near, _windows(total, window) >= _GLANCE, window)
    pad = max(max(window) for window in _WINDOWS) * _CELL + 2 * _CELL
    return [
        Box(max(b.x0 - pad, 0), max(b.y0 - pad, 0), min(b.x1 + pad, wide), min(b.y1 + pad, high))
        for b in (_boxes(near) if near.any() else [])
    ]


def _written(rgb: Photo, inside: Mask) -> Mask:
    """Cells that hold strokes and lie in a window whose score is that of text."""
    planes = [_plane(rgb, channel) for channel in range(3)]
    full = inside.copy()
    for plane in planes:
        full &= (plane < _FULL[0]) | (plane > _FULL[1])
    counts: list[tuple[float, Counts]] = []
    held = np.zeros((inside.shape[0] // _CELL, inside.shape[1] // _CELL), bool)
    green = (planes[1] >= _BROWN * rgb[..., 0]) & (planes[1] > rgb[..., 2].astype(np.int16) + _GRAY)
    places = inside & green, inside, inside
    for plane, place, (each, strong, of_full_color) in zip(planes, places, _WORTH, strict=True):
        for axis in (0, 1):
            strokes = _strokes(plane, axis)
            for worth, least, where in (
                (each, _STROKE, place),
                (strong, _STRONG, inside),
                (of_full_color, _STROKE, full),
            ):
                if worth:
                    cells = _cells((strokes > least) & where)
                    counts.append((worth, _summed(cells)))
                    held |= cells > 0
    hits = np.zeros(held.shape, bool)
    for window in _WINDOWS:
        score = [worth * np.sqrt(_windows(total, window)) for worth, total in counts]
        _spread(hits, np.sum(score, axis=0) >= _LEAST, window)
    hits &= held
    return hits


def _plane(rgb: Photo, channel: int) -> Plane:
    """The channel, red turned over: letters are bright in it."""
    plane = np.ascontiguousarray(rgb[..., channel])
    return plane if channel else 255 - plane


def _strokes(plane: Plane, axis: int) -> Plane:
    """How much brighter each pixel is than what an opening along the axis leaves."""
    above = np.zeros(plane.shape, np.uint8)
    if plane.shape[axis] <= 2 * _WIDE:
        return above
    low = _running(plane, np.minimum, axis)
    opened = _running(low, np.maximum, axis)
    reach = slice(_WIDE - 1, 1 - _WIDE)
    at = (slice(None), reach) if axis else (reach, slice(None))
    # An opening is nowhere above the plane: no borrow in the unsigned difference.
    above[at] = plane[at] - opened
    return above


def _running(plane: Plane, least_or_most: Callable[..., Any], axis: int) -> Plane:
    """Minimum or maximum over `_WIDE` neighbors, by doubling; shorter by `_WIDE` - 1."""
    width = 1
    while width < _WIDE:
        step = min(width, _WIDE - width)
        first, second = (
            (plane[:, :-step], plane[:, step:]) if axis else (plane[:-step], plane[step:])
        )
        plane = least_or_most(first, second)
        width += step
    return plane


def _cells(strokes: Mask) -> Counts:
    rows = strokes.shape[0] // _CELL
    tall = strokes[: rows * _CELL].view(np.uint8).reshape(rows, _CELL, -1)
    return _by_columns(tall.sum(axis=1, dtype=np.uint8))


def _by_columns(strokes: Plane) -> Counts:
    """Sums over `_CELL` columns."""
    wide = strokes.shape[1] // _CELL * _CELL
    total = strokes[:, :wide:_CELL].astype(np.int32)
    for column in range(1, _CELL):
        total += strokes[:, column:wide:_CELL]
    return total


def _summed(cells: Counts) -> Counts:
    """Of each corner between cells, the sum over all cells above and to the left."""
    total = np.zeros((cells.shape[0] + 1, cells.shape[1] + 1), np.int32)
    np.cumsum(cells, 0, out=total[1:, 1:])
    np.cumsum(total[1:, 1:], 1, out=total[1:, 1:])
    return total


def _windows(total: Counts, window: tuple[int, int]) -> Counts:
    """Sums over windows of cells, by `_summed`; empty where the picture is smaller than one."""
    a, b = window
    if total.shape[0] <= a or total.shape[1] <= b:
        return np.zeros((0, 0), np.int32)
    sums: Counts = total[a:, b:] - total[:-a, b:] - total[a:, :-b] + total[:-a, :-b]
    return sums


def _spread(cells: Mask, windows: Mask, window: tuple[int, int]) -> None:
    """Mark the cells that belong to a window that was hit."""
    if windows.any():
        for row, column in np.argwhere(windows):
            cells[row : row + window[0], column : column + window[1]] = True


def _boxes(hits: Mask) -> list[Box]:
    """Bounding boxes of groups of cells that are at most a few cells apart."""
    left = {(int(row), int(column)) for row, column in np.argwhere(hits)}
    found = []
    while left:
        first = min(left)
        left.remove(first)
        group, todo = [first], [first]
        while todo:
            row, column = todo.pop()
            near = {(row + a, column + b) for a in _NEAR for b in _NEAR} & left
            left -= near
            group += near
            todo += near
        rows, columns = zip(*group, strict=True)
        found.append(
            Box(
                min(columns) * _CELL,
                min(rows) * _CELL,
                (max(columns) + 1) * _CELL,
                (max(rows) + 1) * _CELL,
            )
        )
    return found
