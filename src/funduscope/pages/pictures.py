"""Photographs as data URIs, and the tint that shows where a score comes from."""

from __future__ import annotations

import base64
import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from funduscope.errors import DataError
from funduscope.pages.blocks import Rgb

# Fundi are orange, so the tint is the opposite: from clear through blue to pale cyan. Also drawn
# by the color bar (`.scale` in style.css).
_TINT_LOW: Final = np.array([20.0, 60.0, 170.0])
_TINT_HIGH: Final = np.array([170.0, 255.0, 250.0])
_TINT_STRENGTH: Final = 0.82


def data_uri(rgb: Rgb, *, longest_side: int) -> str:
    """A photograph (H, W, 3) as a JPEG data URI, made anew so that no metadata of a file comes
    along; the longest side is reduced to `longest_side` px.

    Raises:
        DataError: not a picture of that form.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or 0 in rgb.shape:
        raise DataError(
            f"an array of shape {rgb.shape}, {rgb.dtype}",
            place="pages, photograph",
            rule="(H, W, 3) of uint8",
            remedy="decode photographs by funduscope.inputs.decode",
            code="bad_shape",
        )
    image = Image.fromarray(np.ascontiguousarray(rgb))
    image.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    packed = io.BytesIO()
    image.save(packed, "JPEG", quality=86)
    return "data:image/jpeg;base64," + base64.b64encode(packed.getvalue()).decode("ascii")


def tint(rgb: Rgb, shares: NDArray[np.float32]) -> Rgb:
    """The photograph tinted where `shares` (H, W) is above zero, strongest at its maximum.

    Raises:
        DataError: a map of another size than the photograph, or not finite.
    """
    if shares.shape != rgb.shape[:2] or not np.isfinite(shares).all():
        raise DataError(
            f"a map of shape {shares.shape} for a photograph of shape {rgb.shape}",
            place="pages, heat map",
            rule="finite, one value for each pixel",
            remedy="enlarge it by funduscope.scoring.enlarge",
            code="bad_shape",
        )
    strongest = float(shares.max())
    if strongest <= 0:
        return rgb
    strength = np.clip(shares / strongest, 0, 1)[..., None]
    color = _TINT_LOW + (_TINT_HIGH - _TINT_LOW) * strength
    opacity = _TINT_STRENGTH * strength
    mixed: Rgb = np.rint(rgb * (1 - opacity) + color * opacity).astype(np.uint8)
    return mixed
