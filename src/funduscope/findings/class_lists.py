"""What each benchmark asks to be told apart: its classes as codes and phrasings, in both languages.

The lists are `data/class_lists.toml`; lists over a scale take their phrasings from the prompt bank.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from funduscope.errors import ConfigError
from funduscope.findings.grades import TARGETS
from funduscope.findings.prompts import Language, prompt_bank


@dataclass(frozen=True)
class ImageClass:
    """One class of a benchmark.

    Attributes:
        name: what the source calls it.
        codes: of the vocabulary; an eye belongs here for any of them. Empty for `residual`.
        texts: phrasings by language (`en`, `zh`).
        status: present; absent: free of the codes; uncertain: suspected.
        grade: `scale:value` where classes share a code and differ by grade.
        residual: the source's "other", which no code names.
        without: narrower codes that another class of the list has.
    """

    name: str
    codes: tuple[str, ...]
    texts: Mapping[str, tuple[str, ...]]
    status: str = "present"
    grade: str | None = None
    residual: bool = False
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClassList:
    """The classes of one benchmark.

    Attributes:
        name: key of the list.
        about: benchmark and classes in words.
        source: `facts` (the project's page on public benchmarks) or `card` (of our copy), with
            what else was needed.
        classes: in the source's order.
        hash: SHA-256 (hex) of names, codes and phrasings of this list alone, for the results over
            it; another list may change without it.
    """

    name: str
    about: str
    source: str
    classes: tuple[ImageClass, ...]
    hash: str


@lru_cache(maxsize=1)
def class_lists() -> Mapping[str, ClassList]:
    """All lists by name, read once."""
    file = resources.files("funduscope.findings").joinpath("data/class_lists.toml")
    content: dict[str, dict[str, Any]] = tomllib.loads(file.read_text(encoding="utf-8"))
    return {name: read_list(name, table) for name, table in content.items()}


def class_list(name: str) -> ClassList:
    """The list of that name; ConfigError, with the nearest name, for any other."""
    lists = class_lists()
    if name not in lists:
        near = difflib.get_close_matches(name, lists, n=1)
        raise ConfigError(
            name,
            place="class lists",
            rule=f"one of {', '.join(lists)}",
            remedy=f"did you mean {near[0]}?" if near else "choose one of these",
        )
    return lists[name]


def read_list(name: str, table: Mapping[str, Any]) -> ClassList:
    """One table of the file as a list; a phrasing that is not written is left empty."""
    rows = table.get("classes", ())
    classes = tuple(_read(row) for row in rows) or tuple(_of_scale(str(table["scale"])))
    said = [
        [c.name, c.codes, c.status, c.grade, c.residual, c.without, sorted(c.texts.items())]
        for c in classes
    ]
    canonical = json.dumps([name, said], ensure_ascii=False, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode("utf-8")).hexdigest()
    return ClassList(name, table["about"], table["source"], classes, digest)


def _read(row: Mapping[str, Any]) -> ImageClass:
    texts = {word: (row[word],) if word in row else () for word in ("en", "zh")}
    return ImageClass(
        name=row["name"],
        codes=tuple(row["codes"]),
        texts=texts,
        status=row.get("status", "present"),
        grade=row.get("grade"),
        residual=row.get("residual", False),
        without=tuple(row.get("without", ())),
    )


def _of_scale(scale: str) -> list[ImageClass]:
    """One class a grade; the lowest of a scale of disease is its absence."""
    bank = prompt_bank("plain")
    values = list(dict.fromkeys(value for s, value, _ in bank.grades if s == scale))
    code = TARGETS.get(scale, (scale.removesuffix("_severity"),))[0]
    languages: tuple[Language, ...] = ("en", "zh")
    return [
        ImageClass(
            name=value,
            codes=(code,),
            texts={language: bank.grades[scale, value, language] for language in languages},
            status="absent" if value == "0" and scale in TARGETS else "present",
            grade=f"{scale}:{value}",
        )
        for value in values
    ]
