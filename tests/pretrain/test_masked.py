from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from funduscope.errors import ConfigError
from funduscope.pretrain.masked import MaskedImage, draw_mask, enlarged, head_for, hidden_error


class Patches(nn.Module):
    """The smallest tower of patches."""

    patch = 4

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 5, 4, 4)

    def forward(self, x):
        return self.embed(x)


@given(st.integers(1, 5), st.integers(2, 9), st.floats(0.1, 0.9), st.integers(0, 99))
@settings(deadline=None)
def test_every_photograph_hides_the_same_number_of_patches(count, side, share, seed):
    mask = draw_mask(count, side, share, np.random.default_rng(seed))
    assert mask.shape == (count, side, side)
    assert mask.dtype == torch.bool
    assert set(mask.sum((1, 2)).tolist()) == {max(1, round(share * side * side))}
    assert torch.equal(mask, draw_mask(count, side, share, np.random.default_rng(seed)))


def test_only_hidden_patches_are_hidden_and_counted():
    image = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    mask = torch.tensor([[[1, 0], [0, 0]], [[0, 0], [0, 1]]]).bool()
    shown = MaskedImage(5, 4).hide(image, mask)
    assert (shown[0, :, :4, :4] == 0).all()
    assert (shown[1, :, 4:, 4:] == 0).all()
    assert torch.equal(shown[0, :, 4:], image[0, :, 4:])
    guess = image.clone()
    guess[0, :, 5, 5] = 99  # not hidden
    assert hidden_error(guess, image, mask) == 0
    guess[0, 1, 0, 3] += 9.6  # one of 2 x 3 x 16 hidden values
    assert float(hidden_error(guess, image, mask)) == pytest.approx(0.1)


def test_the_head_writes_each_patch_from_its_own_cell():
    head = head_for(Patches(), 5)
    map_BChw = torch.zeros(1, 5, 2, 2)
    moved = map_BChw.clone()
    moved[0, :, 0, 1] = 1
    changed = (head.to_pixels(moved) != head.to_pixels(map_BChw)).any(1)[0]
    assert torch.equal(changed, enlarged(torch.tensor([[[0, 1], [0, 0]]]).bool(), 4)[0, 0])


def test_gradient_and_chunks():
    """The loss of a batch is the mean of those of equal chunks."""
    torch.manual_seed(0)
    tower, head = Patches().double(), MaskedImage(5, 4).double()
    image = torch.randn(4, 3, 8, 8, dtype=torch.float64)
    mask = draw_mask(4, 2, 0.6, np.random.default_rng(0))

    def loss(image, mask):
        return head(tower(head.hide(image, mask)), image, mask)

    halves = (loss(image[:2], mask[:2]) + loss(image[2:], mask[2:])) / 2
    assert torch.allclose(loss(image, mask), halves, rtol=1e-12)
    map_BChw = tower(image).detach().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: head(x, image, mask), map_BChw)


def test_it_learns_to_guess():
    """A picture of one color: what is hidden follows from what is seen, once neighbors are seen."""
    torch.manual_seed(0)
    head = head_for(tower := Patches(), 5)
    optimizer = torch.optim.Adam([*tower.parameters(), *head.parameters()], 0.02)
    rng = np.random.default_rng(0)
    losses = []
    for _ in range(60):
        image = torch.full((8, 3, 8, 8), 1.0)
        mask = draw_mask(8, 2, 0.5, rng)
        loss = head(tower(head.hide(image, mask)), image, mask)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.2 * losses[0]


def test_a_convolution_is_refused():
    with pytest.raises(ConfigError, match="reads patches"):
        head_for(nn.Conv2d(3, 8, 3), 8)
