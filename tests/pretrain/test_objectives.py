from __future__ import annotations

import torch
from torch.nn import functional

from funduscope.pretrain.objectives import infonce


def test_one_match_a_row_is_clip() -> None:
    logits = torch.randn(5, 5, generator=torch.Generator().manual_seed(0))
    target = torch.arange(5)
    clip = functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)
    assert torch.allclose(infonce(logits, torch.eye(5)), clip / 2)


def test_the_same_text_twice_is_no_negative() -> None:
    """Two photographs of one caption: pulling both to it costs nothing more than log 2."""
    match = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    perfect = 100 * match
    to_image = 2 / 3 * torch.log(torch.tensor(2.0))
    assert torch.allclose(infonce(perfect, match), to_image / 2, atol=1e-4)
    assert infonce(-perfect, match) > infonce(torch.zeros(3, 2), match) > infonce(perfect, match)


def test_order_of_the_batch_does_not_matter() -> None:
    g = torch.Generator().manual_seed(1)
    logits, match = torch.randn(6, 4, generator=g), torch.eye(6, 4)
    match[4, 0] = match[5, 1] = 1
    rows, columns = torch.randperm(6, generator=g), torch.randperm(4, generator=g)
    moved = infonce(logits[rows][:, columns], match[rows][:, columns])
    assert torch.allclose(moved, infonce(logits, match))
