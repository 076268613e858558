"""Tables of many files, one report each: the part of their paths that photographs bear, too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from funduscope.archive.draft import dates, labels, names
from funduscope.archive.draft.joins import overlap
from funduscope.archive.draft.listing import below
from funduscope.archive.draft.sources import Sourced
from funduscope.archive.draft.tokens import Path

_LEAST = 3
_EACH = 4
"""Reports of one patient, on the average, at most."""
_NUMBER = re.compile(r"(?=.*\d)[A-Za-z0-9]{3,}")
_FILLED = 0.9
_SHARED = 0.3
"""Part of the photographs whose paths must bear a part of a report's path."""

Cut = tuple[int, int]


def tell(sourced: Sourced, folder: str, photos: Sequence[str]) -> None:
    """Let a report's own path tell its examination, where nothing inside it does.

    Args:
        sourced: a table of several files; gets `format.table_pattern` and the columns it makes.
        folder: of the site, below the archive.
        photos: paths of its photographs below that folder.
    """
    table, roles = sourced.table, sourced.roles
    if len(set(table.places)) < _LEAST or not photos:
        return
    files = [Path(below(place, folder)) for place in table.places]
    keys = [name for role in ("exam", "patient") for name in roles.columns.get(role, [])]
    for name in keys:
        filled = len(table.values(name)) >= _FILLED * len(table.rows)
        if filled and _share(table.values(name), photos) >= _SHARED:
            if name in roles.columns.get("patient", []) and not roles.one("exam_date"):
                _write(sourced, files, [None] * len(files), "date")  # else visits would be one
            return
    best: tuple[tuple[float, bool, bool, int], list[Cut | None]] | None = None
    for cuts in _parts(files):
        texts = [path.text[c[0] : c[1]] for path, c in zip(files, cuts, strict=True) if c]
        if len(texts) < 0.8 * len(files) or len(set(texts)) < max(_LEAST, len(texts) / _EACH):
            continue
        own = len(set(texts)) == len(texts)
        share = _share(texts, photos)
        if share < _SHARED or (not own and _dated(texts)):
            continue
        number = sum(bool(_NUMBER.fullmatch(text)) for text in texts) > 0.5 * len(texts)
        rank = (round(share, 1), own, number, sum(map(len, texts)))
        if best is None or rank > best[0]:
            best = (rank, cuts)
    if best is None:
        sourced.draft.open.append("no part of the reports' paths stands in the photographs' paths")
        return
    _write(sourced, files, best[1], "exam" if best[0][1] else "patient")


def _share(texts: Sequence[str], photos: Sequence[str]) -> float:
    trial = [Path(photo) for photo in photos]
    return labels.label_columns(trial, {"key": ("exam", texts)}).get("key", 0.0)


def _dated(texts: Sequence[str]) -> bool:
    return dates.forms_of(texts)[1] > 0.7


def _parts(files: Sequence[Path]) -> Iterator[list[Cut | None]]:
    """Parts of the paths that stand at one place: folders and names, whole or between marks."""
    deepest = max(path.text.count("/") for path in files)
    for depth in range(deepest + 1):
        spans = [_component(path.text, depth) for path in files]
        yield spans
        pieces = [
            [(s[0] + m.start(), s[0] + m.end())
             for m in re.finditer(r"[^_\-\s.#+()\uff08\uff09]+", path.text[s[0] : s[1]])]
            if s else []
            for path, s in zip(files, spans, strict=True)
        ]  # fmt: skip
        most = max(map(len, pieces), default=0)
        for at in range(min(most, 8)):
            yield [piece[at] if at < len(piece) else None for piece in pieces]
        for at in range(min(most - 1, 3)):
            yield [(p[at][0], p[at + 1][1]) if at + 1 < len(p) else None for p in pieces]


def _component(text: str, depth: int) -> Cut | None:
    """Where the component stands that is `depth` from the end."""
    ends = [found.start() for found in re.finditer("/", text)] + [len(text)]
    if depth >= len(ends):
        return None
    at = len(ends) - 1 - depth
    return (ends[at - 1] + 1 if at else 0), ends[at]


def _write(sourced: Sourced, files: list[Path], cuts: list[Cut | None], role: str) -> None:
    """Mark the part, dates and eyes; write the pattern, and its groups as columns."""
    table, roles, draft = sourced.table, sourced.roles, sourced.draft
    for path, cut in zip(files, cuts, strict=True):
        if cut is not None:
            path.add(path.cut(role, *cut))
    wanted = {name: ("name", table.values(name)) for name in roles.columns.get("name", [])}
    labels.label_columns(files, wanted)
    forms = labels.label_dates(files)
    words = labels.label_words(files)
    pattern = names.learn(files, forms)
    if pattern is None or role not in pattern.groups:
        return
    why = f"paths of reports; {pattern.read:.0%} are read wholly; photographs bear this {role}, too"
    draft.set("format.table_pattern", pattern.regex, why)
    compiled = re.compile(pattern.regex)
    for row, path in zip(table.rows, files, strict=True):
        found = compiled.search(path.full)
        groups = found.groupdict("") if found else {}
        row.update({group: text for group, text in groups.items() if text and group not in row})
    told = [row[role] for row in table.rows if row.get(role)]
    for other in ("exam", "patient"):  # the number of the paths, where some reports write it, too
        for name in list(roles.columns.get(other, [])):
            if name not in pattern.groups and overlap(table.values(name), told) >= _SHARED:
                roles.columns[other].remove(name)
                roles.columns.setdefault("record_no", []).append(name)
    for group in pattern.groups:
        use = {"date": "exam_date"}.get(group, group)
        if use in ("exam", "patient", "name", "exam_date", "eye") and group not in table.columns:
            known = roles.columns.get(use, [])
            if use == role:
                roles.columns.setdefault("record_no", []).extend(known)
                known = []
            elif known:
                continue
            table.columns.append(group)
            sourced.add_column(group)
            roles.columns[use] = [group, *known]
            roles.why[group] = "a group of table_pattern"
            if group == "date" and forms:
                draft.set("format.exam_date", dates.written(forms), "dates in the paths")
            if group == "eye":
                draft.set("values.eye", words["eye"], "words in the paths")
