"""The photographs of a site: which table they belong to, and what their names tell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from funduscope.archive.draft import cells, dates, filenames, joins, labels, names
from funduscope.archive.draft.columns import Roles
from funduscope.archive.draft.listing import Site, photo_globs
from funduscope.archive.draft.sources import Sourced
from funduscope.archive.draft.tables import Table
from funduscope.archive.draft.tokens import Path
from funduscope.archive.draft.toml import SourceDraft

SAMPLE = 3000


@dataclass
class Learnt:
    """What was learnt from names: for the samples page.

    Attributes:
        paths: the photographs below the site's folder, marked.
        pattern: the pattern, if one was found.
    """

    paths: list[Path] = field(default_factory=list)
    pattern: names.Pattern | None = None


def draft_photos(site: Site, sources: list[Sourced]) -> Learnt:
    """Give the site's photographs to one of its sources, or to a new one without a table."""
    avoid = [file.below(site.folder) for file in site.files if _is_table(file.path, sources)]
    dicoms = [file.below(site.folder) for file in site.of("dicom")]
    for sourced in sources:
        if sourced.table.kind == "dicom":
            pictures = [file.below(site.folder) for file in site.of("photo")]
            globs = photo_globs(site, ("dicom",), [*avoid, *pictures])
            sourced.draft.set("photos", globs, f"{len(dicoms)} DICOM files")
            _dicom_names(sourced, dicoms)
    photos = [file.below(site.folder) for file in site.of("photo", "refused")]
    if not photos:
        return Learnt([Path(name) for name in _spread(dicoms)])
    globs = photo_globs(site, ("photo", "refused"), [*avoid, *dicoms])
    tables = [one for one in sources if one.table.kind != "dicom"]
    paths = [Path(name) for name in _spread(photos)]
    named = ("images", "right", "left")
    naming = [
        one
        for one in tables
        if any(one.table.values(c) for r in named for c in one.roles.columns.get(r, ()))
    ]
    for sourced in tables:
        if sourced not in naming:
            filenames.tell(sourced, site.folder, photos[:: max(1, len(photos) // 400)])
    if naming:
        return _named(naming[0], paths, globs, len(photos))
    best = _by_key(paths, tables)
    if best is None:
        return _alone(site, sources, paths, globs, len(photos))
    return _matched(best, paths, globs, len(photos))


def _spread(items: Sequence[str]) -> list[str]:
    """At most SAMPLE of them, evenly over all, so that late folders are seen, too."""
    step = max(1, len(items) // SAMPLE)
    return list(items[::step])[:SAMPLE]


def _is_table(path: str, sources: Sequence[Sourced]) -> bool:
    return any(path in one.table.paths for one in sources if one.table.kind != "dicom")


def _dicom_names(sourced: Sourced, dicoms: Sequence[str]) -> None:
    """Words in the names of DICOM files: the tags tell the rest."""
    paths = [Path(name) for name in _spread(dicoms)]
    _words(sourced.draft, paths)
    pattern = names.learn(paths, ())
    if pattern is not None and "eye" in pattern.groups:
        why = f"reads {pattern.read:.0%} of the names; what tags say comes from the tags"
        sourced.draft.set("format.file_pattern", pattern.regex, why)


def _words(draft: SourceDraft, paths: Sequence[Path]) -> None:
    for about, words in labels.label_words(paths).items():
        known = draft.get(f"values.{about}") or {}
        draft.set(f"values.{about}", known | words, "words seen in cells and file names")


def _named(sourced: Sourced, paths: list[Path], globs: list[str], count: int) -> Learnt:
    """A column names the files: their names can only add the eye, the field and the kind."""
    draft, table = sourced.draft, sourced.table
    roles = sourced.roles.columns
    columns = [c for role in ("images", "right", "left") for c in roles.get(role, [])]
    told = [value for column in columns for value in table.values(column)]
    files = {path.full for path in paths} | {path.full.rpartition("/")[2] for path in paths}
    files |= {name.rpartition(".")[0] for name in files}
    sign = cells.separator(told)
    split = [p.strip() for v in told for p in (v.split(sign) if sign else [v])]
    found = sum(name.replace("\\", "/").rpartition("/")[2] in files for name in split)
    share = found / max(1, len(split))
    draft.set("photos", globs, f"{count} files; the table names {share:.0%} of its files right")
    if sign and sign != ";":
        draft.set("format.separator", sign, "between several names in a cell")
    labels.label_columns(paths, _keys(sourced))
    forms = labels.label_dates(paths)
    _words(draft, paths)
    pattern = names.learn(paths, forms)
    if pattern is not None:
        if forms and "date" in pattern.groups:
            draft.set("format.file_date", dates.written(forms))
        why = f"for what the table does not tell; {pattern.read:.0%} of the paths are read wholly"
        draft.set("format.file_pattern", pattern.regex, why)
    if share < 0.5:
        draft.open.append("few of the files that the table names are there: a folder missing?")
    return Learnt(paths, pattern)


def _by_key(
    paths: list[Path], tables: Sequence[Sourced]
) -> tuple[Sourced, dict[str, float]] | None:
    """The table whose numbers stand in most paths; the paths are marked with them."""
    best: tuple[float, Sourced] | None = None
    for sourced in tables:
        trial = [Path(path.full) for path in paths]
        shares = labels.label_columns(trial, _keys(sourced))
        weight = max((s for c, s in shares.items() if _group(sourced, c) != "name"), default=0.0)
        if weight and (best is None or weight > best[0]):
            best = (weight, sourced)
    if best is None:
        return _by_name(paths, tables)
    return best[1], labels.label_columns(paths, _keys(best[1]))


def _by_name(
    paths: list[Path], tables: Sequence[Sourced]
) -> tuple[Sourced, dict[str, float]] | None:
    """Where file names bear no number: the patient's name stands for the patient, if it must."""
    for sourced in tables:
        for column in sourced.roles.columns.get("name", []):
            trial = [Path(path.full) for path in paths]
            wanted = {column: ("patient", sourced.table.values(column))}
            if labels.label_columns(trial, wanted).get(column, 0.0) < 0.5:
                continue
            sourced.draft.set("columns.name", column)
            promote(sourced, "patient", column)
            sourced.roles.columns.setdefault("name", []).insert(0, column)
            sourced.roles.why[column] = "UNSURE: files bear names only; two may share one"
            return sourced, labels.label_columns(paths, wanted)
    return None


def _keys(sourced: Sourced) -> dict[str, tuple[str, list[str]]]:
    """Columns whose values may stand in file names, with the group each would be."""
    wanted = [*sourced.roles.columns.get("exam", []), *sourced.roles.columns.get("patient", [])]
    wanted += sourced.roles.columns.get("record_no", [])
    wanted += [n for n in sourced.roles.left if sourced.columns[n].numbers > 0.8]
    wanted += sourced.roles.columns.get("name", [])
    return {name: (_group(sourced, name), sourced.table.values(name)) for name in wanted}


def _group(sourced: Sourced, column: str) -> str:
    for role in ("exam", "patient", "name"):
        if column in sourced.roles.columns.get(role, []):
            return role
    values = sourced.table.values(column)
    return "exam" if len(set(values)) > 0.95 * len(values) else "patient"


def _matched(
    found: tuple[Sourced, dict[str, float]], paths: list[Path], globs: list[str], count: int
) -> Learnt:
    """Numbers in the paths equal a column of the table."""
    sourced, shares = found
    draft, table, roles = sourced.draft, sourced.table, sourced.roles
    keys = {_group(sourced, column): (column, share) for column, share in shares.items()}
    for group in ("exam", "patient"):
        if group in keys and roles.one(group) != keys[group][0]:
            promote(sourced, group, keys[group][0])
    forms = labels.label_dates(paths)
    _words(draft, paths)
    pattern = names.learn(paths, forms)
    why = "; ".join(f"{g} is the column {c} in {s:.0%}" for g, (c, s) in keys.items())
    draft.set("photos", globs, f"{count} files")
    if pattern is None:
        return Learnt(paths)
    regex = f"{why}; {pattern.read:.0%} of the paths are read wholly, {pattern.unread} not at all"
    draft.set("format.file_pattern", pattern.regex, regex)
    date_column = roles.one("exam_date")
    key = next((g for g in ("exam", "patient") if g in keys), None)
    if forms and "date" in pattern.groups:
        told = (
            f"{sum(any(s.role == 'date' for s in p.spans) for p in paths) / len(paths):.0%} bear it"
        )
        if date_column and key:
            days = joins.days_by(table, keys[key][0], date_column, sourced.forms)
            window, exact = joins.day_distance(paths, forms, key, days)
            told += f"; {exact:.0%} agree with {date_column}"
            draft.set("format.window_days", window or None, "days between file names and the table")
        draft.set("format.file_date", dates.written(forms), told)
    return Learnt(paths, pattern)


def promote(sourced: Sourced, group: str, column: str) -> None:
    """A column that file names bear is the key, whatever its header says."""
    columns = sourced.roles.columns
    before = columns.get(group, [])
    for names_ in columns.values():
        if column in names_:
            names_.remove(column)
    sourced.roles.left.pop(column, None)
    columns[group] = [column]
    columns.setdefault("record_no", []).extend(name for name in before if name != column)
    sourced.roles.why[column] = "its values stand in the photographs' names"


def _hidden(sources: Sequence[Sourced], paths: Sequence[Path], draft: SourceDraft) -> None:
    """Say so where the numbers of file names are parts of longer ones in a table."""
    told = [
        {run.text for run in path.runs if run.kind == "d" and len(run.text) >= 3} for path in paths
    ]
    for sourced in sources:
        if sourced.table.kind == "dicom":
            continue
        for name in sourced.table.columns:
            values = sourced.table.values(name)
            parts = {part for value in set(values) for part in re.findall(r"\d{3,}", value)}
            if len(set(values)) < 3 or any(len(value) > 40 for value in values[:50]):
                continue
            share = sum(bool(numbers & parts) for numbers in told) / len(told)
            if share > 0.5:
                draft.open.append(
                    f"{share:.0%} of the files bear a part of {name}: give that part a column"
                )


def _alone(
    site: Site, sources: list[Sourced], paths: list[Path], globs: list[str], count: int
) -> Learnt:
    """No table knows the photographs: their names are all there is."""
    draft = SourceDraft()
    draft.set("site", site.name, "stands in the corpus: choose one that may be published")
    draft.set("folder", site.folder)
    draft.set("kind", "folder", "no table has numbers that the file names bear")
    draft.set("photos", globs, f"{count} files")
    forms = labels.label_dates(paths)
    _words(draft, paths)
    found = labels.label_unknown(paths)
    pattern = names.learn(paths, forms)
    if pattern is not None:
        why = f"{pattern.read:.0%} of the paths are read wholly, {pattern.unread} not at all"
        draft.set("format.file_pattern", pattern.regex, why)
        for group in pattern.groups:
            role = {"date": "exam_date"}.get(group, group)
            if role in ("exam", "patient", "name", "exam_date", "eye"):
                draft.set(f"columns.{role}", group, found.get(group, "a group of file_pattern"))
        if forms and "date" in pattern.groups:
            draft.set("format.file_date", dates.written(forms))
            draft.set("format.exam_date", dates.written(forms))
    _hidden(sources, paths, draft)
    if "patient" not in found and "name" not in found:
        draft.open.append("no part of the paths seems to stand for a patient: see the samples")
    sources.append(Sourced(Table([], "folder", [], []), Roles(), {}, draft))
    return Learnt(paths, pattern)
