"""Findings met in a report -> assertions: one row an eye, copies of one eye to the other, clean-up.

The most specific finding stands alone; repeats are one; of several words on how well an eye can be
seen the worst stands.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace

from funduscope.findings.assertions import Assertion
from funduscope.findings.copies import copies
from funduscope.findings.eyes import OTHER
from funduscope.findings.reading import Mention, Reading
from funduscope.findings.vocabulary import vocabulary

SAYS_LITTLE = ("normal", "referable_disease")
"""What says nothing denied: `not normal` does not tell what is there, nor does the other."""
_MEASURED = ("cup_disc_ratio", "av_ratio")
_SEEN_WORST_FIRST = ("ungradable", "partially_ungradable", "poor_image_quality")


def assertions_of(reading: Reading) -> list[Assertion]:
    """The rows of all mentions, in text order."""
    rows = []
    for mention in reading.mentions:
        dropped = mention.state.status == "dropped" or not mention.eyes
        if mention.code in _MEASURED and not mention.grades:
            continue  # C/D正常 tells no number
        vague = mention.code in SAYS_LITTLE and mention.state.status == "absent"
        if not (dropped or vague):
            rows += [_row(reading, mention, eye) for eye in mention.eyes]
    return _clean(_copy_eyes(reading, rows))


def _row(reading: Reading, mention: Mention, eye: str) -> Assertion:
    finding = vocabulary()[mention.code]
    state, item = mention.state, reading.items[mention.index]
    grade = mention.grades.get(eye)
    if mention.code == "pdr" and (grade is None or grade.startswith("icdr")):
        grade = "icdr:4"  # severity words grade only the nonproliferative kind
    status = "absent" if grade and grade.endswith(":0") else state.status
    history = state.temporality == "history" or finding.kind == "treatment"
    if finding.kind == "systemic" or state.experiencer == "family":
        eye = "unknown"
    return Assertion(
        eye=eye,
        finding=mention.code,
        status=status,
        temporality="history" if history else "current",
        experiencer=state.experiencer,
        grade=grade if status != "absent" or (grade and grade.endswith(":0")) else None,
        start_char=reading.stream[item.start].start,
        end_char=reading.stream[item.end - 1].end,
        rule="+".join([mention.rule, *dict.fromkeys(state.rules)]),
    )


def _copy_eyes(reading: Reading, rows: list[Assertion]) -> list[Assertion]:
    """`OS: idem`, `as in OD`: the rows of the one eye also for the other.

    Rows of the same paragraph are meant where there are any. 余同右眼 (the rest) leaves alone
    what the other eye's own words speak of.
    """
    found = list(copies(reading.items, reading.eyes, reading.stream))
    if not found:
        return rows
    starts = [reading.stream[item.start].start for item in reading.items]
    copied = list(rows)
    given: dict[tuple[str, int], dict[tuple[str, str], Assertion]] = {}
    own: dict[str, set[str]] = {}
    for row in rows:
        own.setdefault(row.eye, set()).update(_line(row.finding))
        if row.temporality == "current":
            index = bisect_right(starts, row.start_char) - 1
            here = reading.units[reading.unit_of(index)].paragraph
            for paragraph in (-1, here):
                place = given.setdefault((row.eye, paragraph), {})
                place.setdefault((row.finding, row.status), row)
    places = ((c, reading.units[reading.unit_of(c.at)].paragraph) for c in found)
    keys = ((c.source, p if (c.source, p) in given else -1, c.rest) for c, p in places)
    for source, paragraph, rest in dict.fromkeys(keys):
        target = OTHER[source]
        for row in given.get((source, paragraph), {}).values():
            kept = row.finding in own.get(target, ()) or row.finding == "normal"
            if not (rest and kept):
                rule = f"{row.rule}+same_as_other_eye"
                copied.append(replace(row, eye=target, rule=rule))
    return copied


def _line(code: str) -> tuple[str, ...]:
    words = vocabulary()
    return (code, *words.ancestors(code), *words.descendants(code))


def _clean(rows: list[Assertion]) -> list[Assertion]:
    """One row for each statement; no broader row beside a narrower one, unless graded."""
    words = vocabulary()
    unique: dict[tuple[str, str, str, str], Assertion] = {}
    for row in rows:
        key = (row.eye, row.finding, row.status, row.experiencer)
        old = unique.get(key)
        if old is None or (old.grade is None and row.grade is not None):
            unique[key] = row
    broader = {
        (r.eye, ancestor, r.status, r.experiencer)
        for r in unique.values()
        for ancestor in words.ancestors(r.finding)
    }
    kept = [r for k, r in unique.items() if k not in broader or r.grade is not None]
    kept = _without_settled(_worst_seen(kept))
    return sorted(kept, key=lambda r: (r.start_char, r.eye, r.finding))


def _worst_seen(rows: list[Assertion]) -> list[Assertion]:
    """Of ungradable, partially ungradable and poor, only the worst of each eye."""
    worst: dict[str, int] = {}
    for row in rows:
        if row.finding in _SEEN_WORST_FIRST and row.status == "present":
            rank = _SEEN_WORST_FIRST.index(row.finding)
            worst[row.eye] = min(rank, worst.get(row.eye, rank))
    return [
        r
        for r in rows
        if r.finding not in _SEEN_WORST_FIRST
        or r.status != "present"
        or _SEEN_WORST_FIRST.index(r.finding) == worst[r.eye]
    ]


def _without_settled(rows: list[Assertion]) -> list[Assertion]:
    """Advice to clarify a finding adds nothing where the finding is already stated."""
    stated = {(r.eye, r.finding) for r in rows if r.status == "present"}
    return [
        r for r in rows if "advice_to_clarify" not in r.rule or (r.eye, r.finding) not in stated
    ]
