"""The optics and the sensor: light, haze, blur, color cast, field edge, noise, JPEG.

The cameras are inventions; each has its own field, color, notch and compression, so that a model
that reads the camera instead of the retina can be caught.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from funduscope.archive.synthetic.frame import Frame, Plane, Rng, clouds, smooth


@dataclass(frozen=True)
class Camera:
    """One device.

    Attributes:
        width, height: of its photographs, px. radius: of the field, px (may exceed the height's
        half: the field is then cut). degrees: field of view. gain: per color. gamma: tone.
        notch: bearing of the orientation mark in degrees (None: no mark). quality: of its JPEG.
    """

    name: str
    width: int
    height: int
    radius: float
    degrees: float
    gain: tuple[float, float, float]
    gamma: float
    notch: float | None
    quality: int
    noise: float = 0.012
    falloff: float = 0.25


def cameras(size: int) -> dict[str, Camera]:
    """The five devices, for photographs about `size` px high (0.86 to 1.15 times)."""

    def device(name: str, high: float, wide: float, fill: float, *rest: Any) -> Camera:
        height = round(size * high)
        return Camera(name, round(height * wide), height, height / 2 * fill, *rest)

    made = (
        device("FC-45", 1.0, 1.0, 0.985, 45, (1.10, 1.03, 0.95), 0.96, 42.0, 92, 0.010, 0.22),
        device("FC-45 II", 1.07, 1.14, 0.97, 45, (1.20, 1.22, 1.55), 0.92, None, 90, 0.010, 0.18),
        device("RX-50", 0.93, 1.10, 1.09, 50, (1.18, 0.90, 0.66), 1.00, None, 88, 0.012, 0.30),
        device("Orion N", 1.15, 1.25, 0.96, 45, (0.98, 1.12, 0.85), 1.00, 0.0, 86, 0.013, 0.30),
        device("HandEye 3", 0.86, 1.0, 1.0, 50, (0.88, 1.00, 1.15), 1.05, None, 82, 0.020, 0.45),
    )
    return {camera.name: camera for camera in made}


@dataclass(frozen=True)
class Shot:
    """How one photograph was taken: `light` 1 is well lit, `blur` in px at 448 px of height."""

    light: float = 1.0
    blur: float = 0.0


Placer = Callable[[NDArray[Any]], NDArray[Any]]


def expose(
    rng: Rng,
    frame: Frame,
    reflectance: NDArray[np.float32],
    haze: float,
    camera: Camera,
    shot: Shot,
) -> tuple[NDArray[np.uint8], Placer]:
    """Photograph a reflectance (3, S, S).

    Args:
        haze: 0 clear to 1 dense opacity of the media.

    Returns:
        The picture (H, W, 3) and the function that moves any (S, S) plane onto the picture.
    """
    light = _illumination(rng, frame, camera) * np.float32(1.32 * shot.light)
    image = reflectance * light
    scale = frame.radius / 220
    image = _scatter(rng, frame, image, haze, scale)
    blur = math.hypot(0.55 * scale, shot.blur * scale, 2.6 * haze * scale)
    image = np.stack([_blurred(plane, blur) for plane in image])
    image *= np.array(camera.gain, np.float32)[:, None, None]
    image = _rim_glow(rng, frame, image)
    np.clip(image, 0, None, out=image)
    # A film-like shoulder: bright discs keep some detail.
    image = np.float32(1.16) * image / (image + np.float32(0.42)) * np.float32(0.98)
    if camera.gamma != 1:
        np.power(image, np.float32(camera.gamma), out=image)
    image *= _aperture(frame, camera)
    return _record(rng, frame, image, camera)


def _illumination(rng: Rng, frame: Frame, camera: Camera) -> Plane:
    """Uneven flash: a tilt, a falloff toward the edge, slow patches."""
    tilt, turn = rng.uniform(0.03, 0.16), rng.uniform(0, 2 * math.pi)
    slope = frame.u * np.float32(tilt * math.cos(turn)) + frame.v * np.float32(
        tilt * math.sin(turn)
    )
    edge = np.float32(camera.falloff * rng.uniform(0.7, 1.3)) * frame.r**2
    patches = clouds(rng, frame.side, 4) * np.float32(0.04)
    exposure = np.float32(rng.normal(0, 0.09))
    return np.asarray(np.exp(slope - edge + patches + exposure), np.float32)


def _scatter(
    rng: Rng, frame: Frame, image: NDArray[np.float32], haze: float, scale: float
) -> NDArray[np.float32]:
    """Light scattered in the lens: a veil over everything, yellowish and denser with cataract."""
    amount = 0.03 + rng.uniform(0, 0.03) + haze * 0.62
    veil = np.float32(amount)
    if haze:
        veil = (
            veil
            * (1 + np.float32(0.22) * clouds(rng, frame.side, 4))
            * (1 + np.float32(0.35) * (1 - frame.r))
        )
        veil = np.clip(veil, 0, 0.93)
    mean = image[:, frame.r < 0.95].mean(axis=1)
    color = mean * np.array([1.02, 1.16, 1.22 - 0.25 * haze], np.float32)
    del scale
    return np.asarray(image * (1 - veil) + color[:, None, None] * veil, np.float32)


def _blurred(plane: Plane, sigma: float) -> Plane:
    """Gaussian blur by repeated box filters (Pillow, on 8-bit-free floats by separable sums)."""
    if sigma < 0.3:
        return plane
    reach = max(1, math.ceil(2.5 * sigma))
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        padded = np.pad(plane, [(reach, reach) if a == axis else (0, 0) for a in (0, 1)], "edge")
        total = np.zeros_like(plane)
        for start, weight in enumerate(weights):
            cut = [slice(None), slice(None)]
            cut[axis] = slice(start, start + plane.shape[axis])
            total += padded[tuple(cut)] * np.float32(weight)
        plane = total
    return plane


def _rim_glow(rng: Rng, frame: Frame, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """A milky or dark crescent at the edge, as from a pupil that is off the axis."""
    if rng.random() < 0.45:
        return image
    turn = rng.uniform(0, 2 * math.pi)
    toward = frame.u * np.float32(math.cos(turn)) + frame.v * np.float32(math.sin(turn))
    zone = smooth(toward, rng.uniform(0.55, 0.75), 1.1) * smooth(frame.r, 0.72, 1.0)
    if rng.random() < 0.6:
        glow = np.array([0.30, 0.27, 0.16], np.float32) * np.float32(rng.uniform(0.2, 0.75))
        return image + zone * glow[:, None, None]
    return image * (1 - np.float32(rng.uniform(0.3, 0.7)) * zone)


def _aperture(frame: Frame, camera: Camera) -> Plane:
    """The round mask of the field with its soft edge and its notch, 0-1."""
    soft = 1.4 / frame.radius
    mask = smooth(frame.r, 1.0 + soft / 2, 1.0 - soft)
    if camera.notch is not None:
        angle = math.radians(camera.notch)
        along = frame.u * math.cos(angle) - frame.v * math.sin(angle)
        across = np.abs(frame.u * math.sin(angle) + frame.v * math.cos(angle))
        tab = (across < 0.028) & (along > 0.9) & (along < 1.0)
        mask = np.where(tab, np.minimum(mask, 0.12), mask)
    return np.asarray(mask, np.float32)


def _record(
    rng: Rng, frame: Frame, image: NDArray[np.float32], camera: Camera
) -> tuple[NDArray[np.uint8], Placer]:
    """Place the field on the sensor, add noise, round to 8 bits."""
    drift = (int(rng.integers(-2, 3)), int(rng.integers(-2, 3)))
    top = (camera.height - frame.side) // 2 + drift[0]
    left = (camera.width - frame.side) // 2 + drift[1]

    def place(plane: NDArray[Any]) -> NDArray[Any]:
        picture = np.zeros((camera.height, camera.width), plane.dtype)
        rows = slice(max(top, 0), min(top + frame.side, camera.height))
        columns = slice(max(left, 0), min(left + frame.side, camera.width))
        picture[rows, columns] = plane[
            rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
        ]
        return picture

    shape = (camera.height, camera.width)
    grain = rng.standard_normal(shape, dtype=np.float32) * np.float32(camera.noise)
    chroma = rng.standard_normal(shape, dtype=np.float32) * np.float32(camera.noise * 0.6)
    black = np.float32(rng.uniform(0.0, 0.015))
    out = np.empty((*shape, 3), np.uint8)
    for index, sign in enumerate((0.8, -0.4, 0.9)):
        plane = place(image[index])
        speckle = (grain + np.float32(sign) * chroma) * (np.float32(0.25) + plane)
        level = (plane + speckle + black) * 255 + np.float32(0.5)
        out[..., index] = np.clip(level, 0, 255).astype(np.uint8)
    return out, place


def jpeg(rgb: NDArray[np.uint8], quality: int) -> bytes:
    """The bytes of a JPEG file."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def png(rgb: NDArray[np.uint8]) -> bytes:
    """The bytes of a PNG file (fast compression)."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
