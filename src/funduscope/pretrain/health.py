"""Health of training, read off one batch or the log. Never evaluation: no held-out label is seen.

Shapes: I photographs, T distinct captions of the batch, N vectors, D shared dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def recall_at_1(logits_IT: Tensor, match_IT: Tensor) -> float:
    """Share of photographs whose nearest caption of the batch is true of them."""
    best_I = logits_IT.argmax(1, keepdim=True)
    return float(match_IT.gather(1, best_I).mean())


def alignment(image_ID: Tensor, text_TD: Tensor, match_IT: Tensor) -> float:
    """Mean squared distance of true pairs of unit vectors, 0 (together) to 4 (opposite).

    mean over matches of |x_i - y_t|^2        (Wang and Isola, ICML 2020, alpha = 2)
    """
    squared_IT = 2 - 2 * image_ID @ text_TD.T
    return float((squared_IT * match_IT).sum() / match_IT.sum())


def uniformity(unit_ND: Tensor) -> float:
    """How evenly unit vectors fill the sphere: 0 (all in one place) down to about -4 (evenly).

        log of the mean over pairs i < j of exp(-2 |x_i - x_j|^2)        (Wang and Isola, ICML 2020)

    One vector alone is in one place: 0. Of many, the first 1,024 are taken: half a million pairs,
    and memory that does not grow with the square of the batch.
    """
    unit_ND = unit_ND[:1024]
    if len(unit_ND) < 2:
        return 0.0
    squared_N = torch.nn.functional.pdist(unit_ND.float()).square()
    return float(torch.logsumexp(-2 * squared_N, 0) - math.log(len(squared_N)))


def is_spike(losses: Sequence[float], value: float, *, window: int = 100) -> bool:
    """Whether the loss has jumped up and stays there: this step and the two before it.

    All three lie above median + 10 x 1.4826 MAD of the `window` losses before them (robust
    standard deviations; at least 0.01, for losses that hardly change). One bad batch is noise, with
    clipped gradients it does no harm; a training that falls apart does not come back. Noise is
    independent from step to step, so even tails as heavy as Student's t with 3 degrees of freedom
    (7.6e-4 a step) give a false alarm once in 2e9 steps.

    Args:
        losses: of the steps before, oldest first.
        value: of this step, finite.
        window: how many losses are compared; with fewer there is no answer yet: False.
    """
    before = np.asarray(losses[-window - 2 : -2], dtype=np.float64)
    if len(before) < window:
        return False
    middle = float(np.median(before))
    spread = max(1.4826 * float(np.median(np.abs(before - middle))), 0.01)
    return min(*losses[-2:], value) > middle + 10 * spread
