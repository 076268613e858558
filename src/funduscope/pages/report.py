"""Sections of plain data become one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from funduscope.errors import DataError
from funduscope.pages.blocks import (
    Bars,
    Block,
    ContactSheet,
    CurvePanels,
    Facts,
    Forest,
    Funnel,
    HeatMap,
    LearningCurve,
    Photo,
    RocPanels,
    Section,
    Table,
    Timings,
)
from funduscope.pages.pictures import data_uri, tint
from funduscope.pages.plots import curve_svg, roc_svg
from funduscope.pages.words import Words

_SMALL: Final = 320  # px, longest side of a photograph on a contact sheet
_LARGE: Final = 640  # px, of a heat map or of a photograph to be judged


def render_report(
    sections: Sequence[Section],
    *,
    title: str,
    language: str,
    out: Path,
    lead: str = "",
    made: Mapping[str, str] | None = None,
) -> None:
    """Write a report page to the file `out`; arguments as of `report_html`."""
    page = report_html(sections, title=title, language=language, lead=lead, made=made)
    out.write_text(page, encoding="utf-8", newline="\n")


def report_html(
    sections: Sequence[Section],
    *,
    title: str,
    language: str,
    lead: str = "",
    made: Mapping[str, str] | None = None,
) -> str:
    """A report as one HTML page that needs no other file. The same data give the same bytes.

    Args:
        sections: in reading order; all text in them is escaped.
        title: heading of the page.
        language: `en` or `zh`.
        lead: a sentence or two below the title.
        made: what the page was made from (version, corpus, bundle ...), shown at its end.

    Raises:
        ConfigError: a language without words, or matplotlib missing for a curve.
        DataError: counts that do not add up, a photograph or map of the wrong form.
    """
    words = Words(language)
    parts = [
        {"title": section.title, "views": [_view(block, words) for block in section.blocks]}
        for section in sections
    ]
    page = environment().get_template("page.html")
    return page.render(
        words=words,
        title=title,
        lead=lead,
        sections=parts,
        made=dict(made or {}),
        style=Markup(asset("style.css")),
    )


@cache
def environment() -> jinja2.Environment:
    """The templates of the pages; everything put into them is escaped."""
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(asset),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def asset(name: str) -> str:
    """A file under templates/, as text."""
    return (resources.files("funduscope.pages") / "templates" / name).read_text(encoding="utf-8")


def _view(block: Block, words: Words) -> dict[str, Any]:
    """What the macro named by `kind` in blocks.html needs to draw a block."""
    if isinstance(block, str):
        return {"kind": "text", "text": block}
    kind, make = _VIEWS[type(block)]
    return {"kind": kind, **make(block, words)}


def _facts(block: Facts, _: Words) -> dict[str, Any]:
    return {"items": block.items}


def _table(block: Table, words: Words) -> dict[str, Any]:
    for at, row in enumerate(block.rows):
        if len(row) != len(block.columns):
            raise DataError(
                f"{len(row)} cells",
                place=f"pages, table '{block.caption}', row {at}",
                rule=f"one cell for each of the {len(block.columns)} columns",
                remedy="fill missing cells with None",
            )
    numeric = [
        all(cell is None or not isinstance(cell, str) for cell in cells)
        for cells in zip(*block.rows, strict=True)
    ] or [False] * len(block.columns)
    rows = [
        [_cell(cell, column.digits, words) for cell, column in zip(row, block.columns, strict=True)]
        for row in block.rows
    ]
    return {"columns": block.columns, "numeric": numeric, "rows": rows, "caption": block.caption}


def _cell(cell: str | float | None, digits: int | None, words: Words) -> str:
    if cell is None:
        return words("page.missing")
    if isinstance(cell, str):
        return cell
    return f"{cell:,}" if digits is None else f"{cell:,.{digits}f}"


def _funnel(block: Funnel, words: Words) -> dict[str, Any]:
    rows = []
    for row in block.rows:
        lost = row.rejected + row.review
        if row.seen != row.kept + lost or sum(row.reasons.values()) < lost:
            raise DataError(
                f"seen {row.seen}, kept {row.kept}, rejected {row.rejected}, review {row.review}, "
                f"reasons {sum(row.reasons.values())}",
                place=f"pages, funnel of {row.name}",
                rule="seen = kept + rejected + review, and each of those lost has a reason",
                remedy="run `funduscope check` on the corpus",
            )
        most = max(row.reasons.values(), default=1)
        shares = {
            part: 100 * getattr(row, part) / max(row.seen, 1)
            for part in ("kept", "review", "rejected")
        }
        reasons = [
            (words.reason(code), count, 100 * count / most)
            for code, count in sorted(row.reasons.items(), key=lambda item: (-item[1], item[0]))
        ]
        rows.append({"row": row, "shares": shares, "reasons": reasons})
    return {"rows": rows}


def _bars(block: Bars, _: Words) -> dict[str, Any]:
    most = max((count for _, count in block.items), default=0) or 1
    items = [(name, count, 100 * count / most) for name, count in block.items]
    return {"items": items, "caption": block.caption}


def _photo(photo: Photo, words: Words, side: int) -> dict[str, Any]:
    said = " · ".join(caption.text for caption in photo.captions)
    alt = words("photo.alt_captioned", caption=said) if said else words("photo.alt")
    uri = data_uri(photo.rgb, longest_side=side)
    return {"uri": uri, "alt": alt, "captions": photo.captions}


def _contact_sheet(block: ContactSheet, words: Words) -> dict[str, Any]:
    side = _LARGE if block.large else _SMALL
    return {
        "photos": [_photo(photo, words, side) for photo in block.photos],
        "caption": block.caption,
        "large": block.large,
    }


def _estimate(value: float, low: float | None, high: float | None) -> tuple[str, str]:
    """`0.912` and `0.880–0.940`, or an empty second part."""
    return f"{value:.3f}", "" if low is None or high is None else f"{low:.3f}–{high:.3f}"


def _roc_panels(block: RocPanels, words: Words) -> dict[str, Any]:
    plots = []
    for plot in block.plots:
        value, interval = _estimate(plot.value, plot.ci_low, plot.ci_high)
        label = words("roc.alt", name=plot.name, value=f"{value} ({interval})")
        svg = Markup(roc_svg(plot, label=label))
        counts = words("roc.counts", positives=f"{plot.positives:,}", units=f"{plot.units:,}")
        plots.append(
            {"name": plot.name, "svg": svg, "value": value, "interval": interval, "counts": counts}
        )
    return {"plots": plots, "caption": block.caption}


def _forest(block: Forest, _: Words) -> dict[str, Any]:
    lows = [row.ci_low if row.ci_low is not None else row.value for row in block.rows]
    lowest = min([low for low in lows if low is not None] + [0.5])
    # the scale begins at a tenth, a little below everything that is drawn
    start = max(0.0, int((lowest - 0.02) * 10) / 10)

    def place(value: float | None) -> float | None:
        return None if value is None else round(100 * (value - start) / (1 - start), 3)

    rows = []
    for row in block.rows:
        value, interval = ("", "")
        if row.value is not None:
            value, interval = _estimate(row.value, row.ci_low, row.ci_high)
        rows.append(
            {
                "row": row,
                "at": place(row.value),
                "low": place(row.ci_low),
                "high": place(row.ci_high),
                "value": value,
                "interval": interval,
            }
        )
    ticks = [(f"{tick / 10:.1f}", place(tick / 10)) for tick in range(round(start * 10), 11)]
    return {"rows": rows, "ticks": ticks, "chance": place(0.5), "caption": block.caption}


def _heat_map(block: HeatMap, _: Words) -> dict[str, Any]:
    return {
        "photo": data_uri(block.rgb, longest_side=_LARGE),
        "overlay": data_uri(tint(block.rgb, block.shares), longest_side=_LARGE),
        "speaks": bool(block.shares.max() > 0),
        "finding": block.finding,
        "caption": block.caption,
    }


def _learning_curve(block: LearningCurve, words: Words) -> dict[str, Any]:
    label = words("curve.alt", x=block.x_label, y=block.y_label)
    svg = Markup(curve_svg(block, label=label))
    return {"block": block, "svg": svg}


def _curve_panels(block: CurvePanels, words: Words) -> dict[str, Any]:
    return {"curves": [_learning_curve(curve, words) for curve in block.curves]}


def _timings(block: Timings, words: Words) -> dict[str, Any]:
    longest = max((seconds for _, seconds in block.items), default=0.0) or 1.0
    items = [
        (name, _duration(seconds, words), 100 * seconds / longest) for name, seconds in block.items
    ]
    return {"items": items, "caption": block.caption}


def _duration(seconds: float, words: Words) -> str:
    if round(seconds, 1) >= 60:
        minutes, rest = divmod(round(seconds), 60)
        return words("time.minutes", m=minutes, s=rest)
    if seconds >= 1:
        return words("time.seconds", s=f"{seconds:.1f}")
    return words("time.milliseconds", ms=f"{1000 * seconds:.0f}")


_VIEWS: Final[Mapping[type, tuple[str, Callable[[Any, Words], dict[str, Any]]]]] = {
    Facts: ("facts", _facts),
    Table: ("table", _table),
    Bars: ("counts", _bars),
    Funnel: ("funnel", _funnel),
    ContactSheet: ("contact_sheet", _contact_sheet),
    RocPanels: ("roc_panels", _roc_panels),
    Forest: ("forest", _forest),
    HeatMap: ("heat_map", _heat_map),
    LearningCurve: ("learning_curve", _learning_curve),
    CurvePanels: ("curve_panels", _curve_panels),
    Timings: ("timings", _timings),
}
