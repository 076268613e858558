"""How fast a package answers, side by side with torch, in one run: docs/results/speed.md.

    python benchmarks/speed.py                            # the model that ships
    python benchmarks/speed.py --bundle RUN --package PKG --threads 1 2

Both sides run in this process, with the same photographs and the same number of threads, in turns;
a figure is the median over rounds. Run it on an idle machine: the load is printed.
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from threadpoolctl import threadpool_limits
from torch.nn import functional

from funduscope import deploy, inputs, model
from funduscope.archive.synthetic import draw_archive
from funduscope.deploy.predictor import shipped_package

SIDE = 2400
BATCHES = (1, 16)
TARGET = 3.0
Variant = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """Milliseconds a photograph of one variant: median, fastest and slowest round."""

    name: str
    rounds: Sequence[float]

    @property
    def median(self) -> float:
        """Median over rounds."""
        return statistics.median(self.rounds)

    def cells(self, against: float) -> str:
        """A row of a Markdown table, with how many times as fast as `against` ms it is."""
        low, high = min(self.rounds), max(self.rounds)
        times = f"{self.median:.1f} | {low:.1f} - {high:.1f}"
        return f"| {self.name} | {times} | {against / self.median:.2f} x |"


def photographs(folder: Path, count: int) -> list[Path]:
    """Drawn photographs enlarged to SIDE px, with grain, as JPEG of quality 92."""
    draw_archive(folder / "drawn", exams=max(12, count), seed=7)
    drawn = sorted((folder / "drawn" / "archive" / "harborview").rglob("*.jpg"))
    grain = np.random.default_rng(0)
    paths: list[Path] = []
    for path in drawn:
        data = path.read_bytes()
        if len(paths) == count:
            break
        if len(data) < 20_000 or not _is_whole(data):
            continue  # a planted defect
        with Image.open(io.BytesIO(data)) as image:
            factor = SIDE / min(image.size)
            size = (round(image.width * factor), round(image.height * factor))
            large = np.asarray(image.convert("RGB").resize(size, Image.Resampling.LANCZOS))
        noise = grain.normal(0, 2.0, (*large.shape[:2], 1))
        large = np.where(large.max(axis=2, keepdims=True) > 20, large + noise, large)
        paths.append(folder / f"{len(paths)}.jpg")
        rgb = np.clip(large, 0, 255).astype(np.uint8)
        Image.fromarray(rgb).save(paths[-1], quality=92)
    return paths


def _is_whole(data: bytes) -> bool:
    spec = inputs.ImageSpec()
    return data.endswith(b"\xff\xd9") and inputs.prepare(data, spec, name="").quality.gradable


def in_turns(variants: dict[str, Variant], images: dict[str, int], rounds: int) -> list[Row]:
    """Time every variant once a round, in changing order; ms a photograph."""
    found: dict[str, list[float]] = {name: [] for name in variants}
    names = list(variants)
    for name in names:
        variants[name]()
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            begun = time.perf_counter()
            variants[name]()
            found[name].append((time.perf_counter() - begun) * 1e3 / images[name])
    return [Row(name, times) for name, times in found.items()]


def tower_rows(
    loaded: model.Loaded, predictor: deploy.Predictor, ready: np.ndarray, rounds: int
) -> list[Row]:
    """The image tower alone: torch (two memory layouts) and the package, two batch sizes."""
    tower = predictor.package.tower
    variants: dict[str, Variant] = {}
    images = {}
    for batch in BATCHES:
        plain = torch.from_numpy(np.ascontiguousarray(np.resize(ready, (batch, *ready.shape[1:]))))
        last = plain.contiguous(memory_format=torch.channels_last)
        repeats = 16 // batch
        added = {
            f"torch eager, batch {batch}": _repeat(lambda x=plain: _encode(loaded, x), repeats),
            f"torch eager, channels last, batch {batch}": _repeat(
                lambda x=last: _encode(loaded, x), repeats
            ),
            f"package, batch {batch}": _repeat(lambda x=plain: tower.embed(x.numpy()), repeats),
        }
        variants |= added
        images |= dict.fromkeys(added, batch * repeats)
    return in_turns(variants, images, rounds)


def _repeat(once: Variant, times: int) -> Variant:
    def run() -> None:
        for _ in range(times):
            once()

    return run


def _encode(loaded: model.Loaded, image: torch.Tensor) -> np.ndarray:
    with torch.inference_mode():
        return loaded.encoder.encode_image(image)[0].numpy()


def road_rows(
    loaded: model.Loaded, predictor: deploy.Predictor, paths: list[Path], rounds: int
) -> list[Row]:
    """From a file to the scores: what people run today, the same decoder, the package.

    What people run today is torchvision's `Resize` (bicubic, on the Pillow image, as in the
    published retinal recipes), which calls `Image.resize`; the road with the resize in torch is
    the fastest one with a full decode that we could write.
    """
    prompts = predictor.package.prompts
    spec = loaded.image_spec

    def torch_scores(image: torch.Tensor) -> np.ndarray:
        return prompts.scores(_encode(loaded, image[None]))

    def pillow_resize(path: Path) -> np.ndarray:
        with Image.open(path) as image:
            small = image.convert("RGB").resize((spec.size,) * 2, Image.Resampling.BICUBIC)
        x = torch.from_numpy(np.array(small)).permute(2, 0, 1).float() / 255
        return torch_scores(_normalize(x, spec))

    def torch_resize(path: Path) -> np.ndarray:
        with Image.open(path) as image:
            x = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)[None]
        x = functional.interpolate(x, (spec.size,) * 2, mode="bicubic", antialias=True)
        return torch_scores(_normalize(x[0].float() / 255, spec))

    def same_decoder(path: Path) -> np.ndarray:
        ready = inputs.prepare(path.read_bytes(), spec, name=path.name)
        return torch_scores(torch.from_numpy(ready.image))

    roads: dict[str, Callable[[Path], object]] = {
        "today: Pillow full decode and resize, torch": pillow_resize,
        "Pillow full decode, resize by torch on uint8, torch": torch_resize,
        "funduscope's decoder and checks, torch": same_decoder,
        "funduscope's decoder and checks alone": lambda p: inputs.prepare(
            p.read_bytes(), spec, name=p.name
        ),
        "package: file to answer": predictor.predict,
    }

    def over(road: Callable[[Path], object]) -> Variant:
        return lambda: [road(path) for path in paths]

    variants = {name: over(road) for name, road in roads.items()}
    return in_turns(variants, dict.fromkeys(variants, len(paths)), rounds)


def _normalize(x: torch.Tensor, spec: inputs.ImageSpec) -> torch.Tensor:
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (spec.mean, spec.std))
    return (x - mean) / std


def processor() -> str:
    """Model name and the instruction sets that matter here."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return f"{platform.processor()}, instruction sets unknown"
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    words = facts.get("flags", facts.get("Features", "")).split()
    wanted = ("sse4_2", "avx", "fma", "f16c", "avx2", "avx_vnni", "amx", "asimd", "sve")
    shown = [w for w in words if w in wanted or w.startswith(("avx512", "amx"))]
    family = f"family {facts.get('cpu family', '?')} model {facts.get('model', '?')}"
    name = facts.get("model name", platform.machine())
    return f"{name} ({family}), {os.cpu_count()} cores; {' '.join(shown)}"


def _table(rows: Sequence[Row], against: Row) -> list[str]:
    head = [
        "| variant | ms a photograph, median | range | against the baseline |",
        "|---|---|---|---|",
    ]
    return [*head, *(row.cells(against.median) for row in rows), ""]


def _verdict(what: str, ratio: float) -> str:
    word = "reached" if ratio >= TARGET else "MISSED"
    return f"- {what}: **{ratio:.2f} x** (target {TARGET:g} x: {word})"


def _named(rows: Sequence[Row], start: str, *, without: str = "\0") -> Row:
    chosen = [row for row in rows if row.name.startswith(start) and without not in row.name]
    return min(chosen, key=lambda row: row.median)


def report(
    threads: int, loaded: model.Loaded, package: Path, paths: list[Path], rounds: int
) -> list[str]:
    """The section for one number of threads."""
    torch.set_num_threads(threads)
    predictor = deploy.Predictor(package, threads=threads)
    ready = np.stack(
        [inputs.prepare(p.read_bytes(), loaded.image_spec, name=p.name).image for p in paths]
    )
    tower = tower_rows(loaded, predictor, ready, rounds)
    road = road_rows(loaded, predictor, paths, rounds)
    prompts = predictor.package.prompts
    scores = prompts.scores(_encode(loaded, torch.from_numpy(ready)))
    worst = np.abs(prompts.scores(predictor.package.embed(ready)[0]) - scores).max()
    eager = _named(tower, "torch eager", without="channels last")
    packed = _named(tower, "package")
    today, lean = _named(road, "today"), _named(road, "Pillow full decode")
    same = _named(road, "funduscope's decoder and checks, torch")
    answer = _named(road, "package")
    channels = _named(tower, "torch eager, channels last").median / packed.median
    return [
        f"## {threads} thread{'s' * (threads > 1)} on both sides",
        "",
        _verdict(f"tower alone, best of batch 1 and 16 ({packed.name} / {eager.name})",
                 eager.median / packed.median),
        f"- the same against torch with `channels_last`: {channels:.2f} x",
        _verdict("file to answer against what people run today", today.median / answer.median),
        f"- the same against the fastest full-decode road we could write: "
        f"{lean.median / answer.median:.2f} x",
        f"- the same decoder on both sides: {same.median / answer.median:.2f} x",
        f"- largest difference of a score: {worst:.1e} (allowed 1e-3)",
        "",
        "Tower alone, baseline torch eager:",
        "",
        *_table(tower, eager),
        "File to answer, baseline what people run today:",
        "",
        *_table(road, today),
    ]  # fmt: skip


def start_seconds(package: Path, runs: int = 5) -> float:
    """From nothing to the first answer possible: import, verify, load, self-test."""
    code = f"from funduscope.deploy.predictor import Predictor; Predictor({str(package)!r})"
    found = []
    for _ in range(runs):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        found.append(time.perf_counter() - begun)
    return statistics.median(found)


def main() -> None:
    """Measure and write the page."""
    # numpy's own threads on both sides as `Predictor` has them: idle ones would keep cores busy.
    threadpool_limits(limits=1, user_api="blas")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, help="default: bundles/mini")
    parser.add_argument("--package", type=Path, help="default: the package that ships")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, os.cpu_count() or 1])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--photographs", type=int, default=6)
    parser.add_argument("--out", type=Path, default=Path("docs/results/speed.md"))
    args = parser.parse_args()
    package = args.package or shipped_package()
    loaded = model.load(args.bundle or package.parent)
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        paths = photographs(Path(folder), args.photographs)
        size = statistics.mean(path.stat().st_size for path in paths) / 1e6
        sections = [
            line
            for threads in dict.fromkeys(args.threads)
            for line in report(threads, loaded, package, paths, args.rounds)
        ]
    libraries = ", ".join(
        f"{name} {version(name)}" for name in ("torch", "onnxruntime", "pillow", "simplejpeg")
    )
    lines = [
        "# Speed",
        "",
        "Made by `python benchmarks/speed.py`: one process, all variants in turns, the same",
        f"{len(paths)} drawn photographs of {SIDE} px (JPEG, {size:.1f} MB each), medians of "
        f"{args.rounds} rounds.",
        "",
        f"- processor: {processor()}",
        f"- {libraries}, Python {platform.python_version()}, {platform.system()}",
        f"- load average of the machine before the run: {before:.2f} (0 is idle)",
        f"- start of a new process until it can answer (import, hashes, load, self-test): "
        f"{start_seconds(package):.2f} s",
        f"- bundle `{loaded.id}`, {loaded.image_spec.size} px, float32 on both sides",
        "",
        "The package's time from file to answer includes finding the field of view, the checks of",
        "quality, scores and percentiles; the Pillow variants only decode, resize and score. What",
        "people run today is torchvision's bicubic Resize of the fully decoded Pillow image, which",
        "calls the same Pillow function.",
        "",
        *sections,
    ]
    args.out.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
