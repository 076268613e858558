from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

FOLDER = Path(__file__).parents[2] / "benchmarks"


def modules() -> SimpleNamespace:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        names = ("scale_model", "scale", "choose", "tower_costs")
        return SimpleNamespace(**{name: importlib.import_module(name) for name in names})


m = modules()
scale_model = m.scale_model

UNIT = scale_model.Unit(
    photo_bytes=200_000.0,
    row_bytes=1000.0,
    ingest_seconds=0.06,
    scan_seconds=0.004,
    strings=2.0,
    strings_a_reading=200_000,
    text_seconds=0.02,
)
MODEL = scale_model.Model(
    name="tower",
    read_seconds=0.01,
    step_seconds=0.1,
    flops=3e9,
    parameters=4_000_000,
    frozen=10_000_000,
    width=1280,
    text_width=384,
    kept_bytes=100e6,
    utilization=0.1,
)
GPU = scale_model.Machine(
    name="8 GPUs",
    gpus=8,
    batch=4096,
    chunk=512,
    cores=1000,
    memory=64 * 2.0**30,
    gpu_memory=80 * 2.0**30,
    peak=1e15,
    network=1e10,
    disk=1e12,
    price=2.0,
)
CPU = replace(GPU, name="CPU", gpus=0, batch=64, chunk=64, cores=2, price=0.1)
ARCHIVE = scale_model.Archive("a", 1_000_000, 0, 10.0)


def test_hours_of_a_cpu_are_its_steps_and_its_reading() -> None:
    hours = scale_model.train_hours(ARCHIVE, UNIT, MODEL, CPU)
    assert hours == pytest.approx(1e7 * (0.1 + 0.01 / 2) / 3600)
    assert scale_model.money(hours, CPU) == pytest.approx(hours * 0.2)


def test_hours_of_gpus_follow_from_operations_network_and_reading() -> None:
    sent = 4096 * 1664 * 4 * 7 / 8 + 2 * 4_000_000 * 4 * 7 / 8
    step = 512 * 3e9 / 1e14 + sent / 1e10
    assert scale_model.step_seconds(MODEL, GPU) == pytest.approx(step)
    # in chunks the forward pass runs twice
    chunks = replace(GPU, chunk=128)
    assert scale_model.compute_seconds(MODEL, chunks) == pytest.approx(512 * 4e9 / 1e14)
    # too few cores: the GPU waits for photographs
    starved = replace(GPU, cores=1)
    assert scale_model.step_seconds(MODEL, starved) == pytest.approx(512 * 0.01)
    first = scale_model.limits(ARCHIVE, UNIT, MODEL, starved, window=2.0**30, days=30)[0]
    assert (first.name, first.unit) == ("cores that read, a GPU", "cores")
    assert first.used == pytest.approx(512 * 0.01 / (512 * 3e9 / 1e14))


def test_memory_is_weights_features_chunk_and_logits() -> None:
    assert scale_model.logit_bytes(GPU) == 4 * 4 * 4096**2
    small = replace(GPU, chunk=64)
    saved = scale_model.rank_bytes(MODEL, GPU) - scale_model.rank_bytes(MODEL, small)
    assert saved == pytest.approx((512 - 64) * 100e6)
    # a chunk never exceeds a rank's share
    assert scale_model.rank_bytes(MODEL, replace(GPU, chunk=9999)) == scale_model.rank_bytes(
        MODEL, GPU
    )
    assert scale_model.checkpoint_bytes(MODEL) == (4 * 4 + 2 * 10) * 4e6
    host = scale_model.host_bytes(ARCHIVE, UNIT, MODEL, GPU, 2.0**31)
    assert host == pytest.approx(1e9 + 2**31)


def test_ingest_grows_with_the_square_unless_it_is_divided() -> None:
    whole, tenth = (scale_model.ingest_hours(ARCHIVE, UNIT, parts) for parts in (1, 10))
    assert whole == pytest.approx(1e6 * (0.06 + 10 * 0.004) / 3600)
    assert tenth == pytest.approx(1e6 * (0.06 + 1 * 0.004) / 3600)


@given(st.integers(1, 64), st.integers(1, 64), st.floats(0.05, 1))
def test_hours_fall_with_the_gpus_and_grow_with_the_archive(gpus, more, share) -> None:
    at_once = replace(GPU, network=1e30)
    few, many = (replace(at_once, gpus=n, batch=512 * n) for n in (gpus, gpus + more))
    free = replace(MODEL, utilization=share)
    hours = [scale_model.train_hours(ARCHIVE, UNIT, free, machine) for machine in (few, many)]
    assert hours[1] == pytest.approx(hours[0] * gpus / (gpus + more))
    slow = scale_model.train_hours(ARCHIVE, UNIT, free, replace(many, network=1e9))
    assert slow > hours[1]
    larger = replace(ARCHIVE, photographs=2 * ARCHIVE.photographs)
    assert scale_model.train_hours(larger, UNIT, free, few) == pytest.approx(2 * hours[0])
    found = scale_model.limits(ARCHIVE, UNIT, free, many, window=1.0, days=30)
    assert [x.share for x in found] == sorted((x.share for x in found), reverse=True)


def test_the_figures_of_ingest_are_read_from_its_page() -> None:
    figures = m.scale.ingest_figures(m.scale.INGEST.read_text(encoding="utf-8"))
    unit = scale_model.Unit(row_bytes=1.0, text_seconds=0.0, **figures)
    archive = scale_model.Archive("published", m.scale.PUBLISHED, 0, 1.0)
    # the page's own projection comes out again
    assert scale_model.ingest_hours(archive, unit) == pytest.approx(11.5, abs=0.2)
    assert scale_model.disk_bytes(archive, unit) == pytest.approx(97e9, rel=0.01)
    with pytest.raises(SystemExit, match="does not say"):
        m.scale.ingest_figures("nothing")


def test_the_pages_say_what_is_measured_and_what_is_assumed() -> None:
    args = m.scale.options().parse_args(["--gpu-hour", "7", "--epochs", "2"])
    text = "\n".join(m.scale.opening(args, 0.1))
    assert "no GPU was measured" in text
    assert "7 a GPU-hour" in text
    archives, machines = m.scale.archives(2), m.scale.machines(args)
    assert [machine.gpus for machine in machines] == [0, 1, 8, 64]
    lines = m.scale.project_lines(archives, UNIT, [MODEL], machines, args)
    assert "## Training: hours and money, 2 epochs" in lines
    assert sum(line.startswith("| 10,000,000 exams | tower |") for line in lines) == 5
    cost = m.tower_costs.Cost("ViT-S/16", 224, 1, 22_000_000, 384, 100.0, 400.0, 56.0, 9.2)
    text = replace(cost, name="MiniLM-L6", size=64)
    page = m.choose.page([cost], [text], ["processor: one"], "python benchmarks/choose.py")
    assert "| ViT-S/16 | 224 | 22.0 | 100.0 | 400 | 56 | 9.2 | of the weights" in page
    assert "**not** measured" in page


def test_kept_memory_counts_each_storage_once() -> None:
    import torch

    line = torch.nn.Linear(16, 16, bias=False)
    given_BD = torch.rand(4, 16)
    # the layer keeps its input, the square keeps the layer's output; the weight is no activation
    tower = torch.nn.Sequential(line, torch.nn.Tanh(), torch.nn.Tanh())
    assert m.tower_costs.kept_bytes(tower, (given_BD,)) == 3 * given_BD.nbytes
    assert sys.path[0] != str(FOLDER)
