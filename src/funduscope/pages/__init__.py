"""What people look at: self-contained HTML pages in English and Chinese, made from plain data.

A stage describes its report as `Section`s of blocks (`Funnel`, `RocPanels`, `Table` ...), which
hold numbers, names and pictures and no markup; `render_report` draws them in the language asked
for. `render_marking` makes the one page with a script, on which people mark readings. Pages load
nothing from anywhere, follow the reader's light or dark setting, print, and say on every page
that this is no medical device.

Base install only, but for `RocPanels` and learning curves, which matplotlib draws (extra `stats`).
"""

from __future__ import annotations

from funduscope.pages.blocks import (
    Bars,
    Block,
    Caption,
    Column,
    ContactSheet,
    CurvePanels,
    Facts,
    Forest,
    ForestRow,
    Funnel,
    FunnelRow,
    HeatMap,
    LearningCurve,
    Photo,
    RocPanels,
    RocPlot,
    Section,
    Series,
    Table,
    Timings,
)
from funduscope.pages.marking import READING, render_marking
from funduscope.pages.report import render_report, report_html
from funduscope.pages.run import run_page
from funduscope.pages.words import LANGUAGES, Words

__all__ = [
    "LANGUAGES",
    "READING",
    "Bars",
    "Block",
    "Caption",
    "Column",
    "ContactSheet",
    "CurvePanels",
    "Facts",
    "Forest",
    "ForestRow",
    "Funnel",
    "FunnelRow",
    "HeatMap",
    "LearningCurve",
    "Photo",
    "RocPanels",
    "RocPlot",
    "Section",
    "Series",
    "Table",
    "Timings",
    "Words",
    "render_marking",
    "render_report",
    "report_html",
    "run_page",
]
