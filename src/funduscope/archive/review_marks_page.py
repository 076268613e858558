"""The page about people's marks: precision, recall, agreement, and what was wrong or missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from funduscope import pages, stats
from funduscope.archive.marks import Marks
from funduscope.archive.validation import Agreement, Figure
from funduscope.findings import vocabulary
from funduscope.pages import Column, Section, Table, Words

_LINES: Final = 60
_AROUND: Final = 12  # characters of the report on either side of a reading's words
_Cells = list[str | float | None]


def write(
    card: Mapping[str, Any],
    marked: Sequence[Marks],
    figures: Sequence[Figure],
    agreement: Sequence[Agreement],
    out: Path,
    language: str,
) -> None:
    """Write the page.

    Args:
        card: of the corpus, for its counts.
        marked: the files of marks.
        figures: of these marks.
        agreement: of their readers.
        out: the file.
        language: `en` or `zh`.
    """
    words = Words(language)
    sections = [Section(words("marks.all"), [_facts(card, figures[0], words)])]
    for by in ("status", "finding"):
        some = [one for one in figures if one.by == by and one.right + one.wrong + one.missed]
        if some:
            sections.append(Section(words(f"marks.{by}"), [_table(some, by, words)]))
    if agreement:
        table = _agreement(agreement, words)
        sections.append(Section(words("marks.agreement"), [table]))
    sections.append(Section(words("marks.lines"), [_lines(marked, words)]))
    pages.render_report(
        sections,
        title=words("marks.title"),
        lead=words("marks.lead"),
        language=language,
        out=out,
        made={
            "corpus": card["corpus"],
            "sample": card["sample"],
            "reader of reports": card["reader_version"],
        },
    )


def _facts(card: Mapping[str, Any], whole: Figure, words: Words) -> pages.Facts:
    facts = []
    for name, name_of, one in (
        ("precision", "precision_of", whole.precision),
        ("recall", "recall_of", whole.recall),
    ):
        ends = None if one.low is None or one.high is None else (one.low, one.high)
        said = words(f"marks.{name}")
        if ends is not None:
            low, high = (f"{end:.3f}" for end in ends)
            said = words(f"marks.{name_of}", low=low, high=high)
        facts.append((words("page.missing") if one.value is None else f"{one.value:.3f}", said))
    facts.append((f"{card['reports']}", words("marks.reports", shown=card["shown"])))
    facts.append((f"{len(card['readers'])}", words("marks.readers")))
    return pages.Facts(facts)


def _table(figures: Sequence[Figure], by: str, words: Words) -> Table:
    ends = (words("review.low"), words("review.high"))
    columns = [Column(words(f"marks.{by}_name"))]
    for name in ("precision", "recall"):
        columns += [Column(words(f"marks.{name}"), 3), *(Column(end, 3) for end in ends)]
    columns += [Column(words(f"marks.{name}")) for name in ("right", "wrong", "missed", "texts")]
    rows: list[_Cells] = [
        [
            _name(one, words),
            *_interval(one.precision),
            *_interval(one.recall),
            *(one.right, one.wrong, one.missed, one.reports),
        ]
        for one in figures
    ]
    return Table(columns, rows, words("marks.caption") if by == "status" else "")


def _interval(one: stats.Interval) -> tuple[float | None, float | None, float | None]:
    return one.value, one.low, one.high


def _name(one: Figure, words: Words) -> str:
    return words(f"mark.{one.name}") if one.by == "status" else _finding(one.name, words)


def _finding(code: str, words: Words) -> str:
    finding = vocabulary()[code]
    return finding.zh if words.language == "zh" else finding.en


def _agreement(agreement: Sequence[Agreement], words: Words) -> Table:
    columns = [
        Column(words("marks.pair")),
        Column(words("marks.texts")),
        Column(words("marks.readings")),
        Column(words("marks.same"), 3),
        Column(words("marks.kappa"), 3),
        Column(words("review.low"), 3),
        Column(words("review.high"), 3),
    ]
    rows: list[_Cells] = [
        [" · ".join(one.readers), one.reports, one.readings, one.same, *_interval(one.kappa)]
        for one in agreement
    ]
    return Table(columns, rows, words("marks.agreement_caption"))


def _lines(marked: Sequence[Marks], words: Words) -> pages.Block:
    rows: list[tuple[str, ...]] = []
    for one in marked:
        for report in one.reports.values():
            for reading, yes in report.right.items():
                if not yes:
                    start = max(0, reading.start_char - _AROUND)
                    said = report.text[start : reading.end_char + _AROUND]
                    rows.append(_line(one.reader, "wrong", *reading[:3], said, words))
            for item in report.missed:
                said = report.text[: 4 * _AROUND]
                rows.append(
                    _line(one.reader, "missed", item.eye, item.finding, item.status, said, words)
                )
    if not rows:
        return words("marks.lines_none")
    names = ("reader", "answer", "finding_name", "eye", "status_name", "words")
    columns = [Column(words(f"marks.{name}")) for name in names]
    shown = rows[:_LINES]
    return Table(columns, shown, words("marks.lines_caption", count=len(shown), all=len(rows)))


def _line(
    reader: str, answer: str, eye: str, finding: str, status: str, said: str, words: Words
) -> tuple[str, ...]:
    return (
        reader,
        words(f"marks.{answer}"),
        _finding(finding, words),
        words(f"mark.{eye}"),
        words(f"mark.{status}"),
        said,
    )
