"""Where the seconds of `ingest` go, step by step; for benchmarks/ingest_speed.py.

The functions of each step are wrapped in a clock for one run in one process; a step that calls
another is charged only for its own part. The product itself holds no clock.
"""

from __future__ import annotations

import shutil
import time
import tracemalloc
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from funduscope import inputs, tables
from funduscope.archive import (
    IngestSettings,
    description,
    duplicates,
    frames,
    identity,
    ingest,
    overview,
    parts,
    photographs,
    places,
    plan,
    residue,
    residue_forms,
    texts,
)

STEPS: dict[str, tuple[tuple[Any, str], ...]] = {
    "plan: tables read, pairs made": ((plan, "make"),),
    "file read": ((places, "read_bytes"),),
    "decode": ((inputs, "decode"), (photographs, "_header")),
    "resize": ((photographs, "_resize"),),
    "encode": ((photographs, "_encode"),),
    "picture for judging": ((photographs, "thumbnail"),),
    "circle": ((inputs, "find_field"),),
    "quality": ((inputs, "look"), (inputs, "assess")),
    "kind (red-free, two fields)": ((inputs, "kind_of"),),
    "side of the disc": ((inputs, "disc_lead"),),
    "search for text": ((inputs, "find_text"),),
    "blanking": ((inputs, "blank_outside"),),
    "hash and thumbnail": ((inputs, "phash"), (frames, "thumb")),
    "strings of metadata": ((photographs, "identifying"),),
    "pixel files written": ((parts, "write"),),
    "copies": ((duplicates, "copies"),),
    "reports: identity removed, findings": ((texts, "removed"), (texts, "add_exam")),
    "tables written": ((tables, "write"), (tables, "frame")),
    "report.html": ((overview, "write_report"),),
    "second pass": ((residue, "scan"),),
    "pseudonyms' places": ((identity, "write_locators"),),
}


def measure(archive: Path, out: Path) -> tuple[dict[str, float], float]:
    """Seconds of each step of one `ingest` in one process, and of all of it."""
    spent: dict[str, float] = defaultdict(float)
    with _clocks(spent):
        shutil.rmtree(out, ignore_errors=True)
        start = time.perf_counter()
        ingest(archive, out, IngestSettings(workers=1))
        total = time.perf_counter() - start
    return spent, total


@contextmanager
def _clocks(spent: dict[str, float]) -> Iterator[None]:
    running: list[str] = []
    since = [0.0]

    def clocked(step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*given: Any, **named: Any) -> Any:
            _charge()
            running.append(step)
            try:
                return function(*given, **named)
            finally:
                _charge()
                running.pop()

        return wrapped

    def _charge() -> None:
        now = time.perf_counter()
        if running:
            spent[running[-1]] += now - since[0]
        since[0] = now

    patches = [
        mock.patch.object(owner, name, clocked(step, getattr(owner, name)))
        for step, functions in STEPS.items()
        for owner, name in functions
    ]
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


def table(spent: dict[str, float], total: float, count: int) -> list[str]:
    """The steps of a run over `count` photographs as Markdown."""
    lines = ["| step | seconds for 1,000 photographs | share |", "|---|---|---|"]
    for step in (*STEPS, "all else"):
        part = spent[step] if step in STEPS else total - sum(spent.values())
        lines.append(f"| {step} | {1000 * part / count:.1f} | {part / total:.1%} |")
    return [*lines, f"| all | {1000 * total / count:.1f} | 100% |"]


def held(archive: Path) -> int:
    """Bytes that the examinations of an archive and their texts take, until an ingest ends."""
    tracemalloc.start()
    planned = plan.make(archive, description.load(archive), identity.Pseudonyms(bytes(32)))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert planned.exams
    return kept


def written_forms(archive: Path) -> tuple[int, int]:
    """Ways to write the strings of an archive that the second pass looks for: days, others."""
    planned = plan.make(archive, description.load(archive), identity.Pseudonyms(bytes(32)))
    strings: dict[str, set[str]] = defaultdict(set)
    for exam in planned.exams:
        for role, values in exam.secrets.items():
            strings["days" if "date" in role else "others"].update(values)
    days, others = (
        len({form.squeezed for form in residue_forms.forms({role: strings[kind]})})
        for role, kind in (("date", "days"), ("name", "others"))
    )
    return days, others
