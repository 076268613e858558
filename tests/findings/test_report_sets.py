"""The sets of reports that are published with the project stay read as they are."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from funduscope.findings import extract

SETS = sorted((Path(__file__).parents[2] / "benchmarks" / "report_sets").glob("set*.tsv"))
LEAST = 0.98


@pytest.mark.parametrize("path", SETS, ids=[path.stem for path in SETS])
def test_a_published_set_is_read(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    key = ("text", "experiencer", "eye", "finding", "status")
    gold = {tuple(row[name] for name in key) for row in rows if row["finding"]}
    texts = {row["text"] for row in rows}
    said = {(t, a.experiencer, a.eye, a.finding, a.status) for t in texts for a in extract(t)}
    wrong = sorted({row[0] for row in gold ^ said})
    assert 2 * len(gold & said) / (len(gold) + len(said)) >= LEAST, wrong
