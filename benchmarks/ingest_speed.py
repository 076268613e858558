"""How fast `ingest` is, and what memory it takes: docs/results/ingest/speed.md.

    python benchmarks/ingest_speed.py DATA WORK docs/results/ingest/speed.md [--photos 1000]

DATA is the folder with the real sets. WORK gets the photographs (made once: `odir` train and val
enlarged to squares of 2,000-3,000 px, with grain, JPEG 90; about 1.5 MB each) and the corpora.

Beside `ingest` with all checks on (metadata, circle, quality, text inside it, blanking, copies,
identity removed from the reports, the second pass over every byte) runs a bare loop that only
decodes (scaled), resizes to the stored size and encodes, with as many processes; in turns, each
with the start of its processes; a figure is the median over rounds. Memory is the sum of the
proportional set sizes (PSS) of the whole process tree, sampled while it runs. What grows with the
number of photographs is read off two archives of small ones.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby, repeat
from multiprocessing import get_context
from pathlib import Path

import ingest_steps
import numpy as np
import simplejpeg
from PIL import Image

from funduscope.archive import duplicates, residue_texts
from funduscope.archive.settings import IngestSettings
from funduscope.archive.synthetic.people import draw_person

SIDES = (2000, 3000)
SMALL = (256, 257)
GROWN = (1200, 4800)
"""Photographs of the two archives that show how memory grows."""
SEED = 5
GOAL = 485_980
STORED = IngestSettings().max_side
QUALITY = IngestSettings().jpeg_quality
COLUMNS = "exam_no record_no name id_card phone born examined sex report right left".split()  # noqa: SIM905
DESCRIBED = """format = 1

[[source]]
site = "north"
table = "reports.csv"
photos = ["images/*.jpg"]

[source.columns]
exam = "exam_no"
patient = "record_no"
name = "name"
identity = ["id_card", "phone"]
birth_date = "born"
exam_date = "examined"
sex = "sex"
report = "report"
right = "right"
left = "left"

[source.values.sex]
female = "female"
male = "male"
"""


@dataclass(frozen=True)
class Run:
    """One `ingest`: wall seconds, PSS of the tree in MiB at its peak, MB on disk, photographs."""

    seconds: float
    peak: float
    disk: float
    kept: int


def make_archive(data: Path, folder: Path, count: int, sides: tuple[int, int] = SIDES) -> Path:
    """An archive of so many photographs, with records and reports; made once."""
    archive = folder / (f"archive_{count}" if sides == SIDES else f"small_{count}")
    if (archive / "archive.toml").is_file():
        return archive
    with (data / "odir" / "labels.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["split"] in ("train", "val")]
    rows = rows[:count]
    assert len(rows) == count, "odir train and val hold fewer photographs"
    (archive / "images").mkdir(parents=True, exist_ok=True)
    sources = [data / "odir" / row["image"] for row in rows]
    names = [archive / "images" / f"{number:06d}.jpg" for number in range(count)]
    if not all(name.is_file() for name in names):
        with _processes(2) as pool:
            list(pool.map(_enlarge, range(count), sources, names, repeat(sides), chunksize=8))
    draw = np.random.default_rng(SEED)
    with (archive / "reports.csv").open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, COLUMNS)
        table.writeheader()
        numbered = enumerate(rows)
        for _, both in groupby(numbered, key=lambda one: one[1]["patient"]):
            table.writerow(_record(draw, list(both)))
    (archive / "archive.toml").write_text(DESCRIBED, encoding="utf-8")
    return archive


def _record(draw: np.random.Generator, both: list[tuple[int, dict[str, str]]]) -> dict[str, str]:
    """One examination with the photographs of one patient, who gets an invented name."""
    number = both[0][0]
    person = draw_person(draw, f"{number:08d}", "en", 1.0)
    examined = date(2016, 1, 1) + timedelta(days=int(draw.integers(0, 2000)))
    said = "\n".join(row["text"] for _, row in both)
    files = {row["eye"]: f"{place:06d}.jpg" for place, row in both}
    return {
        "exam_no": f"EX{examined:%y%m%d}{number:06d}",
        "record_no": f"{7 * number + 10_000_000}",
        "name": person.name,
        "id_card": person.id_card,
        "phone": person.phone,
        "born": person.born.isoformat(),
        "examined": examined.isoformat(),
        "sex": person.sex,
        "report": f"{person.name}, {examined:%Y-%m-%d}: {said}",
        "right": files.get("R", ""),
        "left": files.get("L", ""),
    }


def _enlarge(number: int, source: Path, target: Path, sides: tuple[int, int]) -> None:
    draw = np.random.default_rng((SEED, number))
    side = int(draw.integers(*sides))
    with Image.open(source) as image:
        large = np.asarray(image.convert("RGB").resize((side, side), Image.Resampling.BICUBIC))
    grain = np.rint(draw.normal(0, 3, (512, 512, 3))).astype(np.int16)
    tiles = -(-side // 512)
    noisy = large + np.tile(grain, (tiles, tiles, 1))[:side, :side]
    lit = large.max(axis=2, keepdims=True) > 8
    rgb = np.where(lit, noisy.clip(0, 255), large).astype(np.uint8)
    target.write_bytes(simplejpeg.encode_jpeg(rgb, quality=90))


def _processes(count: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"))


def bare(paths: list[Path], workers: int) -> float:
    """Seconds of the loop that only decodes, resizes and encodes."""
    start = time.perf_counter()
    with _processes(workers) as pool:
        assert sum(pool.map(_bare, paths, chunksize=16)) > 0
    return time.perf_counter() - start


def _bare(path: Path) -> int:
    data = path.read_bytes()
    height, width, *_ = simplejpeg.decode_jpeg_header(data)
    factor = STORED / max(height, width)
    least = int(min(height, width) * factor)
    rgb = simplejpeg.decode_jpeg(data, "RGB", min_height=least, min_width=least)
    factor = STORED / max(rgb.shape)
    size = (round(rgb.shape[1] * factor), round(rgb.shape[0] * factor))
    small = np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BOX, reducing_gap=2.0))
    return len(simplejpeg.encode_jpeg(small, quality=QUALITY, colorsubsampling="444"))


def ingested(archive: Path, out: Path, workers: int, *more: str) -> Run:
    """One run of the command."""
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "funduscope", "ingest", str(archive), str(out), "--quiet"]
    start = time.perf_counter()
    process = subprocess.Popen([*command, "--set", f"workers={workers}", *more])
    peak = 0.0
    while True:
        try:
            process.wait(0.25)
            break
        except subprocess.TimeoutExpired:
            peak = max(peak, _pss(process.pid))
    seconds = time.perf_counter() - start
    assert process.returncode == 0, process.returncode
    counts = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["counts"]["images"]
    disk = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6
    return Run(seconds, peak, disk, counts["kept"])


def _pss(root: int) -> float:
    """MiB of a process and all its children."""
    total, todo = 0, [root]
    while todo:
        place = Path(f"/proc/{todo.pop()}")
        try:
            for line in (place / "smaps_rollup").read_text(encoding="ascii").splitlines():
                total += int(line.split()[1]) if line.startswith("Pss:") else 0
            for task in (place / "task").iterdir():
                todo += map(int, (task / "children").read_text(encoding="ascii").split())
        except (OSError, ValueError):  # it has just ended
            continue
    return total / 1024


def page(asked: argparse.Namespace) -> list[str]:
    """Run everything; the lines of the page."""
    archive = make_archive(asked.data, asked.work, asked.photos)
    few = make_archive(asked.data, asked.work, asked.photos // 4)
    paths = sorted((archive / "images").iterdir())
    loops, runs = [], []
    for _ in range(asked.rounds):
        loops.append(bare(paths, asked.workers))
        runs.append(ingested(archive, asked.work / "corpus", asked.workers))
    small = [make_archive(asked.data, asked.work, count, SMALL) for count in GROWN]
    grown = [ingested(one, asked.work / "corpus", asked.workers) for one in small]
    seconds, plain = statistics.median(run.seconds for run in runs), statistics.median(loops)
    peak, disk = max(run.peak for run in runs), runs[0].disk / asked.photos
    slope = (grown[1].peak - grown[0].peak) / (GROWN[1] - GROWN[0])
    ingest_steps.measure(make_archive(asked.data, asked.work, 20), asked.work / "corpus")
    spent, total = ingest_steps.measure(few, asked.work / "corpus")
    held = ingest_steps.held(small[1]) / GROWN[1] / 2**20
    command = "python benchmarks/ingest_speed.py DATA WORK docs/results/ingest/speed.md"
    lines = [
        "# Speed and memory of ingest",
        "",
        f"    {command} --photos {asked.photos} --rounds {asked.rounds}",
        "",
        f"{asked.photos} photographs of {SIDES[0]}-{SIDES[1]} px (`odir` train and val enlarged, "
        f"grain, JPEG 90), {asked.workers} processes beside the one that writes, "
        f"{os.cpu_count()} cores ({platform.machine()}), load {os.getloadavg()[1]:.1f} at the end; "
        f"medians of {asked.rounds} rounds, in turns.",
        "",
        "| figure | value | target |  |",
        "|---|---|---|---|",
        f"| bare loop: photographs per second | {asked.photos / plain:.1f} |  |  |",
        f"| ingest, all checks: photographs per second | {asked.photos / seconds:.1f} |  |  |",
        _judged("ingest against the bare loop", plain / seconds, 0.5, "at least"),
        _judged("peak memory of the process tree, GiB", peak / 1024, 1.5, "below"),
        f"| peak with {GROWN[0]:,} and {GROWN[1]:,} photographs of {SMALL[0]} px, GiB "
        f"| {grown[0].peak / 1024:.2f}, {grown[1].peak / 1024:.2f} |  |  |",
        f"| MiB more for each 1,000 photographs more | {1000 * slope:.0f} |  |  |",
        f"| examinations and texts held until the end, MiB for each 1,000 photographs "
        f"| {1000 * held:.1f} |  |  |",
        f"| the same for {GOAL:,}, GiB | {held * GOAL / 1024:.1f} |  |  |",
        f"| photographs kept | {runs[0].kept} of {asked.photos} |  |  |",
        f"| MB on disk for each 1,000 photographs | {1000 * disk:.0f} |  |  |",
        "",
        "What grows without end are the examinations with their texts (measured apart) and a few "
        f"hundred bytes of each photograph. The rest of the growth are buffers that fill up: the "
        f"search for copies holds at most {duplicates.GROUP:,} views, rows of tables go to disk "
        "8,192 at a time, thumbnails are a mapped file.",
        "",
        f"## Steps: {asked.photos // 4} photographs in one process",
        "",
        *ingest_steps.table(spent, total, asked.photos // 4),
        "",
    ]
    second = {step: spent[step] / (asked.photos // 4) for step in ("copies", "second pass")}
    linear = seconds / asked.photos - sum(second.values())
    return [*lines, *_projected(archive, linear, second["second pass"], disk)]


def _projected(archive: Path, linear: float, second: float, disk: float) -> list[str]:
    """What `GOAL` photographs would take; seconds and MB for each photograph are given."""
    days, others = ingest_steps.written_forms(archive)
    photos = len(list((archive / "images").iterdir()))
    looked = days + others * GOAL // photos
    readings = -(-looked // residue_texts.BATCH)
    hours = [linear * GOAL / 3600, readings * second * GOAL / 3600]
    return [
        f"## Projection for {GOAL:,} photographs",
        "",
        f"The second pass reads the corpus once for every {residue_texts.BATCH:,} ways to write a "
        f"string; {looked:,} are expected (days repeat, other strings grow with the archive). The "
        "search for copies grows otherwise: [candidates.md](candidates.md) projects it.",
        "",
        "| part | hours |",
        "|---|---|",
        f"| photographs, reports, tables (linear) | {hours[0]:.1f} |",
        f"| second pass, {readings} readings | {hours[1]:.1f} |",
        f"| both | {sum(hours):.1f} |",
        f"| disk, GB | {disk * GOAL / 1000:.0f} |",
        "",
    ]


def _judged(name: str, value: float, target: float, sense: str) -> str:
    reached = value >= target if sense == "at least" else value < target
    verdict = "reached" if reached else "**MISSED**"
    return f"| {name} | {value:.2f} | {sense} {target} | {verdict} |"


def main() -> None:
    """Make the photographs, measure, write and print the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    lines = page(parser.parse_args())
    Path(parser.parse_args().out).write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
