"""Losses: small pure functions, formula and source in the docstring."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def infonce(logits_IT: Tensor, match_IT: Tensor) -> Tensor:
    """Symmetric InfoNCE with every true match a positive.

    CLIP (Radford et al., ICML 2021) takes one positive a row; in an archive half of the captions
    say the same thing, so each row's target is spread evenly over its true matches (as UniCL,
    Yang et al., CVPR 2022):

        L = 1/2 [mean_i -sum_t p_it log softmax_t(logits_it)]
          + 1/2 [sum_t w_t -sum_i q_it log softmax_i(logits_it)]

    with p, q the match matrix normalized over rows and columns, and w_t the share of matches
    that fall on caption t.

    Args:
        logits_IT: scaled similarities of photographs (rows) and distinct captions (columns).
        match_IT: 1 where the caption is true of the photograph; every row and column has a 1.
    """
    rows_IT = match_IT / match_IT.sum(1, keepdim=True)
    columns_IT = match_IT / match_IT.sum(0, keepdim=True)
    weight_T = rows_IT.sum(0) / rows_IT.sum()
    to_text = -(rows_IT * functional.log_softmax(logits_IT, 1)).sum(1).mean()
    to_image = -((columns_IT * functional.log_softmax(logits_IT, 0)).sum(0) * weight_T).sum()
    return (to_text + to_image) / 2


def recall_at_1(logits_IT: Tensor, match_IT: Tensor) -> float:
    """Share of photographs whose nearest caption of the batch is true of them (health only)."""
    best_I = logits_IT.argmax(1, keepdim=True)
    return float(match_IT.gather(1, best_I).mean())
