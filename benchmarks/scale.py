"""From unit costs measured here to a hospital network: hours, money, memory: docs/scale.md.

    python benchmarks/scale.py > docs/scale.md
    python benchmarks/scale.py --gpu-hour 1.9 --epochs 20 --gpu-tflops 312 --gpu-memory 40

A few minutes, on an idle machine. GPUs are not measured: their rates follow from operations and
an assumed utilization, which are options, like every price.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from read_costs import STORED, read_seconds, stored_photographs
from scale_model import (
    Archive,
    Machine,
    Model,
    Unit,
    checkpoint_bytes,
    disk_bytes,
    gathered_bytes,
    host_bytes,
    ingest_hours,
    limits,
    logit_bytes,
    money,
    rank_bytes,
    reduced_bytes,
    train_hours,
)
from speed import processor
from tower_costs import Cost, image_cost, load_words, text_cost

from funduscope import tables

GIB = 2.0**30
TOWERS = (("EfficientNet-Lite0", 224), ("EfficientNet-Lite1", 320), ("ViT-S/16", 320))
TOKENS = 64
PUBLISHED = 485_980  # photographs of ReVision's abstract
INGEST = Path(__file__).parents[1] / "docs" / "results" / "ingest" / "speed.md"

REMEDIES = (
    "What to do about each:",
    "",
    "- **cores that read**: hours above are then those of the reading, and the GPU waits. Store",
    "  photographs no larger than training needs (`ingest --set max_side=...`), rent cores",
    "  beside the GPU, or take a larger tower: it is free until the reading keeps up.",
    "- **ingest in one corpus**: one corpus a site, on machines of their own.",
    "- **time**: a smaller side, fewer epochs, a frozen tower, or the next machine.",
    "- **memory of a GPU**: a smaller `chunk` (the batch stays), then a smaller batch (logits).",
    "- **main memory**: fewer ranks a host, a smaller `window_mib`, fewer columns of the tables.",
    "- **network**: a larger share of the batch on each GPU; features and gradients do not grow",
    "  with the chunk.",
)


def row_bytes(count: int = 2000) -> float:
    """Memory of a photograph's rows: images, 2 pairs, 4 assertions, half a report."""
    typical = {"str": "f3b1c0de" * 4, "bool": True, "f32": 0.5, "f64": 0.5}
    each = ((tables.IMAGES, 1.0), (tables.PAIRS, 2.0), (tables.ASSERTIONS, 4.0))
    held = 0.0
    for table, rows in (*each, (tables.REPORTS, 0.5)):
        row = {c.name: c.values[0] if c.values else typical.get(c.type, 1) for c in table.columns}
        held += rows * tables.frame(table, [row] * count).estimated_size() / count
    return held


def ingest_figures(text: str) -> dict[str, float]:
    """What docs/results/ingest/speed.md measured."""

    def figure(pattern: str) -> float:
        found = re.search(pattern, text)
        if found is None:
            raise SystemExit(f"docs/results/ingest/speed.md does not say: {pattern}")
        return float(found[1].replace(",", ""))

    projected = figure(r"Projection for ([\d,]+) photographs")
    hours = 3600 / projected
    readings = figure(r"second pass, (\d+) readings")
    return {
        "ingest_seconds": figure(r"linear\) \| ([\d.]+)") * hours,
        "scan_seconds": figure(r"second pass, \d+ readings \| ([\d.]+)") * hours / readings,
        "strings": figure(r"string; ([\d,]+) are expected") / projected,
        "strings_a_reading": figure(r"once for every ([\d,]+) ways"),
        "photo_bytes": 1000 * figure(r"MB on disk for each 1,000 photographs \| (\d+)"),
    }


def machines(args: argparse.Namespace) -> list[Machine]:
    """This CPU, and GPUs as assumed."""
    total = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    gpu = {
        "chunk": args.chunk,
        "cores": args.cores,
        "memory": args.memory * GIB,
        "gpu_memory": args.gpu_memory * GIB,
        "peak": args.gpu_tflops * 1e12,
        "network": args.network * 1e9,
        "disk": args.disk * 1e12,
        "price": args.gpu_hour,
    }
    cpu = {
        **gpu,
        "chunk": 64,
        "cores": os.cpu_count() or 1,
        "memory": total,
        "price": args.cpu_hour,
    }
    return [
        Machine("one CPU", gpus=0, batch=64, **cpu),
        Machine("1 GPU", gpus=1, batch=1024, **gpu),
        Machine("8 GPUs", gpus=8, batch=4096, **gpu),
        Machine("64 GPUs", gpus=64, batch=16_384, **gpu),
    ]


def archives(epochs: float) -> list[Archive]:
    """The published archive, and ten million exams of two photographs."""
    return [
        Archive(f"{PUBLISHED:,} photographs", PUBLISHED, PUBLISHED // 2, epochs),
        Archive("10,000,000 exams", 20_000_000, 10_000_000, epochs),
    ]


def model_of(cost: Cost, text: Cost, read: float, utilization: float) -> Model:
    """What the towers' measured costs say; three passes' arithmetic is three forward passes'."""
    return Model(
        name=f"{cost.name}, {cost.size} px",
        read_seconds=read,
        step_seconds=cost.train_ms / 1000,
        flops=3e9 * cost.gflops,
        parameters=cost.parameters + 256 * (cost.width + text.width),
        frozen=text.parameters,
        width=cost.width,
        text_width=text.width,
        kept_bytes=cost.kept_mib * 2**20,
        utilization=utilization,
    )


def line(*cells: object) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(map(str, cells))} |"


def head(*names: str) -> list[str]:
    """The heading of a Markdown table."""
    return [line(*names), "|---" * len(names) + "|"]


def unit_lines(costs: list[Cost], texts: list[Cost], unit: Unit, models: list[Model]) -> list[str]:
    """Section: what was measured."""
    rows = [
        line(c.name, f"{c.size} {what}", c.threads, f"{c.train_ms:.0f}", f"{c.infer_ms:.0f}",
             f"{c.kept_mib:.0f}", f"{c.gflops:.1f}")
        for group, what in ((costs, "px"), (texts, "tokens")) for c in group
    ]  # fmt: skip
    return [
        "## Unit costs",
        "",
        *head("tower", "size", "threads", "training, ms", "forward, ms", "kept in a chunk, MiB",
              "GFLOP forward"),
        *rows,
        "",
        *head("one photograph", "cost", "from"),
        *(line(f"read: decoded, cropped, augmented by one core, {m.name}",
               f"{1000 * m.read_seconds:.1f} ms", f"here, {STORED} px JPEG") for m in models),
        line("ingest", f"{1000 * unit.ingest_seconds:.1f} ms", "[ingest](results/ingest/speed.md)"),
        line("ingest's second pass, one reading", f"{1000 * unit.scan_seconds:.2f} ms", "the same"),
        line("encoded, in a corpus", f"{unit.photo_bytes / 1000:.0f} kB", "the same"),
        line("its rows of the tables, in memory", f"{unit.row_bytes:,.0f} bytes",
             "here: 1 image, 2 pairs, 4 assertions, half a report"),
        *(line(f"checkpoint, {m.name}", f"{checkpoint_bytes(m) / 1e6:,.0f} MB",
               "4 x trained + 2 x frozen parameters, float32") for m in models),
        "",
    ]  # fmt: skip


def ingest_lines(found: list[Archive], unit: Unit) -> list[str]:
    """Section: archive to corpus."""
    rows = []
    for a in found:
        parts = -(-a.photographs // PUBLISHED)
        rows.append(
            line(a.name, f"{ingest_hours(a, unit):,.0f}", parts,
                 f"{ingest_hours(a, unit, parts):,.0f}", f"{disk_bytes(a, unit) / 1e12:.2f}")
        )  # fmt: skip
    return [
        "## Ingest, on the machine of its measurement (2 cores)",
        "",
        *head("archive", "hours, one corpus", "corpora", "hours in all, so divided", "disk, TB"),
        *rows,
        "",
        "The second pass looks for every identifying string in every text and picture's metadata;",
        "both grow with the archive. Ingest site by site: `pretrain` takes many corpora, and each",
        "is made on a machine of its own, at the same time.",
        "",
    ]


def memory_rows(
    found: list[Archive], unit: Unit, models: list[Model], on: list[Machine], window: float
) -> list[str]:
    """What a rank holds and sends, for each model on each machine."""
    memory = []
    for m in models:
        for machine in on:
            held = [f"{host_bytes(a, unit, m, machine, window) / GIB:,.1f}" for a in found]
            memory.append(
                line(m.name, machine.name, f"{machine.batch:,}",
                     f"{logit_bytes(machine) / 2**20:,.1f}",
                     f"{rank_bytes(m, machine) / GIB:.1f}", *held,
                     f"{gathered_bytes(m, machine) / 1e6:,.1f}",
                     f"{reduced_bytes(m, machine) / 1e6:,.1f}")
            )  # fmt: skip
    return memory


def project_lines(
    found: list[Archive],
    unit: Unit,
    models: list[Model],
    on: list[Machine],
    args: argparse.Namespace,
) -> list[str]:
    """Sections: hours and money, memory and network, what breaks first."""
    window = args.window_mib * 2.0**20
    times, breaks = [], []
    for a in found:
        for m in models:
            hours = [train_hours(a, unit, m, machine) for machine in on]
            cells = [
                f"{h:,.{1 if h >= 10 else 2}f} h, {money(h, machine):,.0f}"
                for h, machine in zip(hours, on, strict=True)
            ]
            times.append(line(a.name, m.name, *cells))
            for machine in on:
                first, second, *_ = limits(a, unit, m, machine, window=window, days=args.days)
                breaks.append(
                    line(a.name, m.name, machine.name, *(
                        f"{x.name}: {x.used:,.3g} of {x.allowed:,.3g} {x.unit} ({x.share:.0%})"
                        for x in (first, second)))
                )  # fmt: skip
    return [
        f"## Training: hours and money, {args.epochs:g} epochs",
        "",
        *head("archive", "image tower", *(machine.name for machine in on)),
        *times,
        "",
        "Money: hours x GPUs (or cores) x the price given. 1 CPU: measured; GPUs: assumed, above.",
        "",
        "## Memory and network, a rank",
        "",
        *head("image tower", "machine", "batch", "logits B x T, MiB", "training, GiB",
              *(f"main memory, {a.name}, GiB" for a in found), "features gathered, MB a step",
              "gradients reduced, MB a step"),
        *memory_rows(found, unit, models, on, window),
        "",
        "Photographs are streamed from the shards; no second copy of them is made. Main memory is",
        f"the rows of the tables and the shuffle window ({args.window_mib} MiB) of each rank; on a",
        "CPU the training's as well.",
        "",
        f"## What breaks first (a share of 100% is the limit; time: {args.days:g} days)",
        "",
        *head("archive", "image tower", "machine", "first", "second"),
        *breaks,
        "",
        *REMEDIES,
    ]  # fmt: skip


def options() -> argparse.ArgumentParser:
    """Prices and assumptions, each with an example."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    for name, value, words in (
        ("--epochs", 10.0, "how often each photograph is seen"),
        ("--days", 30.0, "longest time that a run may take"),
        ("--cpu-hour", 0.05, "price of a core-hour (an example of 2026-11, no quotation)"),
        ("--gpu-hour", 3.0, "price of a GPU-hour with its cores (likewise)"),
        ("--gpu-tflops", 989.0, "peak of a GPU (H100 SXM: bf16 dense, data sheet)"),
        ("--gpu-memory", 80.0, "of a GPU, GiB"),
        ("--utilization-vit", 0.3, "assumed share of the peak, patch towers"),
        ("--utilization-conv", 0.03, "the same, depthwise convolutions (bound by memory)"),
        ("--memory", 128.0, "main memory for each GPU, GiB"),
        ("--network", 12.5, "of each GPU's share, GB/s"),
        ("--disk", 20.0, "storage, TB"),
    ):
        parser.add_argument(name, type=float, default=value, help=words)
    parser.add_argument("--cores", type=int, default=16, help="CPU cores for each GPU")
    parser.add_argument("--chunk", type=int, default=256, help="photographs a pass on a GPU")
    parser.add_argument("--window-mib", type=int, default=2048, help="shuffle window")
    return parser


def opening(args: argparse.Namespace, before: float) -> list[str]:
    """What the page is, and what is assumed on it."""
    return [
        "# Scale",
        "",
        "    python benchmarks/scale.py > docs/scale.md",
        "",
        "From unit costs, measured, to an archive of the published size and to ten million exams",
        "of two photographs. `benchmarks/scale_model.py` holds the formulas.",
        "",
        f"- processor: {processor()}; torch {version('torch')}; {load_words(before)}",
        "- **no GPU was measured for this page.** Seconds of a step = operations / (peak x assumed",
        "  utilization); operations = 3 x forward, x 4/3 with cached gradients. Assumed: "
        f"{args.gpu_tflops:g} TFLOP/s",
        f"  peak, of which patch towers reach {args.utilization_vit:.0%} and depthwise "
        f"convolutions {args.utilization_conv:.0%};",
        f"  {args.cores} cores, {args.memory:g} GiB, {args.network:g} GB/s for each GPU of "
        f"{args.gpu_memory:g} GiB; storage of {args.disk:g} TB.",
        f"- prices are examples of 2026-11, no quotation: {args.cpu_hour:g} a core-hour, "
        f"{args.gpu_hour:g} a GPU-hour, in your currency. All of these are options.",
        "- text tower: MiniLM-L6, frozen; each caption is read once (assumed: one for each exam).",
        "",
    ]


def main() -> None:
    """Measure, project, print."""
    args = options().parse_args()
    before = os.getloadavg()[0]
    cores = os.cpu_count() or 1
    costs, texts = [], []
    for threads in sorted({1, cores}):
        for name, size in TOWERS:
            print(f"{name} at {size} px, {threads} threads", file=sys.stderr)
            costs.append(image_cost(name, size, threads=threads, rounds=2))
        texts.append(text_cost("MiniLM-L6", TOKENS, threads=threads, rounds=2))
    with tempfile.TemporaryDirectory() as folder:
        stored = stored_photographs(Path(folder))
    read = {size: read_seconds(stored, size) for _, size in TOWERS}
    figures = ingest_figures(INGEST.read_text(encoding="utf-8"))
    unit = Unit(row_bytes=row_bytes(), text_seconds=texts[0].infer_ms / 1000, **figures)
    shares = {"ViT": args.utilization_vit, "Eff": args.utilization_conv}
    models = [
        model_of(c, texts[0], read[c.size], shares[c.name[:3]]) for c in costs if c.threads == cores
    ]
    found, on = archives(args.epochs), machines(args)
    lines = [
        *opening(args, before),
        *unit_lines(costs, texts, unit, models),
        *ingest_lines(found, unit),
        *project_lines(found, unit, models, on, args),
    ]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
