"""Whatever the second pass would find in a report, it finds before the report is written."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from funduscope.archive import residue, texts
from funduscope.archive.description import EyeWords
from funduscope.archive.records import Exam, Report
from funduscope.archive.residue_texts import standing
from funduscope.archive.workers import Workers

FORMS: Mapping[str, EyeWords] = {"en": EyeWords()}


def _lists() -> dict[str, list[str]]:
    lines = Path(__file__).with_name("redact_names.txt").read_text(encoding="utf-8").splitlines()
    return {name: words.split() for name, _, words in (line.partition(": ") for line in lines)}


def _templates() -> list[tuple[str, str]]:
    path = Path(__file__).with_name("redact_records.tsv")
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(lang, text.replace("\\n", "\n")) for lang, text in (row.split("\t") for row in lines)]


def _person(draw: random.Random, language: str) -> str:
    family = draw.choice(LISTS[f"{language} surnames"])
    first = draw.choice(LISTS[f"{language} given"])
    if language == "zh":
        return family + first
    return draw.choice((f"{first} {family}", f"{family}, {first}", f"{first} {family}".upper()))


LISTS = _lists()
ODD = ("admin", "None", "N/A", "unknown", "Test", "门诊", "眼科", "系统管理员", "0", "2019", "")


def _records(seed: int) -> list[Exam]:
    """Examinations whose reports hold names of their own record, of others and of nobody's."""
    draw = random.Random(seed)
    exams = []
    for number in range(120):
        language, form = draw.choice(_templates())
        doctor = draw.choice((_person(draw, language), _person(draw, language), draw.choice(ODD)))
        facts = {
            "name": _person(draw, language),
            "number": str(draw.choice((draw.randrange(1, 9999), draw.randrange(10**5, 10**8)))),
            "card": f"11010119{draw.randrange(10, 99)}0101{draw.randrange(1000, 9999)}",
        }
        others = {"other": _person(draw, language), "sex": "男", "age": str(draw.randrange(20, 99))}
        text = form.format(**facts, **others, doctor=doctor)
        secrets = {
            "name": (facts["name"],),
            "patient": (facts["number"],),
            "identity": (facts["card"], draw.choice((doctor, draw.choice(ODD)))),
            "exam": (str(number),),
        }
        exams.append(
            Exam(0, "s", f"E{number}", "p", "t", reports=[Report(text, "t")], secrets=secrets)
        )
    return exams


@pytest.mark.parametrize("seed", range(4))
def test_no_record_stops_the_corpus(seed: int, tmp_path: Path) -> None:
    exams = _records(seed)
    strings: dict[str, set[str]] = defaultdict(set)
    for exam in exams:
        for role, values in exam.secrets.items():
            strings[role].update(values)
    ours = texts.ours(["s"])
    made = [
        draft
        for some in texts.removed(exams, [FORMS] * len(exams), strings, ours, Workers(1))
        for draft in some
    ]
    kept = [draft.text for draft in made if not draft.remains]
    pq.write_table(pa.table({"text": kept}), tmp_path / "reports.parquet")
    assert residue.scan(tmp_path, strings, ours=ours) == []
    assert len(kept) >= 0.97 * len(made), [d.text for d in made if d.remains]


def test_what_stands_is_told_by_text_and_kind() -> None:
    found = standing(
        ["right eye: drusen", "asked Dr Okafor", "eye unknown"],
        {"name": ["Ben Okafor", "Unknown"], "patient": ["4711"]},
        ["OD OS unknown"],
    )
    assert found == {1: {"name": {"okafor"}}}


def test_days_of_a_mark_are_no_number() -> None:
    assert standing(["seen [day -4570], 4571"], {"patient": ["4570"]}) == {}
    assert standing(["seen 4570"], {"patient": ["4570"]}) == {0: {"patient": {"4570"}}}
