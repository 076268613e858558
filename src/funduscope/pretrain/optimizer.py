"""At which rate each parameter is trained; only matrices decay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn

from funduscope.model import DualEncoder
from funduscope.model.tower import depth_of
from funduscope.pretrain.settings import PretrainSettings

Group = dict[str, Any]


def tower_groups(
    towers: nn.Module, encoder: DualEncoder, settings: PretrainSettings
) -> list[Group]:
    """Groups of what trains behind the forward pass of the towers.

    A block's rate is its tower's times layer_decay to the power of the blocks above it (as in
    ELECTRA, Clark et al., ICLR 2020): what was learned first changes least.

    Args:
        towers: the module with the children `image`, `text` and `masked`.
        encoder: knows how deep each parameter lies.
        settings: the rates.
    """
    rates = {"image": settings.learning_rate, "text": settings.text_rate}
    depths = depth_of(encoder)
    rated = []
    for name, parameter in towers.named_parameters():
        tower, depth = depths.get(name, ("head", 0))
        rate = rates.get(tower, settings.head_rate) * settings.layer_decay**depth
        if parameter.requires_grad:
            rated.append((rate, parameter))
    return _groups(rated, settings)


def head_groups(contrast: nn.Module, settings: PretrainSettings) -> list[Group]:
    """Groups of projections, scale and what an objective has of its own."""
    return _groups(((settings.head_rate, p) for p in contrast.parameters()), settings)


def _groups(rated: Iterable[tuple[float, nn.Parameter]], settings: PretrainSettings) -> list[Group]:
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for rate, parameter in rated:
        decay = settings.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((rate, decay), []).append(parameter)
    return [
        {"params": g, "lr": rate, "peak": rate, "weight_decay": decay}
        for (rate, decay), g in groups.items()
    ]
