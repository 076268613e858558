"""Photographs that nobody owns, for a package to test itself with.

They only need to run through every step of the road from file to score; they are not meant to look
like anybody's eye.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from funduscope.inputs import Photo

_SIDE = 480


def draw() -> dict[str, bytes]:
    """Three drawn fundus photographs: file name -> bytes (two JPEG, one PNG)."""
    return {
        "left.jpg": _encode(_eye(disc_x=0.30, light=1.0, side=_SIDE), "JPEG"),
        "right.jpg": _encode(_eye(disc_x=0.70, light=0.7, side=_SIDE), "JPEG"),
        "small.png": _encode(_eye(disc_x=0.68, light=1.1, side=256), "PNG"),
    }


def _encode(rgb: Photo, form: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, form, quality=92)
    return stream.getvalue()


def _eye(*, disc_x: float, light: float, side: int) -> Photo:
    """Orange field, bright disc, dark macula and four vessel arcs; lengths as shares of `side`."""
    y, x = (np.mgrid[:side, :side] + 0.5) / side
    toward = 1.0 if disc_x < 0.5 else -1.0
    spot = np.array([200.0, 92.0, 38.0]) * (1.1 - 0.9 * np.hypot(x - 0.5, y - 0.5))[..., None]
    macula = np.exp(-(((x - disc_x - toward * 0.36) / 0.07) ** 2 + ((y - 0.52) / 0.07) ** 2))
    spot *= 1 - 0.4 * macula[..., None]
    grain = np.random.default_rng(0).normal(0, 3, (side, side, 1))
    along = (x - disc_x) * toward
    for bend, width in ((0.45, 0.006), (-0.45, 0.006), (0.75, 0.004), (-0.75, 0.004)):
        course = 0.5 + bend * np.sqrt(np.clip(along, 0, None)) * 0.7
        vessel = np.exp(-(((y - course) / (1.5 * width)) ** 2)) * (along > 0)
        spot *= 1 - vessel[..., None] * np.array([0.35, 0.6, 0.5])
    disc = np.exp(-((((x - disc_x) ** 2 + (y - 0.5) ** 2) / 0.06**2) ** 3))[..., None]
    spot = spot * (1 - disc) + disc * np.array([250.0, 205.0, 130.0])
    spot = (spot + grain) * light
    spot[np.hypot(x - 0.5, y - 0.5) > 0.48] = 0
    rgb: Photo = np.clip(spot, 0, 255).astype(np.uint8)
    return rgb
