"""The page on an ingest: figures with their targets, sections, tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

EXAMPLES = 12


@dataclass(frozen=True)
class Figure:
    """One measured figure; `reached` is None where there is no target."""

    name: str
    value: str
    target: str = ""
    reached: bool | None = None

    def cells(self) -> str:
        """A row of a Markdown table."""
        word = {True: "reached", False: "**MISSED**", None: ""}[self.reached]
        return f"| {self.name} | {self.value} | {self.target} | {word} |"


@dataclass
class Section:
    """Figures under one heading, and what is said about them (Markdown lines)."""

    title: str
    figures: list[Figure] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def all(self, name: str, right: int, whole: int, least: float = 1.0) -> None:
        """Add a part that must be at least `least`; without anything to count, no verdict."""
        reached = right >= least * whole - 1e-9 if whole else None
        self.figures.append(Figure(name, share(right, whole), f">= {least:.1%}", reached))

    def most(self, name: str, wrong: int, whole: int, most: float) -> None:
        """Add a part that must be at most `most`."""
        reached = wrong <= most * whole + 1e-9 if whole else None
        self.figures.append(Figure(name, share(wrong, whole), f"<= {most:.1%}", reached))

    def least(self, name: str, value: float, least: float) -> None:
        """Add a figure of 0-1 that must be at least `least`."""
        reached = value >= least - 1e-9
        self.figures.append(Figure(name, f"{value:.3f}", f">= {least:g}", reached))

    def none(self, name: str, count: int) -> None:
        """Add a count that must be 0."""
        self.figures.append(Figure(name, str(count), "0", not count))

    def plain(self, name: str, value: object) -> None:
        """Add a figure without a target."""
        self.figures.append(Figure(name, str(value)))

    def examples(self, what: str, found: Sequence[str]) -> None:
        """Add a line that lists some of what was found, if any was."""
        if found:
            more = f" and {len(found) - EXAMPLES} more" if len(found) > EXAMPLES else ""
            self.lines += ["", f"{what}: {', '.join(found[:EXAMPLES])}{more}."]


def share(part: int, whole: int) -> str:
    """`part of whole (percent)`."""
    return f"{part} of {whole} ({100 * part / whole:.2f}%)" if whole else "none to count"


def table(head: str, rows: Iterable[str]) -> list[str]:
    """A Markdown table; `head` is its first row without the outer bars."""
    return ["", f"| {head} |", "|---" * (head.count("|") + 1) + "|", *rows]
