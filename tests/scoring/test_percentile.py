from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funduscope import scoring
from funduscope.errors import DataError

SCORES = st.lists(st.floats(0, 1), min_size=1, max_size=40)


def test_equal_scores_count_one_half():
    found = scoring.percentile([0.0, 0.1, 0.2, 0.25, 0.9], [0.1, 0.2, 0.2, 0.4])
    assert found.tolist() == [0.0, 12.5, 50.0, 75.0, 100.0]
    assert scoring.percentile(0.3, [0.1, 0.2, 0.2, 0.4]).shape == ()
    each = scoring.percentile([0.3, 0.3], [[0.1, 0.2], [0.2, 0.4]])
    assert each.tolist() == [100.0, 50.0]


@given(SCORES, SCORES)
@settings(deadline=None)
def test_rises_with_the_score_and_mirrors(reference, scores):
    reference, scores = np.sort(reference), np.sort(scores)
    found = scoring.percentile(scores, reference)
    assert (np.diff(found) >= 0).all()
    assert ((found >= 0) & (found <= 100)).all()
    assert scoring.percentile(-scores, -reference[::-1]) == pytest.approx(100 - found)


@pytest.mark.parametrize("reference", [[], 0.1, [0.1, float("nan")]])
def test_a_bad_reference_is_refused(reference):
    with pytest.raises(DataError, match="all of them finite"):
        scoring.percentile(0.5, reference)
