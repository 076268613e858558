"""A small drawn fundus photograph, and photographs of the real sets when they are there."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageFilter

Photo = npt.NDArray[np.uint8]


def _draw(seed: int = 0, side: int = 300, disc: str = "right") -> Photo:
    """Red-orange disk on black, bright optic disc, dark branching vessels, darker macula."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (side, side), (190, 95, 40))
    pen = ImageDraw.Draw(image)
    x, y = (0.78 if disc == "right" else 0.22) * side, rng.uniform(0.46, 0.54) * side
    to = -1 if disc == "right" else 1
    for bend in (-0.9, -0.45, 0.45, 0.9):
        points = [(x, y)]
        for step in np.linspace(0.05, 1, 14):
            points.append(
                (
                    x + to * 0.75 * side * step + rng.normal(0, 1),
                    y + bend * side * 0.42 * np.sqrt(step) + rng.normal(0, 1),
                )
            )
        pen.line(points, fill=(130, 40, 22), width=max(2, side // 75), joint="curve")
        for start in range(3, 12, 3):
            a, b = points[start]
            pen.line(
                (a, b, a + to * 0.1 * side, b + bend * 0.2 * side), fill=(140, 48, 25), width=2
            )
    r = 0.07 * side
    pen.ellipse((x - r, y - r, x + r, y + r), fill=(250, 215, 140))
    level = np.asarray(image.filter(ImageFilter.GaussianBlur(side / 300))).astype(float)
    axis = (np.arange(side) + 0.5) / side * 2 - 1
    far = np.hypot(axis[:, None], axis)
    macula = np.exp(-((axis[None, :] ** 2 + axis[:, None] ** 2) / 0.03))
    level *= (1 - 0.25 * far**2 - 0.3 * macula)[..., None]
    level += rng.normal(0, 1.5, level.shape)
    level[far > 0.97] = rng.uniform(0, 2)
    return level.clip(0, 255).astype(np.uint8)


@pytest.fixture
def draw() -> Callable[..., Photo]:
    """The drawing function: draw(seed, side, disc)."""
    return _draw


@pytest.fixture
def fundus() -> Photo:
    """One drawn fundus photograph, 300 x 300, disc on the right."""
    return _draw()


def _encode(rgb: Photo, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, kind, **options)  # type: ignore[arg-type]
    return out.getvalue()


@pytest.fixture
def encode() -> Callable[..., bytes]:
    """encode(rgb, kind, **options of Pillow) -> bytes."""
    return _encode


@pytest.fixture
def real() -> Callable[[str, int], list[Path]]:
    """real(set, n): n photographs spread evenly over a set of FUNDUSCOPE_DATA/data."""
    root = os.environ.get("FUNDUSCOPE_DATA")
    if not root:
        pytest.skip("FUNDUSCOPE_DATA is not set")
    folder = Path(root) / "data"

    def pick(name: str, count: int) -> list[Path]:
        paths = sorted((folder / name / "images").iterdir())
        return paths[:: max(1, len(paths) // count)][:count]

    return pick
