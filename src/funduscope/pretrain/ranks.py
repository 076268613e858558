"""The processes of a run: one, or several under `accelerate launch`; device and arithmetic."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from funduscope import store
from funduscope.errors import ConfigError
from funduscope.pretrain.settings import PretrainSettings


def join(settings: PretrainSettings) -> Accelerator:
    """This process among the ranks of the run.

    Raises:
        ConfigError: a GPU is asked for where torch sees none; a batch that ranks cannot share.
    """
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            "device = cuda",
            place="this machine, where torch sees no GPU",
            rule="a run works on the device that it is given, never silently on another",
            remedy="set device=cpu, or install the CUDA build of torch and its driver",
        )
    AcceleratorState._reset_state()  # else a second run in one process keeps the first's precision
    accelerator = Accelerator(
        cpu=settings.device == "cpu",
        mixed_precision="bf16" if settings.precision == "bfloat16" else "no",
    )
    if settings.batch % accelerator.num_processes:
        raise ConfigError(
            f"batch = {settings.batch}",
            place=f"a run of {accelerator.num_processes} processes",
            rule="each process takes the same number of units",
            remedy=f"set batch to a multiple of {accelerator.num_processes}",
        )
    return accelerator


@contextmanager
def first_creates(accelerator: Accelerator, out: Path, **how: Any) -> Iterator[store.Output | None]:
    """The run folder, made and finished by the first rank; None on the others."""
    if accelerator.is_main_process:
        with store.create(out, **how) as output:
            accelerator.wait_for_everyone()
            yield output
    else:
        accelerator.wait_for_everyone()
        yield None
    accelerator.wait_for_everyone()


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Within it torch computes with so many CPU threads (0: all)."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or os.cpu_count() or 1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
