from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funduscope import scoring
from funduscope.errors import DataError


def parts(seed: int, *, channels: int = 6, dim: int = 4, h: int = 3, w: int = 5):
    generator = np.random.default_rng(seed)
    return (
        generator.normal(size=(channels, h, w)),
        generator.normal(size=(channels, dim)),
        generator.normal(size=dim),
    )


@given(st.integers(0, 10_000))
@settings(deadline=None)
def test_shares_add_up_to_the_cosine(seed):
    cells, projection, direction = parts(seed)
    embedding = cells.mean(axis=(1, 2)) @ projection
    embedding /= np.linalg.norm(embedding)
    shares = scoring.activation_map(cells, projection, direction)
    assert shares.shape == (3, 5)
    assert shares.mean() == pytest.approx(embedding @ direction)


@given(st.integers(0, 10_000))
@settings(deadline=None)
def test_linear_in_the_direction_and_blind_to_brightness(seed):
    cells, projection, direction = parts(seed)
    other = parts(seed + 1)[2]
    one = scoring.activation_map(cells, projection, direction)
    two = scoring.activation_map(cells, projection, other)
    assert scoring.activation_map(cells, projection, direction - other) == pytest.approx(one - two)
    assert scoring.activation_map(7 * cells, projection, direction) == pytest.approx(one)


def test_moving_the_cells_moves_the_map():
    cells, projection, direction = parts(1)
    whole = scoring.activation_map(cells, projection, direction)
    turned = scoring.activation_map(cells[:, :, ::-1], projection, direction)
    assert turned == pytest.approx(whole[:, ::-1])


def test_a_projected_feature_map_needs_no_projection():
    cells, projection, direction = parts(2)
    projected = np.einsum("chw,cd->dhw", cells, projection)
    assert scoring.activation_map(projected, None, direction) == pytest.approx(
        scoring.activation_map(cells, projection, direction)
    )


def test_the_cell_that_holds_the_finding_lights_up():
    cells = np.zeros((2, 4, 4))
    cells[0] = 1.0
    cells[1, 2, 3] = 5.0
    shares = scoring.activation_map(cells, np.eye(2), np.array([0.0, 1.0]))
    assert np.unravel_index(shares.argmax(), shares.shape) == (2, 3)


@pytest.mark.parametrize(
    ("cells", "projection", "direction"),
    [
        (np.ones((6, 3)), np.ones((6, 4)), np.ones(4)),
        (np.ones((6, 3, 3)), np.ones((4, 6)), np.ones(4)),
        (np.ones((6, 3, 3)), np.ones((6, 4)), np.ones(5)),
        (np.ones((6, 3, 3)), None, np.ones(4)),
        (np.zeros((6, 3, 3)), np.ones((6, 4)), np.ones(4)),
    ],
)
def test_bad_input_is_refused(cells, projection, direction):
    with pytest.raises(DataError):
        scoring.activation_map(cells, projection, direction)


@given(st.integers(0, 10_000))
@settings(deadline=None)
def test_enlarging_keeps_bounds_sides_and_flatness(seed):
    cells = np.random.default_rng(seed).normal(size=(4, 7))
    big = scoring.enlarge(cells, (40, 70))
    assert big.shape == (40, 70)
    assert big.min() >= cells.min() - 1e-5
    assert big.max() <= cells.max() + 1e-5
    assert scoring.enlarge(cells[:, ::-1], (40, 70)) == pytest.approx(big[:, ::-1], abs=1e-5)
    assert scoring.enlarge(np.full((3, 3), 0.25), (10, 12)) == pytest.approx(0.25)
    assert scoring.enlarge(cells, (4, 7)) == pytest.approx(cells, abs=1e-6)
