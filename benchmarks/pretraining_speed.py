"""How fast and how large a training step is, side by side: docs/results/pretraining_speed.md.

    python benchmarks/pretraining_speed.py CORPUS OUT.md

Throughput: the loop of `pretrain` (shards, workers, augmentation, step) against the same step on
one prepared batch in memory, and against what a plain script does: a DataLoader over files,
Pillow, NCHW float32. Blocks of steps in turns, medians. Memory: peak of a process that makes one
step of a small and of a large batch in parts of one size (GradCache). Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from funduscope import store
from funduscope.model import DualEncoder, image_tower, text_tower
from funduscope.pretrain import PretrainSettings, ranks
from funduscope.pretrain.engine import Trainer, keep_freed_memory
from funduscope.pretrain.examples import read_examples
from funduscope.pretrain.loader import Loader
from funduscope.pretrain.plan import Batch, Plan

STEPS, ROUNDS = 3, 3
SIZES = {"tiny tower, drawn tensors": (512, 4096), "EfficientNet-Lite0, MiniLM": (256, 1024)}
PARTS = 64


def main() -> None:
    """Measure and write the page."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("corpus", type=Path)
    asked.add_argument("out", type=Path)
    asked.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    asked.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.peak:
        print(json.dumps(peak(given.peak[0], int(given.peak[1]))))
        return
    load = os.getloadavg()[0]
    rates, waits = throughput(given.corpus, given.threads)
    peaks = {
        (name, size): _peak_of(given, name, size) for name, sizes in SIZES.items() for size in sizes
    }
    given.out.write_text(_page(rates, waits, peaks, given.threads, load), encoding="utf-8")
    print(given.out.read_text(encoding="utf-8"))


def settings(**changes: Any) -> PretrainSettings:
    """The recipe of the shipped bundle, with what is measured changed."""
    return PretrainSettings.model_validate({"device": "cpu", **changes})


def trainer_of(chosen: PretrainSettings) -> Trainer:
    """A trainer as `pretrain` makes it; Chinese rows are not taught, which costs no time here."""
    keep_freed_memory()
    text, tokenizer = text_tower.build(chosen.model)
    encoder = DualEncoder(image_tower.build(chosen.model), text, chosen.model.dim)
    encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    encoder.text.train_blocks(chosen.model.text_trained, place="model.train_text")
    return Trainer(encoder, tokenizer, chosen, ranks.join(chosen))


def throughput(corpus: Path, threads: int) -> tuple[dict[str, float], list[float]]:
    """Pairs a second of the three ways (medians over rounds), and the shares of data wait."""
    torch.set_num_threads(threads)
    chosen = settings(steps=10_000)
    plan = Plan(read_examples([store.Corpus.open(corpus)], chosen), chosen)
    trainer = trainer_of(chosen)
    trainer.encoder.train()
    trainer._names = plan.examples.image_id
    waits: list[float] = []
    size = max(chosen.model.image_size, chosen.train_size * 5 // 4)
    with (
        closing(iter(Loader(plan, size))) as batches,
        tempfile.TemporaryDirectory() as folder,
    ):
        first = next(batches)
        plain = plain_steps(corpus, Path(folder), chosen)

        def loop() -> None:
            waits.append(trainer._one_step(batches, Path(folder))["data_wait"])

        memory = in_memory(trainer, first)
        ways = {
            "pretrain": loop,
            "crops": lambda: trainer._one_step(iter([first]), Path()),
            "memory": memory,
            "plain": lambda: next(plain),
        }
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for way in (*ways.values(), loop, loop, loop):  # until the window's blocks are in memory
            way()
        waits.clear()
        for _ in range(ROUNDS):
            for name, way in ways.items():
                rates[name].append(chosen.batch / _seconds(way))
    return {name: statistics.median(found) for name, found in rates.items()}, waits


def _seconds(way: Callable[[], object]) -> float:
    begun = time.perf_counter()
    for _ in range(STEPS):
        way()
    return (time.perf_counter() - begun) / STEPS


def in_memory(trainer: Trainer, first: tuple[Batch, torch.Tensor]) -> Callable[[], None]:
    """The same optimization step, again and again on one batch that is prepared once."""
    batch, crops = first
    share = trainer.share
    [part] = share.parts(batch, crops)
    seen, _ = share._seen(part)
    ready = share._standard(seen, trainer.settings.model.image_spec)

    def step() -> None:
        share._seen, kept_seen = lambda _: (ready, None), share._seen  # type: ignore[assignment]
        share._standard, kept = lambda image, _: image, share._standard  # type: ignore[assignment]
        trainer._one_step(iter([first]), Path())
        share._seen, share._standard = kept_seen, kept

    return step


class Files(Dataset[Any]):
    """Photographs as files, as a plain script reads them."""

    def __init__(self, folder: Path, size: int) -> None:
        self.paths = sorted(folder.glob("*.jpg"))
        self.size = size

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> torch.Tensor:
        with Image.open(self.paths[row]) as image:
            made = image.convert("RGB").resize((self.size, self.size), Image.Resampling.BICUBIC)
        planes = np.asarray(made, dtype=np.float32).transpose(2, 0, 1)
        return torch.from_numpy((planes - 127) / 128)


def plain_steps(corpus: Path, folder: Path, chosen: PretrainSettings) -> Iterator[None]:
    """CLIP on files: one step at each `next`. Text features are given (the tower is frozen)."""
    for number, (_, data) in enumerate(store.Corpus.open(corpus).pixels()):
        if number == chosen.batch * (STEPS * ROUNDS + 2):
            break
        with Image.open(io.BytesIO(data)) as image:
            image.convert("RGB").save(folder / f"{number:06}.jpg", quality=95)
    tower = image_tower.build(chosen.model)
    heads = nn.ModuleList([nn.Linear(1280, 256, bias=False), nn.Linear(384, 256, bias=False)])
    optimizer = torch.optim.AdamW([*tower.parameters(), *heads.parameters()], lr=6e-4)
    text = torch.randn(chosen.batch, 384)
    files = DataLoader(
        Files(folder, chosen.train_size), chosen.batch, shuffle=True, num_workers=1, drop_last=True
    )
    tower.train()
    while True:
        for image in files:
            unit = functional.normalize(heads[0](tower(image).mean((2, 3))), dim=-1)
            logits = 14 * unit @ functional.normalize(heads[1](text), dim=-1).T
            own = torch.arange(len(logits))
            loss = functional.cross_entropy(logits, own) + functional.cross_entropy(logits.T, own)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            yield


def peak(name: str, size: int) -> float:
    """Peak memory (MiB) of this process after one step of `size` photographs in parts."""
    torch.set_num_threads(os.cpu_count() or 1)
    tiny = name.startswith("tiny")
    side = 32 if tiny else 160
    changes: dict[str, Any] = {"batch": size, "chunk": PARTS, "normalization": "frozen"}
    changes |= {"train_size": side, "augment": {"flip": False}}
    if tiny:
        changes["model"] = {"text_tower": "tiny", "dim": 64}
    chosen = settings(**changes)
    trainer = trainer_of(chosen)
    if tiny:
        tower = nn.Sequential(nn.Conv2d(3, 32, 4, 4), nn.ReLU(), nn.Conv2d(32, 64, 4, 4))
        trainer.share.towers.image = tower
        trainer.contrast.encoder.image = nn.Linear(64, 64, bias=False)
    trainer.encoder.train()
    rng = np.random.default_rng(0)
    texts = sorted(f"finding {n}" for n in range(200))
    own = rng.integers(len(texts), size=(size, 1))
    match = own[..., None] == np.arange(len(texts))
    rows, silent = np.arange(size)[:, None], np.zeros((size, 1, 1), np.float32)
    batch = Batch(0, 0, rows, rows < 0, texts, own, match, silent, silent[: len(texts), 0])
    crops = torch.from_numpy(rng.integers(256, size=(size, side, side, 3), dtype=np.uint8))
    trainer.backward(batch, crops)
    # Not ru_maxrss: that is inherited from the process which started this one.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return float(status.split("VmHWM:")[1].split()[0]) / 1024


def _peak_of(given: argparse.Namespace, name: str, size: int) -> float:
    asked = ["--peak", name, str(size)]
    words = [sys.executable, __file__, str(given.corpus), str(given.out), *asked]
    made = subprocess.run(words, check=True, capture_output=True, text=True)
    return float(json.loads(made.stdout))


def _page(
    rates: dict[str, float],
    waits: list[float],
    peaks: dict[tuple[str, int], float],
    threads: int,
    load: float,
) -> str:
    share = rates["pretrain"] / rates["memory"]
    chosen = settings()
    lines = [
        "# Speed and memory of pre-training",
        "",
        "`python benchmarks/pretraining_speed.py CORPUS docs/results/pretraining_speed.md`,",
        f"{threads} threads, batch {chosen.batch}, {chosen.train_size} px, load before {load:.2f}.",
        f"Medians of {ROUNDS} rounds of {STEPS} steps, in turns.",
        "",
        "| way | pairs a second |",
        "|---|---|",
        f"| `pretrain`, from shards to weights | {rates['pretrain']:.1f} |",
        f"| the same step on one batch of crops in memory, changed anew | {rates['crops']:.1f} |",
        f"| the same step on one prepared batch in memory | {rates['memory']:.1f} |",
        f"| plain loop: DataLoader over files, Pillow, NCHW | {rates['plain']:.1f} |",
        "",
        f"- Of the step on prepared tensors: {share:.1%}; on crops that it has to change: "
        f"{rates['pretrain'] / rates['crops']:.1%} (asked: 90% of the same step in memory).",
        f"- Waiting for data: {statistics.median(waits):.2%} of a step (asked: below 5%).",
        f"- Against the plain loop: {rates['pretrain'] / rates['plain']:.2f} x.",
        "",
        f"Peak memory of one step in parts of {PARTS} photographs (asked: within 10%):",
        "",
        "| towers | batch | peak, MiB | batch | peak, MiB | more |",
        "|---|---|---|---|---|---|",
    ]
    for name, (small, large) in SIZES.items():
        low, high = peaks[name, small], peaks[name, large]
        cells = f"| {small} | {low:.0f} | {large} | {high:.0f} | {high / low - 1:.1%} |"
        lines.append(f"| {name} {cells}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
