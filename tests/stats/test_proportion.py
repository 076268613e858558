from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from funduscope import stats


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (10, 10), (3, 50), (49, 50), (500, 1000)])
def test_it_is_the_interval_of_statsmodels(hits, n):
    found = stats.wilson(hits / n, n)
    low, high = proportion_confint(hits, n, method="wilson")
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)


@given(st.floats(0, 1), st.floats(0.1, 1e6))
def test_the_share_lies_inside_and_more_units_narrow_it(share, n):
    found, wider = stats.wilson(share, 2 * n), stats.wilson(share, n)
    assert 0 <= found.low <= share + 1e-12
    assert share - 1e-12 <= found.high <= 1
    assert found.high - found.low <= wider.high - wider.low + 1e-12


def test_nothing_counted_has_no_share():
    assert stats.wilson(0.0, 0).value is None
    assert stats.wilson(0.0, 0).reason == "no units"
