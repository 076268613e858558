"""Shares of a weighted sample whose units come in clusters, and how far two readers agree.

A report carries several readings that are right or wrong together, and stands for more reports
than itself. The interval is Wilson's, on the number of independent units that would be as sure.

Sources: Wilson, JASA 1927; 22: 209-212. The effective number of units: Korn and Graubard, Survey
Methodology 1998; 24: 193-201. Kappa: Cohen, Educ Psychol Meas 1960; 20: 37-46.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funduscope.errors import DataError
from funduscope.stats.interval import CLUSTER_BOOTSTRAP, CLUSTERED_WILSON, Interval

Floats = NDArray[np.float64]


def wilson(share: float, n: float, *, level: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a share (0 to 1) seen in `n` independent units (n > 0, any number)."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def clustered_share(
    hits: ArrayLike, units: ArrayLike, weights: ArrayLike, *, level: float = 0.95
) -> Interval:
    """The weighted share of hits among units, clusters apart, with Wilson's interval.

    Between the ends the effective number of units is share (1 - share) / variance, the variance
    linearized over clusters and never credited beyond the units seen; at 0 and 1, where nothing
    varies, it is Kish's number of clusters. Strata and the finite population are left out of the
    variance, which makes the interval wider, not narrower.

    Args:
        hits: (C,) hits of each cluster, 0 to its units; halves are fine (two readers, one vote).
        units: (C,) units of each cluster; a cluster without units counts nowhere.
        weights: (C,) how many clusters of the population each stands for, more than 0.
        level: coverage asked for.

    Returns:
        Null without units; without an interval where fewer than two clusters have any.
    """
    hit, unit, weight = (np.asarray(part, dtype=np.float64) for part in (hits, units, weights))
    if not hit.shape == unit.shape == weight.shape or hit.ndim != 1:
        raise DataError(
            f"shapes {hit.shape}, {unit.shape}, {weight.shape}",
            place="stats.clustered_share",
            rule="hits, units and weight of each cluster",
            remedy="pass three columns of the same rows",
            code="bad_shape",
        )
    there = unit > 0
    hit, unit, weight = hit[there], unit[there], weight[there]
    if not unit.size:
        return Interval(None, None, None, CLUSTERED_WILSON, "nothing to count")
    total = float((weight * unit).sum())
    share = min(1.0, float((weight * hit).sum()) / total)
    if unit.size < 2:
        return Interval(share, None, None, CLUSTERED_WILSON, "one report only")
    rests = weight * (hit - share * unit)
    variance = unit.size / (unit.size - 1) * float((rests**2).sum()) / total**2
    spread = share * (1 - share)
    if spread < 1e-12:
        parts = weight * unit
        effective = float(parts.sum() ** 2 / (parts**2).sum())
    else:
        effective = min(float(unit.sum()), spread / variance if variance else np.inf)
    low, high = wilson(share, effective, level=level)
    return Interval(share, low, high, CLUSTERED_WILSON)


def cohen_kappa(
    tables: Sequence[Sequence[int]], *, n: int = 2000, seed: int, level: float = 0.95
) -> Interval:
    """Agreement of two readers beyond chance, with a percentile interval over resampled clusters.

    Args:
        tables: a cluster each: counts of (both yes, only the first, only the second, both no).
        n: replicates; those in which both readers use one word only are left out.
        seed: of the resampling.
        level: coverage asked for.

    Returns:
        Null with the reason where one word only was used, for chance then explains everything.
    """
    counts = np.asarray(tables, dtype=np.float64).reshape(-1, 4)
    value = float(_kappas(counts.sum(axis=0)[None, :])[0])
    if not np.isfinite(value):
        reason = "both readers used one word only" if counts.sum() else "nothing to count"
        return Interval(None, None, None, CLUSTER_BOOTSTRAP, reason)
    if len(counts) < 2:
        return Interval(value, None, None, CLUSTER_BOOTSTRAP, "one report only")
    generator = np.random.default_rng(seed)
    times = generator.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=n)
    drawn = _kappas(times @ counts)
    low, high = np.quantile(drawn[np.isfinite(drawn)], [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high), CLUSTER_BOOTSTRAP)


def _kappas(counts: Floats) -> Floats:
    """Kappa (R,) of tables (R, 4); not a number where chance alone agrees always."""
    both, first, second, neither = counts.T
    total = counts.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        seen = (both + neither) / total
        yes = (both + first) * (both + second) / total**2
        no = (neither + first) * (neither + second) / total**2
        kappas: Floats = (seen - yes - no) / (1 - yes - no)
    kappas[~np.isfinite(kappas)] = np.nan
    return kappas
