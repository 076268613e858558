"""A small network, in numpy, that tells fundus photographs (good or poor) from other pictures.

Its weights are data, fitted by `benchmarks/fit_refusals.py`; what it refuses and what it lets
through is measured in `docs/results/refusals.md`.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from funduscope.inputs.photo import Photo

Floats = npt.NDArray[np.floating[Any]]

SIDE = 96
_LAYERS = 4
_STRIDE = 2


def fundus_score(square: Photo) -> float:
    """Evidence (a logit) that this is a fundus photograph; it is one from `threshold()` on.

    `square` is uint8 (S, S, 3), the square around the field of view, of any size from SIDE on.
    Brightness does not matter: it is divided by its mean. Four convolutions of stride 2 are
    followed by the mean and the maximum over the plane and one linear layer.
    """
    x: Floats = shrink(square).astype(np.float32) / 255
    brightest = np.maximum(np.maximum(x[..., 0], x[..., 1]), x[..., 2])
    x = x / (2 * brightest.mean() + 0.02) - 0.5
    weights = _weights()
    for layer in range(_LAYERS):
        x = _convolve(x, weights[f"weight{layer}"], weights[f"bias{layer}"])
    pooled = np.concatenate([x.mean(axis=(0, 1)), x.max(axis=(0, 1))])
    return float(pooled @ weights["head"] + weights["head_bias"][0])


def shrink(square: Photo) -> Photo:
    """What the network sees of a square: uint8 (SIDE, SIDE, 3)."""
    return np.asarray(Image.fromarray(square).resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def threshold() -> float:
    """The score below which a picture is refused as not a fundus photograph."""
    return float(_weights()["threshold"])


@lru_cache(maxsize=1)
def _weights() -> dict[str, Floats]:
    with (files("funduscope.inputs") / "fundus_net.npz").open("rb") as file:
        stored = np.load(file)
        return {name: stored[name].astype(np.float32) for name in stored.files}


def _convolve(x: Floats, weight: Floats, bias: Floats) -> Floats:
    """Valid convolution of stride 2 and ReLU; x (h, w, in), weight (k, k, in, out)."""
    k, _, _, out = weight.shape
    height = (x.shape[0] - k) // _STRIDE + 1
    width = (x.shape[1] - k) // _STRIDE + 1
    row, column, channel = x.strides
    patches = np.lib.stride_tricks.as_strided(
        x,
        (height, width, k, k, x.shape[2]),
        (row * _STRIDE, column * _STRIDE, row, column, channel),
        writeable=False,
    )
    flat = patches.reshape(height * width, -1) @ weight.reshape(-1, out) + bias
    result: Floats = np.maximum(flat, 0).reshape(height, width, out)
    return result
