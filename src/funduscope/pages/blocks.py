"""The parts that a report is made of, as plain data.

Words in them (titles, names of findings, captions) are the caller's, in the language of the page;
words of the figures themselves come from the locale file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rgb = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Facts:
    """A row of large figures, three to six of them.

    Attributes:
        items: (figure as text, what it is) each.
    """

    items: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a `Table`.

    Attributes:
        name: heading.
        digits: decimals of its numbers, so that they line up; None for words and whole numbers.
    """

    name: str
    digits: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table; numbers are set to the right, None is shown as a dash.

    Attributes:
        columns: headings.
        rows: one cell for each column: text, a number or None.
        caption: what the table shows.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[str | float | None]]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Bars:
    """Counts side by side, as a histogram or a ranking; drawn in the order given.

    Attributes:
        items: (what, how many) each; the longest bar is the largest count.
        caption: what was counted.
    """

    items: Sequence[tuple[str, int]]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class FunnelRow:
    """What became of one kind of record.

    Attributes:
        name: what was counted (photographs, reports).
        seen: all of them; must be `kept + rejected + review`.
        kept: went on.
        rejected: did not.
        review: wait for a person.
        reasons: code of each reason with its count, of `rejected` and `review` together; a record
            may have more than one.
    """

    name: str
    seen: int
    kept: int
    rejected: int
    review: int
    reasons: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Funnel:
    """The counts of an ingest: seen = kept + rejected + review."""

    rows: Sequence[FunnelRow]


@dataclass(frozen=True, slots=True)
class Caption:
    """Words under a photograph.

    Attributes:
        text: as shown.
        language: `en` or `zh`, so that browsers choose the right letters and voice.
    """

    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Photo:
    """A photograph with its captions.

    Attributes:
        rgb: (H, W, 3) uint8, upright; drawn small, and without any metadata of its file.
        captions: any number.
    """

    rgb: Rgb
    captions: Sequence[Caption] = ()


@dataclass(frozen=True, slots=True)
class ContactSheet:
    """Small photographs side by side.

    Attributes:
        photos: in reading order.
        caption: what they are.
        large: drawn twice as large, for photographs that a person is to judge.
    """

    photos: Sequence[Photo]
    caption: str = ""
    large: bool = False


@dataclass(frozen=True, slots=True)
class RocPlot:
    """One ROC curve with its band, as `stats.roc_curve` gives it, and its AUROC.

    Attributes:
        name: the finding.
        fpr, tpr: (K,) points of the curve.
        grid, low, high: (G,) the band; empty for none.
        value, ci_low, ci_high: AUROC and its interval; None for no interval.
        positives, units: how many of the units are positive.
    """

    name: str
    fpr: Floats
    tpr: Floats
    grid: Floats
    low: Floats
    high: Floats
    value: float
    ci_low: float | None
    ci_high: float | None
    positives: int
    units: int


@dataclass(frozen=True, slots=True)
class RocPanels:
    """Small ROC curves side by side, one finding each.

    Attributes:
        plots: in reading order.
        caption: what was scored, and how the intervals were made.
    """

    plots: Sequence[RocPlot]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One estimate of a `Forest`.

    Attributes:
        name: the finding or benchmark.
        value, ci_low, ci_high: the estimate and its interval, as in the table `metrics`.
        positives, units: how many of the units are positive.
        reason: shown in place of a missing value.
        group: heading above the first row of each group.
    """

    name: str
    value: float | None
    ci_low: float | None
    ci_high: float | None
    positives: int
    units: int
    reason: str | None = None
    group: str = ""


@dataclass(frozen=True, slots=True)
class Forest:
    """AUROCs with their intervals on one scale.

    Attributes:
        rows: in reading order, groups together.
        caption: what was scored, and how the intervals were made.
    """

    rows: Sequence[ForestRow]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Where in a photograph a score comes from.

    Attributes:
        rgb: (H, W, 3) uint8.
        shares: (H, W) as `scoring.activation_map` enlarged to the photograph; cells above zero
            speak for the finding.
        finding: its name.
        caption: more about the photograph.
    """

    rgb: Rgb
    shares: NDArray[np.float32]
    finding: str
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a `LearningCurve`.

    Attributes:
        name: as in the legend.
        x, y: (K,) points.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """Up to four lines over training steps.

    Attributes:
        series: the lines.
        x_label, y_label: with units.
        caption: what to see in it.
    """

    series: Sequence[Series]
    x_label: str
    y_label: str
    caption: str = ""


@dataclass(frozen=True, slots=True)
class CurvePanels:
    """Learning curves side by side, in place of a long column of them.

    Attributes:
        curves: in reading order.
    """

    curves: Sequence[LearningCurve]


@dataclass(frozen=True, slots=True)
class Timings:
    """How long things took.

    Attributes:
        items: (what, seconds) in the order they happened.
        caption: on which machine.
    """

    items: Sequence[tuple[str, float]]
    caption: str = ""


Block = (
    str
    | Facts
    | Table
    | Bars
    | Funnel
    | ContactSheet
    | RocPanels
    | Forest
    | HeatMap
    | LearningCurve
    | CurvePanels
    | Timings
)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report under its own heading.

    Attributes:
        title: the heading.
        blocks: what follows; text becomes a paragraph.
    """

    title: str
    blocks: Sequence[Block]
