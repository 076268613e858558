"""Where the retina is in the picture: the circle of the camera's field of view.

Method: on a thumbnail, pixels that differ from the color of the corners are foreground; the first
and last foreground pixel of every row and column are candidates for the rim; many circles through
three candidates are tried at once, and the one wins whose visible arc best separates foreground
from background. Notches, labels and dark quadrants lie off that circle and do not vote. The winner
is refined by least squares. Where no circle is clear, bright marks apart from the field (a name, a
date) are taken away and the search is made once more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from funduscope.inputs.photo import Photo

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Contrast = npt.NDArray[np.int16]

_THUMB = 256
# Difference from the background color (0-255) above which a pixel belongs to the field. Low first:
# dark photographs; high: glare and JPEG noise in the black part.
_LEVELS = (8, 16, 32, 64)
_TRIALS = 96
_ANGLES = 90
# A rim counts when this part of its visible arc separates light from dark, and when the visible
# arc is at least this part of the whole circle (four corners of a square cut at 80%: 0.18).
_MIN_SUPPORT = 0.55
_MIN_ARC = 0.10
# Smallest radius as a share of the short side: smaller bright rounds are discs, glare, lesions.
_SMALLEST = 0.15
# How far outside the frame the center may lie: a photograph cut down to 40% has it at 0.25.
_OUTSIDE = 0.3
# No other level is tried once a circle is as clear as this.
_CLEAR = 0.92
# Letters beside the field: above the second level, outside the circle around what the first shows
# of the field; this many pixels at least, at most this part of it (a second field is larger).
_MARK = (16, 64)
_MARKED = (12, 0.15)
# Of a dark photograph only scraps are seen: they fill less than this of the circle around them. Set
# after two circles of `unam_cfp` had changed, so that they do not.
_FILLED = 0.7


@dataclass(frozen=True)
class Field:
    """The circle of the field of view, in pixels of the picture it was found in.

    Attributes:
        x, y: center, pixel edges as coordinates (the left edge of the picture is 0.0).
        radius: of the circle.
        clipped: part of the circle lies outside the picture.
    """

    x: float
    y: float
    radius: float
    clipped: bool

    def scaled(self, factor: float) -> Field:
        """The same circle in a picture `factor` times as large."""
        return Field(self.x * factor, self.y * factor, self.radius * factor, self.clipped)


def thumbnail(rgb: Photo, side: int) -> tuple[Photo, int]:
    """The picture shrunk by a whole factor so that its long side is at most `side` px.

    Returns the small picture (each pixel the mean of factor x factor) and the factor.
    """
    factor = -(-max(rgb.shape[:2]) // side)
    if factor == 1:
        return rgb, 1
    return np.asarray(Image.fromarray(rgb).reduce(factor)), factor


def find_field(rgb: Photo) -> Field | None:
    """Find the circle of the field of view.

    Args:
        rgb: uint8 (H, W, 3), upright.

    Returns:
        The circle in pixels of `rgb`, or None when the picture shows no circular rim (a crop from
        inside the field, or no fundus photograph at all).
    """
    small, factor = thumbnail(rgb, _THUMB)
    contrast = _contrast(small)
    best = _fit(contrast)
    if best[0] <= _CLEAR and (around := _around_field(contrast)) is not None:
        circle, inside = around
        best = _fit(contrast * inside)
        if best[0] < _MIN_SUPPORT:  # no circle (squeezed, say), yet the letters are not of it
            best = _MIN_SUPPORT, circle
    if best[0] < _MIN_SUPPORT:
        return None
    x, y, radius = best[1]
    height, width = rgb.shape[0] / factor, rgb.shape[1] / factor
    if radius < _SMALLEST * min(height, width):
        return None
    slack = 0.02 * radius
    inside = min(x, y, width - x, height - y) >= radius - slack
    return Field(float(x), float(y), float(radius), not inside).scaled(factor)


def _contrast(small: Photo) -> Contrast:
    """Largest channel difference of each pixel from the background color, (h, w) 0-255."""
    height, width = small.shape[:2]
    patch = max(2, min(height, width) // 48)
    patches = [
        small[rows, columns].reshape(-1, 3)
        for rows in (slice(patch), slice(height - patch, height))
        for columns in (slice(patch), slice(width - patch, width))
    ]
    corners = np.median(np.stack(patches), axis=1)
    ground = np.median(corners, axis=0)
    if np.abs(corners - ground).max(axis=1).min() > 12 or ground.min() < 40:
        ground = np.minimum(corners.min(axis=0), 24)  # camera black, unless all corners are pale
    difference = np.abs(small.astype(np.int16) - ground.astype(np.int16))
    red, green, blue = (difference[..., channel] for channel in range(3))
    largest: Contrast = np.maximum(np.maximum(red, green), blue)
    return largest  # five times as fast as .max(axis=2)


def _fit(contrast: Contrast) -> tuple[float, Floats]:
    """The circle of the level that shows it best, and how well."""
    best = -1.0, np.zeros(3)
    for level in _LEVELS:
        mask, corner = _trim(contrast > level)
        points = _rim_candidates(mask)
        if len(points) < 12:
            continue
        score, circle = _best_circle(points, mask)
        if score > best[0] + 0.02:
            best = score, circle + corner
        if score > _CLEAR:
            break
    return best


def _around_field(contrast: Contrast) -> tuple[Floats, Mask] | None:
    """The circle about the middle of the largest piece that holds all of it, and what lies in it.

    None where no bright marks lie outside of it.
    """
    field = _largest_piece(contrast > _MARK[0])
    rows, columns = np.nonzero(field)
    if not len(rows):
        return None
    x, y = ((at.min() + at.max() + 1) / 2 for at in (columns, rows))
    radius = np.hypot(columns + 0.5 - x, rows + 0.5 - y).max()
    down, across = (np.arange(n) + 0.5 for n in field.shape)
    inside = np.hypot(across[None, :] - x, down[:, None] - y) <= radius
    marks = int((~inside & (contrast > _MARK[1])).sum())
    if not _MARKED[0] <= marks <= _MARKED[1] * len(rows) or len(rows) < _FILLED * inside.sum():
        return None
    return np.array([x, y, radius]), inside


def _largest_piece(mask: Mask) -> Mask:
    """What hangs together with the longest run of any row, along rows and columns."""
    runs = [_runs(mask), _runs(mask.T).T]
    piece: Mask = mask & (runs[0] == np.bincount(runs[0][mask], minlength=1).argmax())
    size = 0
    while size < (size := int(piece.sum())):
        for run in runs:
            reached = np.zeros(run.max() + 1, bool)
            reached[run[piece]] = True
            piece = mask & reached[run]
    return piece


def _runs(mask: Mask) -> npt.NDArray[np.intp]:
    """Of each pixel the number of its run of foreground in its row."""
    number: npt.NDArray[np.intp] = np.cumsum(~np.pad(mask, ((0, 0), (1, 0))), dtype=np.intp)
    return number.reshape(len(mask), -1)[:, 1:]


def _trim(mask: Mask) -> tuple[Mask, Floats]:
    """Cut off margins with (nearly) no foreground; returns also what to add to x, y, radius.

    A field flattened by black bars then looks like one flattened by the frame.
    """
    spans = []
    for axis in (1, 0):
        count = mask.sum(axis=axis)
        full = np.flatnonzero(count > 0.03 * count.max())
        spans.append((full[0], full[-1] + 1) if len(full) else (0, len(count)))
    (top, bottom), (left, right) = spans
    return mask[top:bottom, left:right], np.array([left, top, 0.0])


def _rim_candidates(mask: Mask) -> Floats:
    """First and last foreground pixel of rows and columns that do not touch the frame, (N, 2)."""
    found = []
    for axis in (0, 1):
        grid = mask if axis == 0 else mask.T
        length = grid.shape[1]
        rows = np.flatnonzero(grid.any(axis=1))
        first = grid[rows].argmax(axis=1)
        last = length - grid[rows][:, ::-1].argmax(axis=1)
        for edge, keep in ((first, first > 1), (last, last < length - 1)):
            pair = np.stack([edge[keep].astype(float), rows[keep] + 0.5], axis=1)
            found.append(pair if axis == 0 else pair[:, ::-1])
    return np.concatenate(found)


@lru_cache(maxsize=1)
def _directions() -> Floats:
    angle = np.linspace(0, 2 * np.pi, _ANGLES, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


@lru_cache(maxsize=1)
def _triples() -> Floats:
    """Fixed random numbers in 0..1, (trials, 3): the same picture always gives the same circle."""
    return np.random.default_rng(0).random((_TRIALS, 3))


def _best_circle(points: Floats, mask: Mask) -> tuple[float, Floats]:
    height, width = mask.shape
    # One candidate from each third of the list sorted by angle spreads the three points.
    middle = points.mean(axis=0)
    order = np.argsort(np.arctan2(*(points - middle).T))
    spread = (_triples() + np.arange(3)) / 3
    circles = _through_three(points[order][(spread * len(points)).astype(int)])
    x, y, radius = circles.T
    sane = (
        (radius > 0.3 * min(height, width))
        & (radius < 0.75 * np.hypot(height, width))
        & (x > -_OUTSIDE * width)
        & (x < (1 + _OUTSIDE) * width)
        & (y > -_OUTSIDE * height)
        & (y < (1 + _OUTSIDE) * height)
    )
    if not sane.any():
        return 0.0, circles[0]
    circles = circles[sane]
    scores = _scores(circles, mask)
    circle = circles[scores.argmax()]
    score = scores.max()
    for tolerance in (2.5, 1.5, 1.5):
        refined = _refine(points, circle, tolerance)
        new = _scores(refined[None], mask)[0]
        if new < score - 0.05:
            break
        circle, score = refined, new
    return float(score), circle


def _through_three(corners: Floats) -> Floats:
    """Circles (x, y, radius) through three points each; corners (T, 3, 2)."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    ab, ac = b - a, c - a
    cross = 2 * (ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0])
    cross = np.where(np.abs(cross) < 1e-6, np.inf, cross)
    ab2, ac2 = (ab**2).sum(axis=1), (ac**2).sum(axis=1)
    ux = (ac[:, 1] * ab2 - ab[:, 1] * ac2) / cross
    uy = (ab[:, 0] * ac2 - ac[:, 0] * ab2) / cross
    return np.stack([a[:, 0] + ux, a[:, 1] + uy, np.hypot(ux, uy)], axis=1)


def _scores(circles: Floats, mask: Mask) -> Floats:
    """Part of each circle's visible arc with foreground just inside, background just outside."""
    height, width = mask.shape
    step = np.maximum(2.0, 0.02 * circles[:, 2])
    sides = []
    seen = None
    for sign in (1.0, -1.0):
        reach = (circles[:, 2] + sign * step)[:, None, None] * _directions()[None]
        column = np.floor(reach[..., 0] + circles[:, :1]).astype(np.int32)
        row = np.floor(reach[..., 1] + circles[:, 1:2]).astype(np.int32)
        within = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        seen = within if seen is None else seen
        place = row.clip(0, height - 1) * width + column.clip(0, width - 1)
        sides.append(mask.take(place))
    assert seen is not None
    arc = seen.sum(axis=1)
    support = (seen & sides[1] & ~sides[0]).sum(axis=1) / np.maximum(arc, 1)
    # Light outside the circle speaks against it more than a dark quadrant inside.
    spill = (seen & sides[0]).sum(axis=1) / np.maximum(arc, 1)
    return np.where(arc >= _MIN_ARC * _ANGLES, support - 0.5 * spill, 0.0)


def _refine(points: Floats, circle: Floats, tolerance: float) -> Floats:
    """Least squares (Kasa) over the candidates within `tolerance` px of the circle."""
    distance = np.hypot(points[:, 0] - circle[0], points[:, 1] - circle[1])
    near = points[np.abs(distance - circle[2]) < tolerance]
    if len(near) < 12:
        return circle
    shifted = near - circle[:2]  # small numbers: their squares are summed below
    system = np.column_stack([shifted, np.ones(len(near))])
    squares = (shifted**2).sum(axis=1)
    ridge = 1e-6 * np.eye(3)  # for points on one straight line
    a, b, c = np.linalg.solve(system.T @ system + ridge, system.T @ squares)
    x, y = circle[0] + a / 2, circle[1] + b / 2
    return np.array([x, y, np.sqrt(max(c + (a**2 + b**2) / 4, 1e-6))])
