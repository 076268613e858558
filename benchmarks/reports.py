"""How well reports are read: docs/results/reports.md and the pages beside it.

    python benchmarks/reports.py docs/results/reports.md [--peer PYTHON]

Everything is read from the folder that FUNDUSCOPE_DATA names: the development traps and their
scorer, the NegEx sentences, `odir`, `csdi` and the development archive. --peer names a Python that
has negspacy, for a comparison in the same run.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import reports_archive
import reports_bilingual
import reports_negex
import reports_odir
import reports_sets
import reports_speed
import reports_traps
from ingest_page import Section, table

INTRODUCTION = """\
Research software, no medical device; no decision about a patient may rest on it.

Assertions are made by rules and word lists, the same for every figure here; `funduscope show
REPORT.txt` prints what is read from a report and by which rule. Nothing was tuned on a kept-back
set, and none is scored here."""


def sections(data: Path, out: Path, peer: Path | None) -> list[Section]:
    """All sections; pages beside `out` are written on the way."""
    nlp, beside = data / "reference" / "nlp", out.with_suffix("")
    archive = data / "archive_dev.tar.gz"
    listed = {row["code"] for row in reports_traps.read(nlp / "findings_list.tsv")}
    speed = reports_speed.section(archive)
    beside.mkdir(parents=True, exist_ok=True)
    text = reports_speed.page_of(speed, "python benchmarks/reports.py docs/results/reports.md")
    (beside / "speed.md").write_text(text, encoding="utf-8")
    speed.lines = ["", f"[How it was measured, and lengths]({beside.name}/speed.md)."]
    return [
        reports_traps.section(nlp),
        reports_sets.section(nlp),
        reports_negex.section(nlp / "negex_sentences.tsv", peer),
        reports_odir.section(data / "data" / "odir" / "labels.csv", beside / "odir_strings.md"),
        reports_bilingual.section(data / "data" / "csdi" / "labels.csv"),
        reports_archive.section(archive, listed),
        speed,
    ]


def page(found: list[Section], command: str) -> str:
    """Every figure with its target first, then each section with its tables."""
    figures = [figure for section in found for figure in section.figures]
    judged = [figure for figure in figures if figure.reached is not None]
    missed = [figure for figure in judged if not figure.reached]
    lines = ["# Reading reports", "", f"    {command}", "", INTRODUCTION, ""]
    lines += [f"{len(judged) - len(missed)} of {len(judged)} targets reached."]
    rows = [f"| {s.title} {figure.cells()}" for s in found for figure in s.figures]
    lines += table("what | figure | value | target | ", rows)
    for section in found:
        lines += ["", f"## {section.title}", *section.lines]
    return "\n".join([*lines, ""])


def main() -> None:
    """Measure and write the pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="page to write")
    parser.add_argument("--peer", type=Path, help="a Python that has negspacy")
    asked = parser.parse_args()
    data = Path(os.environ["FUNDUSCOPE_DATA"])
    command = "python benchmarks/reports.py docs/results/reports.md"
    command += " --peer PYTHON" if asked.peer is not None else ""
    text = page(sections(data, asked.out, asked.peer), command)
    asked.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
