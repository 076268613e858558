"""Where a score stands among the validation eyes, until labels allow a probability."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funduscope.errors import DataError


def percentile(score: ArrayLike, reference_sorted: ArrayLike) -> NDArray[np.float64]:
    """Percentage (0..100) of reference scores below `score`, equal ones counting one half.

    Args:
        score: any shape; the answer has the same.
        reference_sorted: (R,) scores of the validation eyes, rising.

    Raises:
        DataError: no reference, or one that is not sorted or not finite.
    """
    reference = np.asarray(reference_sorted, dtype=np.float64)
    if reference.ndim != 1 or reference.size == 0 or not np.isfinite(reference).all():
        found = f"{reference.size} values of shape {reference.shape}"
    elif (np.diff(reference) < 0).any():
        found = f"an unsorted list of {reference.size} values"
    else:
        values = np.asarray(score, dtype=np.float64)
        below = np.searchsorted(reference, values, side="left")
        at_most = np.searchsorted(reference, values, side="right")
        return np.asarray(50.0 * (below + at_most) / reference.size, dtype=np.float64)
    raise DataError(
        found,
        place="scoring.percentile, reference",
        rule="at least one finite score of a validation eye, in rising order",
        remedy="export the package again with a validation corpus",
    )
