"""The square canvas on which one eye is drawn, and the shapes and textures put on it.

Everything is drawn as a right eye: `u` grows toward the nose (right), `v` downward, both in units
of the field's radius; a left eye is the finished right eye, mirrored. Sizes are given in
millimetres on the retina and become pixels here.
Shape legend: S = side of the canvas in pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Plane = NDArray[np.float32]
Rng = np.random.Generator

# A degree of visual angle is 0.288 mm on the retina of a normal eye (Drasdo and Fowler, Br J
# Ophthalmol 1974;58:709).
MM_PER_DEGREE = 0.288
_OVERSAMPLE = 2


@dataclass(frozen=True)
class Frame:
    """The canvas: a square of `side` pixels (a multiple of 4) around a field of `radius` pixels.

    Attributes:
        degrees: angle of view that the field's diameter covers.
        u, v, r: place of each pixel and its distance from the center, in radii, (S, S).
    """

    radius: float
    degrees: float
    side: int = 0
    u: Plane = field(init=False, repr=False)
    v: Plane = field(init=False, repr=False)
    r: Plane = field(init=False, repr=False)

    def __post_init__(self) -> None:
        side = self.side or 4 * math.ceil((self.radius + 2) / 2)
        axis = (np.arange(side, dtype=np.float32) + 0.5 - side / 2) / np.float32(self.radius)
        u, v = np.meshgrid(axis, axis)
        for name, value in (("side", side), ("u", u), ("v", v), ("r", np.hypot(u, v))):
            object.__setattr__(self, name, value)

    def coarse(self, factor: int) -> Frame:
        """The same field on a canvas `factor` (2 or 4) times smaller, for what varies slowly."""
        return Frame(self.radius / factor, self.degrees, self.side // factor)

    def grow(self, plane: Plane) -> Plane:
        """Enlarge a plane of a coarse frame to this frame's size."""
        image = Image.fromarray(plane).resize((self.side, self.side), Image.Resampling.BILINEAR)
        return np.asarray(image)

    @property
    def mm(self) -> float:
        """How many radii one millimetre on the retina is."""
        return 2 / (self.degrees * MM_PER_DEGREE)

    def empty(self) -> Plane:
        """A canvas of zeros, (S, S)."""
        return np.zeros((self.side, self.side), np.float32)

    def window(self, u: float, v: float, reach: float) -> tuple[slice, slice]:
        """The pixels within `reach` radii of a point (rows, columns), cut at the canvas."""
        half = self.side / 2
        spans = []
        for center in (v, u):
            low = math.floor((center - reach) * self.radius + half)
            high = math.ceil((center + reach) * self.radius + half)
            spans.append(slice(max(low, 0), max(min(high, self.side), 0)))
        return spans[0], spans[1]


def clouds(rng: Rng, side: int, cells: int) -> Plane:
    """Smooth noise, (side, side), about zero mean and unit spread, with `cells` bumps across."""
    grid = rng.standard_normal((cells, cells), dtype=np.float32)
    image = Image.fromarray(grid).resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(image, np.float32) * np.float32(1.3)


def smooth(values: Plane, low: float, high: float) -> Plane:
    """0 below `low`, 1 above `high`, an S-curve between (also when `high` < `low`)."""
    t = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def stamp(
    canvas: Plane,
    frame: Frame,
    rng: Rng,
    at: tuple[float, float],
    radii: tuple[float, float],
    *,
    angle: float = 0.0,
    ragged: float = 0.0,
    soft: float = 0.4,
    value: float = 1.0,
) -> None:
    """Add one filled ellipse to `canvas` (the greater value stays).

    Args:
        at: center (u, v); radii: along and across `angle` (radians), both in field radii.
        ragged: how far the outline strays from the ellipse, as a share of the radius.
        soft: width of the blurred rim, as a share of the radius.
    """
    rows, columns = frame.window(*at, max(radii) * (1.3 + ragged + soft / 2) + 1 / frame.radius)
    du, dv = frame.u[rows, columns] - at[0], frame.v[rows, columns] - at[1]
    if du.size == 0:
        return
    cos, sin = math.cos(angle), math.sin(angle)
    a = (du * cos + dv * sin) / radii[0]
    b = (dv * cos - du * sin) / radii[1]
    distance = np.hypot(a, b)
    if ragged:
        turn = np.arctan2(b, a)
        for order in (2, 3, 5):
            wave = np.cos(order * turn + rng.uniform(0, 2 * math.pi))
            distance = distance - wave * rng.uniform(-ragged, ragged)
    # A rim narrower than a pixel would alias.
    rim = max(soft, 1.0 / (min(radii) * frame.radius))
    alpha = np.clip((1 - distance) / rim + 0.5, 0, 1) * value
    np.maximum(canvas[rows, columns], alpha, out=canvas[rows, columns])


class Pen:
    """Draws thin lines with soft edges: a twice as large 8-bit canvas that is shrunk at the end."""

    def __init__(self, frame: Frame) -> None:
        self._scale = frame.radius * _OVERSAMPLE
        self._half = frame.side * _OVERSAMPLE / 2
        side = frame.side * _OVERSAMPLE
        self._image = Image.new("L", (side, side), 0)
        self._draw = ImageDraw.Draw(self._image)

    def line(
        self, points: NDArray[np.float64], widths: Sequence[float], level: float, chunk: int = 4
    ) -> None:
        """One line through `points` (n, 2) in (u, v), `widths` (n) in radii, `level` 0-1."""
        flat = points * self._scale + self._half
        fill = int(255 * level)
        for start in range(0, len(flat) - 1, chunk):
            piece = flat[start : start + chunk + 1]
            width = max(1, round(widths[start] * self._scale))
            self._draw.line(piece.ravel().tolist(), fill=fill, width=width)

    def spindle(self, middle: tuple[float, float], angle: float, length: float, width: float,
                level: float) -> None:  # fmt: skip
        """A stroke that thins out at both ends."""
        cos, sin = math.cos(angle), math.sin(angle)
        corners = []
        for along, across in ((-1, 0), (-0.3, 1), (0.35, 0.9), (1, 0), (0.3, -1), (-0.35, -0.9)):
            x, y = along * length / 2, across * width / 2
            corners += [
                (middle[0] + x * cos - y * sin) * self._scale + self._half,
                (middle[1] + x * sin + y * cos) * self._scale + self._half,
            ]
        self._draw.polygon(corners, fill=int(255 * level))

    def plane(self, soft: float = 0.0) -> Plane:
        """What was drawn, (S, S), 0-1; `soft` blurs it by so many thousandths of the field."""
        shrunk = self._image.reduce(_OVERSAMPLE)
        if soft:
            sigma = soft * self._scale / _OVERSAMPLE / 500
            shrunk = shrunk.filter(ImageFilter.GaussianBlur(sigma))
        return np.asarray(np.asarray(shrunk, np.float32) / np.float32(255), np.float32)
