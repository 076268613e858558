"""Intervals that know that two eyes of one patient are not two patients.

Patients are drawn with replacement and bring all their units along. A replicate is a row of
weights (how often each unit was drawn), so thousands of them are a few matrix operations.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13
(percentile interval); clusters as in Rutter, Academic Radiology 2000; 7: 413-419.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funduscope.errors import DataError
from funduscope.stats.discrimination import (
    STATISTICS,
    Bools,
    Floats,
    Ladder,
    check_sample,
    one_class_reason,
)
from funduscope.stats.interval import IMAGES_INDEPENDENT, PATIENT_BOOTSTRAP, Interval

# rows x units held at a time: 2 million float64 are 16 MB, whatever the size of the study
_CELLS = 2_000_000


def cluster_bootstrap(
    labels: ArrayLike,
    scores: ArrayLike,
    patients: ArrayLike,
    *,
    statistic: str = "auroc",
    n: int = 2000,
    seed: int,
    level: float = 0.95,
    patients_are_images: bool = False,
) -> Interval:
    """An estimate with its percentile interval over resampled patients.

    Replicates that happen to hold one class only are left out. Null with the reason: everything
    when the sample has one class, the ends when a class comes from fewer than two patients
    (resampling them cannot show how much patients differ).

    Args:
        labels: (N,) of 0 and 1.
        scores: (N,) finite numbers.
        patients: (N,) patient of each unit; units of one patient are drawn together.
        statistic: `auroc` or `average_precision`.
        n: replicates.
        seed: of the random generator; the same seed gives the same interval.
        level: coverage asked for.
        patients_are_images: True where the corpus has no patient ids (`patient_id_source` is
            `image`); the method is then called `images independent`.
    """
    place = "stats.cluster_bootstrap"
    if statistic not in STATISTICS:
        raise DataError(
            statistic,
            place=f"{place}, statistic",
            rule=f"one of {', '.join(STATISTICS)}",
            remedy="choose one of these",
        )
    method = IMAGES_INDEPENDENT if patients_are_images else PATIENT_BOOTSTRAP
    truth, values = check_sample(labels, scores, place=place)
    clusters = cluster_numbers(patients, truth.size, place=place)
    reason = one_class_reason(truth)
    if reason is not None:
        return Interval(None, None, None, method, reason)
    ladder = Ladder(truth, values)
    compute = STATISTICS[statistic]
    value = float(compute(*ladder.counts(np.ones((1, truth.size))))[0])
    reason = few_patients_reason(truth, clusters)
    if reason is not None:
        return Interval(value, None, None, method, reason)
    parts = [
        compute(*ladder.counts(weights))
        for weights in replicates(truth, clusters, n, np.random.default_rng(seed))
    ]
    low, high = np.quantile(np.concatenate(parts), [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high), method)


def cluster_numbers(patients: ArrayLike, units: int, *, place: str) -> NDArray[np.intp]:
    """Patients (N,) as numbers from 0, or `DataError` when their count is not `units`."""
    names = np.asarray(patients)
    if names.shape != (units,):
        raise DataError(
            f"{names.size} patients for {units} units",
            place=place,
            rule="one patient for each unit",
            remedy="pass the column patient_id of the same rows",
            code="bad_shape",
        )
    return np.unique(names, return_inverse=True)[1]


def few_patients_reason(truth: Bools, clusters: NDArray[np.intp]) -> str | None:
    """Why resampling patients says nothing here, in words; None when it does."""
    positive = np.unique(clusters[truth]).size
    negative = np.unique(clusters[~truth]).size
    if min(positive, negative) >= 2:
        return None
    return f"too few patients for an interval: {positive} with and {negative} without the finding"


def replicates(
    truth: Bools, clusters: NDArray[np.intp], n: int, generator: np.random.Generator
) -> Iterator[Floats]:
    """Weights (B, N) of resampled patients, some B at a time, `n` drawn in all.

    Rows without positives or without negatives are left out.
    """
    for weights in patient_weights(clusters, n, generator):
        positives = weights @ truth
        usable = (positives > 0) & (positives < weights.sum(axis=1))
        yield weights[usable]


def patient_weights(
    clusters: NDArray[np.intp], n: int, generator: np.random.Generator
) -> Iterator[Floats]:
    """How often each unit counts when patients are drawn with replacement: (B, N), `n` rows in all.

    Args:
        clusters: (N,) patient of each unit, numbers from 0 without a gap.
        n: how many samples of patients.
        generator: of random numbers.
    """
    patients = int(clusters.max()) + 1
    step = max(1, _CELLS // clusters.size)
    for start in range(0, n, step):
        rows = min(step, n - start)
        drawn = generator.integers(patients, size=(rows, patients))
        drawn += np.arange(rows)[:, None] * patients
        times = np.bincount(drawn.ravel(), minlength=rows * patients).reshape(rows, patients)
        yield times[:, clusters].astype(np.float64)
