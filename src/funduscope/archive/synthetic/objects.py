"""Pictures that are no fundus photographs, filed by mistake: a landscape, a form, a round lamp."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from funduscope.archive.synthetic.frame import Rng, clouds


def draw_object(rng: Rng, height: int, width: int) -> NDArray[np.uint8]:
    """One such picture, (height, width, 3) uint8."""
    draw = (_landscape, _form, _desk)[int(rng.integers(3))]
    image = Image.new("RGB", (width, height))
    draw(rng, image)
    grain = clouds(rng, max(height, width), max(height, width) // 3)[:height, :width, None]
    noisy = np.asarray(image, np.float32) + grain * 3
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def _landscape(rng: Rng, image: Image.Image) -> None:
    pen, (width, height) = ImageDraw.Draw(image), image.size
    for row in range(height):
        share = row / height
        pen.line([(0, row), (width, row)], fill=(int(90 + 90 * share), int(140 + 70 * share), 230))
    horizon = int(height * rng.uniform(0.45, 0.65))
    ridge = [(x, horizon - int(rng.integers(5, height // 6))) for x in range(0, width + 40, 40)]
    pen.polygon([(0, height), *ridge, (width, height)], fill=(70, 95, 80))
    pen.rectangle([0, int(height * 0.75), width, height], fill=(96, 130, 60))
    x = int(width * rng.uniform(0.2, 0.6))
    pen.rectangle([x, horizon, x + width // 5, int(height * 0.8)], fill=(170, 160, 150))


def _form(rng: Rng, image: Image.Image) -> None:
    pen, (width, height) = ImageDraw.Draw(image), image.size
    pen.rectangle([0, 0, width, height], fill=(236, 235, 228))
    for row in range(height // 12, height - 10, max(6, height // 28)):
        end = int(width * rng.uniform(0.4, 0.95))
        pen.line([(width // 12, row), (end, row)], fill=(60, 60, 70), width=max(1, height // 150))
    pen.rectangle([width // 2, height // 30, width * 9 // 10, height // 14], outline=(20, 20, 120))


def _desk(rng: Rng, image: Image.Image) -> None:
    pen, (width, height) = ImageDraw.Draw(image), image.size
    pen.rectangle([0, 0, width, height], fill=(120, 122, 126))
    pen.rectangle([0, int(height * 0.6), width, height], fill=(92, 70, 52))
    for _ in range(5):
        x, y = int(rng.integers(0, width)), int(rng.integers(height // 3, height))
        w, h = (
            int(rng.integers(width // 8, width // 3)),
            int(rng.integers(height // 8, height // 3)),
        )
        color = tuple(int(c) for c in rng.integers(20, 235, 3))
        pen.rectangle([x, y - h, x + w, y], fill=color)
