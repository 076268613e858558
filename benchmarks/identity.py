"""How well identity leaves report texts: planted strings left behind, clinical words lost.

    python benchmarks/identity.py FOLDER [--known all|number|none] [--show N] [--corpus CORPUS]
    python benchmarks/identity.py tests/archive/redact_blind.tsv [--show N]

FOLDER holds the truth of an archive (`reports.csv`, `phi.csv`, `mentions.csv`, `patients.csv`,
`visits.csv`). What a record knows of itself are the planted strings of its table cells (`all`),
its number, name and dates alone (`number`), or nothing (`none`: the general rules by themselves).
Instead of FOLDER a batch of texts: a line each with what the record knows (JSON), the text, the
strings that must go and the wordings that must stay.
CORPUS, a finished corpus, is searched for every planted string by the second pass, with its speed.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from funduscope.archive import redact, residue

# Kinds of planted strings -> the role that an archive description gives their column.
ROLES = {
    "name": "name",
    "name_part": "name",
    "doctor": "name",
    "id_number": "identity",
    "phone": "identity",
    "address": "identity",
    "email": "identity",
    "institution": "identity",
    "uid": "identity",
    "record_no": "patient",
    "exam_no": "exam",
    "birth_date": "birth_date",
    "date": "exam_date",
}
FEW = {"name", "name_part", "record_no", "exam_no", "date", "birth_date"}


def table(path: Path) -> list[dict[str, str]]:
    """The rows of one table of the truth."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def known(
    planted: Iterable[dict[str, str]], patient: dict[str, str], how: str
) -> dict[str, list[str]]:
    """What an ingest would know of a record: its own cells, by role."""
    secrets: dict[str, list[str]] = defaultdict(list)
    if how == "none":
        return secrets
    for row in planted:
        role = ROLES.get(row["type"])
        cell = not row["start"] and row["where"] not in ("dicom", "exif", "pixels", "filename")
        if role and cell and (how == "all" or row["type"] in FEW):
            value = row["canonical"] if role == "exam_date" and row["canonical"] else row["value"]
            if value not in secrets[role]:
                secrets[role].append(value)
    for name in ("name_zh", "name_en"):
        if patient.get(name) and patient[name] not in secrets["name"]:
            secrets["name"].append(patient[name])
    return secrets


def measure(folder: Path, how: str) -> tuple[Counter[str], list[str]]:
    """Counts (planted, left, mentions, lost) and lines that show what went wrong."""
    planted: dict[str, list[dict[str, str]]] = defaultdict(list)
    mentions: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in table(folder / "phi.csv"):
        planted[row["report"]].append(row)
    for row in table(folder / "mentions.csv"):
        mentions[row["report"]].append(row)
    patients = {row["patient"]: row for row in table(folder / "patients.csv")}
    counts: Counter[str] = Counter()
    wrong = []
    for report in table(folder / "reports.csv"):
        number = report["report"]
        secrets = known(planted[number], patients.get(report["patient"], {}), how)
        fields = json.loads(report["fields"])
        done = {name: redact.redact(text, secrets) for name, text in fields.items()}
        for row in planted[number]:
            if not row["start"]:
                continue
            counts["planted"] += 1
            if redact.narrow(row["value"]) in redact.narrow(done.get(row["field"], "")):
                counts["left"] += 1
                wrong.append(f"{number} left {row['type']} {row['value']!r}: {done[row['field']]}")
        said: Counter[tuple[str, str]] = Counter()
        for row in mentions[number]:
            said[row["field"], row["evidence"]] += 1
        for (name, words), times in said.items():
            before = redact.plain_text(fields[name]).count(words)
            counts["mentions"] += times
            if before and done[name].count(words) < before:
                counts["lost"] += times
                wrong.append(f"{number} lost {words!r}: {done[name]}")
    return counts, wrong


def measure_batch(path: Path) -> tuple[Counter[str], list[str]]:
    """Counts (planted, left, mentions, lost) of a batch of texts, and lines on what went wrong."""
    counts: Counter[str] = Counter()
    wrong = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        known, text, gone, stay = line.split("\t")
        done = redact.redact(text.replace("\\n", "\n"), json.loads(known))
        folded = redact.narrow(done).casefold()
        parts = (part.replace("\\n", "\n").split("|") for part in (gone, stay))
        planted, said = (list(filter(None, part)) for part in parts)
        left = [one for one in planted if redact.narrow(one).casefold() in folded]
        lost = [one for one in said if one not in done]
        counts.update(planted=len(planted), left=len(left), mentions=len(said), lost=len(lost))
        if left or lost:
            wrong.append(f"left {left}, lost {lost}: {done}")
    return counts, wrong


def search(folder: Path, corpus: Path) -> None:
    """Print the second pass's finds in a corpus, by file and kind, and how long it took."""
    strings: dict[str, set[str]] = defaultdict(set)
    for row in table(folder / "phi.csv"):
        strings[row["type"]] |= {row["value"], row["canonical"] or row["value"]}
    size = sum(path.stat().st_size for path in corpus.rglob("*") if path.is_file())
    begun = time.perf_counter()
    hits = residue.scan(corpus, strings)
    took = time.perf_counter() - begun
    count = sum(map(len, strings.values()))
    print(f"{count} strings in {size / 1e6:.0f} MB: {len(hits)} hits, {took:.1f} s")
    for hit in hits[:40]:
        print(f"  {hit.file}: {hit.place}: {hit.kind}")


def main(arguments: list[str]) -> int:
    """Print the two shares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--known", choices=("all", "number", "none"), default="all")
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--corpus", type=Path)
    options = parser.parse_args(arguments)
    if options.corpus is not None:
        search(options.folder, options.corpus)
        return 0
    batch = options.folder.is_file()
    counts, wrong = (
        measure_batch(options.folder) if batch else measure(options.folder, options.known)
    )
    print(f"planted strings still present: {counts['left']} of {counts['planted']}")
    share = 100 * counts["lost"] / max(1, counts["mentions"])
    print(f"mentions damaged: {counts['lost']} of {counts['mentions']} ({share:.2f}%)")
    for line in wrong[: options.show]:
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
