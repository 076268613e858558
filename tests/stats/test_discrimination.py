from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from funduscope import stats
from funduscope.errors import DataError

# few distinct scores, so that ties are the rule and not the exception
SAMPLES = st.lists(st.tuples(st.booleans(), st.integers(-4, 4)), min_size=4, max_size=60).filter(
    lambda rows: 0 < sum(label for label, _ in rows) < len(rows)
)


def columns(rows: list[tuple[bool, int]]) -> tuple[np.ndarray, np.ndarray]:
    labels, scores = zip(*rows, strict=True)
    return np.array(labels), np.array(scores, dtype=float)


def by_pairs(labels: np.ndarray, scores: np.ndarray) -> float:
    pairs = scores[labels][:, None] - scores[~labels][None, :]
    return float(np.mean((pairs > 0) + 0.5 * (pairs == 0)))


@given(SAMPLES)
@settings(deadline=None)
def test_auroc_is_the_share_of_ordered_pairs_with_ties_at_one_half(rows):
    labels, scores = columns(rows)
    assert stats.auroc(labels, scores) == pytest.approx(by_pairs(labels, scores), abs=1e-12)


@given(SAMPLES)
@settings(deadline=None)
def test_both_statistics_agree_with_scikit_learn(rows):
    labels, scores = columns(rows)
    assert stats.auroc(labels, scores) == pytest.approx(metrics.roc_auc_score(labels, scores))
    assert stats.average_precision(labels, scores) == pytest.approx(
        metrics.average_precision_score(labels, scores)
    )


@given(SAMPLES, st.sampled_from([np.exp, np.arctan, lambda x: 3 * x - 7, lambda x: x**3]))
@settings(deadline=None)
def test_monotone_maps_of_the_scores_change_nothing(rows, rising):
    labels, scores = columns(rows)
    assert stats.auroc(labels, rising(scores)) == pytest.approx(stats.auroc(labels, scores))


@given(SAMPLES)
@settings(deadline=None)
def test_swapping_labels_or_sign_mirrors_auroc(rows):
    labels, scores = columns(rows)
    area = stats.auroc(labels, scores)
    assert stats.auroc(~labels, scores) == pytest.approx(1 - area)
    assert stats.auroc(labels, -scores) == pytest.approx(1 - area)


@given(SAMPLES, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_order_of_units_does_not_matter(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert stats.auroc(*columns(rows)) == pytest.approx(stats.auroc(*columns(shuffled)))
    assert stats.average_precision(*columns(rows)) == pytest.approx(
        stats.average_precision(*columns(shuffled))
    )


@pytest.mark.parametrize("function", [stats.auroc, stats.average_precision])
@pytest.mark.parametrize(
    ("labels", "scores", "code", "words"),
    [
        ([0, 0, 0], [0.1, 0.2, 0.3], "one_class", "0 of 3"),
        ([1, 1], [0.1, 0.2], "one_class", "2 of 2"),
        ([], [], "one_class", "0 of 0"),
        ([0, 1], [0.1], "bad_shape", "(2,)"),
        ([[0, 1]], [[0.1, 0.2]], "bad_shape", "(1, 2)"),
        ([0, 2], [0.1, 0.2], "bad_label", "label number 1"),
        ([0.0, float("nan")], [0.1, 0.2], "bad_label", "label number 1"),
        ([0, 1], [float("nan"), 0.2], "bad_score", "score number 0"),
        ([0, 1], [0.2, float("inf")], "bad_score", "score number 1"),
    ],
)
def test_bad_samples_are_refused_by_name(function, labels, scores, code, words):
    with pytest.raises(DataError) as caught:
        function(labels, scores)
    assert caught.value.code == code
    assert words in str(caught.value)
