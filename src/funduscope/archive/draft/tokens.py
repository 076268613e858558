"""Paths of photographs cut into runs of digits, letters and Chinese characters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from funduscope.archive.draft.words import meanings

_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}$")


@dataclass(frozen=True)
class Run:
    """A piece of a path: d digits, l Latin letters, c Chinese characters, s any other character."""

    text: str
    start: int
    kind: str

    @property
    def end(self) -> int:
        """Where the run ends."""
        return self.start + len(self.text)


@dataclass(frozen=True)
class Span:
    """A part of a path that has a meaning (`role`), and what stands around it.

    `place` is (folders from the end, sign before, sign after, runs to the component's end): spans
    of one meaning stand at few places.
    """

    role: str
    text: str
    start: int
    end: int
    place: tuple[int, str, str, int]


class Path:
    """A path below its source's folder, without the suffix, cut into runs."""

    def __init__(self, text: str) -> None:
        self.full = text
        self.text = _SUFFIX.sub("", text)
        self.runs = [
            Run(found[0], found.start(), _kind(found[0])) for found in _runs().finditer(self.text)
        ]
        self.spans: list[Span] = []

    def span(self, role: str, first: int, last: int) -> Span:
        """The span of the runs first..last (both inside)."""
        start, end = self.runs[first].start, self.runs[last].end
        return self.cut(role, start, end)

    def cut(self, role: str, start: int, end: int) -> Span:
        """The span between two offsets."""
        after = self.text[end:].partition("/")[0]
        runs_after = sum(
            run.kind != "s" for run in self.runs if end <= run.start < end + len(after)
        )
        place = (
            self.text.count("/", end),
            _sign(self.text, start - 1),
            _sign(self.text, end),
            runs_after,
        )
        return Span(role, self.text[start:end], start, end, place)

    def free(self, start: int, end: int) -> bool:
        """Whether no span lies there yet."""
        return all(end <= span.start or start >= span.end for span in self.spans)

    def add(self, span: Span) -> bool:
        """Take the span if its place is free."""
        if not self.free(span.start, span.end):
            return False
        self.spans.append(span)
        self.spans.sort(key=lambda one: one.start)
        return True


@cache
def _runs() -> re.Pattern[str]:
    """Digits, Latin letters (CamelCase apart), Chinese words for eyes and fields, other Chinese."""
    about = [word for topic in ("eye", "field", "kind") for word in meanings(topic)]
    long = [word for word in about if not word.isascii() and len(word) > 1]
    words = "|".join(sorted(map(re.escape, long), key=len, reverse=True))
    chinese = rf"{words}|[\u3400-\u9fff]+?(?={words}|[^\u3400-\u9fff]|\Z)"
    latin = "[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[A-Z]"
    return re.compile(rf"\d+|{latin}|{chinese}|.", re.DOTALL)


def _kind(text: str) -> str:
    first = text[0]
    if "0" <= first <= "9":
        return "d"
    if first.isascii() and first.isalpha():
        return "l"
    return "c" if "\u3400" <= first <= "\u9fff" else "s"


def _sign(text: str, at: int) -> str:
    """The separator at that place, `^` for a component's border, or the kind of its letter."""
    if not 0 <= at < len(text) or text[at] == "/":
        return "^"
    kind = _kind(text[at])
    return text[at] if kind == "s" else kind
