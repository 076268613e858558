"""The 142 distinct descriptions of `odir`, each with what a clinician would give."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from ingest_page import Section, table
from ingest_truth import read_csv
from reports_traps import read

from funduscope.findings import extract

REVIEW = Path(__file__).with_name("odir_review.tsv")


def told(text: str) -> str:
    """What the reader makes of a text: `finding status [history] [grade]`, by `; `."""
    rows = []
    for row in extract(text):
        words = [row.finding, row.status, *(["history"] if row.temporality == "history" else [])]
        words += [row.grade] if row.grade else []
        words += [row.eye] if row.eye != "unknown" else []
        rows.append(" ".join(words))
    return "; ".join(rows)


def section(path: Path, listing: Path) -> Section:
    """The section of the page; `listing` is the page of all strings, written here."""
    eyes = Counter(row["text"] for row in read_csv(path))
    review = {row["text"]: row for row in read(REVIEW)}
    right = {t: text_right(t, review) for t in eyes}
    page = Section("Distinct descriptions of `odir`")
    page.all("descriptions read as reviewed", sum(right.values()), len(eyes))
    page.all("eyes whose description is", sum(eyes[t] for t in eyes if right[t]), eyes.total())
    page.lines += [
        "",
        f"[All {len(eyes)} descriptions]({listing.parent.name}/{listing.name}) with what was read.",
        "What a clinician would give was written line by line by the developers, after reading",
        "the annotation rules and with the reader's answer before their eyes; no clinician has",
        "reviewed it yet.",
    ]
    lines = [
        "# The descriptions of `odir` and what is read from them",
        "",
        "Research software, no medical device. Made by `python benchmarks/reports.py`; the column",
        "`review` is `benchmarks/odir_review.tsv` (written by developers, not yet by a clinician).",
    ]
    rows = [
        f"| {text} | {eyes[text]} | {told(text)} | {verdict(text, right[text], review)} |"
        for text in sorted(eyes)
    ]
    lines += table("description | eyes | read | review", rows)
    listing.parent.mkdir(parents=True, exist_ok=True)
    listing.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return page


def text_right(text: str, review: dict[str, dict[str, str]]) -> bool:
    """Whether the reader gives exactly what the review does, in any order."""
    expected = review.get(text, {"clinician": ""})["clinician"]
    return set(told(text).split("; ")) == set(expected.split("; "))


def verdict(text: str, right: bool, review: dict[str, dict[str, str]]) -> str:
    """The cell of the review."""
    row = review.get(text)
    if row is None:
        return "not reviewed"
    note = f" ({row['note']})" if row["note"] else ""
    return f"right{note}" if right else f"**wrong**: {row['clinician']}{note}"
