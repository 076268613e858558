"""Grade scales: what `icdr:2` or `cn_dr:3` means, from when it is referable, and who says so.

The table is `data/scales.toml`. A grade is kept as written; `convert` is for those who must compare
two scales, and says where the definitions do not settle it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from funduscope.findings.vocabulary import vocabulary


@dataclass(frozen=True, slots=True)
class ScaleValue:
    """One step: its value as in `scale:value`, what it means, its severity words and its code."""

    value: str
    en: str
    zh: str
    words: tuple[str, ...] = ()
    finding: str | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """One scale.

    Attributes:
        code: the part of a grade before the colon.
        en, zh: its names.
        findings: the codes it grades, and whatever is narrower.
        in_reports: whether the reader of reports writes it (else only labels carry it).
        measurement: a number instead of steps; `values` is then empty.
        source: where it is defined.
        referable, referable_source: the first referable value and who says so, or None and "".
        values: the steps, mildest first.
    """

    code: str
    en: str
    zh: str
    findings: tuple[str, ...]
    in_reports: bool
    measurement: bool
    source: str
    referable: str | None
    referable_source: str
    values: tuple[ScaleValue, ...]

    def value(self, value: str) -> ScaleValue | None:
        """The step of that value, or None for a value that the scale does not have."""
        return next((step for step in self.values if step.value == value), None)

    def is_referable(self, value: str) -> bool | None:
        """Whether a value lies at or beyond the threshold; None without a threshold or step."""
        steps = [step.value for step in self.values]
        if self.referable is None or value not in steps:
            return None
        return steps.index(value) >= steps.index(self.referable)


@dataclass(frozen=True, slots=True)
class ScaleMapping:
    """Values of scale `start` as values of scale `end`; `approximate` ones are not settled."""

    start: str
    end: str
    values: Mapping[str, str]
    approximate: tuple[str, ...]
    source: str


@lru_cache(maxsize=1)
def _content() -> Mapping[str, Any]:
    table = resources.files("funduscope.findings").joinpath("data/scales.toml")
    return MappingProxyType(tomllib.loads(table.read_text(encoding="utf-8")))


def scales_version() -> str:
    """The version of the table, which rises when a release changes it."""
    return str(_content()["version"])


@lru_cache(maxsize=1)
def scales() -> Mapping[str, Scale]:
    """All scales by code, in table order."""
    return MappingProxyType({row["code"]: _scale(row) for row in _content()["scales"]})


def _scale(row: Mapping[str, Any]) -> Scale:
    steps = tuple(
        ScaleValue(s["value"], s["en"], s["zh"], tuple(s.get("words", ())), s.get("finding"))
        for s in row["values"]
    )
    return Scale(
        code=row["code"],
        en=row["en"],
        zh=row["zh"],
        findings=tuple(row["findings"]),
        in_reports=row["in_reports"],
        measurement=row.get("measurement", False),
        source=row["source"],
        referable=row.get("referable"),
        referable_source=row.get("referable_source", ""),
        values=steps,
    )


@lru_cache(maxsize=1)
def scale_mappings() -> tuple[ScaleMapping, ...]:
    """Every mapping between two scales."""
    return tuple(
        ScaleMapping(
            row["from"],
            row["to"],
            MappingProxyType(dict(row["values"])),
            tuple(row["approximate"]),
            row["source"],
        )
        for row in _content()["mappings"]
    )


def scales_of(finding: str) -> tuple[Scale, ...]:
    """The scales that grade a finding or one of its broader ones; DataError for no code."""
    line = (finding, *vocabulary().ancestors(finding))
    return tuple(scale for scale in scales().values() if set(scale.findings) & set(line))


def convert(grade: str, to: str) -> tuple[str, bool] | None:
    """A grade on another scale: (`icdr:2`, approximate), or None where no mapping leads there."""
    start, _, value = grade.partition(":")
    for mapping in scale_mappings():
        if (mapping.start, mapping.end) == (start, to) and value in mapping.values:
            return f"{to}:{mapping.values[value]}", value in mapping.approximate
    return None


def targets() -> dict[str, tuple[str, ...]]:
    """Scale with steps that reports carry -> the codes it may be written on."""
    written = (s for s in scales().values() if s.in_reports and not s.measurement)
    return {scale.code: scale.findings for scale in written}


def severity_words(scale: str) -> dict[str, int]:
    """Severity word -> value of a scale whose values are numbers: {"mild": 1, ...}."""
    return {word: int(step.value) for step in scales()[scale].values for word in step.words}
