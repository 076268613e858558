from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funduscope import scoring
from funduscope.errors import DataError


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=shape))


def test_ensemble_weighs_every_phrasing_equally():
    rows = draw(5, 8)
    longer = rows * np.array([1, 10, 0.1, 3, 2])[:, None]
    assert scoring.ensemble(longer) == pytest.approx(unit(rows.mean(axis=0)), abs=1e-6)
    assert scoring.ensemble(rows[:1]) == pytest.approx(rows[0], abs=1e-6)


@given(st.integers(0, 10_000), st.floats(0.1, 100))
@settings(deadline=None)
def test_scores_follow_the_difference_of_cosines(seed, scale):
    images, positive, negative = (
        draw(6, 5, seed=seed),
        draw(3, 5, seed=seed + 1),
        draw(3, 5, seed=7),
    )
    scores = scoring.zero_shot(images, positive, negative, scale)
    difference = images @ positive.T - images @ negative.T
    assert scores == pytest.approx(1 / (1 + np.exp(-scale * difference)))
    # words for and against change places: the score becomes its complement
    assert scoring.zero_shot(images, negative, positive, scale) == pytest.approx(1 - scores)
    assert scoring.zero_shot(images, positive, positive, scale) == pytest.approx(0.5)


def test_order_of_images_and_findings_is_kept():
    images, positive, negative = draw(4, 6), draw(3, 6, seed=1), draw(3, 6, seed=2)
    whole = scoring.zero_shot(images, positive, negative, 10)
    assert whole.shape == (4, 3)
    single = scoring.zero_shot(images[2:3], positive[1:2], negative[1:2], 10)
    assert single[0, 0] == pytest.approx(whole[2, 1])


def test_extremes_neither_overflow_nor_tie_early():
    images = np.array([[1.0, 0.0], [np.cos(0.1), np.sin(0.1)], [-1.0, 0.0]])
    toward = np.array([[1.0, 0.0]])
    scores = scoring.zero_shot(images, toward, -toward, 15)[:, 0]
    assert scores[0] > scores[1] > scores[2] >= 0
    assert scoring.zero_shot(images, toward, -toward, 1e6)[2, 0] == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"images": np.ones((2, 4))}, "images, row 0"),
        ({"images": np.full((2, 4), np.nan)}, "images, row 0"),
        ({"images": draw(4)}, "two dimensions"),
        ({"images": draw(2, 5)}, "share D and F"),
        ({"negative": draw(2, 4)}, "share D and F"),
        ({"scale": 0.0}, "positive number"),
        ({"scale": float("nan")}, "positive number"),
    ],
)
def test_bad_input_is_refused(change, words):
    arguments = {"images": draw(2, 4), "positive": draw(3, 4), "negative": draw(3, 4), "scale": 10}
    with pytest.raises(DataError) as caught:
        scoring.zero_shot(**(arguments | change))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "rows", [np.empty((0, 4)), np.zeros((2, 4)), np.ones(4), np.array([[1.0, 0.0], [-1.0, 0.0]])]
)
def test_an_ensemble_needs_a_direction(rows):
    with pytest.raises(DataError):
        scoring.ensemble(rows)
