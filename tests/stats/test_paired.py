from __future__ import annotations

import numpy as np
import pytest

from funduscope import stats
from funduscope.errors import DataError
from funduscope.stats.bootstrap import patient_weights


def draw(units: int = 120, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels of two findings (some unknown), scores of three models, patients of two units."""
    rng = np.random.default_rng(seed)
    labels = (rng.random((units, 2)) < 0.4).astype(float)
    scores = rng.normal(size=(3, units, 2)) + labels
    labels[rng.random(labels.shape) < 0.2] = np.nan
    return labels, np.round(scores, 1), np.arange(units) // 2


def test_each_replicate_is_the_auroc_of_the_patients_drawn():
    labels, scores, patients = draw()
    found = stats.paired_aurocs(labels, scores, patients, n=20, seed=3)
    weights = np.concatenate(list(patient_weights(patients, 20, np.random.default_rng(3))))
    assert found.shape == (3, 2, 21)
    for m in range(3):
        for t in range(2):
            known = np.isfinite(labels[:, t])
            truth, values = labels[known, t], scores[m, known, t]
            assert found[m, t, 0] == pytest.approx(stats.auroc(truth, values))
            for r, weight in enumerate(weights[:, known].astype(int), 1):
                again = stats.auroc(np.repeat(truth, weight), np.repeat(values, weight))
                assert found[m, t, r] == pytest.approx(again)


def test_models_share_the_luck_of_the_draw():
    labels, scores, patients = draw()
    twice = stats.paired_aurocs(labels, scores[[0, 0]], patients, n=50, seed=0)
    assert (twice[0] == twice[1]).all()
    shifted = np.stack([scores[0], np.exp(scores[0])])  # the same order, the same AUROC
    ranks = stats.paired_aurocs(labels, shifted, patients, n=50, seed=0)
    assert np.allclose(ranks[0], ranks[1])


def test_a_replicate_without_a_class_is_no_number():
    labels = np.array([[1.0], [0.0], [0.0]])
    found = stats.paired_aurocs(labels, labels[None], np.arange(3), n=200, seed=0)[0, 0]
    assert found[0] == 1
    assert np.isnan(found).any()
    assert set(found[~np.isnan(found)]) == {1.0}


@pytest.mark.parametrize(
    ("labels", "scores", "code"),
    [
        ([[1.0], [0.0]], [[[1.0], [2.0], [3.0]]], "bad_shape"),
        ([1.0, 0.0], [[1.0, 2.0]], "bad_shape"),
        ([[1.0], [0.5]], [[[1.0], [2.0]]], "bad_label"),
        ([[1.0], [1.0]], [[[1.0], [2.0]]], "one_class"),
    ],
)
def test_what_cannot_be_compared_is_refused(labels: object, scores: object, code: str):
    with pytest.raises(DataError) as caught:
        stats.paired_aurocs(labels, scores, np.arange(2), seed=0)
    assert caught.value.code == code
