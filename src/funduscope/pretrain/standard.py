"""`inputs.standardize` for tensors: the same formula where the batch is, on all cores or a GPU."""

from __future__ import annotations

import torch
from torch import Tensor

from funduscope.inputs import ImageSpec
from funduscope.inputs.light import DARK, FLOOR, GAIN, LIMIT, smoothing


def standardize(planes_n3SS: Tensor, spec: ImageSpec) -> Tensor:
    """Photographs on the scale 0..1 -> what the tower reads, float32 (n, 3, S, S) both.

    Source and constants: `funduscope.inputs.light.local_contrast`, which a test holds it to.
    """
    if spec.light == "local":
        return _local_contrast(planes_n3SS)
    mean, std = (planes_n3SS.new_tensor(v)[:, None, None] for v in (spec.mean, spec.std))
    return (planes_n3SS - mean) / std


def _local_contrast(planes_n3SS: Tensor) -> Tensor:
    down, up = (torch.from_numpy(m).to(planes_n3SS) for m in smoothing(planes_n3SS.shape[-1]))
    inside = (planes_n3SS.amax(1, keepdim=True) > DARK).to(planes_n3SS)
    level = planes_n3SS.clamp(0.0, 1.0).add_(FLOOR).log_().mul_(inside)
    total = down @ level @ down.T
    weight = (down @ inside @ down.T).add_(1e-3)
    level -= (up @ total.div_(weight) @ up.T).mul_(inside)
    return level.mul_(GAIN).clamp_(-LIMIT, LIMIT)
