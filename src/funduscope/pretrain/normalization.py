"""Batch normalization under parts, accumulation and several ranks: frozen, synchronized, refused.

The statistics of a pass depend on what shares the pass, so a batch cut in parts is not the batch
any more. That is refused, not hidden.
"""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from funduscope.errors import ConfigError
from funduscope.model import DualEncoder
from funduscope.pretrain.settings import PretrainSettings


def batch_norms(module: nn.Module) -> list[_BatchNorm]:
    """The layers that normalize by statistics of a batch."""
    return [layer for layer in module.modules() if isinstance(layer, _BatchNorm)]


def freeze(module: nn.Module) -> None:
    """Normalize by the stored statistics from now on; scale and shift go on learning."""
    for layer in batch_norms(module):
        layer.eval()


def normalized(
    encoder: DualEncoder, settings: PretrainSettings, *, ranks: int, device: str
) -> DualEncoder:
    """The encoder with the normalization that the settings ask for.

    Raises:
        ConfigError: statistics of a batch that is cut in parts or divided over ranks, without
            `synchronized`; `synchronized` on a CPU, where torch has no such layer.
    """
    cut = {
        "accumulation": settings.accumulation > 1,
        "chunk": 0 < settings.chunk < settings.batch,
        "ranks": ranks > 1,
    }
    named = [name for name, is_so in cut.items() if is_so]
    if not batch_norms(encoder.image) or encoder.image.frozen or not named:
        return encoder
    if settings.normalization == "batch":
        raise ConfigError(
            f"normalization = batch with {' and '.join(named)}",
            place="the image tower, which normalizes by the statistics of a pass",
            rule="a batch cut in passes or divided over ranks has no statistics of its own",
            remedy="set normalization=frozen, or synchronized on GPUs",
        )
    if settings.normalization == "synchronized" and ranks > 1:
        if device == "cpu":
            raise ConfigError(
                "normalization = synchronized",
                place="a run on CPUs",
                rule="torch synchronizes batch statistics on GPUs only",
                remedy="set normalization=frozen",
            )
        convert: Any = nn.SyncBatchNorm.convert_sync_batchnorm
        encoder.image = convert(encoder.image)
    return encoder
