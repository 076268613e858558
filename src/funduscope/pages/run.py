"""`report.html` of a training run: its curves, what was read, how fast, the recipe."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from funduscope.pages.blocks import (
    Block,
    Column,
    CurvePanels,
    Facts,
    LearningCurve,
    Section,
    Series,
    Table,
)
from funduscope.pages.report import report_html
from funduscope.pages.words import Words

Row = Mapping[str, Any]

_CURVES: Final = (
    *("loss", "recall_at_1", "alignment", "uniformity", "temperature", "learning_rate"),
    *("gradient_norm", "pairs_per_second", "data_wait"),
)


def run_page(facts: Mapping[str, Any], log: Sequence[Row], *, language: str = "en") -> str:
    """The page of a run, as HTML that needs no other file.

    Args:
        facts: `settings` (the recipe, nested), `corpora` (ids), `bundle` (id), `photographs` and
            `patients` (how many), `captions` (rows of `language`, `source`, `photographs`,
            `patients`, `captions`: how many different ones).
        log: rows of the table `log`.
        language: `en` or `zh`.

    Raises:
        ConfigError: a language without words, or matplotlib missing.
    """
    words = Words(language)
    sections = [
        Section(words("run.curves"), [words("run.health"), _curves(log, words)]),
        Section(words("run.read"), _read(facts, words)),
        Section(words("run.speed"), _speed(log, words)),
        Section(words("run.recipe"), [_recipe(facts["settings"], words)]),
    ]
    made = {words("run.bundle"): facts["bundle"], words("run.corpora"): ", ".join(facts["corpora"])}
    return report_html(
        sections, title=words("run.title"), language=language, lead=words("run.lead"), made=made
    )


def _curves(log: Sequence[Row], words: Words) -> CurvePanels:
    drawn = []
    for name in _CURVES:
        points = [(row["step"], row[name]) for row in log if row.get(name) is not None]
        if points:
            series = Series(words(f"run.{name}"), *zip(*points, strict=True))
            drawn.append(LearningCurve([series], words("run.step"), words(f"run.{name}_is")))
    return CurvePanels(drawn)


def _read(facts: Mapping[str, Any], words: Words) -> list[Block]:
    rows = facts["captions"]
    chinese = [row for row in rows if row["language"] == "zh"]
    rendered = sum(row["captions"] for row in chinese if row["source"] == "rendered")
    columns = ("caption_language", "source", "photographs", "patients", "captions")
    cells = [
        (
            words(f"values.{row['language']}"),
            words(f"values.{row['source']}"),
            *(row[name] for name in columns[2:]),
        )
        for row in rows
    ]
    told = words(
        "run.rendered",
        all=f"{sum(row['captions'] for row in chinese):,}",
        rendered=f"{rendered:,}",
    )
    return [
        Facts(
            [
                (f"{facts['photographs']:,}", words("run.photographs")),
                (f"{facts['patients']:,}", words("run.patients")),
                (f"{sum(row['captions'] for row in rows):,}", words("run.captions")),
            ]
        ),
        Table([Column(words(f"run.{name}")) for name in columns], cells, words("run.read_caption")),
        told,
    ]


def _speed(log: Sequence[Row], words: Words) -> list[Block]:
    last = log[-1]
    wait = statistics.fmean(row["data_wait"] for row in log)
    rate = last["images"] / last["seconds"] if last["seconds"] else 0.0
    return [
        Facts(
            [
                (f"{last['step']:,}", words("run.steps")),
                (f"{last['images']:,}", words("run.pairs")),
                (f"{last['seconds'] / 3600:.2f}", words("run.hours")),
                (f"{rate:,.1f}", words("run.pairs_per_second")),
                (f"{100 * wait:.1f}%", words("run.data_wait")),
            ]
        ),
        words("run.speed_is"),
    ]


def _recipe(settings: Mapping[str, Any], words: Words) -> Table:
    columns = [Column(words("run.setting")), Column(words("run.value"))]
    return Table(columns, list(_flat(settings, "")), words("run.recipe_caption"))


def _flat(branch: Mapping[str, Any], above: str) -> Iterator[tuple[str, str]]:
    """Nested settings as lines, `model.dim`; the terms of the bundle are a file of their own."""
    for name, value in branch.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        elif above + name != "licence":
            many = isinstance(value, list | tuple)
            yield above + name, ", ".join(map(str, value)) if many else str(value)
