"""Chinese and English descriptions of one photograph: do both readings agree?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ingest_page import Section, table
from ingest_truth import Row, read_csv

from funduscope.findings import extract

LEAST = 0.95
Stated = dict[str, frozenset[str]]


@dataclass(frozen=True)
class Pair:
    """One photograph's two descriptions: finding -> its statuses in each language."""

    image: str
    en: Stated
    zh: Stated

    @property
    def shared(self) -> list[str]:
        """Findings read in both languages."""
        return [code for code in self.en if code in self.zh]

    @property
    def apart(self) -> list[str]:
        """Shared findings whose statuses differ."""
        return [code for code in self.shared if self.en[code] != self.zh[code]]


def stated(text: str) -> Stated:
    """The findings of a text with all their statuses (a conflict has two)."""
    found: dict[str, set[str]] = {}
    for row in extract(text):
        found.setdefault(row.finding, set()).add(row.status)
    return {code: frozenset(statuses) for code, statuses in found.items()}


def pairs(rows: list[Row]) -> list[Pair]:
    """Of every row that has both languages."""
    return [
        Pair(row["image"], stated(row["text"]), stated(row["text_zh"]))
        for row in rows
        if row["text"] and row["text_zh"]
    ]


def section(path: Path) -> Section:
    """The section of the page."""
    found = pairs(read_csv(path))
    shared = sum(len(pair.shared) for pair in found)
    apart = Counter(code for pair in found for code in pair.apart)
    page = Section("Chinese and English descriptions of one photograph (`csdi`)")
    page.all("shared findings of equal status", shared - apart.total(), shared, LEAST)
    only = {
        "English": Counter(code for pair in found for code in pair.en if code not in pair.zh),
        "Chinese": Counter(code for pair in found for code in pair.zh if code not in pair.en),
    }
    for name, counts in only.items():
        page.plain(f"findings read in {name} alone", counts.total())
    page.lines += [
        "",
        f"{len(found)} photographs. Shared: the finding is read in both descriptions; equal: with",
        "the same statuses. The two texts are no strict translations: one may name what the other",
        "leaves out.",
    ]
    codes = sorted({c for pair in found for c in (*pair.en, *pair.zh)})
    both = Counter(code for pair in found for code in pair.shared)
    rows = [
        f"| {c} | {both[c]} | {apart[c]} | {only['English'][c]} | {only['Chinese'][c]} |"
        for c in codes
    ]
    page.lines += table("finding | in both | status differs | English alone | Chinese alone", rows)
    return page
