"""Curves by matplotlib, as inline SVG that takes its colors and letters from the page.

matplotlib draws lines and digits; words (axis names, legends) are HTML around the plot, where they
wrap, scale and may be Chinese. Colors are placeholders that become the page's CSS variables, so
one drawing serves light, dark and print. The same data give the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from funduscope.errors import DataError, missing_extra
from funduscope.pages.blocks import LearningCurve, RocPlot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# placeholder colors that nothing else draws, and the CSS variables they stand for
_COLORS: Final = {
    "#010101": "var(--muted)",
    "#010102": "var(--line)",
    "#010103": "var(--series-1)",
    "#010104": "var(--series-2)",
    "#010105": "var(--series-3)",
    "#010106": "var(--series-4)",
}
_MUTED, _LINE, *_SERIES = _COLORS
MAX_SERIES: Final = len(_SERIES)

_SETTINGS: Final[Any] = {  # matplotlib types its keys as literals
    "svg.fonttype": "none",
    "svg.hashsalt": "funduscope",
    "font.size": 9.0,
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _LINE,
    "axes.linewidth": 1.0,
    "xtick.color": _LINE,
    "ytick.color": _LINE,
    "xtick.labelcolor": _MUTED,
    "ytick.labelcolor": _MUTED,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "axes.unicode_minus": False,
    "path.simplify_threshold": 0.3,
}


def roc_svg(plot: RocPlot, *, label: str) -> str:
    """A square ROC curve with its band; `label` is its text for people who do not see it."""
    figure, axes, finish = _canvas(width=180, height=176, left=24, right=6, top=6, bottom=20)
    axes.plot([0, 1], [0, 1], color=_LINE, linewidth=1)
    if plot.grid.size:
        axes.fill_between(plot.grid, plot.low, plot.high, color=_SERIES[0], alpha=0.18, linewidth=0)
    axes.plot(plot.fpr, plot.tpr, color=_SERIES[0], linewidth=1.7, solid_joinstyle="round")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks([0, 0.5, 1], labels=["0", "0.5", "1"])
    return finish(figure, label)


def curve_svg(curve: LearningCurve, *, label: str) -> str:
    """Lines over steps, a color each in the order of the series."""
    if not 1 <= len(curve.series) <= MAX_SERIES:
        raise DataError(
            f"{len(curve.series)} lines",
            place="pages, learning curve",
            rule=f"one to {MAX_SERIES} lines, so that they can be told apart",
            remedy="draw two learning curves",
        )
    figure, axes, finish = _canvas(width=380, height=210, left=38, right=8, top=8, bottom=22)
    axes.grid(axis="y", color=_LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    for series, color in zip(curve.series, _SERIES, strict=False):
        axes.plot(series.x, series.y, color=color, linewidth=1.6, solid_joinstyle="round")
    axes.margins(x=0.01)
    axes.locator_params(axis="both", nbins=5)
    return finish(figure, label)


def _canvas(
    *, width: int, height: int, left: int, right: int, top: int, bottom: int
) -> tuple[Figure, Axes, Callable[[Figure, str], str]]:
    """A figure of `width` x `height` px with one set of axes inside the margins."""
    try:
        import matplotlib
        from matplotlib.figure import Figure as MatplotlibFigure
    except ImportError:
        raise missing_extra("matplotlib", "stats") from None

    def finish(figure: Figure, label: str) -> str:
        written = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        with matplotlib.rc_context(_SETTINGS):
            figure.savefig(written, format="svg", transparent=True, metadata=nothing)
        return _adopt(written.getvalue(), label)

    with matplotlib.rc_context(_SETTINGS):
        # one point of matplotlib is one px of the drawing
        figure = MatplotlibFigure(figsize=(width / 72, height / 72))
        axes = figure.add_axes(
            (
                left / width,
                bottom / height,
                (width - left - right) / width,
                (height - top - bottom) / height,
            )
        )
    return figure, axes, finish


def _adopt(svg: str, label: str) -> str:
    """matplotlib's file as an element of the page: no prolog, no style or names of its own."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)
    view = re.search(r'viewBox="[^"]*"', svg)
    assert view is not None, "matplotlib writes a viewBox"
    escaped = label.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    svg = re.sub(
        r"<svg[^>]*>", lambda _: f'<svg {view[0]} role="img" aria-label="{escaped}">', svg, count=1
    )
    svg = svg.replace("xlink:href", "href")
    used = set(re.findall(r'(?:href="|url\()#([\w.-]+)', svg))
    svg = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", svg)
    # drawings share names (of tick marks, say); on one page each needs its own
    own = hashlib.sha256(svg.encode()).hexdigest()[:8]
    svg = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{own}-", svg)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    svg = re.sub(r' transform="rotate\(-0 [^)]*\)"', "", svg)
    for placeholder, variable in _COLORS.items():
        svg = svg.replace(placeholder, variable)
    return re.sub(r"\n\s*", "\n", svg).strip()
