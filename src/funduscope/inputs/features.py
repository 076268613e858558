"""Numbers that tell a fundus photograph from other pictures, and a good one from a poor one.

All are measured inside the field of view, on a square of 128 px, on ratios of brightness, so that
exposure and size do not matter. What they rest on: the light comes back through blood and
pigment, so red > green > blue nearly everywhere and the hue varies little; the picture is smooth
but for vessels, which are thin, dark and line-shaped, and show in green more than in red because
hemoglobin absorbs green; the field is a disk on black with a sharp rim.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from funduscope.inputs.crop import crop_field
from funduscope.inputs.field import Field, Mask
from funduscope.inputs.photo import Photo

Plane = npt.NDArray[np.float32]

SIDE = 128
# Gaussian sigmas in px of the 128 px square: vessels of one to three px, and the background.
_FINE, _COARSE, _GROUND = 1.0, 2.0, 8.0
# Added to brightness (0-255) before ratios are taken, so that noise in the dark counts for little.
_FLOOR = 6.0


@dataclass(frozen=True)
class Look:
    """Planes measured once and shared by all judgements; (128, 128) each.

    Attributes:
        rgb: float32 (128, 128, 3), 0..255, the square around the field.
        inside: pixels of the field that lie in the picture, 4% off the rim.
        ground: smooth background of green, 0..255.
        contrast: (green - ground) / ground.
        dark_ridge, bright_ridge: how much a thin dark (bright) line passes here, >= 0.
        line: 0 (blob) .. 1 (line), shape of the strongest ridge.
    """

    rgb: Plane
    inside: Mask
    ground: Plane
    contrast: Plane
    dark_ridge: Plane
    bright_ridge: Plane
    line: Plane


def look(rgb: Photo, field: Field | None) -> Look:
    """Measure the planes; without a field, the largest disk in the middle of the picture."""
    height, width = rgb.shape[:2]
    if field is None:
        field = Field(width / 2, height / 2, min(height, width) / 2, clipped=False)
    square = crop_field(rgb, field, SIDE).astype(np.float32)
    inside = _inside(field, height, width)
    weight = inside.astype(np.float32)
    green = square[..., 1]
    smooth_weight = blur(weight, (_GROUND,))[0] + 1e-3
    ground = blur(green * weight, (_GROUND,))[0] / smooth_weight
    contrast = np.where(inside, (green - ground) / (ground + _FLOOR), 0).astype(np.float32)
    fine, coarse = blur(contrast, (_FINE, _COARSE))
    dark, bright, line = _ridges(fine)
    dark2, bright2, line2 = _ridges(coarse)
    line = np.where(dark2 > dark, line2, line)
    return Look(
        square,
        inside,
        ground.astype(np.float32),
        contrast,
        np.maximum(dark, dark2),
        np.maximum(bright, bright2),
        line,
    )


def _inside(field: Field, height: int, width: int) -> Mask:
    axis = (np.arange(SIDE) + 0.5) / SIDE * 2 - 1
    x, y = field.x + axis * field.radius, field.y + axis * field.radius
    edge = 0.04 * field.radius
    rows = (y > edge) & (y < height - edge)
    columns = (x > edge) & (x < width - edge)
    disk = np.hypot(axis[:, None], axis[None, :]) < 0.94
    mask: Mask = disk & rows[:, None] & columns[None, :]
    return mask


def blur(plane: Plane, sigmas: tuple[float, ...]) -> list[Plane]:
    """Gaussian blurs of one plane, through its Fourier transform (black beyond the square)."""
    wave = np.fft.rfft2(plane)
    return [np.fft.irfft2(wave * _gaussian(s), s=plane.shape).astype(np.float32) for s in sigmas]


@lru_cache(maxsize=8)
def _gaussian(sigma: float) -> npt.NDArray[np.float64]:
    row = np.fft.fftfreq(SIDE)[:, None]
    column = np.fft.rfftfreq(SIDE)[None, :]
    transfer: npt.NDArray[np.float64] = np.exp(-2 * (np.pi * sigma) ** 2 * (row**2 + column**2))
    return transfer


def _ridges(plane: Plane) -> tuple[Plane, Plane, Plane]:
    """Curvature across the sharpest line through each pixel: dark, bright, and how line-like."""
    padded = np.pad(plane, 1, mode="edge")
    middle = padded[1:-1, 1:-1]
    xx = padded[1:-1, 2:] + padded[1:-1, :-2] - 2 * middle
    yy = padded[2:, 1:-1] + padded[:-2, 1:-1] - 2 * middle
    xy = (padded[2:, 2:] + padded[:-2, :-2] - padded[2:, :-2] - padded[:-2, 2:]) / 4
    half = (xx + yy) / 2
    swing = np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    high, low = half + swing, half - swing
    dark = np.maximum(high, 0)
    bright = np.maximum(-low, 0)
    strongest = np.maximum(np.abs(high), np.abs(low)) + 1e-6
    return dark, bright, 1 - np.minimum(np.abs(high), np.abs(low)) / strongest


def features(seen: Look, field: Field | None, rgb: Photo) -> dict[str, float]:
    """The numbers that the judgement of `is it a fundus photograph` is made from."""
    named = _color(seen)
    named.update(_structure(seen))
    named.update(_frame(seen, field, rgb))
    return named


def _color(seen: Look) -> dict[str, float]:
    pixels = seen.rgb[seen.inside] + _FLOOR
    red, green, blue = np.log(pixels).T
    warm, cool = red - green, green - blue
    warm_low, warm_mid, warm_high = np.percentile(warm, (10, 50, 90))
    cool_low, cool_mid, cool_high = np.percentile(cool, (10, 50, 90))
    ordered = (pixels[:, 0] >= pixels[:, 1] - 3) & (pixels[:, 1] >= pixels[:, 2] - 3)
    return {
        "red_over_green": float(warm_mid),
        "green_over_blue": float(cool_mid),
        "hue_spread_red": float(warm_high - warm_low),
        "hue_spread_blue": float(cool_high - cool_low),
        "ordered": float(ordered.mean()),
        "cold": float((pixels[:, 2] > pixels[:, 0] + 6).mean()),
        "chroma": float(np.ptp(pixels, axis=1).mean() / pixels.max(axis=1).mean()),
    }


def _structure(seen: Look) -> dict[str, float]:
    inside = seen.inside
    contrast = seen.contrast[inside]
    dark, bright, line = (p[inside] for p in (seen.dark_ridge, seen.bright_ridge, seen.line))
    dark_top, bright_top = np.percentile(dark, 95), np.percentile(bright, 95)
    strong = dark >= np.percentile(dark, 92)
    ground = np.log(seen.ground[inside] + _FLOOR)
    steps = [np.abs(np.diff(np.where(inside, seen.contrast, np.nan), axis=axis)) for axis in (0, 1)]
    step = np.concatenate([s[~np.isnan(s)] for s in steps])
    median, high, top = np.percentile(step, (50, 95, 99.5))
    small = 1e-3
    red = _channel_contrast(seen, 0)
    blue = _channel_contrast(seen, 2)
    green = float(contrast.std())
    return {
        "rms": float(np.log(green + small)),
        "ground_spread": float(ground.std()),
        "dark_over_bright": float(np.log((dark_top + small) / (bright_top + small))),
        "dark_top": float(np.log(dark_top + small)),
        "line_shape": float(line[strong].mean()),
        "step_median": float(np.log(median + small)),
        "step_tail": float(np.log((high + small) / (median + small))),
        "step_extreme": float(np.log((top + small) / (high + small))),
        "skew": float(
            np.clip(((contrast - contrast.mean()) ** 3).mean() / (green**3 + 1e-9), -4, 4)
        ),
        "green_over_red": float(np.log((green + small) / (red + small))),
        "blue_over_green": float(np.log((blue + small) / (green + small))),
    }


def _channel_contrast(seen: Look, channel: int) -> float:
    """Spread of one channel around its own background, as for green."""
    weight = seen.inside.astype(np.float32)
    plane = seen.rgb[..., channel]
    ground = blur(plane * weight, (_GROUND,))[0] / (blur(weight, (_GROUND,))[0] + 1e-3)
    return float(((plane - ground) / (ground + _FLOOR))[seen.inside].std())


def _frame(seen: Look, field: Field | None, rgb: Photo) -> dict[str, float]:
    axis = (np.arange(SIDE) + 0.5) / SIDE * 2 - 1
    distance = np.hypot(axis[:, None], axis[None, :])
    value = np.log(seen.rgb.max(axis=2) + _FLOOR)
    rim = seen.inside & (distance > 0.8)
    core = seen.inside & (distance < 0.5)
    both = rim.any() and core.any()
    quarters = [
        value[seen.inside & side].mean()
        for side in (axis[:, None] < -0.3, axis[:, None] > 0.3, axis < -0.3, axis > 0.3)
        if (seen.inside & side).any()
    ]
    return {
        "has_field": 0.0 if field is None else 1.0,
        "rim_over_core": float(value[rim].mean() - value[core].mean()) if both else 0.0,
        "rim_spread": float(value[rim].std()) if both else 0.0,
        "imbalance": float(np.ptp(quarters)),
        "field_share": 0.0 if field is None else float(2 * field.radius / max(rgb.shape[:2])),
    }
