"""Benchmarks as text: which photographs are positive, which negative, which left out.

A task is a few lines of `data/tasks.toml`; it names a site, a split and its targets. Without a
named task every finding with enough labels becomes a target. The truth of a target is 1, 0 or
nothing (left out), decided per photograph from its label rows by `judge`.
"""

from __future__ import annotations

import difflib
import tomllib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Literal

from pydantic import Field

from funduscope import config, findings
from funduscope.config import Settings
from funduscope.errors import ConfigError
from funduscope.evaluate.settings import Split
from funduscope.store import Corpus


@dataclass(frozen=True, slots=True)
class Label:
    """One label of one photograph, as the table `labels` has it."""

    task: str
    finding: str
    value: float
    unit: str


class Target(Settings):
    """One yes-or-no question about a photograph."""

    name: str = Field(description="code of the finding that is asked for, and whose prompts score")
    grade_at_least: int | None = Field(
        default=None, description="ICDR grade from which a graded photograph is positive"
    )
    negatives: Literal["others", "named"] = Field(
        default="others",
        description="others: every other labeled photograph; named: only those said to be free",
    )


class Task(Settings):
    """A benchmark: targets on the photographs of one site and split."""

    name: str = Field(description="name in the tables")
    about: str = Field(description="what is asked, in words")
    site: str | None = Field(default=None, description="site_id; none: any corpus")
    split: Split = Field(default="test", description="patients that are scored")
    targets: tuple[Target, ...] = Field(description="the questions")


class TaskFile(Settings):
    """The shipped benchmarks."""

    version: str = Field(description="changes whenever a number could change")
    suites: dict[str, tuple[str, ...]] = Field(description="named lists of tasks")
    tasks: tuple[Task, ...] = Field(description="the tasks")


@lru_cache(maxsize=1)
def task_file() -> TaskFile:
    """The shipped tasks, read once."""
    text = resources.files("funduscope.evaluate").joinpath("data/tasks.toml").read_text("utf-8")
    return config.build(TaskFile, tomllib.loads(text), place="evaluate/data/tasks.toml")


def named_tasks(names: Sequence[str], suite: str | None) -> tuple[Task, ...]:
    """The tasks asked for by name or by suite; none asked, none returned.

    Raises:
        ConfigError: an unknown task or suite (with the nearest name), or both given.
    """
    shipped = task_file()
    if suite is not None and names:
        raise ConfigError(
            f"suite={suite} and tasks={', '.join(names)}",
            place="settings of zeroshot",
            rule="either a suite or tasks",
            remedy="leave one of the two out",
        )
    if suite is not None:
        if suite not in shipped.suites:
            raise _unknown("suite", suite, shipped.suites)
        names = shipped.suites[suite]
    known = {task.name: task for task in shipped.tasks}
    for name in names:
        if name not in known:
            raise _unknown("task", name, known)
    return tuple(known[name] for name in names)


def _unknown(what: str, name: str, known: Iterable[str]) -> ConfigError:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.4)
    hint = f"did you mean '{near[0]}'?" if near else "choose one of these"
    return ConfigError(
        name, place=f"settings of zeroshot, {what}", rule=f"one of {', '.join(known)}", remedy=hint
    )


def labels_of(corpus: Corpus) -> dict[str, list[Label]]:
    """Label rows by photograph, from the table `labels`."""
    found: dict[str, list[Label]] = defaultdict(list)
    for row in corpus.labels.iter_rows(named=True):
        label = Label(row["task"], row["finding"], row["value"], row["unit"])
        found[row["image_id"]].append(label)
    return dict(found)


def reports_of(corpus: Corpus) -> dict[str, list[Label]]:
    """Label rows by photograph, from what the report of its examination says of its eye.

    Diseases and signs only; history and family do not count. What is said of an unknown eye is
    `uncertain` for a photograph whose eye is known.
    """
    words = findings.vocabulary()
    exams = dict(corpus.reports.select("report_id", "exam_id").iter_rows())
    said: dict[tuple[str, str], list[Label]] = defaultdict(list)
    for row in corpus.assertions.iter_rows(named=True):
        if row["temporality"] != "current" or row["experiencer"] != "patient":
            continue
        if words[row["finding"]].kind not in ("disease", "sign"):
            continue
        unit = "uncertain" if row["status"] == "uncertain" else "class"
        label = Label("finding", row["finding"], float(row["status"] != "absent"), unit)
        said[exams[row["report_id"]], row["eye"]].append(label)
    found: dict[str, list[Label]] = {}
    for image_id, exam, eye in corpus.images.select("image_id", "exam_id", "eye").iter_rows():
        rows = list(said.get((exam, eye), ()))
        if eye != "unknown":
            vague = said.get((exam, "unknown"), ())
            rows += [Label(r.task, r.finding, 1.0, "uncertain") for r in vague if r.value]
        if rows:
            found[image_id] = rows
    return found


def judge(target: Target, rows: Sequence[Label]) -> float | None:
    """Whether a photograph with these label rows is positive (1), negative (0) or left out (None).

    An ICDR grade decides where the target has a threshold. Else a label of the finding, or of a
    narrower one, makes it positive; a doubt leaves it out; a stated absence, or the label
    `normal`, makes it negative; what is not mentioned is negative only against `others`.
    """
    if target.grade_at_least is not None:
        grades = [row.value for row in rows if row.task == "icdr"]
        if grades:
            return float(max(grades) >= target.grade_at_least)
    codes = {target.name, *findings.vocabulary().descendants(target.name)}
    about = [row for row in rows if row.finding in codes and row.unit in ("class", "uncertain")]
    if any(row.unit == "class" and row.value == 1 for row in about):
        return 1.0
    if any(row.unit == "uncertain" for row in about):
        return None
    denied = any(row.finding == target.name for row in about)
    normal = any(row.finding == "normal" and row.value == 1 for row in rows)
    if denied or normal or target.negatives == "others":
        return 0.0
    return None


def truth_of(target: Target, labels: Mapping[str, Sequence[Label]]) -> dict[str, float]:
    """1 or 0 for each labeled photograph that the target does not leave out."""
    judged = {image_id: judge(target, rows) for image_id, rows in labels.items() if rows}
    return {image_id: value for image_id, value in judged.items() if value is not None}


def every_finding(
    labels: Mapping[str, Sequence[Label]],
    known: Collection[str],
    *,
    minimum: int,
    complete: bool,
) -> tuple[Target, ...]:
    """A target for each `known` finding with enough positives and negatives.

    Where the source states enough absences, only those (and normal eyes) are negative, unless
    `complete` says that what is not mentioned is absent. A grade says nothing of an ungraded eye.
    """
    rows = [row for listed in labels.values() for row in listed]
    codes = {row.finding for row in rows if row.unit == "class" and row.task == "finding"}
    thresholds: dict[str, int | None] = {c: None for c in findings.vocabulary().codes if c in codes}
    if any(row.task == "icdr" for row in rows):
        thresholds |= {"diabetic_retinopathy": 1, "referable_dr": 2}
    targets = []
    for code, grade in thresholds.items():
        if code not in known:
            continue
        stated = sum(_states_absence(row, code, grade) for row in rows)
        named = code == "referable_dr" or (stated >= minimum and not complete)
        target = Target(
            name=code,
            grade_at_least=grade,
            negatives="named" if named else "others",
        )
        values = list(truth_of(target, labels).values())
        if min(values.count(1.0), values.count(0.0)) >= minimum:
            targets.append(target)
    return tuple(targets)


def _states_absence(row: Label, code: str, grade: int | None) -> bool:
    if grade is not None and row.task == "icdr":
        return row.value == 0
    return row.unit == "class" and row.finding == code and row.value == 0
