"""Batches with their crops, read ahead by worker processes; a dead or stuck worker ends the run."""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from multiprocessing.process import BaseProcess
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from funduscope.errors import DataError
from funduscope.pretrain.plan import Batch, Plan
from funduscope.pretrain.shards import Order, Reader

_AHEAD = 2
"""Batches that each worker reads ahead."""
_DUMP = getattr(signal, "SIGUSR1", None)
"""Asks a worker for its stacks; none on Windows."""


@dataclass(frozen=True)
class _Fault:
    """A DataError on its way out of a worker."""

    value: str
    place: str
    rule: str
    remedy: str
    code: str


class Loader:
    """Iterates over (batch, crops) from batch `start` on, endlessly.

    Crops are uint8 (n, size, size, 3): the photographs of this rank's slice of the batch's units,
    in slot order, missing slots left out. Every batch is shared between the workers in the same
    way, so that each keeps other blocks of the window in memory.

    Args:
        plan: which photographs.
        size: side of the crops, px.
        start: first batch.
        rank, world: this process' number and the number of processes.
    """

    def __init__(
        self, plan: Plan, size: int, *, start: int = 0, rank: int = 0, world: int = 1
    ) -> None:
        self.plan = plan
        self.size = size
        self.start = start
        self.rank = rank
        self.world = world

    def __iter__(self) -> Generator[tuple[Batch, Tensor]]:
        settings = self.plan.settings
        shares = max(1, settings.workers)
        waiting: deque[Batch] = deque()
        options: dict[str, Any] = {}
        if settings.workers:
            # A fork of a process with threads may hang on their locks; a spawned one starts clean.
            options = {
                "multiprocessing_context": "spawn",
                "prefetch_factor": _AHEAD,
                "timeout": settings.loader_timeout_s,
                "worker_init_fn": _begin,
            }
        before = set(multiprocessing.active_children())
        stream = iter(
            DataLoader(
                _Crops(self.size),
                batch_size=None,
                sampler=_Orders(self, waiting, shares),
                num_workers=settings.workers,
                **options,
            )
        )
        workers = [p for p in multiprocessing.active_children() if p not in before]
        try:
            while True:
                pieces = [self._next(stream, workers) for _ in range(shares)]
                crops = torch.cat(pieces) if shares > 1 else pieces[0]
                yield waiting.popleft(), crops
        finally:
            _end(stream, workers)

    def units(self, count: int) -> slice:
        """This rank's slice of the units of a batch."""
        return slice(count * self.rank // self.world, count * (self.rank + 1) // self.world)

    def _next(self, stream: Any, workers: list[BaseProcess]) -> Tensor:
        try:
            made = next(stream)
        except (RuntimeError, OSError, EOFError) as error:  # also: died while it handed one over
            raise self._stopped(error, workers) from error
        if isinstance(made, _Fault):
            raise DataError(**asdict(made))
        crops: Tensor = made
        return crops

    def _stopped(self, error: Exception, workers: list[BaseProcess]) -> Exception:
        """What to raise when a worker is dead or gives nothing; any other error is our own."""
        for worker in workers:
            with contextlib.suppress(RuntimeError):  # torch reports the death once more
                worker.join(0.2)
        dead = [w for w in workers if w.exitcode is not None]
        limit = self.plan.settings.loader_timeout_s
        if not dead and "timed out" not in str(error):
            return error
        if dead:
            named = ", ".join(f"process {w.pid} ended with {_ending(w.exitcode)}" for w in dead)
            code, remedy = "worker_died", "see that memory suffices (window_mib, workers)"
        else:
            _dump(workers)
            pids = ", ".join(str(w.pid) for w in workers)
            named = f"no photograph within {limit:g} s from process {pids}; stacks are on stderr"
            code, remedy = "worker_stuck", "see whether the disk of the corpora answers, or raise "
            remedy += "loader_timeout_s"
        return DataError(
            f"a reader of photographs stopped: {named}",
            place="workers of the loader",
            rule="every worker goes on reading until the run ends",
            remedy=f"{remedy}; then go on with --resume",
            code=code,
        )


class _Orders:
    """The orders of each batch, one a worker, noting the batch as it goes out."""

    def __init__(self, loader: Loader, waiting: deque[Batch], shares: int) -> None:
        self.loader, self.waiting, self.shares = loader, waiting, shares

    def __iter__(self) -> Iterator[Order]:
        seen = self.loader.plan.examples
        shards = seen.shards
        for batch in self.loader.plan.batches(self.loader.start):
            self.waiting.append(batch)
            rows = batch.rows_BE[self.loader.units(len(batch.rows_BE))].ravel()
            for share in np.array_split(rows[rows >= 0], self.shares):
                block = seen.block_N[share]
                file, group = shards.file_K[block], shards.group_K[block]
                names = seen.image_id.gather(share).to_list()
                places = zip(
                    [shards.files[f] for f in file],
                    group.tolist(),
                    seen.row_N[share].tolist(),
                    names,
                    strict=True,
                )
                yield Order(batch.window, tuple(places), seen.field_N4[share])


class _Crops(Dataset[Any]):
    """What a worker does with an order."""

    def __init__(self, size: int) -> None:
        self.reader = Reader(size)

    def __getitem__(self, order: Any) -> Any:
        try:
            return self.reader.read(order)
        except DataError as error:
            return _Fault(error.value, error.place, error.rule, error.remedy, error.code)


def _begin(_: int) -> None:
    """In each worker: behind the training step, no threads of its own, stacks on request."""
    import pyarrow as pa

    if hasattr(os, "nice"):  # reads in the gaps of the step; when a batch is missing, all is gap
        os.nice(10)
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the main process to handle
    if _DUMP is not None:
        faulthandler.register(_DUMP, all_threads=True)


def _dump(workers: list[BaseProcess]) -> None:
    """Have the workers write their stacks to stderr, and give them a moment to.

    One that is not even up yet cannot: the signal ends it.
    """
    for worker in workers:
        if _DUMP is not None and worker.pid is not None:
            sys.stderr.write(f"stacks of the loader's process {worker.pid}:\n")
            sys.stderr.flush()
            with contextlib.suppress(RuntimeError):  # torch reports a death
                os.kill(worker.pid, _DUMP)
                worker.join(0.2)


def _end(stream: Any, workers: list[BaseProcess]) -> None:
    """Leave no process behind, whatever state it is in."""
    for worker in workers:
        while worker.exitcode is None:
            with contextlib.suppress(RuntimeError):  # torch reports the death that we ask for
                worker.kill()
                worker.join(1)
    if workers:
        stream.__del__()


def _ending(code: int | None) -> str:
    """An exit code in words."""
    if code is not None and code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"
