from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from funduscope import stats
from funduscope.errors import DataError

SAMPLES = st.lists(st.tuples(st.booleans(), st.integers(-4, 4)), min_size=4, max_size=40).filter(
    lambda rows: 0 < sum(label for label, _ in rows) < len(rows)
)


@given(SAMPLES)
@settings(deadline=None)
def test_curve_is_that_of_scikit_learn_and_its_area_is_auroc(rows):
    labels, scores = zip(*rows, strict=True)
    curve = stats.roc_curve(labels, scores)
    fpr, tpr, thresholds = metrics.roc_curve(labels, scores, drop_intermediate=False)
    assert curve.fpr == pytest.approx(fpr)
    assert curve.tpr == pytest.approx(tpr)
    assert curve.thresholds[1:] == pytest.approx(thresholds[1:])
    assert np.trapezoid(curve.tpr, curve.fpr) == pytest.approx(stats.auroc(labels, scores))
    assert curve.grid.size == 0


def test_band_surrounds_the_curve_and_repeats_with_the_seed():
    generator = np.random.default_rng(0)
    labels = generator.random(240) < 0.4
    scores = generator.normal(size=240) + labels
    patients = np.arange(240) // 2
    band = stats.roc_curve(labels, scores, patients, n=400, seed=1, points=51)
    assert band.grid == pytest.approx(np.linspace(0, 1, 51))
    middle = np.interp(band.grid, band.fpr, band.tpr)
    assert (band.low <= middle + 1e-9).mean() > 0.95
    assert (band.high >= middle - 1e-9).mean() > 0.95
    assert (np.diff(band.low) >= 0).all()
    assert (np.diff(band.high) >= 0).all()
    assert (band.high - band.low).max() > 0.05
    again = stats.roc_curve(labels, scores, patients, n=400, seed=1, points=51)
    assert (again.low == band.low).all()


def test_no_band_from_one_patient_and_no_curve_from_one_class():
    assert stats.roc_curve([1, 1, 0, 0], [4, 3, 2, 1], ["a", "a", "b", "c"]).grid.size == 0
    with pytest.raises(DataError, match="one class only"):
        stats.roc_curve([1, 1], [0.1, 0.2])
