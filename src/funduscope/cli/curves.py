"""Curves of a training run as text: solid areas of eighth blocks, at most 80 columns wide."""

from __future__ import annotations

import math
from collections.abc import Sequence

WIDTH = 80
_AXIS = 11  # columns in front of the drawing: a number, a line
_BLOCKS = " ▁▂▃▄▅▆▇█"
_PLAIN = "    ####█"  # for code pages without blocks: half a row or nothing


def curve(
    title: str,
    steps: Sequence[float],
    values: Sequence[float | None],
    *,
    last_step: int,
    rows: int = 3,
    unicode: bool = True,
) -> list[str]:
    """Lines of text: the title with the last value, then `rows` rows from lowest to highest.

    Args:
        title: what is drawn.
        steps: of each value, 1 to `last_step`, rising.
        values: None and values that are not finite are left out.
        last_step: the right edge; a run that is still training leaves the rest blank.
        rows: height of the drawing.
        unicode: False draws with signs that every code page has.
    """
    given = zip(steps, values, strict=True)
    points = [(s, v) for s, v in given if v is not None and math.isfinite(v)]
    if not points:
        return [f"{title}: not logged"]
    numbers = [v for _, v in points]
    low, high = min(numbers), max(numbers)
    blocks = _BLOCKS if unicode else _PLAIN.replace("█", "#")
    top = len(_BLOCKS) - 1
    # the lowest value still shows an eighth of a row
    heights = [
        None if mean is None else 1 + (rows * top - 1) * (mean - low) / ((high - low) or 1)
        for mean in _columns(points, last_step)
    ]
    drawn = [f"{title}  last {numbers[-1]:.3g}"]
    for row in reversed(range(rows)):
        name = {rows - 1: f"{high:.3g}", 0: f"{low:.3g}"}.get(row, "")
        eighths = (0 if h is None else round(min(max(h - row * top, 0), top)) for h in heights)
        area = "".join(blocks[e] for e in eighths)
        drawn.append(f"{name:>{_AXIS - 2}} {'│' if unicode else '|'}{area}".rstrip())
    return drawn


def step_axis(last_step: int) -> str:
    """The line below the curves: first and last step."""
    end = f"{last_step:,}"
    return " " * _AXIS + "1" + f"step {end}".rjust(WIDTH - _AXIS - 1)


def _columns(points: Sequence[tuple[float, float]], last_step: int) -> list[float | None]:
    """The mean of the values of each column; between two logged steps, the one before."""
    count = WIDTH - _AXIS
    found: list[list[float]] = [[] for _ in range(count)]
    for step, value in points:
        found[min(count - 1, int((step - 1) * count / last_step))].append(value)
    last = max(at for at, values in enumerate(found) if values)
    means: list[float | None] = []
    for at, values in enumerate(found):
        before = means[-1] if means and at <= last else None
        means.append(sum(values) / len(values) if values else before)
    return means
