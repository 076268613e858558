"""The reports of an archive against what its truth says that they state."""

from __future__ import annotations

import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ingest_page import Section
from ingest_truth import Row, read_csv
from reports_page import Count, f1_table

from funduscope.findings import extract, vocabulary

# Debian 12 has Python 3.11.2, whose tarfile knows no filters yet.
FILTER: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
F1_LEAST = 0.95
# What the truth writes into its column `status` -> experiencer and status of the contracts.
STATUS = {"family": ("family", "present"), "history": ("patient", "present")}


@dataclass(frozen=True, order=True)
class Key:
    """What must be equal in a strict comparison."""

    report: str
    experiencer: str
    eye: str
    finding: str
    status: str


@dataclass(frozen=True)
class Judged:
    """Rows of the truth and of the reader, and the languages of the reports."""

    texts: dict[str, str]
    languages: dict[str, str]
    true: set[Key]
    said: set[Key]
    beyond: set[Key]
    coarse: set[Key]


@contextmanager
def truth_of(given: Path) -> Iterator[Path]:
    """The folder of the truth in a tar file or folder that holds `truth/`."""
    if given.is_dir():
        yield next(path.parent for path in sorted(given.rglob("assertions.csv")))
        return
    with tempfile.TemporaryDirectory() as folder, tarfile.open(given) as pack:
        members = [m for m in pack.getmembers() if "/truth/" in f"/{m.name}" and m.isfile()]
        pack.extractall(folder, members, **FILTER)
        yield next(path.parent for path in sorted(Path(folder).rglob("assertions.csv")))


def gold(rows: Iterable[Row], codes: dict[str, str]) -> Iterator[Key]:
    """The truth's rows in our codes; optional rows and codes without one of ours are left out."""
    for row in rows:
        code = codes[row["finding"]]
        if row["optional"] == "1" or not code:
            continue
        person, status = STATUS.get(row["status"], ("patient", row["status"]))
        eye = "unknown" if row["eye"] == "NA" else row["eye"]
        yield Key(row["report"], person, eye, code, status)


def known(code: str, codes: set[str]) -> str:
    """A code, or its nearest ancestor, that is one of `codes`; empty without any."""
    chain = (code, *vocabulary().ancestors(code))
    return next((step for step in chain if step in codes), "")


def judge(folder: Path, listed: set[str]) -> Judged:
    """Read every report. `listed` are the 211 codes: codes of ours beyond count as their ancestor.

    What the truth has no code for (an A/V ratio, quality) it could not state: such assertions are
    counted apart (`beyond`). `coarse` holds every assertion under the truth's nearest code.
    """
    rows = read_csv(folder / "findings.csv")
    codes = {row["code"]: row["nlp_list_code"].partition(":")[0] for row in rows}
    reports = {row["report"]: row for row in read_csv(folder / "reports.csv")}
    texts = {key: row["text"] for key, row in reports.items()}
    assertions = read_csv(folder / "assertions.csv")
    optional = set(
        gold(({**r, "optional": "0"} for r in assertions if r["optional"] == "1"), codes)
    )
    true = set(gold(assertions, codes))
    said, beyond, coarse = set(), set(), set()
    for key, text in texts.items():
        for a in extract(text):
            code = known(a.finding, listed)
            row = Key(key, a.experiencer, a.eye, code, a.status)
            if code and row not in optional - true:
                (said if code in codes.values() else beyond).add(row)
            row = replace(row, finding=known(a.finding, set(codes.values()) - {""}))
            if row.finding and row not in optional - true:
                coarse.add(row)
    languages = {key: row["language"] for key, row in reports.items()}
    return Judged(texts, languages, true, said, beyond, coarse)


def section(given: Path, listed: set[str]) -> Section:
    """The section of the page."""
    with truth_of(given) as folder:
        found = judge(folder, listed)
    page = Section("Reports of the development archive")
    whole = Count.of(found.said, found.true)
    page.least("strict F1 against the truth's assertions", whole.f1, F1_LEAST)
    groups: dict[str, list[set[Key]]] = defaultdict(lambda: [set(), set()])
    for number, keys in enumerate((found.said, found.true)):
        for key in keys:
            groups[f"status {key.status}"][number].add(key)
            groups[f"language {found.languages[key.report]}"][number].add(key)
            groups[f"experiencer {key.experiencer}"][number].add(key)
    rows = {"all": whole} | {name: Count.of(*groups[name]) for name in sorted(groups)}
    everything = Count.of(found.said | found.beyond, found.true)
    rows["all, finer codes as the truth's nearest"] = Count.of(found.coarse, found.true)
    rows["all, with what the truth has no code for"] = everything
    page.lines += [
        "",
        f"{len(found.texts)} reports, {len(found.true)} assertions (optional ones left out; codes",
        "mapped by the truth's `findings.csv`). Report, person, eye, finding and status must be",
        "equal. The truth has no code for A/V ratios, image quality and some signs; what is read",
        f"of them ({len(found.beyond)} assertions) counts in the last rows only: under its nearest",
        "broader code that the truth knows (dot and blot hemorrhages as retinal hemorrhage) in the",
        "last but one, as it is in the last.",
        *f1_table(rows),
    ]
    return page
