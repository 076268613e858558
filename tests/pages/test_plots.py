from __future__ import annotations

import builtins
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from funduscope.errors import ConfigError, DataError
from funduscope.pages import LearningCurve, RocPlot, Series
from funduscope.pages.plots import MAX_SERIES, curve_svg, roc_svg


def roc(**changes) -> RocPlot:
    line = np.linspace(0, 1, 11)
    fields = {
        "name": "glaucoma",
        "fpr": line,
        "tpr": np.sqrt(line),
        "grid": line,
        "low": line**0.7,
        "high": line**0.3,
        "value": 0.8,
        "ci_low": 0.7,
        "ci_high": 0.9,
        "positives": 3,
        "units": 9,
    }
    return RocPlot(**(fields | changes))


def curve(lines: int = 2) -> LearningCurve:
    series = [Series(f"line {at}", [0, 10, 20], [3.0, 2.0, 1.0 + at]) for at in range(lines)]
    return LearningCurve(series, "step", "loss")


@pytest.mark.parametrize(
    "draw",
    [lambda label: roc_svg(roc(), label=label), lambda label: curve_svg(curve(), label=label)],
)
def test_svg_stands_alone_and_takes_colors_and_letters_from_the_page(draw):
    svg = draw('a "quoted" <b> & label')
    root = ElementTree.fromstring(svg)
    assert root.tag == "svg"
    assert root.get("aria-label") == 'a "quoted" <b> & label'
    for foreign in ("http", "<style", "font-family", "<!DOCTYPE", "xlink", "date", "matplotlib"):
        assert foreign not in svg
    # nothing but the page's variables: no color is left that would not follow light and dark
    assert not re.search(r"#[0-9a-f]{6}\b(?!\))", re.sub(r'(href="|url\()#[\w-]+', "", svg))
    assert "var(--series-1)" in svg
    assert "var(--muted)" in svg
    ids = [node.get("id") for node in root.iter() if node.get("id")]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="|url\()#([\w-]+)', svg)) == set(ids)


def test_the_same_data_give_the_same_bytes():
    assert roc_svg(roc(), label="x") == roc_svg(roc(), label="x")
    assert roc_svg(roc(), label="x") != roc_svg(roc(tpr=np.linspace(0, 1, 11)), label="x")


def test_a_curve_without_band_has_none():
    empty = np.empty(0)
    assert "fill-opacity: 0.18" in roc_svg(roc(), label="x")
    assert "fill-opacity" not in roc_svg(roc(grid=empty, low=empty, high=empty), label="x")


def test_each_line_has_its_color_and_too_many_are_refused():
    svg = curve_svg(curve(MAX_SERIES), label="x")
    assert all(f"var(--series-{at})" in svg for at in range(1, MAX_SERIES + 1))
    for wrong in (0, MAX_SERIES + 1):
        with pytest.raises(DataError, match="told apart"):
            curve_svg(curve(wrong), label="x")


def test_without_matplotlib_the_install_line_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **named):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"'\.\[stats\]'"):
        roc_svg(roc(), label="x")
