"""How fast reports are read, in how much memory, and how time grows with their length.

    python benchmarks/reports_speed.py --out docs/results/reports/speed.md [--archive ARCHIVE]

Seconds are processor time of one process, so that other work on the machine counts little. No
text is read twice. `make bench` runs it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from ingest_page import Figure, Section, table
from ingest_truth import read_csv
from reports_archive import truth_of
from reports_texts import distinct, of_length, sentences, synthetic_reports

from funduscope.findings import extract

# Over a thousandfold length a square would show as 1000 x; the processor's caches alone cost some.
LEAST, GROWTH = 1000, 2.0
ROUNDS, EACH = 7, 1000
FEW, MANY, MOST_MIB = 5_000, 50_000, 1.0
BYTES = (1_000, 10_000, 100_000, 1_000_000)
# A process that imports nothing but the reader: it reads, forgets and tells in MiB the most that
# it ever had and, on Linux, what it has at the end (the peak could be that of its start).
READ = """
import itertools, json, os, resource, sys
from funduscope.findings import extract
with open(sys.argv[1], encoding="utf-8") as stream:
    for line in itertools.islice(stream, int(sys.argv[2])):
        extract(json.loads(line))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
try:
    with open("/proc/self/statm") as stream:
        now = int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
except OSError:
    now = peak
print(peak, now)
"""
# Texts that no one writes, at a tenth of the longest length and at a hundredth.
ADVERSE = {
    "denials without an end": "\u672a\u89c1a\uff0c",
    "brackets that never close": "(",
    "eyes in brackets": "(OD) ",
    "one word": "a",
    "one number": "1",
    "a list without commas": "no edema ",
    "right-to-left marks": "\u202e",
    "lone surrogates": "\ud800",
    "combining marks": "a\u0301\u0302",
}


def pool(archive: Path | None) -> dict[bool, list[str]]:
    """The sentences to draw from; with an archive those of its reports too."""
    texts = synthetic_reports()
    if archive is not None:
        with truth_of(archive) as folder:
            texts += [row["text"] for row in read_csv(folder / "reports.csv")]
    return sentences(texts)


def seconds(texts: Iterable[str]) -> float:
    """Processor time to read texts, drawn before."""
    listed = list(texts)
    begun = time.process_time()
    for text in listed:
        extract(text)
    return time.process_time() - begun


def rates(drawn: dict[bool, list[str]]) -> list[float]:
    """Distinct reports a second, round by round."""
    texts = distinct(drawn, seed=1)
    seconds(itertools.islice(texts, 50))
    return [EACH / seconds(itertools.islice(texts, EACH)) for _ in range(ROUNDS)]


def memory(drawn: dict[bool, list[str]]) -> dict[int, tuple[float, float]]:
    """Peak and last memory, MiB, of processes that read few and many distinct reports."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reports.jsonl"
        with path.open("w", encoding="utf-8") as stream:
            for text in itertools.islice(distinct(drawn, seed=2), MANY):
                stream.write(json.dumps(text) + "\n")
        for count in (FEW, MANY):
            command = [sys.executable, "-c", READ, str(path), str(count)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            peak, now = map(float, done.stdout.split())
            found[count] = (peak, now)
    return found


def growth(drawn: dict[bool, list[str]]) -> dict[int, float]:
    """Bytes of a text -> microseconds a byte (median of three texts, one of the longest)."""
    found = {}
    for size in BYTES:
        repeats = 1 if size == BYTES[-1] else 3 if size > BYTES[1] else 20
        per_byte = []
        for seed in range(repeats):
            text = of_length(drawn, size, seed).encode()[:size].decode(errors="ignore")
            per_byte.append(seconds([text]) / size * 1e6)
        found[size] = statistics.median(per_byte)
    return found


def adverse() -> dict[str, tuple[float, float]]:
    """Microseconds a character of unnatural texts of 10,000 and of 100,000 characters."""
    found = {}
    for name, unit in ADVERSE.items():
        both = [seconds([unit * (size // len(unit))]) / size * 1e6 for size in BYTES[1:3]]
        found[name] = (both[0], both[1])
    return found


def section(archive: Path | None) -> Section:
    """All figures and tables."""
    drawn = pool(archive)
    page = Section("Speed and memory")
    speed = rates(drawn)
    middle = statistics.median(speed)
    page.figures.append(
        Figure(
            "distinct reports a second, one core (median)",
            f"{middle:,.0f}",
            f">= {LEAST:,}",
            middle >= LEAST,
        )
    )
    taken = memory(drawn)
    for name, few, many in zip(("peak", "last"), taken[FEW], taken[MANY], strict=True):
        page.figures.append(
            Figure(
                f"{name} memory after {MANY:,} reports, less that after {FEW:,}",
                f"{many - few:.1f} MiB",
                f"<= {MOST_MIB} MiB",
                many - few <= MOST_MIB,
            )
        )
    lengths = growth(drawn)
    times = max(lengths[size] for size in BYTES[1:]) / lengths[BYTES[0]]
    page.figures.append(
        Figure(
            "time a byte, slowest of 10 kB to 1 MB against 1 kB",
            f"{times:.2f} x",
            f"<= {GROWTH} x",
            times <= GROWTH,
        )
    )
    page.lines += _explained(drawn, speed, taken)
    rows = [f"| {size:,} | {us:.2f} | {us * size / 1e6:.3f} |" for size, us in lengths.items()]
    page.lines += table("bytes of a text | microseconds a byte | seconds", rows)
    rows = [f"| {name} | {a:.1f} | {b:.1f} |" for name, (a, b) in adverse().items()]
    page.lines += [
        *table("text | microseconds a character, 10,000 characters | 100,000", rows),
        "",
        "These repeat one thing without an end; what grows here from left to right is not linear.",
    ]
    return page


def _explained(
    drawn: dict[bool, list[str]], speed: Sequence[float], taken: dict[int, tuple[float, float]]
) -> list[str]:
    """How it was measured."""
    texts = list(itertools.islice(distinct(drawn, seed=3), 2000))
    mean = statistics.mean(map(len, texts))
    rounds = ", ".join(f"{rate:,.0f}" for rate in speed)
    kept = ", ".join(f"{peak:.1f} MiB after {count:,}" for count, (peak, _) in taken.items())
    return [
        "",
        f"Reports of {mean:.0f} characters on average, two of three Chinese, each a new choice of",
        f"{len(drawn[True]):,} Chinese and {len(drawn[False]):,} English sentences with numbers",
        f"of its own; none is drawn twice. {ROUNDS} rounds of {EACH:,}: {rounds} a second.",
        f"Peak memory of a process that only reads: {kept}. Python {platform.python_version()},",
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end of the run.",
    ]


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="page to write")
    parser.add_argument("--archive", type=Path, help="archive whose reports give sentences too")
    asked = parser.parse_args()
    text = page_of(section(asked.archive), "python benchmarks/reports_speed.py")
    if asked.out is not None:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(text, encoding="utf-8")
    print(text)


def page_of(found: Section, command: str) -> str:
    """The page on speed."""
    head = ["# Speed of reading reports", "", f"    {command}", ""]
    rows = table("figure | value | target | ", [figure.cells() for figure in found.figures])
    return "\n".join([*head, *rows[1:], *found.lines, ""])


if __name__ == "__main__":
    main()
