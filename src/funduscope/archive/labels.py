"""The labels that a source gives, as rows of the table labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from funduscope import findings
from funduscope.archive import plan
from funduscope.archive.parts import Kept
from funduscope.archive.records import Note


def rows_of(planned: plan.Plan, kept: Sequence[Kept]) -> tuple[list[dict[str, Any]], list[Note]]:
    """Rows of the table labels, and one line for the ledger on each word that makes no row."""
    rows: list[dict[str, Any]] = []
    dropped: Counter[tuple[str, str, str]] = Counter()
    for one in kept:
        exam = planned.exams[one.exam]
        made, unknown = findings.label_rows(exam.photos[one.photo].labels)
        rows += [
            {
                "image_id": one.image_id,
                "task": row.task,
                "finding": row.finding,
                "value": row.value,
                "unit": row.unit,
                "source": exam.site,
            }
            for row in made
        ]
        dropped.update((exam.place.rpartition("#")[0], exam.site, word) for word in unknown)
    notes = [
        Note(
            f"{table}#labels={word}",
            "record",
            "read",
            "label_dropped",
            f"a label word without a code of the vocabulary, on {count} photographs",
            "review",
        )
        for (table, _site, word), count in sorted(dropped.items())
    ]
    return rows, notes
