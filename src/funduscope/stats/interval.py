"""One estimate with its interval, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PATIENT_BOOTSTRAP: Final = "patient bootstrap"
IMAGES_INDEPENDENT: Final = "images independent"
DELONG: Final = "delong"
CLUSTERED_WILSON: Final = "wilson by report"
CLUSTER_BOOTSTRAP: Final = "report bootstrap"


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its two-sided interval, in the form of a row of the table `metrics`.

    Attributes:
        value: the estimate; None when the data do not determine it.
        low: lower end; None when there is no honest interval.
        high: upper end; None exactly when `low` is.
        method: `patient bootstrap`, `images independent`, `delong`, `wilson by report` or
            `report bootstrap`.
        reason: why something above is None; None when nothing is.
    """

    value: float | None
    low: float | None
    high: float | None
    method: str
    reason: str | None = None
