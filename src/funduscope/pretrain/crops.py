"""Training photographs, decoded and cropped once, as one array on disk that is read at random."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from funduscope import store
from funduscope.config import Progress
from funduscope.errors import DataError
from funduscope.inputs import crop_field, decode, find_field

_CHUNK = 64

Crops = npt.NDArray[np.uint8]


def make_crops(
    corpora: Sequence[store.Corpus], names: Sequence[str], size: int, file: Path, progress: Progress
) -> Crops:
    """The crops of the named photographs, uint8 (N, size, size, 3), in the order of `names`.

    The array is written to `file` and mapped into memory. A finished file of an interrupted run
    is used again; `file` gets its name only when it is whole.
    """
    if file.exists():
        whole: Crops = np.load(file, mmap_mode="r")
        return whole
    rows_of: dict[str, list[int]] = {}  # one photograph may lie in two corpora
    for row, name in enumerate(names):
        rows_of.setdefault(name, []).append(row)
    part = file.with_name(file.name + ".part")
    shape = (len(names), size, size, 3)
    made = np.lib.format.open_memmap(part, mode="w+", dtype=np.uint8, shape=shape)
    progress.start("reading photographs", len(names))
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        waiting: list[Any] = []
        for chunk in _chunks(corpora, list(rows_of)):
            waiting.append(pool.submit(_crop_chunk, chunk, size))
            if len(waiting) > 4:
                _store(made, waiting.pop(0), rows_of, progress)
        for job in waiting:
            _store(made, job, rows_of, progress)
    progress.done()
    _check_all_there(rows_of)
    made.flush()
    del made
    part.replace(file)
    read: Crops = np.load(file, mmap_mode="r")
    return read


def _chunks(
    corpora: Sequence[store.Corpus], wanted: Sequence[str]
) -> Iterator[list[tuple[str, bytes]]]:
    for corpus in corpora:
        rest = corpus.pixels(wanted)
        while chunk := list(islice(rest, _CHUNK)):
            yield chunk


def _crop_chunk(chunk: list[tuple[str, bytes]], size: int) -> list[tuple[str, Crops]]:
    made = []
    for name, data in chunk:
        rgb = decode(data, name=name, min_side=size)
        made.append((name, crop_field(rgb, find_field(rgb), size)))
    return made


def _store(made: Crops, job: Any, rows_of: dict[str, list[int]], progress: Progress) -> None:
    """Write crops to all their rows and take those rows off the list."""
    for name, crop in job.result():
        rows = rows_of.pop(name, [])
        made[rows] = crop
        progress.advance(len(rows))


def _check_all_there(rows_of: dict[str, list[int]]) -> None:
    if rows_of:
        raise DataError(
            f"{len(rows_of)} photographs without pixels, the first is {next(iter(rows_of))}",
            place="pixels/ of the corpora",
            rule="every photograph of the table images has its bytes",
            remedy="check the corpora with `funduscope check CORPUS`, make the damaged one again",
            code="missing_pixels",
        )
