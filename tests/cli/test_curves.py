from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from funduscope.cli.curves import WIDTH, curve, step_axis

STEPS = list(range(1, 8))
VALUES = [3.5, 3.0, None, 2.0, math.nan, 1.0, 0.5]


def test_a_curve_is_drawn_with_its_last_value_and_a_blank_rest():
    assert curve("loss", STEPS, VALUES, last_step=10, rows=2) == [
        "loss  last 0.5",
        "      3.5 │██████▆▆▆▆▆▆▆▆▆▆▆▆▆▆",
        "      0.5 │██████████████████████████████████▄▄▄▄▄▄▄▁",
    ]


def test_a_code_page_without_blocks_gets_plain_signs():
    drawn = curve("loss", STEPS, VALUES, last_step=10, rows=2, unicode=False)
    assert drawn[1:] == [
        "      3.5 |####################",
        "      0.5 |#########################################",
    ]
    assert all(line.isascii() for line in drawn)


def test_what_was_never_logged_is_said():
    assert curve("alignment", [1, 2], [None, math.inf], last_step=2) == ["alignment: not logged"]


def test_the_axis_ends_where_the_curves_end():
    assert len(step_axis(12_000)) == WIDTH
    assert step_axis(12_000).endswith("step 12,000")


@given(
    st.lists(st.none() | st.floats(-1e99, 1e99), min_size=1, max_size=300),
    st.integers(0, 1000),
    st.integers(1, 6),
)
def test_any_log_fits_the_width(values, to_come, rows):
    steps = list(range(1, len(values) + 1))
    drawn = curve("t", steps, values, last_step=len(values) + to_come, rows=rows)
    assert len(drawn) == 1 + rows if any(v is not None for v in values) else 1
    assert max(map(len, drawn)) <= WIDTH
