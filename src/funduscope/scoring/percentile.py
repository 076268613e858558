"""Where a score stands among the validation eyes, until labels allow a probability."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funduscope.errors import DataError


def percentile(score: ArrayLike, reference: ArrayLike) -> NDArray[np.float64]:
    """Percentage (0..100) of reference scores below `score`, equal ones counting one half.

    Args:
        score: any shape (...); the answer has the same.
        reference: scores of R validation eyes, (R,), or as many for each score, (..., R).

    Raises:
        DataError: no reference, or one that is not finite.
    """
    eyes = np.asarray(reference, dtype=np.float64)
    if eyes.ndim == 0 or eyes.size == 0 or not np.isfinite(eyes).all():
        raise DataError(
            f"{eyes.size} values of shape {eyes.shape}",
            place="scoring.percentile, reference",
            rule="at least one score of a validation eye, all of them finite",
            remedy="export the package again with a validation corpus",
        )
    values = np.asarray(score, dtype=np.float64)[..., None]
    below, at_most = (eyes < values).mean(axis=-1), (eyes <= values).mean(axis=-1)
    return np.asarray(50.0 * (below + at_most), dtype=np.float64)
