"""At which rate each parameter is trained; only matrices decay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn

from funduscope.model import DualEncoder, depth_of
from funduscope.pretrain.settings import PretrainSettings

Group = dict[str, Any]


def tower_groups(encoder: DualEncoder, settings: PretrainSettings) -> list[Group]:
    """Groups of the towers' parameters that train.

    A block's rate is its tower's times layer_decay to the power of the blocks above it (as in
    ELECTRA, Clark et al., ICLR 2020): what was learned first changes least.
    """
    rates = {"image": settings.learning_rate, "text": settings.text_rate}
    depth = depth_of(encoder)
    named = [(n, p) for n, p in encoder.named_parameters() if n in depth and p.requires_grad]
    return _groups(
        ((rates[depth[n][0]] * settings.layer_decay ** depth[n][1], p) for n, p in named), settings
    )


def head_groups(contrast: nn.Module, settings: PretrainSettings) -> list[Group]:
    """Groups of projections, scale and what an objective has of its own."""
    return _groups(((settings.head_rate, p) for p in contrast.parameters()), settings)


def _groups(
    rated: Iterable[tuple[float, nn.Parameter]], settings: PretrainSettings
) -> list[Group]:
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for rate, parameter in rated:
        decay = settings.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((rate, decay), []).append(parameter)
    return [
        {"params": g, "lr": rate, "peak": rate, "weight_decay": decay}
        for (rate, decay), g in groups.items()
    ]
