"""The truth of an archive and the corpus made of it, put side by side.

Written from the truth's README, its tables and the contract of the corpus, never from the code
that ingests: what is judged here must not be judged by itself. A path is the truth's name of a
file (`folder/x.jpg`, `x.zip!member`); a row of a table is `file#n`.
"""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

Row = dict[str, str]
TABLES = ("images", "reports", "pairs", "phi", "mentions", "duplicates", "patients", "visits")
KEPT = {"kept": "keep", "rejected": "reject", "review": "review", "split": "split"}
DUPLICATE_CODES = frozenset({"exact_duplicate", "near_duplicate", "duplicate_across_patients"})
# A truth's reason has the name of its code, but for these.
CODES = {
    "burned_in_text_touches_retina": {"burned_in_text"},
    "ungradable": {"ungradable", "report_ungradable"},
}
# What lies in the place of something removed: [name], <DATE>, lenticular brackets, ***, or a tag.
_HOLDER = re.compile(
    r"\[[^\]\n]{0,40}\]|<[^>\n]{0,200}>|\u3010[^\u3011\n]{0,40}\u3011|\{[^}\n]{0,40}\}"
    r"|[*\uff0a\u2588_]{2,}"
)


def read_csv(path: Path) -> list[Row]:
    """The rows of a table; bytes that are no UTF-8 (names of files) come through unharmed."""
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
        return list(csv.DictReader(stream))


@dataclass(frozen=True)
class Truth:
    """The tables of a truth folder."""

    folder: Path
    images: dict[str, Row]
    reports: dict[str, Row]
    pairs: list[Row]
    phi: list[Row]
    mentions: list[Row]
    duplicates: list[Row]
    patients: dict[str, Row]
    visits: dict[str, Row]
    defects: list[Row] = field(default_factory=list)

    @classmethod
    def read(cls, folder: Path) -> Truth:
        """The truth in a folder of CSV tables."""
        rows = {name: read_csv(folder / f"{name}.csv") for name in TABLES}
        defects = folder / "defects.csv"
        return cls(
            folder,
            {row["file"]: row for row in rows["images"]},
            {row["report"]: row for row in rows["reports"]},
            rows["pairs"],
            rows["phi"],
            rows["mentions"],
            rows["duplicates"],
            {row["patient"]: row for row in rows["patients"]},
            {row["visit"]: row for row in rows["visits"]},
            read_csv(defects) if defects.exists() else [],
        )

    @cached_property
    def number(self) -> dict[str, int]:
        """Line of a file in images.csv, so that a page can name it without its own name."""
        return {name: place for place, name in enumerate(self.images, 2)}

    @cached_property
    def fields(self) -> dict[str, dict[str, str]]:
        """Report -> field -> text."""
        return {key: json.loads(row["fields"]) for key, row in self.reports.items()}

    @cached_property
    def plain(self) -> dict[str, str]:
        """Report -> its text with every planted string cut out."""
        spans: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
        for row in self.phi:
            if row["report"] and row["start"] and row["end"]:
                spans[row["report"], row["field"]].append((int(row["start"]), int(row["end"])))
        found = {}
        for key, fields in self.fields.items():
            parts = []
            for name, text in fields.items():
                for start, end in sorted(spans[key, name], reverse=True):
                    text = f"{text[:start]}\0{text[end:]}"
                parts.append(text)
            found[key] = "\n".join(parts)
        return found

    def file_of(self, place: str) -> str | None:
        """The truth's name of a place in the archive, if it is one of its images."""
        place = place.replace("\\", "/").removeprefix("./")
        tries = [place, place.rpartition("#")[0], place.partition("/")[2]]
        return next((name for name in tries if name in self.images), None)


@dataclass(frozen=True)
class Corpus:
    """The tables of a corpus, and what its locators stand for."""

    folder: Path
    images: list[dict[str, Any]]
    reports: list[dict[str, Any]]
    assertions: list[dict[str, Any]]
    pairs: list[dict[str, Any]]
    rejects: list[dict[str, Any]]
    manifest: dict[str, Any]
    places: Mapping[str, str]

    @classmethod
    def read(cls, folder: Path, locators: Path) -> Corpus:
        """The corpus in a folder; `locators` is the site's table of locators."""
        import pyarrow.parquet as pq

        def table(name: str) -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = pq.read_table(folder / f"{name}.parquet").to_pylist()
            return found

        return cls(
            folder,
            table("images"),
            table("reports"),
            table("assertions"),
            table("pairs"),
            table("rejects"),
            json.loads((folder / "manifest.json").read_text(encoding="utf-8")),
            {row["locator"]: row["path"] for row in read_csv(locators)},
        )


@dataclass
class End:
    """How one file of the archive ended."""

    outcome: str = "missing"
    codes: list[str] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    swapped: bool = False

    @property
    def code(self) -> str:
        """The code of a file that is not in the corpus; empty for one that is."""
        return "" if self.rows else "+".join(sorted(set(self.codes)))


def ends(truth: Truth, corpus: Corpus) -> tuple[dict[str, End], Counter[str]]:
    """How every file of the truth ended, and what the corpus holds beside (a count by code)."""
    found = {name: End() for name in truth.images}
    beside: Counter[str] = Counter()
    for row in corpus.images:
        name = truth.file_of(corpus.places.get(row["source"], row["source"]))
        if name is None:
            beside["kept"] += 1
        else:
            found[name].rows.append(row)
    for row in corpus.rejects:
        name = truth.file_of(corpus.places.get(row["locator"], row["locator"]))
        if name is None:
            beside[row["code"]] += row["item"] == "image"
        elif row["item"] == "image":
            found[name].codes.append(row["code"])
            found[name].outcome = row["severity"]
        else:
            found[name].notes.append(row["code"])
    for end in found.values():
        if end.rows and end.codes:
            end.outcome = "kept and not kept"
        elif end.rows:
            end.outcome = "kept" if len(end.rows) == 1 else "split"
    swap(truth, found)
    return found, beside


def swap(truth: Truth, found: dict[str, End]) -> None:
    """Of two copies either may stay: where the other one did, the two change names."""
    for row in truth.duplicates:
        if not row["expected"].startswith("keep one of the two"):
            continue
        one, other = row["file_a"], row["file_b"]
        if one in found and other in found and found[other].rows and not found[one].rows:
            if not DUPLICATE_CODES & set(found[one].codes):
                continue
            found[one], found[other] = found[other], found[one]
            found[one].swapped = found[other].swapped = True


def right_end(row: Row, end: End) -> bool:
    """Whether a file ended as the truth expects or accepts."""
    return KEPT.get(end.outcome) in {row["expected"], *filter(None, row["also_ok"].split("|"))}


def right_code(row: Row, end: End) -> bool:
    """Whether what was not kept has a code that names the planted reason."""
    return bool(CODES.get(row["reason"], {row["reason"]}) & set(end.codes))


def flat(text: str) -> str:
    """Letters and digits only, in one form: no place holders, tags, spaces or marks."""
    text = unicodedata.normalize("NFKC", _HOLDER.sub(" ", text)).casefold()
    return "".join(sign for sign in text if sign.isalnum())


def grams(text: str, size: int = 3) -> Counter[str]:
    """How often each run of `size` signs occurs; a shorter text is one run."""
    text = flat(text)
    return Counter(text[at : at + size] for at in range(max(1, len(text) - size + 1)) if text)


def alike(one: Counter[str], other: Counter[str]) -> float:
    """Shared part of two texts, 0-1 (Dice over runs of signs); two empty texts are alike."""
    total = one.total() + other.total()
    if not total:
        return 1.0
    if len(other) < len(one):
        one, other = other, one
    return 2 * sum(min(count, other[run]) for run, count in one.items()) / total


def held(part: Counter[str], whole: Counter[str]) -> float:
    """Part of a text's runs that another text has too, 0-1."""
    return sum(min(count, whole[run]) for run, count in part.items()) / max(1, part.total())


@dataclass
class Matched:
    """Which report of the truth a stored report is.

    Attributes:
        reports: report_id -> report of the truth.
        visits: exam_id -> visits of the truth whose photographs it holds.
        inside: report_id -> other reports of the truth whose text stands in it as well.
    """

    reports: dict[str, str] = field(default_factory=dict)
    visits: dict[str, set[str]] = field(default_factory=dict)
    inside: dict[str, list[str]] = field(default_factory=dict)


# Inside one visit little can be confused; elsewhere the text alone must tell.
NEAR, FAR, INSIDE = 0.1, 0.5, 0.8


def match(truth: Truth, corpus: Corpus, found: Mapping[str, End]) -> Matched:
    """Match stored reports with the truth's: by examination first, then by patient, then text.

    Identity is cut out of the truth's text before the two are compared, and each report of the
    truth is given away once, the most alike first.
    """
    result = Matched()
    visits: dict[str, set[str]] = defaultdict(set)
    patients: dict[str, set[str]] = defaultdict(set)
    for name, end in found.items():
        for row in end.rows:
            visits[row["exam_id"]].add(truth.images[name]["visit"])
            patients[row["patient_id"]].add(truth.images[name]["patient"])
    result.visits = dict(visits)
    told = {key: grams(truth.plain[key].replace("\0", " ")) for key in truth.reports}
    stored = {row["report_id"]: grams(row["text"]) for row in corpus.reports}
    free = set(truth.reports)
    for kind, least in (("visit", NEAR), ("patient", FAR), ("", FAR)):
        near = visits if kind == "visit" else patients
        scored = []
        for row in corpus.reports:
            mine = row["report_id"]
            if mine in result.reports:
                continue
            of = near[row["exam_id" if kind == "visit" else "patient_id"]]
            for key in sorted(free):
                if kind and truth.reports[key][kind] not in of:
                    continue
                scored.append((-alike(stored[mine], told[key]), mine, key))
        for score, mine, key in sorted(scored):
            if -score >= least and key in free and mine not in result.reports:
                result.reports[mine] = key
                free.discard(key)
    _inside(truth, told, stored, result)
    return result


def _inside(
    truth: Truth,
    told: Mapping[str, Counter[str]],
    stored: Mapping[str, Counter[str]],
    result: Matched,
) -> None:
    """Note the reports of one person that were put into another report of theirs."""
    of: dict[str, list[str]] = defaultdict(list)
    for key, row in truth.reports.items():
        of[row["patient"]].append(key)
    for mine, key in result.reports.items():
        for other in of[truth.reports[key]["patient"]]:
            if other == key or told[other].total() < 6 or held(told[other], told[key]) > 0.5:
                continue
            if held(told[other], stored[mine]) >= INSIDE:
                result.inside.setdefault(mine, []).append(other)


def ledger_codes(
    truth: Truth, corpus: Corpus, missing: Iterable[str], wanted: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """Report of the truth that was not kept -> code of the ledger row that stands for it.

    A row of the ledger names a file and a row of it, the truth a file and a key: where the place
    holds the key they are one, else a file's reports and rows are brought together so that as
    many as can be have a code of `wanted` (report -> codes that name its reason).
    """
    rows: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in corpus.rejects:
        if row["item"] == "report":
            file, _, place = corpus.places.get(row["locator"], row["locator"]).partition("#")
            rows[file].append((place, row["code"]))
    result: dict[str, str] = {}
    left = sorted(missing)
    for how in ("key", "code", "rest"):
        for key in left:
            file, _, place = truth.reports[key]["locator"].partition("#")
            if key in result:
                continue
            for one in rows[file]:
                # The value of the key, with the kind of examination where one is named.
                values = [part.rpartition("=")[2] for part in place.split(";")]
                same = all(value in one[0] for value in values)
                if (
                    (how == "key" and same)
                    or (how == "code" and one[1] in wanted[key])
                    or how == "rest"
                ):
                    result[key] = one[1]
                    rows[file].remove(one)
                    break
    return result
