from __future__ import annotations

import numpy as np
import pytest

from funduscope.errors import DataError
from funduscope.stats import clustered_share, cohen_kappa, wilson


def test_wilson_is_the_published_interval():
    # Newcombe, Statistics in Medicine 1998; 17: 857-872, table I, method 3
    for hits, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)):
        assert wilson(hits / n, n) == pytest.approx((low, high), abs=1e-4)
    assert wilson(0 / 20, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(29 / 29, 29) == pytest.approx((0.8830, 1.0), abs=1e-4)


def test_single_units_of_equal_weight_give_wilson_itself():
    hits = np.array([1] * 90 + [0] * 10)
    found = clustered_share(hits, np.ones(100), np.ones(100))
    assert found.value == pytest.approx(0.9)
    assert (found.low, found.high) == pytest.approx(wilson(0.9, 99), abs=2e-4)
    assert found.method == "wilson by report"


def test_weights_move_the_share_and_clusters_widen_it():
    assert clustered_share([1, 0], [1, 1], [3.0, 1.0]).value == pytest.approx(0.75)
    loose = clustered_share([1] * 80 + [0] * 20, [1] * 100, [1.0] * 100)
    tight = clustered_share([10] * 8 + [0] * 2, [10] * 10, [1.0] * 10)
    assert loose.value == tight.value
    assert tight.high - tight.low > 2 * (loose.high - loose.low)


def test_nothing_wrong_is_not_certainty():
    found = clustered_share([5] * 20, [5] * 20, [1.0] * 20)
    assert found.value == found.high == 1.0
    assert found.low == pytest.approx(wilson(1.0, 20)[0])  # twenty reports, not a hundred readings
    uneven = clustered_share([5] * 20, [5] * 20, [20.0] + [1.0] * 19)
    assert uneven.low < found.low


def test_what_cannot_be_said_is_not_said():
    assert clustered_share([0, 0], [0, 0], [1, 1]).reason == "nothing to count"
    alone = clustered_share([1, 0], [2, 0], [1, 1])
    assert (alone.value, alone.low, alone.reason) == (0.5, None, "one report only")
    with pytest.raises(DataError, match="shapes"):
        clustered_share([1], [1, 2], [1, 1])


def test_the_interval_covers_the_share_of_a_drawn_population():
    """Forty reports out of 2,000 whose readings are right together, drawn with uneven chances."""
    generator = np.random.default_rng(3)
    units = generator.integers(1, 9, 2000)
    hits = generator.binomial(units, generator.beta(18, 2, 2000))
    truth = hits.sum() / units.sum()
    chance = np.where(np.arange(2000) < 500, 0.06, 0.02)
    chance = chance / chance.sum()
    covered = 0
    for _ in range(400):
        drawn = generator.choice(2000, size=40, p=chance)
        found = clustered_share(hits[drawn], units[drawn], 1 / chance[drawn])
        covered += found.low <= truth <= found.high
    assert covered / 400 > 0.92


def test_kappa_of_the_textbook_table():
    # Cohen's kappa of (20, 5, 10, 15): agreement 0.70, chance 0.50
    found = cohen_kappa([(20, 5, 10, 15)], seed=0)
    assert found.value == pytest.approx(0.4)
    assert found.reason == "one report only"
    many = cohen_kappa([(2, 1, 1, 1)] * 5 + [(2, 0, 1, 2)] * 5, seed=0)
    assert many.low < many.value < many.high
    assert many == cohen_kappa([(2, 1, 1, 1)] * 5 + [(2, 0, 1, 2)] * 5, seed=0)


def test_kappa_says_nothing_of_readers_who_always_say_yes():
    assert cohen_kappa([(3, 0, 0, 0), (4, 0, 0, 0)], seed=0).reason.startswith("both readers")
    assert cohen_kappa([], seed=0).reason == "nothing to count"
    assert cohen_kappa([(3, 0, 0, 1), (4, 0, 0, 2)], seed=0).value == 1.0
