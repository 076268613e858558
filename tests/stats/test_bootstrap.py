from __future__ import annotations

import numpy as np
import pytest

from funduscope import stats
from funduscope.errors import DataError
from funduscope.stats.bootstrap import replicates


def draw(units: int = 300, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = generator.random(units) < 0.3
    return labels, generator.normal(size=units) + labels


def test_patients_of_one_unit_agree_with_delong():
    labels, scores = draw(400)
    resampled = stats.cluster_bootstrap(labels, scores, np.arange(400), seed=1)
    formula = stats.delong_ci(labels, scores)
    assert resampled.value == pytest.approx(formula.value)
    assert resampled.low == pytest.approx(formula.low, abs=0.01)
    assert resampled.high == pytest.approx(formula.high, abs=0.01)


def test_copies_of_a_patient_add_nothing():
    # every unit twice, as if both eyes were one photograph: by patient the interval is that of
    # the single units, by image it is falsely narrow by the root of two
    labels, scores = draw(200)
    single = stats.cluster_bootstrap(labels, scores, np.arange(200), seed=2)
    twice = np.repeat(np.arange(200), 2)
    clustered = stats.cluster_bootstrap(labels[twice], scores[twice], twice, seed=2)
    naive = stats.cluster_bootstrap(labels[twice], scores[twice], np.arange(400), seed=2)
    assert (clustered.low, clustered.high) == pytest.approx((single.low, single.high))
    ratio = (clustered.high - clustered.low) / (naive.high - naive.low)
    assert ratio == pytest.approx(np.sqrt(2), rel=0.1)


def test_weights_are_whole_patients_and_one_seed_is_one_answer():
    truth = np.array([True, True, False, False, False, True])
    clusters = np.array([0, 0, 1, 1, 2, 3])
    weights = np.concatenate(list(replicates(truth, clusters, 500, np.random.default_rng(3))))
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 2] == weights[:, 3]).all()
    drawn = weights[:, 0] + weights[:, 2] + weights[:, 4] + weights[:, 5]
    assert (drawn == 4).all()
    assert weights[:, 0].mean() == pytest.approx(1, abs=0.15)
    # replicates without one of the classes are left out: (2/4)^4 twice of all
    assert 400 < len(weights) < 470

    labels, scores = draw(80)
    first, again, other = (
        stats.cluster_bootstrap(labels, scores, np.arange(80) // 2, n=200, seed=seed)
        for seed in (5, 5, 6)
    )
    assert first == again
    assert first != other


def test_interval_of_average_precision_holds_the_estimate():
    labels, scores = draw(250)
    found = stats.cluster_bootstrap(
        labels, scores, np.arange(250), statistic="average_precision", seed=4, n=500
    )
    assert found.value == pytest.approx(stats.average_precision(labels, scores))
    assert found.low < found.value < found.high


def test_method_says_whether_patients_are_known():
    labels, scores = draw(50)
    by_patient = stats.cluster_bootstrap(labels, scores, np.arange(50), seed=0, n=50)
    by_image = stats.cluster_bootstrap(
        labels, scores, np.arange(50), seed=0, n=50, patients_are_images=True
    )
    assert by_patient.method == "patient bootstrap"
    assert by_image.method == "images independent"


@pytest.mark.parametrize(
    ("labels", "patients", "value", "words"),
    [
        ([1, 1, 1, 1], ["a", "b", "c", "d"], None, "one class only: 4 of 4"),
        ([1, 1, 0, 0], ["a", "a", "b", "c"], 0.5, "1 with and 2 without"),
        ([1, 1, 0, 0], ["a", "b", "c", "c"], 0.5, "2 with and 1 without"),
    ],
)
def test_no_interval_without_a_reason(labels, patients, value, words):
    found = stats.cluster_bootstrap(labels, [1, 1, 1, 1], patients, seed=0)
    assert (found.value, found.low, found.high) == (value, None, None)
    assert words in found.reason


def test_wrong_arguments_are_refused():
    with pytest.raises(DataError, match="one patient for each unit"):
        stats.cluster_bootstrap([0, 1], [0.1, 0.2], ["a"], seed=0)
    with pytest.raises(DataError, match="auroc, average_precision"):
        stats.cluster_bootstrap([0, 1], [0.1, 0.2], ["a", "b"], statistic="f1", seed=0)


def test_coverage_of_correlated_eyes():
    # two eyes share most of a patient's score and the disease; the true AUROC is known
    generator = np.random.default_rng(11)
    truth_value = 0.7602499  # Phi(1 / sqrt 2)
    covered = 0
    trials, patients = 120, 80
    for trial in range(trials):
        disease = generator.random(patients) < 0.4
        shared = generator.normal(scale=np.sqrt(0.8), size=patients)
        eyes = np.repeat(np.arange(patients), 2)
        scores = disease[eyes] + shared[eyes] + generator.normal(scale=np.sqrt(0.2), size=eyes.size)
        found = stats.cluster_bootstrap(disease[eyes], scores, eyes, n=300, seed=trial)
        covered += found.low <= truth_value <= found.high
    assert 0.88 <= covered / trials <= 0.99
