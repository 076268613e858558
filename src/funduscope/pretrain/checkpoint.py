"""Checkpoints: one file, written whole or not at all, from which a run goes on bit for bit.

The towers' and the optimizer's state are taken by torch's own `distributed.checkpoint`, which
gives the same names for one process, DDP and FSDP; a checkpoint of 8 GPUs opens on one CPU.
"""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)

from funduscope import store
from funduscope.errors import DataError

FILE = "checkpoint.pt"
_WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)
_SPREAD = StateDictOptions(full_state_dict=True, broadcast_from_rank0=False)


def save(
    folder: Path,
    accelerator: Accelerator,
    towers: nn.Module,
    optimizer: torch.optim.Optimizer | None,
    rest: dict[str, Any],
) -> None:
    """Write the state of a run; the file before it stays until the new one is whole.

    Args:
        folder: of the run's work.
        accelerator: tells who writes; every rank must call this.
        towers: wrapped or not.
        optimizer: of the towers; None where neither trains.
        rest: tensors and plain values: the small modules, the average, step, log.

    Raises:
        DataError: the disk is full or refuses; the checkpoint before is whole.
    """
    state: dict[str, Any] = {"rest": rest, "towers": get_model_state_dict(towers, options=_WHOLE)}
    if optimizer is not None:
        state["optimizer"] = get_optimizer_state_dict(towers, optimizer, options=_WHOLE)
    state["random"] = torch.get_rng_state()
    if accelerator.is_main_process:
        stream = io.BytesIO()
        torch.save(state, stream)
        try:
            store.write_bytes(folder / FILE, stream.getvalue())
        except OSError as error:
            (folder / f"{FILE}.part").unlink(missing_ok=True)
            free = shutil.disk_usage(folder).free / 2**20
            raise DataError(
                f"{error.strerror or error}: {stream.tell() / 2**20:.0f} MiB, {free:.0f} MiB free",
                place=str(folder / FILE),
                rule="a checkpoint is written whole; the one before it is untouched",
                remedy="free space on that disk, then go on with --resume",
                code="checkpoint_not_written",
            ) from error
    accelerator.wait_for_everyone()


def restore(
    folder: Path, towers: nn.Module, optimizer: torch.optim.Optimizer | None
) -> dict[str, Any] | None:
    """Put a checkpoint back; returns what `save` got as `rest`, None where there is none."""
    file = folder / FILE
    if not file.exists():
        return None
    state = torch.load(file, map_location="cpu", weights_only=True)
    set_model_state_dict(towers, state["towers"], options=_SPREAD)
    if optimizer is not None:
        set_optimizer_state_dict(towers, optimizer, state["optimizer"], options=_SPREAD)
    torch.set_rng_state(state["random"])
    rest: dict[str, Any] = state["rest"]
    return rest
