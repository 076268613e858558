"""How well reports of a corpus are read, by people's marks: precision, recall, agreement."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from funduscope import stats, store
from funduscope.archive import frozen
from funduscope.archive.marks import Marks
from funduscope.errors import DataError

STATUSES: Final = ("present", "absent", "uncertain")
_KIND: Final = "funduscope validation"
_FORMAT: Final = 1
_Keep = Callable[[str, str], bool]  # finding, status -> whether it is of the group


@dataclass(frozen=True)
class Figure:
    """How well a group of readings is read.

    Attributes:
        by: `all`, `status` or `finding`.
        name: empty, a status or a code.
        precision: of the program's readings in the corpus, the share that readers call right.
        recall: of what reports say by its readers (right ones and missed ones), the share read.
        right, wrong, missed: marks behind it, of all readers together, unweighted.
        reports: texts with any of these.
    """

    by: str
    name: str
    precision: stats.Interval
    recall: stats.Interval
    right: int
    wrong: int
    missed: int
    reports: int


@dataclass(frozen=True)
class Agreement:
    """How far two readers agree on the readings of the reports that both finished.

    Attributes:
        readers: their codes.
        reports: finished by both; `readings`: of these.
        same: share of the readings that both call right or both call wrong; None without any.
        kappa: Cohen's, of right and wrong.
    """

    readers: tuple[str, str]
    reports: int
    readings: int
    same: float | None
    kappa: stats.Interval


def figures(marked: Sequence[Marks]) -> list[Figure]:
    """Precision and recall: of everything, of each status, of each finding (most marked first).

    A report counts with its weight, once, however many readers finished it: their marks are
    averaged.
    """
    counted: Counter[str] = Counter()
    for one in marked:
        for report in one.reports.values():
            counted.update(reading.finding for reading in report.right)
            counted.update(item.finding for item in report.missed)
    by_finding = [code for code, _ in sorted(counted.items(), key=lambda at: (-at[1], at[0]))]
    return [
        _figure(marked, "all", "", lambda _code, _status: True),
        *(_figure(marked, "status", name, _of_status(name)) for name in STATUSES),
        *(_figure(marked, "finding", code, _of_finding(code)) for code in by_finding),
    ]


def _of_status(name: str) -> _Keep:
    return lambda _code, status: status == name


def _of_finding(name: str) -> _Keep:
    return lambda code, _status: code == name


def _figure(marked: Sequence[Marks], by: str, name: str, keep: _Keep) -> Figure:
    right, read, said, weights = [], [], [], []
    totals: Counter[str] = Counter()
    reports = 0
    for text_id in sorted({text_id for one in marked for text_id in one.reports}):
        seen = [one.reports[text_id] for one in marked if text_id in one.reports]
        found: Counter[str] = Counter()
        for report in seen:
            for reading, yes in report.right.items():
                if keep(reading.finding, reading.status):
                    found["right" if yes else "wrong"] += 1
            found["missed"] += sum(keep(item.finding, item.status) for item in report.missed)
        right.append(found["right"] / len(seen))
        read.append((found["right"] + found["wrong"]) / len(seen))
        said.append((found["right"] + found["missed"]) / len(seen))
        weights.append(seen[0].weight)
        totals += found
        reports += bool(found.total())
    return Figure(
        by,
        name,
        stats.clustered_share(right, read, weights),
        stats.clustered_share(right, said, weights),
        totals["right"],
        totals["wrong"],
        totals["missed"],
        reports,
    )


def agreement(marked: Sequence[Marks], *, seed: int) -> list[Agreement]:
    """Each pair of readers that finished a report in common."""
    made = []
    for one, two in itertools.combinations(sorted(marked, key=lambda each: each.reader), 2):
        both = sorted(one.reports.keys() & two.reports.keys())
        if not both:
            continue
        counts = []
        for text_id in both:
            first, second = one.reports[text_id].right, two.reports[text_id].right
            pairs = Counter((first[reading], second[reading]) for reading in first)
            keys = ((True, True), (True, False), (False, True), (False, False))
            counts.append([pairs[key] for key in keys])
        readings = sum(map(sum, counts))
        same = sum(row[0] + row[3] for row in counts) / readings if readings else None
        kappa = stats.cohen_kappa(counts, seed=seed)
        made.append(Agreement((one.reader, two.reader), len(both), readings, same, kappa))
    return made


# Beside the corpus --------------------------------------------------------------------------


@dataclass(frozen=True)
class Beside:
    """Where the reviews of a corpus lie: its own folder is sealed by its manifest.

    Attributes:
        card: figures of the latest marks.
        frozen: the frozen set.
    """

    card: Path
    frozen: Path


def beside(corpus: store.Corpus) -> Beside:
    """`reviews/` in the folder that holds the corpus, files named by the id of the corpus."""
    folder = corpus.path.resolve().parent / "reviews"
    return Beside(folder / f"{corpus.id}.json", folder / f"{corpus.id}.frozen.json")


def card(
    corpus: store.Corpus, marked: Sequence[Marks], made: Sequence[Figure], also: Sequence[Agreement]
) -> dict[str, Any]:
    """The figures as they are kept beside the corpus."""
    return {
        "kind": _KIND,
        "format": _FORMAT,
        "corpus": corpus.id,
        "reader_version": frozen.reader_version(),
        "sample": marked[0].sample,
        "shown": marked[0].shown,
        "reports": len({text_id for one in marked for text_id in one.reports}),
        "readers": {one.reader: len(one.reports) for one in marked},
        "figures": [asdict(one) for one in made],
        "agreement": [asdict(one) for one in also],
    }


def read_card(corpus: store.Corpus) -> Mapping[str, Any] | None:
    """The figures kept beside a corpus, or None where nobody has marked it.

    Raises:
        DataError: a file that is no such card.
    """
    path = beside(corpus).card
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if (found["kind"], found["format"], found["corpus"]) == (_KIND, _FORMAT, corpus.id):
            return dict(found)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise DataError(
        "no card of this corpus",
        place=str(path),
        rule=f"the figures (format {_FORMAT}) that `funduscope review reports --marks` wrote",
        remedy="read the files of marks again, or remove this file",
        code="bad_card",
    )
