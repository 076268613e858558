"""Distinct reports of usual length, drawn from a seed: what the speed of reading is measured on.

Sentences are those of the synthetic archive (both languages) and, where one is given, of the
development archive; every report is a new choice of them with numbers of its own. No text is
drawn twice, so that nothing that remembers whole texts could help.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

from funduscope.archive.synthetic.plan import plan_archive
from funduscope.findings.symbols import has_han

LENGTH = 180
"""Characters of a report: the mean of the development archive."""
_SENTENCE = re.compile(r"(?<=[\u3002\uff1b;\n])|(?<=[a-z)]\.)\s+")
_NUMBER = re.compile(r"\d+")


def sentences(reports: Sequence[str]) -> dict[bool, list[str]]:
    """The distinct sentences of reports; under True those with Chinese characters."""
    found: dict[bool, dict[str, None]] = {True: {}, False: {}}
    for text in reports:
        for part in _SENTENCE.split(text):
            if len(part.strip()) > 3:
                found[has_han(part)][part.strip()] = None
    return {chinese: list(parts) for chinese, parts in found.items()}


def synthetic_reports(exams: int = 1500, seed: int = 11) -> list[str]:
    """The report texts of a drawn archive, without its pictures."""
    planned = plan_archive(exams, seed)
    return [f"{e.report.body}\n{e.report.impression}" for e in planned]


def distinct(pool: dict[bool, list[str]], seed: int) -> Iterator[str]:
    """Reports without end, none twice; two of three are Chinese."""
    rng = random.Random(seed)
    seen: set[int] = set()
    while True:
        chinese = rng.random() < 2 / 3
        parts: list[str] = []
        while sum(map(len, parts)) < rng.uniform(0.5, 1.0) * LENGTH:
            parts.append(rng.choice(pool[chinese]))
        text = ("" if chinese else " ").join(parts)
        text = _NUMBER.sub(lambda found: _other(found[0], rng), text)
        if hash(text) not in seen:
            seen.add(hash(text))
            yield text


def _other(number: str, rng: random.Random) -> str:
    """A number of the same length; one digit stays (`0.4`, `2:3` and stages keep their sense)."""
    return number if len(number) == 1 else "".join(rng.choices("0123456789", k=len(number)))


def of_length(pool: dict[bool, list[str]], size: int, seed: int) -> str:
    """One text of at least `size` bytes (UTF-8): reports below one another."""
    parts: list[str] = []
    length = 0
    for text in distinct(pool, seed):
        parts.append(text)
        length += len(text.encode()) + 1
        if length > size:
            break
    return "\n".join(parts)
