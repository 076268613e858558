"""Processes that work through long lists, for whatever takes its time on each single item."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

_BATCH = 16
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Workers:
    """Applies functions in `count` processes (in this one, if 1), results in order."""

    def __init__(self, count: int) -> None:
        # One thread each for matrix products: those of several workers would fight over the cores.
        # Read when numpy is first loaded, so it changes nothing in this process.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        self.count = count
        # Started afresh, not forked: a fork copies the locks of polars' threads in whatever state.
        self._pool = (
            ProcessPoolExecutor(count, mp_context=get_context("spawn")) if count > 1 else None
        )

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def submit(
        self, function: Callable[[_Item], _Result], items: Sequence[_Item]
    ) -> Iterator[_Result]:
        """Begin now (if there are other processes); iterate to get the results.

        Args:
            function: of a module's top level.
            items: what it is applied to; they and the results go from process to process.
        """
        if self._pool is None:
            return map(function, items)
        cut = [items[at : at + _BATCH] for at in range(0, len(items), _BATCH)]
        return _results([self._pool.submit(_each, function, batch) for batch in cut])


def _each(function: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
    return [function(item) for item in items]


def _results(futures: list[Future[list[_Result]]]) -> Iterator[_Result]:
    for future in futures:
        yield from future.result()
