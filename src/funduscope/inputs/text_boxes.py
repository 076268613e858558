"""Text burned into the picture: many thin, strongly contrasting strokes close together.

Method: a stroke is what a morphological opening removes (it is narrower than the opening's
window), taken along rows and along columns. White, yellow and green letters stand out in green or
blue, black letters are missing in red. Vessels are thin too, but are weak in red and run one way;
letters hold strokes of both ways within a few pixels, many of them. No alphabet is known here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from funduscope.inputs.field import Field, Mask, thumbnail
from funduscope.inputs.photo import Photo
from funduscope.inputs.rim import spans

Plane = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int32]

_SIDE = 1536
# Strokes are narrower than this, px.
_WIDE = 9
# A stroke differs from its surroundings by more than this (0-255).
_STRONG = 60
# Pixels are counted in cells (rows, columns); a line of text is sought in windows of cells: 12 rows
# of 64 px.
_CELL = (4, 16)
_WINDOW = (3, 4)
# Least stroke pixels of each direction in a window: in green, in blue, missing in red. Set on
# 520 photographs of `odir` (train and val), `eyepacs_subset`, `palm` and `unam_cfp`, clean and with
# planted text; `benchmarks/burned_text.py` measures.
_LEAST = (68, 62, 34)
# The rim itself is full of edges.
_INNER = 0.965
# From this size on a look at every fourth row decides whether a closer look is worth its time.
_LARGE = 512
_GLANCE = 0.35


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
        Boxes around what looks like text, top to bottom; about as large as the text, to a few
        pixels. Empty for nearly every photograph without text. Letters of 8 to 40 px in a
        picture of 256 to 1,536 px are found; larger pictures are shrunk first.
    """
    small, factor = thumbnail(rgb, _SIDE)
    inside = _inside(small, field.scaled(1 / factor) if field else None)
    large = min(small.shape[:2]) >= _LARGE
    hits = np.zeros((small.shape[0] // _CELL[0], small.shape[1] // _CELL[1]), bool)
    for channel, least in zip((1, 2, 0), _LEAST, strict=True):
        if large and not _worth_it(small, inside, channel, least):
            continue
        plane = np.ascontiguousarray(small[..., channel])
        plane = plane if channel else 255 - plane
        across = _cells(_strokes(plane, 1) & inside)
        down = _cells(_strokes(plane, 0) & inside)
        counts = np.minimum(_windows(across), _windows(down))
        hits |= _spread(counts >= least, hits.shape) & (across + down > 0)
    return [_scaled(box, factor) for box in _boxes(hits)] if hits.any() else []


def _inside(small: Photo, field: Field | None) -> Mask:
    if field is None:
        return np.ones(small.shape[:2], bool)
    inside = np.zeros(small.shape[:2], bool)
    for row, (left, right) in enumerate(spans(inside.shape, field, _INNER * field.radius)):
        inside[row, left:right] = True
    return inside


def _worth_it(small: Photo, inside: Mask, channel: int, least: int) -> bool:
    """A window may hold enough strokes, by every fourth row."""
    step = _CELL[0]
    rows = np.ascontiguousarray(small[::step, :, channel])
    strokes = _strokes(rows if channel else 255 - rows, 1) & inside[::step]
    columns = strokes.shape[1] // _CELL[1]
    cells = strokes[:, : columns * _CELL[1]].reshape(len(strokes), columns, _CELL[1])
    counts = _windows(cells.sum(axis=2, dtype=np.int32))
    return bool(counts.max(initial=0) * step >= _GLANCE * least)


def _strokes(plane: Plane, axis: int) -> Mask:
    """Pixels brighter than what an opening along the axis leaves, uint8 (H, W) -> bool."""
    strong = np.zeros(plane.shape, bool)
    if plane.shape[axis] <= 2 * _WIDE:
        return strong
    low = _running(plane, np.minimum, axis)
    opened = _running(low, np.maximum, axis)
    reach = slice(_WIDE - 1, 1 - _WIDE)
    at = (slice(None), reach) if axis else (reach, slice(None))
    # An opening is nowhere above the plane: no borrow in the unsigned difference.
    strong[at] = plane[at] - opened > _STRONG
    return strong


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
    rows, columns = (n // cell for n, cell in zip(strokes.shape, _CELL, strict=True))
    cut = strokes[: rows * _CELL[0], : columns * _CELL[1]].view(np.uint8)
    tall = cut.reshape(rows, _CELL[0], -1).sum(axis=1, dtype=np.uint8)
    counts: Counts = tall.reshape(rows, columns, _CELL[1]).sum(axis=2, dtype=np.int32)
    return counts


def _windows(cells: Counts) -> Counts:
    """Sums over windows of cells; empty where the picture is smaller than one."""
    total = np.pad(cells.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    a, b = _WINDOW
    if cells.shape[0] < a or cells.shape[1] < b:
        return np.zeros((0, 0), np.int32)
    sums: Counts = total[a:, b:] - total[:-a, b:] - total[a:, :-b] + total[:-a, :-b]
    return sums


def _spread(windows: Mask, shape: tuple[int, ...]) -> Mask:
    """Cells that belong to a window that was hit."""
    cells = np.zeros(shape, bool)
    for row, column in np.argwhere(windows):
        cells[row : row + _WINDOW[0], column : column + _WINDOW[1]] = True
    return cells


def _boxes(hits: Mask) -> list[Box]:
    """Bounding boxes of groups of cells that touch (also at corners, or one row apart)."""
    left = {(int(row), int(column)) for row, column in np.argwhere(hits)}
    found = []
    while left:
        first = min(left)
        left.remove(first)
        group, todo = [first], [first]
        while todo:
            row, column = todo.pop()
            near = {(row + a, column + b) for a in range(-2, 3) for b in (-1, 0, 1)} & left
            left -= near
            group += near
            todo += near
        rows, columns = zip(*group, strict=True)
        found.append(
            Box(
                min(columns) * _CELL[1],
                min(rows) * _CELL[0],
                (max(columns) + 1) * _CELL[1],
                (max(rows) + 1) * _CELL[0],
            )
        )
    return found


def _scaled(box: Box, factor: int) -> Box:
    return Box(box.x0 * factor, box.y0 * factor, box.x1 * factor, box.y1 * factor)
