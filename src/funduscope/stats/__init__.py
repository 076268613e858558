"""How sure a number is: AUROC, average precision, ROC curves, shares and their intervals.

Functions that return a bare number refuse data without both classes (`DataError`, code
`one_class`); functions that return an `Interval` give nulls and the reason instead, because
every row of the table `metrics` must exist, with `reason` saying why a value is missing.
numpy only.
"""

from __future__ import annotations

from funduscope.stats.bootstrap import cluster_bootstrap
from funduscope.stats.delong import delong, delong_ci, delong_covariance
from funduscope.stats.discrimination import auroc, average_precision
from funduscope.stats.interval import Interval
from funduscope.stats.paired import paired_aurocs
from funduscope.stats.roc import RocCurve, roc_curve
from funduscope.stats.shares import clustered_share, cohen_kappa, wilson

__all__ = [
    "Interval",
    "RocCurve",
    "auroc",
    "average_precision",
    "cluster_bootstrap",
    "clustered_share",
    "cohen_kappa",
    "delong",
    "delong_ci",
    "delong_covariance",
    "paired_aurocs",
    "roc_curve",
    "wilson",
]
