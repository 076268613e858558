"""DeLong's variance of AUROCs, by ranks.

It takes units to be independent: right for one eye a patient. For both eyes of a patient use
`cluster_bootstrap`.

Sources: DeLong, DeLong and Clarke-Pearson, Biometrics 1988; 44: 837-845; the rank form is Sun and
Xu, IEEE Signal Processing Letters 2014; 21: 1389-1393. Agrees with R's pROC to every digit that
it prints (`tests/reference/delong.json`).
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from funduscope.errors import DataError
from funduscope.stats.discrimination import (
    Floats,
    auroc,
    check_sample,
    one_class_reason,
    require_both_classes,
)
from funduscope.stats.interval import DELONG, Interval


def delong(labels: ArrayLike, scores: ArrayLike) -> tuple[float, float]:
    """AUROC and its DeLong variance; arguments and errors as of `auroc`.

    Raises:
        DataError: also (code `too_few`) when a class has a single member, which has no variance.
    """
    areas, covariance = delong_covariance(labels, [scores])
    return float(areas[0]), float(covariance[0, 0])


def delong_ci(labels: ArrayLike, scores: ArrayLike, *, level: float = 0.95) -> Interval:
    """AUROC with its normal DeLong interval, cut to 0..1 as pROC does.

    Null with the reason where AUROC or its variance does not exist. At an AUROC of exactly 0 or
    1 DeLong's variance is zero and would claim certainty: the interval is null there too.
    """
    truth, values = check_sample(labels, scores, place="stats.delong_ci")
    reason = one_class_reason(truth)
    if reason is not None:
        return Interval(None, None, None, DELONG, reason)
    if min(truth.sum(), (~truth).sum()) < 2:
        area = auroc(truth, values)
        return Interval(area, None, None, DELONG, "a class has a single unit: no variance")
    area, variance = delong(truth, values)
    if area in (0.0, 1.0):
        return Interval(area, None, None, DELONG, "classes fully separated: variance is zero")
    half = NormalDist().inv_cdf((1 + level) / 2) * variance**0.5
    return Interval(area, max(0.0, area - half), min(1.0, area + half), DELONG)


def delong_covariance(labels: ArrayLike, scores: Sequence[ArrayLike]) -> tuple[Floats, Floats]:
    """AUROCs (M,) of M scores of the same units and their covariance matrix (M, M).

    The variance of the difference of two is `c[0, 0] + c[1, 1] - 2 * c[0, 1]`.
    """
    place = "stats.delong"
    of_positives, of_negatives = [], []
    for one in scores:
        truth, values = check_sample(labels, one, place=place)
        require_both_classes(truth, place=place)
        positive, negative = values[truth], values[~truth]
        if min(positive.size, negative.size) < 2:
            raise DataError(
                f"{positive.size} positive and {negative.size} negative units",
                place=place,
                rule="DeLong's variance needs two units of each class",
                remedy="report the AUROC without an interval, or gather more units",
                code="too_few",
            )
        ranks = _midranks(values)
        # for each positive the share of negatives below it, and for each negative the share of
        # positives above it: rank among all less rank among its own
        of_positives.append((ranks[truth] - _midranks(positive)) / negative.size)
        of_negatives.append(1 - (ranks[~truth] - _midranks(negative)) / positive.size)
    placed_positives, placed_negatives = np.array(of_positives), np.array(of_negatives)
    covariance = (
        np.atleast_2d(np.cov(placed_positives)) / placed_positives.shape[1]
        + np.atleast_2d(np.cov(placed_negatives)) / placed_negatives.shape[1]
    )
    return placed_positives.mean(axis=1), covariance


def _midranks(values: Floats) -> Floats:
    """Ranks from 1, equal values sharing the mean of theirs."""
    _, rung, sizes = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(sizes)
    result: Floats = (last - (sizes - 1) / 2)[rung]
    return result
