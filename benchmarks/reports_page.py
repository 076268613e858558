"""What the sections on reading reports share: counts of right rows and their tables."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Set
from dataclasses import dataclass

from ingest_page import table


@dataclass(frozen=True)
class Count:
    """How many rows were said, how many are there, and how many are both."""

    right: int
    said: int
    there: int

    @classmethod
    def of(cls, said: Set[Hashable], there: Set[Hashable]) -> Count:
        """From the two sets of rows."""
        return cls(len(said & there), len(said), len(there))

    @property
    def precision(self) -> float:
        """Right among said, 0-1."""
        return self.right / max(1, self.said)

    @property
    def recall(self) -> float:
        """Right among there, 0-1."""
        return self.right / max(1, self.there)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, 0-1."""
        return 2 * self.right / max(1, self.said + self.there)


def f1_table(rows: Mapping[str, Count]) -> list[str]:
    """A Markdown table with a row for each count."""
    lines = [
        f"| {name} | {c.precision:.3f} | {c.recall:.3f} | {c.f1:.3f} | {c.there} | {c.said} |"
        for name, c in rows.items()
    ]
    return table(" | precision | recall | F1 | true | said", lines)
