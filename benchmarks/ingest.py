"""Judge an ingest against the truth of the archive: docs/results/ingest.md.

    python benchmarks/ingest.py ARCHIVE docs/results/ingest.md --corrections FILE
    python benchmarks/ingest.py ARCHIVE OUT.md --config archive.toml [--draft DRAFT.toml]
    python benchmarks/ingest.py ARCHIVE OUT.md --corpus CORPUS [--locators locators.csv]

ARCHIVE is a tar file or folder that holds `archive/` and `truth/` (of the form the truth's README
tells). Without --config a description is drafted (`ingest --draft`) and corrected by the file of
corrections, whose form `ingest_corrections.py` tells; lines are counted by site. --details writes
the page's examples with real paths, for the eyes of who repairs the ingest only.

DICOM attributes, speed, candidate search and clean photographs are measured by other commands:
where `OUT/NAME.md` lies beside OUT.md (`ingest/dicom.md` beside `ingest.md`), it is linked.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ingest_corrections
import ingest_measures as measure
import ingest_pixels
import ingest_search
import ingest_truth as put
from ingest_page import Figure, Section, table

MOST_LINES = 5
ELSEWHERE = {
    "identity": "Identity in texts: unseen sentences",
    "dicom": "DICOM: canaries and deidentify",
    "inside_text": "Text inside the circle: planted copies and clean photographs",
    "candidates": "Copies: planted recall on a large set, candidate search",
    "speed": "Speed and memory",
}


@dataclass
class Run:
    """What was run to make the corpus."""

    corpus: Path
    locators: Path
    logs: list[Path] = field(default_factory=list)
    lines: dict[str, int] | None = None
    codes: dict[str, int] = field(default_factory=dict)


# Debian 12 has Python 3.11.2, whose tarfile knows no filters yet.
FILTER: dict[str, Any] = {"filter": "tar"} if hasattr(tarfile, "data_filter") else {}


def unpack(given: Path, into: Path) -> tuple[Path, Path]:
    """The folders of the archive and of its truth, in a folder or tar file."""
    if given.is_file():
        with tarfile.open(given) as pack:
            # Links that lead outside are part of what is planted; the other checks stay.
            pack.extractall(into, **FILTER)
        given = into
    for path in sorted(given.rglob("images.csv")):
        truth = path.parent
        if (truth / "pairs.csv").exists() and (truth.parent / "archive").is_dir():
            return truth.parent / "archive", truth
    raise SystemExit(f"{given}: no folder with images.csv and pairs.csv beside a folder 'archive'")


def ingest(archive: Path, asked: argparse.Namespace, work: Path) -> Run:
    """Draft and correct a description, or take the one given; run the ingest."""
    run = Run(work / "out" / "corpus", work / "out" / "identity" / "locators.csv")
    config, corrections = asked.config, {}
    if config is None:
        draft = work / "draft"
        command(run, work, "draft", ["ingest", str(archive), str(draft), "--draft"])
        text = drafted(draft).read_text(encoding="utf-8")
        if asked.corrections is not None:
            corrections = tomllib.loads(asked.corrections.read_text(encoding="utf-8"))
        corrected = ingest_corrections.correct(tomllib.loads(text), corrections)
        config = work / "archive.toml"
        config.write_text(ingest_corrections.to_toml(corrected), encoding="utf-8")
        sites = {source["site"]: 0 for source in corrected["source"]}
        run.lines = sites | ingest_corrections.lines_by_site(corrections)
    elif asked.draft is not None:
        run.lines = ingest_corrections.changed_by_site(
            asked.draft.read_text(encoding="utf-8"), config.read_text(encoding="utf-8")
        )
    words = ["ingest", str(archive), str(run.corpus), "--config", str(config)]
    words += [word for value in asked.set for word in ("--set", value)]
    command(run, work, "ingest", words)
    if not (run.corpus / "manifest.json").exists():
        raise SystemExit(f"no corpus was made; see {work / 'ingest.log'}")
    return run


def command(run: Run, work: Path, name: str, words: list[str]) -> None:
    """Run the program; what it says is kept, to be searched as well."""
    run.logs.append(work / f"{name}.log")
    with run.logs[-1].open("wb") as log:
        done = subprocess.run(
            [sys.executable, "-m", "funduscope", *words], stdout=log, stderr=log, check=False
        )
    run.codes[name] = done.returncode


def drafted(draft: Path) -> Path:
    """The description a draft wrote: the file itself, or the one in its folder."""
    tries = [draft, draft / "archive.toml", *sorted(draft.rglob("*.toml"))]
    found = next((path for path in tries if path.is_file()), None)
    if found is None:
        raise SystemExit(f"{draft}: the draft wrote no description")
    return found


def effort(run: Run) -> Section:
    """The section on what a person had to do."""
    section = Section("Hand corrections of the draft")
    for number, (_, count) in enumerate(sorted((run.lines or {}).items()), 1):
        figure = Figure(f"site {number}: lines corrected", str(count), "<= 5", count <= MOST_LINES)
        section.figures.append(figure)
    if run.lines is None:
        section.lines.append("The description or corpus was given; nothing was counted.")
    for name, code in run.codes.items():
        section.plain(f"exit code of {name}", code)
    return section


def page(sections: list[Section], beside: Path, asked: str) -> str:
    """The page: every figure with its target first, then each section with its tables."""
    head = ["# From a messy archive to a corpus", "", f"    {asked}", ""]
    head += ["Made from the truth's tables and the corpus alone. Files are lines of the truth's"]
    head += ["`images.csv`, reports its numbers; no planted string is repeated here.", ""]
    figures = [figure for section in sections for figure in section.figures]
    missed = [figure.name for figure in figures if figure.reached is False]
    judged = sum(figure.reached is not None for figure in figures)
    head += [f"{judged - len(missed)} of {judged} targets reached."]
    if missed:
        head += ["", "Missed: " + "; ".join(missed) + "."]
    body: list[str] = []
    for section in sections:
        rows = [figure.cells() for figure in section.figures]
        body += ["", f"## {section.title}"]
        body += table("figure | value | target | ", rows) if rows else [""]
        body += ["", *section.lines] if section.lines[:1] != [""] else section.lines
    body += ["", "## Measured by commands of their own", ""]
    for name, title in ELSEWHERE.items():
        there = (beside / f"{name}.md").exists()
        link = f"[{beside.name}/{name}.md]({beside.name}/{name}.md)" if there else "not yet"
        body += [f"- {title}: {link}"]
    return "\n".join([*head, *body, ""])


def details(truth: put.Truth, found: dict[str, put.End], matched: put.Matched) -> str:
    """Every file that ended otherwise than expected, with its real path, as JSON lines."""
    lines = []
    for name, row in truth.images.items():
        end = found[name]
        if not put.right_end(row, end) or not (end.rows or put.right_code(row, end)):
            told = {key: row[key] for key in ("expected", "reason", "also_ok", "note", "visit")}
            lines.append({"file": name, "line": truth.number[name], **told, "ended": end.outcome})
            lines[-1] |= {"code": end.code, "notes": "+".join(end.notes)}
    kept = set(matched.reports.values())
    for key, row in truth.reports.items():
        if key not in kept:
            lines.append({"report": key, "locator": row["locator"], "special": row["special"]})
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def judge(archive: Path, truth: put.Truth, run: Run, out: Path | None) -> list[Section]:
    """All sections."""
    corpus = put.Corpus.read(run.corpus, run.locators)
    found, beside = put.ends(truth, corpus)
    matched = put.match(truth, corpus, found)
    if out is not None:
        out.write_text(details(truth, found, matched), encoding="utf-8", errors="surrogateescape")
    sections = [
        effort(run),
        measure.counts(truth, corpus),
        measure.images(truth, found),
        measure.reports(truth, corpus, matched),
        measure.pairs(truth, corpus, found, matched),
        ingest_search.search(truth, corpus, matched, run.logs),
        ingest_pixels.pixels(truth, corpus, found, archive),
        measure.words(truth, corpus, matched),
        measure.copies(truth, found),
        measure.persons(truth, found),
    ]
    if beside:
        listed = ", ".join(f"{code} {count}" for code, count in beside.most_common() if count)
        if listed:
            sections[2].lines += ["", f"Files that images.csv does not name: {listed}."]
    return sections


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive", type=Path, help="tar file or folder with archive/ and truth/")
    parser.add_argument("out", type=Path, help="page to write")
    parser.add_argument("--config", type=Path, help="archive.toml, in place of a draft")
    parser.add_argument("--draft", type=Path, help="the draft --config was made of, for counting")
    parser.add_argument("--corrections", type=Path, help="TOML: corrections of the draft")
    parser.add_argument("--corpus", type=Path, help="a corpus made before")
    parser.add_argument("--locators", type=Path, help="its locators.csv, beside its key file")
    parser.add_argument("--log", type=Path, action="append", default=[], help="search this too")
    parser.add_argument("--set", action="append", default=[], help="a setting of ingest")
    parser.add_argument("--work", type=Path, help="folder to work in, kept; default: temporary")
    parser.add_argument("--details", type=Path, help="examples with real paths (JSON lines)")
    return parser.parse_args()


def main() -> None:
    """Unpack, ingest, judge, write the page."""
    asked = arguments()
    with tempfile.TemporaryDirectory() as temporary:
        work = asked.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        archive, folder = unpack(asked.archive, work / "unpacked")
        truth = put.Truth.read(folder)
        if asked.corpus is None:
            run = ingest(archive, asked, work)
        else:
            beside = asked.corpus.resolve().parent / "identity" / "locators.csv"
            run = Run(asked.corpus, asked.locators or beside)
        run.logs += asked.log
        sections = judge(archive, truth, run, asked.details)
    words = ["python benchmarks/ingest.py ARCHIVE docs/results/ingest.md"]
    words += [
        f"--{name} {name.upper()}"
        for name in ("config", "draft", "corrections", "corpus")
        if getattr(asked, name) is not None
    ]
    text = page(sections, asked.out.with_suffix(""), " ".join(words))
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
