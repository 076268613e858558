"""A ROC curve with a band, ready to be drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from funduscope.stats.bootstrap import cluster_numbers, few_patients_reason, replicates
from funduscope.stats.discrimination import (
    Floats,
    Ladder,
    check_sample,
    require_both_classes,
)


@dataclass(frozen=True, slots=True)
class RocCurve:
    """Points of a ROC curve and, on a grid, the band of its resampled patients.

    Attributes:
        fpr: (K + 1,) false-positive rates, rising from 0 to 1.
        tpr: (K + 1,) true-positive rates, rising from 0 to 1.
        thresholds: (K + 1,) a unit is called positive at or above it; the first is infinite.
        grid: (G,) false-positive rates of the band; empty when no patients were given.
        low: (G,) lower end of the true-positive rate at each of `grid`, pointwise.
        high: (G,) upper end.
    """

    fpr: Floats
    tpr: Floats
    thresholds: Floats
    grid: Floats
    low: Floats
    high: Floats


def roc_curve(
    labels: ArrayLike,
    scores: ArrayLike,
    patients: ArrayLike | None = None,
    *,
    n: int = 2000,
    seed: int = 0,
    level: float = 0.95,
    points: int = 101,
) -> RocCurve:
    """The ROC curve, with a pointwise band over resampled patients when `patients` are given.

    Each point of the band covers on its own; the band as a whole covers less often. It is empty
    when a class comes from fewer than two patients. Labels, scores and errors as of `auroc`,
    patients as of `cluster_bootstrap`.
    """
    place = "stats.roc_curve"
    truth, values = check_sample(labels, scores, place=place)
    require_both_classes(truth, place=place)
    ladder = Ladder(truth, values)
    (tpr,), (fpr,) = _rates(*ladder.counts(np.ones((1, truth.size))))
    thresholds = np.concatenate(([np.inf], ladder.rungs))
    empty = np.empty(0)
    if patients is None:
        return RocCurve(fpr, tpr, thresholds, empty, empty, empty)
    clusters = cluster_numbers(patients, truth.size, place=place)
    if few_patients_reason(truth, clusters) is not None:
        return RocCurve(fpr, tpr, thresholds, empty, empty, empty)
    grid = np.linspace(0.0, 1.0, points)
    curves = []
    for weights in replicates(truth, clusters, n, np.random.default_rng(seed)):
        true_rates, false_rates = _rates(*ladder.counts(weights))
        curves += [np.interp(grid, x, y) for x, y in zip(false_rates, true_rates, strict=True)]
    low, high = np.quantile(np.array(curves), [(1 - level) / 2, (1 + level) / 2], axis=0)
    return RocCurve(fpr, tpr, thresholds, grid, low, high)


def _rates(true_counts: Floats, false_counts: Floats) -> tuple[Floats, Floats]:
    """Counts (B, K) as rates (B, K + 1) that begin at the corner 0, 0."""
    tpr = np.pad(true_counts / true_counts[:, -1:], ((0, 0), (1, 0)))
    fpr = np.pad(false_counts / false_counts[:, -1:], ((0, 0), (1, 0)))
    return tpr, fpr
