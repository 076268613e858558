"""How sure a share is."""

from __future__ import annotations

from math import sqrt
from typing import Final

from funduscope.stats.interval import WILSON, Interval

_Z: Final = 1.959963984540054  # of the two-sided 95% interval


def wilson(share: float, n: float) -> Interval:
    """A share with its 95% score interval, which is right at 0 and 1 and for few units as well.

    Args:
        share: 0..1.
        n: units it rests on; the effective number, where units are weighted or come in groups.

    Source: Wilson, Journal of the American Statistical Association 1927; 22: 209-212.
    """
    if n <= 0:
        return Interval(None, None, None, WILSON, "no units")
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half), WILSON)
