"""AUROCs of several models on the same resampled patients, for their means and differences.

M models, U units, T findings, R replicates.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import ArrayLike

from funduscope.errors import DataError
from funduscope.stats.bootstrap import cluster_numbers, patient_weights
from funduscope.stats.discrimination import (
    STATISTICS,
    Floats,
    Ladder,
    check_sample,
    require_both_classes,
)


def paired_aurocs(
    labels: ArrayLike, scores: ArrayLike, patients: ArrayLike, *, n: int = 2000, seed: int
) -> Floats:
    """AUROC of every model and finding in the same samples of patients.

    A mean over findings, seeds or sets, and a difference between models, is taken within each
    replicate by the caller; its quantiles over replicates are the interval. Models compared in
    this way share the luck of the draw, so that the interval is that of their difference.

    Args:
        labels: (U, T) of 0 and 1, not a number where a unit does not count for a finding.
        scores: (M, U, T), finite where labels are.
        patients: (U,) patient of each unit; units of one patient are drawn together.
        n: replicates R.
        seed: of the random generator.

    Returns:
        (M, T, 1 + R): first the sample as it is, then the replicates; not a number where a
        replicate holds one class only.

    Raises:
        DataError: shapes that do not agree, labels other than 0 and 1, one class only.
    """
    truth, values = np.asarray(labels, np.float64), np.asarray(scores, np.float64)
    place = "stats.paired_aurocs"
    if truth.ndim != 2 or values.shape[1:] != truth.shape:
        raise DataError(
            f"labels of shape {truth.shape}, scores of shape {values.shape}",
            place=place,
            rule="labels are units by findings, scores models by units by findings",
            remedy="pass a score of each model for each label",
            code="bad_shape",
        )
    clusters = cluster_numbers(patients, len(truth), place=place)
    ladders = {}
    for t, column in enumerate(truth.T):
        known = np.flatnonzero(np.isfinite(column))
        for m, own in enumerate(values[:, :, t]):
            sample = check_sample(column[known], own[known], place=place)
            require_both_classes(sample[0], place=place)
            ladders[m, t] = known, Ladder(*sample)
    result = np.empty((*values.shape[::2], 1 + n))
    drawn = patient_weights(clusters, n, np.random.default_rng(seed))
    at = 0
    for weights in itertools.chain([np.ones((1, len(clusters)))], drawn):
        for (m, t), (known, ladder) in ladders.items():
            with np.errstate(invalid="ignore"):  # 0 / 0 where a class was not drawn
                found = STATISTICS["auroc"](*ladder.counts(weights[:, known]))
            result[m, t, at : at + len(weights)] = found
        at += len(weights)
    return result
