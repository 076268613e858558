from __future__ import annotations

import csv
import json
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funduscope import stats
from funduscope.errors import DataError

EXPECTED = json.loads(
    (Path(__file__).parent.parent / "reference" / "delong.json").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def asah(shared: Path) -> tuple[list[bool], dict[str, list[float]]]:
    path = shared / "reference" / "delong" / "aSAH.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [row["outcome"] == "Poor" for row in rows], {
        name: [float(row[name]) for row in rows] for name in EXPECTED["auc"]
    }


@pytest.mark.realdata
@pytest.mark.parametrize("name", EXPECTED["auc"])
def test_area_and_variance_as_published(asah, name):
    labels, scores = asah
    assert sum(labels) == EXPECTED["n"]["Poor"]
    area, variance = stats.delong(labels, scores[name])
    assert area == pytest.approx(EXPECTED["auc"][name], abs=1e-12)
    assert variance == pytest.approx(EXPECTED["var"][name], rel=1e-10)


@pytest.mark.realdata
def test_interval_as_published(asah):
    labels, scores = asah
    found = stats.delong_ci(labels, scores["ndka"])
    assert [found.low, found.value, found.high] == pytest.approx(EXPECTED["ci_auc_ndka"], abs=1e-10)


@pytest.mark.realdata
def test_paired_comparison_as_published(asah):
    labels, scores = asah
    areas, covariance = stats.delong_covariance(labels, [scores["wfns"], scores["ndka"]])
    assert covariance[0, 1] == pytest.approx(EXPECTED["cov"]["wfns,ndka"], rel=1e-10)
    published = EXPECTED["paired_delong"]["wfns-ndka"]
    difference = areas[0] - areas[1]
    error = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert difference / error == pytest.approx(published["Z"], rel=1e-10)
    half = NormalDist().inv_cdf(0.975) * error
    assert [difference - half, difference + half] == pytest.approx(published["ci"], rel=1e-8)


def by_definition(labels: np.ndarray, scores: np.ndarray) -> float:
    """DeLong's variance from the matrix of all pairs."""
    pairs = scores[labels][:, None] - scores[~labels][None, :]
    wins = (pairs > 0) + 0.5 * (pairs == 0)
    return float(
        wins.mean(axis=1).var(ddof=1) / wins.shape[0]
        + wins.mean(axis=0).var(ddof=1) / wins.shape[1]
    )


@given(
    st.lists(st.integers(-3, 4), min_size=2, max_size=25),
    st.lists(st.integers(-4, 3), min_size=2, max_size=25),
)
@settings(deadline=None)
def test_ranks_give_the_variance_of_the_definition(positive, negative):
    labels = np.array([True] * len(positive) + [False] * len(negative))
    scores = np.array(positive + negative, dtype=float)
    area, variance = stats.delong(labels, scores)
    assert area == pytest.approx(stats.auroc(labels, scores))
    assert variance == pytest.approx(by_definition(labels, scores), abs=1e-12)


def test_interval_stays_within_the_scale_and_narrows_with_level():
    labels = [0] * 6 + [1] * 6
    scores = [1, 2, 3, 4, 5, 7, 6, 8, 9, 10, 11, 12]
    wide, narrow = stats.delong_ci(labels, scores), stats.delong_ci(labels, scores, level=0.5)
    assert wide.high == 1.0
    assert wide.low < narrow.low < narrow.value < narrow.high <= wide.high
    assert wide.method == "delong"
    assert wide.reason is None


@pytest.mark.parametrize(
    ("labels", "scores", "value", "words"),
    [
        ([0, 0], [1, 2], None, "one class only: 0 of 2"),
        ([0, 0, 1], [1, 3, 2], 0.5, "single unit"),
        ([0, 0, 1, 1], [1, 2, 3, 4], 1.0, "fully separated"),
    ],
)
def test_no_interval_without_a_reason(labels, scores, value, words):
    found = stats.delong_ci(labels, scores)
    assert found.value == value
    assert found.low is None
    assert found.high is None
    assert words in found.reason


def test_variance_needs_two_of_each_class():
    with pytest.raises(DataError, match="two units of each class") as caught:
        stats.delong([0, 0, 1], [1, 2, 3])
    assert caught.value.code == "too_few"
