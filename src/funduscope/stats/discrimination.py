"""How well scores put the diseased above the healthy: AUROC and average precision.

scikit-learn has both for one sample. They are written here once more because the bootstrap needs
them for thousands of weighted samples at a time: everything below works on counts (B, K) of
positives and negatives at or above each of the K distinct scores, for B weightings at once.

Arrays: N units (eyes, images), B weightings (bootstrap replicates), K distinct scores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funduscope.errors import DataError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def auroc(labels: ArrayLike, scores: ArrayLike) -> float:
    """The probability that a positive scores above a negative, ties counting one half.

    Args:
        labels: (N,) of 0 and 1 (or booleans).
        scores: (N,) finite numbers on any scale; more means more suspicious.

    Raises:
        DataError: shapes differ, labels other than 0 and 1, a score that is not finite, or
            (code `one_class`) only one class.

    Source: Hanley and McNeil, Radiology 1982; 143: 29-36 (the Mann-Whitney form).
    """
    return _point("auroc", labels, scores)


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float:
    """Precision averaged over the positives, as scikit-learn's `average_precision_score`.

    Unlike AUROC it depends on how common the disease is among the units. Arguments and errors
    as of `auroc`.
    """
    return _point("average_precision", labels, scores)


def _point(statistic: str, labels: ArrayLike, scores: ArrayLike) -> float:
    truth, values = check_sample(labels, scores, place=f"stats.{statistic}")
    require_both_classes(truth, place=f"stats.{statistic}")
    true_counts, false_counts = Ladder(truth, values).counts(np.ones((1, truth.size)))
    return float(STATISTICS[statistic](true_counts, false_counts)[0])


def check_sample(labels: ArrayLike, scores: ArrayLike, *, place: str) -> tuple[Bools, Floats]:
    """Labels as booleans (N,) and scores as float64 (N,), or a `DataError` that says which not."""
    raw = np.asarray(labels)
    values = np.asarray(scores, dtype=np.float64)
    if raw.ndim != 1 or raw.shape != values.shape:
        raise DataError(
            f"labels of shape {raw.shape}, scores of shape {values.shape}",
            place=place,
            rule="labels and scores are two lists of the same length",
            remedy="pass one label and one score for each unit",
            code="bad_shape",
        )
    wrong_labels = ~np.isin(raw, (0, 1))
    if wrong_labels.any():
        at = int(np.argmax(wrong_labels))
        raise DataError(
            raw[at].item(),
            place=f"{place}, label number {at}",
            rule="a label is 0 or 1",
            remedy="leave out units whose label is missing or uncertain",
            code="bad_label",
        )
    if not np.isfinite(values).all():
        at = int(np.argmin(np.isfinite(values)))
        raise DataError(
            values[at].item(),
            place=f"{place}, score number {at}",
            rule="a score is a finite number; refused images have one too and count",
            remedy="score every labelled unit",
            code="bad_score",
        )
    return raw.astype(np.bool_), values


def one_class_reason(truth: Bools) -> str | None:
    """Why `truth` has no AUROC, in words for the column `reason`; None when it has one."""
    positives = int(truth.sum())
    if 0 < positives < truth.size:
        return None
    return f"one class only: {positives} of {truth.size} units are positive"


def require_both_classes(truth: Bools, *, place: str) -> None:
    """Raise `DataError` (code `one_class`) unless `truth` holds positives and negatives."""
    reason = one_class_reason(truth)
    if reason is not None:
        raise DataError(
            reason,
            place=place,
            rule="at least one positive and one negative unit",
            remedy="report the finding as not testable on these units, with this reason",
            code="one_class",
        )


@dataclass(frozen=True, slots=True, init=False)
class Ladder:
    """A sample sorted by falling score, equal scores on one rung.

    Attributes:
        order: (N,) positions of the units from the highest score down.
        truth: (N,) their labels in that order, 0.0 or 1.0.
        rungs: (K,) the distinct scores, falling.
        starts: (K,) where in `order` each rung begins.
    """

    order: NDArray[np.intp]
    truth: Floats
    rungs: Floats
    starts: NDArray[np.intp]

    def __init__(self, truth: Bools, values: Floats) -> None:
        order = np.argsort(-values, kind="stable")
        falling = values[order]
        starts = np.flatnonzero(np.concatenate(([True], falling[1:] != falling[:-1])))
        object.__setattr__(self, "order", order)
        object.__setattr__(self, "truth", truth[order].astype(np.float64))
        object.__setattr__(self, "rungs", falling[starts])
        object.__setattr__(self, "starts", starts)

    def counts(self, weights: Floats) -> tuple[Floats, Floats]:
        """Weighted positives and negatives scoring at least each rung; two arrays (B, K).

        Args:
            weights: (B, N), how often each unit counts, in the units' own order.
        """
        sorted_weights = weights[:, self.order]
        everyone = np.add.reduceat(sorted_weights, self.starts, axis=1)
        positive = np.add.reduceat(sorted_weights * self.truth, self.starts, axis=1)
        return np.cumsum(positive, axis=1), np.cumsum(everyone - positive, axis=1)


def _auroc_of_counts(true_counts: Floats, false_counts: Floats) -> Floats:
    # trapezia under the ROC curve: between two rungs the curve is straight, which is the half
    # that ties count for
    before = np.pad(true_counts, ((0, 0), (1, 0)))[:, :-1]
    steps = np.diff(false_counts, axis=1, prepend=0.0)
    area = np.sum(steps * (true_counts + before), axis=1) / 2
    result: Floats = area / (true_counts[:, -1] * false_counts[:, -1])
    return result


def _average_precision_of_counts(true_counts: Floats, false_counts: Floats) -> Floats:
    called = true_counts + false_counts
    # a rung that nobody of a replicate reached adds no recall; its 0/0 must not spread
    precision = true_counts / np.maximum(called, 1.0)
    steps = np.diff(true_counts, axis=1, prepend=0.0)
    result: Floats = np.sum(steps * precision, axis=1) / true_counts[:, -1]
    return result


STATISTICS: Final[Mapping[str, Callable[[Floats, Floats], Floats]]] = MappingProxyType(
    {"auroc": _auroc_of_counts, "average_precision": _average_precision_of_counts}
)
