from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from funduscope import store
from funduscope.errors import DataError
from funduscope.pretrain import PretrainSettings
from funduscope.pretrain.examples import Examples, read_examples
from funduscope.pretrain.loader import Loader
from funduscope.pretrain.plan import Plan
from funduscope.pretrain.shards import Order, Reader


@pytest.fixture(scope="module")
def examples(archive: Path) -> Examples:
    return read_examples([store.Corpus.open(archive)], PretrainSettings())


def plan(examples: Examples, **changes: object) -> Plan:
    return Plan(examples, PretrainSettings.model_validate({"batch": 6, "workers": 0, **changes}))


def read_alone(examples: Examples, rows: np.ndarray) -> np.ndarray:
    """The crops of rows, each on its own."""
    shards, block = examples.shards, examples.block_N[rows]
    places = [
        (shards.files[0], int(shards.group_K[b]), int(examples.row_N[r]), examples.image_id[int(r)])
        for b, r in zip(block, rows, strict=True)
    ]
    return Reader(32).read(Order(0, tuple(places), examples.field_N4[rows]))


@pytest.mark.parametrize("objective", ["infonce", "patient"])
def test_slices_of_ranks_partition_the_batch(examples: Examples, objective: str) -> None:
    made = plan(examples, objective=objective)
    parts = [iter(Loader(made, 32, rank=rank, world=4)) for rank in range(4)]
    for _ in range(3):
        read = [next(part) for part in parts]
        batches = {id(batch): batch for batch, _ in read}
        assert len({batch.step for batch in batches.values()}) == 1
        rows = read[0][0].rows_BE.ravel()
        crops = torch.cat([crops for _, crops in read]).numpy()
        np.testing.assert_array_equal(crops, read_alone(examples, rows[rows >= 0]))


def test_workers_read_what_the_main_process_reads(examples: Examples) -> None:
    alone = iter(Loader(plan(examples), 32, start=2))
    loader = Loader(plan(examples, workers=2), 32, start=2)
    with contextlib.closing(iter(loader)) as batches:
        for batch, crops in islice(batches, 4):
            same, read = next(alone)
            assert batch.step == same.step
            assert torch.equal(crops, read)
    assert not multiprocessing.active_children()


def test_more_workers_than_photographs(examples: Examples) -> None:
    one = Loader(plan(examples, batch=2, workers=2), 32, rank=0, world=2)
    with contextlib.closing(iter(one)) as batches:
        assert next(batches)[1].shape == (1, 32, 32, 3)


def test_a_killed_worker_ends_the_run_by_name(examples: Examples) -> None:
    with contextlib.closing(iter(Loader(plan(examples, workers=2), 32))) as batches:
        next(batches)
        victim = multiprocessing.active_children()[0]
        assert victim.pid is not None
        os.kill(victim.pid, signal.SIGKILL)
        with pytest.raises(DataError, match=f"{victim.pid} ended with signal SIGKILL") as raised:
            list(islice(batches, 50))
    assert "--resume" in raised.value.remedy
    assert raised.value.code == "worker_died"
    assert not multiprocessing.active_children()


def test_a_stuck_worker_ends_the_run_with_its_stacks(
    make_archive: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    path = make_archive("c")
    seen = read_examples([store.Corpus.open(path)], PretrainSettings())
    shard = path / "pixels" / "part-00000.parquet"
    shard.unlink()
    os.mkfifo(shard)  # who opens it waits for a writer for ever
    loader = Loader(plan(seen, workers=1, loader_timeout_s=1.0), 32)
    with (
        contextlib.closing(iter(loader)) as batches,
        pytest.raises(DataError, match=r"within 1 s from process") as raised,
    ):
        next(batches)
    assert raised.value.code == "worker_stuck"
    assert "stacks of the loader's process" in capfd.readouterr().err
    assert not multiprocessing.active_children()


def test_a_corrupt_row_comes_out_of_a_worker_whole(make_archive: Callable[..., Path]) -> None:
    path = make_archive("c")
    seen = read_examples([store.Corpus.open(path)], PretrainSettings())
    (path / "pixels" / "part-00000.parquet").write_bytes(b"nothing")
    with (
        contextlib.closing(iter(Loader(plan(seen, workers=1), 32))) as batches,
        pytest.raises(DataError, match="part-00000") as raised,
    ):
        next(batches)
    assert raised.value.code == "corrupt_row"
    assert not multiprocessing.active_children()
