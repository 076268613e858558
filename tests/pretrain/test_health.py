from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from funduscope.pretrain.health import alignment, is_spike, recall_at_1, uniformity


def test_recall_counts_true_nearest_captions():
    match = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert recall_at_1(torch.tensor([[2.0, 1.0], [2.0, 1.0]]), match) == 0.5


def test_alignment_is_the_mean_squared_distance_of_true_pairs():
    g = torch.Generator().manual_seed(0)
    image = functional.normalize(torch.randn(4, 3, generator=g), dim=1)
    text = functional.normalize(torch.randn(2, 3, generator=g), dim=1)
    match = torch.tensor([[1.0, 0], [1, 0], [0, 1], [1, 1]])
    pairs = [(0, 0), (1, 0), (2, 1), (3, 0), (3, 1)]
    expected = np.mean([float((image[i] - text[t]).square().sum()) for i, t in pairs])
    assert alignment(image, text, match) == pytest.approx(expected, rel=1e-6)
    assert alignment(image, image, torch.eye(4)) == pytest.approx(0, abs=1e-6)
    assert alignment(image, -image, torch.eye(4)) == pytest.approx(4)


def test_uniformity_by_hand():
    circle = torch.tensor([[1.0, 0], [-1, 0], [0, 1]])
    expected = math.log((math.exp(-8) + 2 * math.exp(-4)) / 3)
    assert uniformity(circle) == pytest.approx(expected, rel=1e-6)
    assert uniformity(circle[[0, 0, 0]]) == 0
    assert uniformity(circle[:1]) == 0


def noisy(kind: str, steps: int = 5_000) -> np.ndarray:
    """A falling loss with noise; the scale is what a batch of 64 shows, a tenth."""
    rng = np.random.default_rng(0)
    noise = {
        "normal": rng.standard_normal(steps),
        "laplace": rng.laplace(size=steps),
        "student3": rng.standard_t(3, size=steps),
        "one in fifty eightfold": rng.standard_normal(steps)
        * np.where(rng.random(steps) < 0.02, 8, 1),
    }[kind]
    return 2 + 2 * np.exp(-np.arange(steps) / 300) + 0.1 * noise


@pytest.mark.parametrize("kind", ["normal", "laplace", "student3", "one in fifty eightfold"])
def test_ordinary_noise_is_no_spike(kind):
    losses = noisy(kind).tolist()
    assert not any(is_spike(losses[:i][-102:], losses[i]) for i in range(len(losses)))


def test_a_jump_that_stays_is_a_spike_at_its_third_step():
    losses = noisy("laplace", 300).tolist()
    assert [is_spike([*losses, 9.0, 9.0][: 300 + i], 9.0) for i in range(3)] == [False, False, True]
    assert not is_spike([*losses, 9.0, losses[0]], 9.0)


def test_a_loss_that_hardly_changes_may_tremble():
    assert not is_spike([1.0] * 102, 1.05)
    assert is_spike([1.0] * 100 + [1.2] * 2, 1.2)


def test_the_first_steps_are_no_basis():
    assert not is_spike([], 1e9)
    assert not is_spike([1.0] * 99 + [1e9] * 2, 1e9)
