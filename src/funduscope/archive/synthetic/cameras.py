"""The optics and the sensor: light, haze, blur, color cast, field edge, noise, JPEG.

The cameras are inventions; each has its own field, color, notch and compression, so that a model
that reads the camera instead of the retina can be caught.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from funduscope.archive.synthetic.frame import Frame, Plane, Rng, clouds, smooth


@dataclass(frozen=True)
class Camera:
    """One device.

    Attributes:
        width, height: of its photographs, px. degrees: field of view. gain: per color.
        radius: of the field, px; may exceed half of the height: the field is then cut.
        knee: where the tone curve bends. notch: bearing of the orientation mark in degrees, or
        None. quality: of its JPEG. noise: spread, share of the signal. falloff: toward the edge.
    """

    name: str
    width: int
    height: int
    radius: float
    degrees: float
    gain: tuple[float, float, float]
    knee: float
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
        device("FC-45", 1.0, 1.0, 0.985, 45, (1.10, 1.03, 0.95), 0.50, 42.0, 92, 0.010, 0.24),
        device("FC-45 II", 1.07, 1.14, 0.97, 45, (1.22, 1.24, 1.55), 0.40, None, 90, 0.010, 0.20),
        device("RX-50", 0.93, 1.10, 1.09, 50, (1.20, 0.86, 0.62), 0.62, None, 88, 0.012, 0.34),
        device("Orion N", 1.15, 1.25, 0.96, 45, (0.92, 1.12, 0.85), 0.55, 0.0, 86, 0.013, 0.32),
        device("HandEye 3", 0.86, 1.0, 1.0, 50, (0.82, 0.98, 1.30), 0.65, None, 82, 0.018, 0.50),
    )
    return {camera.name: camera for camera in made}


@dataclass(frozen=True)
class Shot:
    """How one photograph was taken: `light` 1 is well lit, `blur` in px at 448 px of height."""

    light: float = 1.0
    blur: float = 0.0


Placer = Callable[[NDArray[Any]], NDArray[Any]]


def expose(
    rng: Rng, frame: Frame, planes: NDArray[np.float32], haze: float, camera: Camera, shot: Shot
) -> tuple[NDArray[np.uint8], Placer]:
    """Photograph the log reflectance `planes` (3, S, S), which are used up.

    Args:
        haze: 0 clear to 1 dense opacity of the media.

    Returns:
        The picture (H, W, 3) and the function that moves any (S, S) plane onto the picture.
    """
    coarse = frame.coarse(4)
    planes += frame.grow(
        _illumination(rng, coarse, camera) + np.float32(math.log(1.12 * shot.light))
    )
    image = np.exp(planes, out=planes)
    _scatter(rng, frame, image, haze)
    image *= np.array(camera.gain, np.float32)[:, None, None]
    _rim_glow(rng, frame, image, shot.light)
    np.maximum(image, 0, out=image)
    # A film-like shoulder: bright discs keep some detail.
    image *= np.float32(1 + camera.knee) / (image + np.float32(camera.knee))
    image *= np.float32(240)
    scale = frame.radius / 220
    blur = math.hypot(shot.blur, 3.4 * haze) * scale
    return _record(rng, frame, image, camera, blur)


def _illumination(rng: Rng, frame: Frame, camera: Camera) -> Plane:
    """Uneven flash, as log: a tilt, a falloff toward the edge, slow patches."""
    tilt, turn = rng.uniform(0.05, 0.24), rng.uniform(0, 2 * math.pi)
    slope = frame.u * np.float32(tilt * math.cos(turn)) + frame.v * np.float32(
        tilt * math.sin(turn)
    )
    falloff = np.float32(camera.falloff * rng.uniform(0.7, 1.4))
    edge = falloff * frame.r**2 + falloff * np.float32(0.8) * frame.r**6
    patches = clouds(rng, frame.side, 4) * np.float32(0.06)
    return np.asarray(slope - edge + patches + rng.normal(0, 0.15), np.float32)


def _scatter(rng: Rng, frame: Frame, image: NDArray[np.float32], haze: float) -> None:
    """Light scattered in the lens: a veil over everything, yellowish and denser with cataract."""
    veil: Plane | np.float32 = np.float32(0.02 + rng.uniform(0, 0.03))
    if haze:
        coarse = frame.coarse(4)
        thick = (1 + 0.22 * clouds(rng, coarse.side, 4)) * (1.12 - 0.3 * coarse.r)
        dense = np.clip(veil + np.float32(0.82 * haze) * thick, 0, 0.93)
        veil = frame.grow(dense.astype(np.float32))
    sample = image[:, ::6, ::6]
    mean = sample[:, frame.r[::6, ::6] < 0.95].mean(axis=1)
    color = mean * np.array([1.0, 1.15, 1.3 - 0.3 * haze], np.float32)
    image *= 1 - veil
    image += color[:, None, None] * veil


def _rim_glow(rng: Rng, frame: Frame, image: NDArray[np.float32], light: float) -> None:
    """A milky or dark crescent at the edge, as from a pupil that is off the axis."""
    turn, start = rng.uniform(0, 2 * math.pi), rng.uniform(0.45, 0.75)
    bright, strength = rng.random() < 0.6, rng.uniform(0.2, 0.8)
    if rng.random() < 0.4:
        return
    coarse = frame.coarse(4)
    toward = coarse.u * np.float32(math.cos(turn)) + coarse.v * np.float32(math.sin(turn))
    zone = frame.grow(smooth(toward, start, 1.1) * smooth(coarse.r, 0.70, 1.0))
    if bright:
        glow = np.array([0.30, 0.27, 0.16], np.float32) * np.float32(strength * light)
        image += zone * glow[:, None, None]
    else:
        image *= 1 - np.float32(strength) * zone


def _aperture(frame: Frame, camera: Camera) -> Plane:
    """The round mask of the field with its soft edge and its notch, 0-1."""
    soft = 1.4 / frame.radius
    mask = smooth(frame.r, 1.0 + soft / 2, 1.0 - soft)
    if camera.notch is not None:
        angle = math.radians(camera.notch)
        along = frame.u * math.cos(angle) - frame.v * math.sin(angle)
        across = np.abs(frame.u * math.sin(angle) + frame.v * math.cos(angle))
        mask = np.where(across < (along - 0.945) * 0.6, 0, mask)
    return np.asarray(mask, np.float32)


@lru_cache(maxsize=8)
def _grain(height: int, width: int) -> NDArray[np.float32]:
    """Sensor noise, (height + 64, width + 64, 3), unit spread, partly common to the colors."""
    rng = np.random.default_rng(20260101)
    shape = (height + 64, width + 64)
    common = rng.standard_normal((*shape, 1), dtype=np.float32)
    return np.asarray(0.8 * common + 0.6 * rng.standard_normal((*shape, 3), dtype=np.float32))


def _record(
    rng: Rng, frame: Frame, image: NDArray[np.float32], camera: Camera, blur: float
) -> tuple[NDArray[np.uint8], Placer]:
    """Place the field on the sensor, blur it, add noise, round to 8 bits; `image` is 0-255."""
    height, width = camera.height, camera.width
    top = (height - frame.side) // 2 + int(rng.integers(-2, 3))
    left = (width - frame.side) // 2 + int(rng.integers(-2, 3))
    rows = slice(max(top, 0), min(top + frame.side, height))
    columns = slice(max(left, 0), min(left + frame.side, width))

    def place(plane: NDArray[Any]) -> NDArray[Any]:
        picture = np.zeros((height, width, *plane.shape[2:]), plane.dtype)
        picture[rows, columns] = plane[
            rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
        ]
        return picture

    bytes_ = np.minimum(image, 255).astype(np.uint8).transpose(1, 2, 0)
    soft = np.asarray(_blurred(Image.fromarray(bytes_), blur))
    # The field stop lies in the camera: its edge stays sharp however dim the eye's media are.
    picture = place(soft * _aperture(frame, camera)[..., None])
    y, x = rng.integers(0, 64, 2)
    speckle = _grain(height, width)[y : y + height, x : x + width] * np.float32(camera.noise)
    # Noise grows with the signal; the black border keeps a little.
    picture = picture + speckle * (picture + 60) + np.float32(0.5 + rng.uniform(0, 4))
    return np.clip(picture, 0, 255).astype(np.uint8), place


def _blurred(image: Image.Image, sigma: float) -> Image.Image:
    """Gaussian blur; below a pixel by a 3 x 3 kernel, which is several times faster."""
    if sigma < 0.4:
        return image
    if sigma >= 0.9:
        return image.filter(ImageFilter.GaussianBlur(sigma))
    side = math.exp(-0.5 / sigma**2)
    weights = [side * side, side, side * side, side, 1.0, side, side * side, side, side * side]
    return image.filter(ImageFilter.Kernel((3, 3), weights))


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
