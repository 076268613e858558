"""Which columns of two tables hold the same numbers, and how dates of photographs meet theirs."""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from funduscope.archive.draft import dates
from funduscope.archive.draft.keys import DICOM_EXAM
from funduscope.archive.draft.tables import Table
from funduscope.archive.draft.tokens import Path

_WINDOW = 31


def overlap(one: Sequence[str], other: Sequence[str]) -> float:
    """Share of the smaller list's distinct values that the other has."""
    first, second = set(one), set(other)
    small = min(len(first), len(second))
    return len(first & second) / small if small else 0.0


def best_partner(values: Sequence[str], table: Table) -> tuple[str, float] | None:
    """The column of a table that shares the most values, if it shares three in ten at least."""
    found = [(overlap(values, table.values(name)), name) for name in table.columns]
    share, name = max(found, default=(0.0, ""), key=lambda item: item[0])
    return (name, share) if share >= 0.3 else None


def dicom_key(dicom: Table, tables: Sequence[Table]) -> tuple[str, dict[int, tuple[str, float]]]:
    """The DICOM attribute that most tables know examinations by, and each table's column for it."""
    best: tuple[tuple[int, float], str, dict[int, tuple[str, float]]] | None = None
    for attribute in DICOM_EXAM:
        values = dicom.values(attribute)
        partners = {
            at: found
            for at, table in enumerate(tables)
            if values and (found := best_partner(values, table)) is not None
        }
        rank = (len(partners), sum(share for _, share in partners.values()))
        if best is None or rank > best[0]:
            best = (rank, attribute, partners)
    assert best is not None
    return best[1], best[2]


def day_distance(
    paths: Sequence[Path], forms: Sequence[str], group: str, days: Mapping[str, set[date]]
) -> tuple[int, float]:
    """How far dates in file names lie from the table's: a window, and the share of exact ones.

    Args:
        forms: of the date in the file name; one without days stands for its whole month.
        group: exam or patient, whose value in the path leads to dates of the table.
        days: value -> dates of its examinations.
    """
    distances: list[int] = []
    for path in paths:
        told = {span.role: span.text for span in path.spans}
        known = days.get(told.get(group, ""))
        text = told.get("date", "")
        form = next((form for form in forms if dates.parsed(text, form)), "")
        said = dates.parsed(text, form)
        if known and said is not None:
            distances.append(min(_distance(said, day, "%d" not in form) for day in known))
    if not distances:
        return 0, 0.0
    near = sorted(distance for distance in distances if distance <= _WINDOW)
    exact = sum(distance == 0 for distance in distances) / len(distances)
    if not near or near.count(0) >= 0.995 * len(near):
        return 0, exact
    # The few that lie far off are mistakes of their own, which a wide window would hide.
    return near[min(len(near) - 1, int(0.985 * len(near)))], exact


def _distance(said: date, day: date, month: bool) -> int:
    if not month:
        return abs((said - day).days)
    last = said + timedelta(days=calendar.monthrange(said.year, said.month)[1] - 1)
    return 0 if said <= day <= last else min(abs((said - day).days), abs((last - day).days))


def days_by(table: Table, key: str, date_column: str, forms: Sequence[str]) -> dict[str, set[date]]:
    """Value of a key column -> dates of its rows; in a workbook the sheets are met by the key."""
    found: defaultdict[str, set[date]] = defaultdict(set)
    for row in table.rows:
        day = dates.first_date(row.get(date_column, ""), forms)
        if day is not None and row.get(key):
            found[row[key].strip()].add(day)
    return found
