"""One table of a site -> a drafted `[[source]]`: how it is written, columns, words, date forms."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from funduscope.archive.draft import cells, dates
from funduscope.archive.draft.columns import Column, Roles, assign
from funduscope.archive.draft.keys import (
    FHIR_ROLES,
    IDENTITY_ROLES,
    ONE_COLUMN,
    SEVERAL_COLUMNS,
)
from funduscope.archive.draft.listing import Site, below, literal
from funduscope.archive.draft.tables import Table
from funduscope.archive.draft.toml import SourceDraft
from funduscope.archive.draft.words import is_chinese_name, meanings, plain, role_of
from funduscope.archive.places import matches


@dataclass
class Sourced:
    """A table with its roles and its draft."""

    table: Table
    roles: Roles
    columns: dict[str, Column]
    draft: SourceDraft = field(default_factory=SourceDraft)

    def add_column(self, name: str) -> None:
        """Take in a column that was found after the table was read."""
        self.columns[name] = Column(name, self.table.values(name))

    @property
    def forms(self) -> list[str]:
        """Forms of the examination's date."""
        name = self.roles.one("exam_date")
        return self.columns[name].date_forms[0] if name else []


def open_table(site: Site, table: Table, file_names: Collection[str]) -> Sourced:
    """A table with the roles of its columns; nothing of the photographs yet."""
    columns = {name: Column(name, table.values(name), file_names) for name in table.columns}
    if table.kind == "fhir":
        roles = Roles({role: list(names) for role, names in FHIR_ROLES.items()})
    else:
        roles = assign(columns) if table.kind != "dicom" else Roles()
    _settle_visits(table, roles)
    sourced = Sourced(table, roles, columns)
    draft = sourced.draft
    draft.set("site", site.name, "stands in the corpus: choose one that may be published")
    draft.set("folder", site.folder)
    if table.kind != "dicom":
        globs = _globs(site, table)
        draft.set("table", globs[0] if len(globs) == 1 else globs)
    draft.set("kind", table.kind)
    draft.set("encoding", table.encoding, "every byte of the part that was read fits it")
    draft.set("delimiter", table.delimiter)
    draft.open += table.doubts
    return sourced


def read_codes(sourced: Sourced, tables: Sequence[Table]) -> None:
    """Let a list of codes beside the tables (`1 Right`, `2 Left`) say what codes of eyes mean."""
    roles = sourced.roles
    for name in list(roles.left):
        said, codes = role_of(name), _legend(name, tables)
        used = set(sourced.table.values(name))
        if said is not None and said[0] == "eye" and len(used & codes.keys()) > 0.8 * len(used):
            del roles.left[name]
            roles.columns["eye"] = [name]
            roles.why[name] = "header word; a list tells what its codes mean"
            sourced.draft.set("values.eye", codes, "a list of codes")


def _legend(name: str, tables: Sequence[Table]) -> dict[str, str]:
    """What rows of nothing but a code and a word for an eye tell."""
    found: dict[str, str] = {}
    for row in (row for table in tables for row in table.rows):
        filled = {key: cell.strip() for key, cell in row.items() if cell.strip()}
        words = [plain(cell) for key, cell in filled.items() if key != name]
        if name in filled and len(words) == 1 and words[0] in meanings("eye"):
            found[filled[name]] = meanings("eye")[words[0]]
    return found


def _settle_visits(table: Table, roles: Roles) -> None:
    """A number under which a table has several days is the patient's, not an examination's."""
    number, day = roles.one("exam"), roles.one("exam_date")
    whose = roles.one("patient") or roles.one("name")
    if number is not None and whose is not None:
        persons: defaultdict[str, set[str]] = defaultdict(set)
        for row in table.rows:
            if row.get(number) and row.get(whose):
                persons[row[number]].add(row[whose])
        if sum(len(some) > 1 for some in persons.values()) > 0.3 * len(persons):
            roles.left[number] = "a number that several patients bear counts rows, it is no key"
            del roles.columns["exam"]
            return
    if number is None or day is None or roles.one("patient") is not None:
        return
    days: defaultdict[str, set[str]] = defaultdict(set)
    for row in table.rows:
        if row.get(number) and row.get(day):
            days[row[number]].add(row[day])
    if any(len(some) > 1 for some in days.values()):
        roles.columns["patient"] = [roles.columns.pop("exam")[0]]
        roles.why[number] += "; the same number stands under several days"


def _globs(site: Site, table: Table) -> list[str]:
    """The table's files below the site's folder: a path, or globs that find them and no other.

    Numbers in the name of a file may point at a person: a glob stands for them.
    """
    paths = [below(path, site.folder) for path in table.paths]
    numbered = table.kind in ("fhir", "xml", "jsonl", "text") and re.search(r"\d{3}", paths[0])
    if len(paths) == 1 and not numbered:
        return paths
    rest = {file.below(site.folder) for file in site.of("table")} - set(paths)
    if len(paths) <= 3 and not numbered:
        return sorted(paths)
    found: set[str] = set()
    for path in paths:
        folder, _, name = path.rpartition("/")
        suffix = name.rpartition(".")[2]
        top = folder.split("/")[0]
        wide = [f"{literal(top)}/**/*.{suffix}", f"**/*.{suffix}"] if top else []
        near = f"{literal(folder)}/*.{suffix}" if folder else f"*.{suffix}"
        alone = len({one.rpartition("/")[0] for one in paths}) == 1
        named = bool(re.search(r"\d{3}", folder)) or is_chinese_name(folder.rpartition("/")[2])
        tries = [near, *wide] if alone and not named else [*wide, near]
        if named:
            tries = [f"**/*.{suffix}"]
        clean = [glob for glob in tries if not any(matches(one, (glob,)) for one in rest)]
        found.add(next(iter(clean), tries[-1]))
    if any(glob.startswith("**/") for glob in found):
        found = {glob for glob in found if "/" in glob}
    return sorted(found)


def write_columns(sourced: Sourced) -> None:
    """Put roles, date forms and words into the draft."""
    table, roles, draft = sourced.table, sourced.roles, sourced.draft
    if table.kind in ("dicom", "folder"):
        return
    if table.kind == "fhir":
        for role in ("exam", "patient"):
            if (name := roles.one(role)) != FHIR_ROLES[role][0]:
                draft.set(f"columns.{role}", name, roles.why.get(name or "", ""))
        _words(sourced, "code", "gender")
        return
    names = _parts_of_name(sourced)
    why = roles.why.get(names[0], "") if names else ""
    draft.set("columns.name", names if len(names) > 1 else "".join(names), why)
    for role in ONE_COLUMN:
        columns = roles.columns.get(role, [])
        if columns:
            draft.set(f"columns.{role}", columns[0], roles.why.get(columns[0], ""))
    for role in SEVERAL_COLUMNS:
        several = roles.columns.get(role, [])
        draft.set(f"columns.{role}", several, "; ".join(roles.why.get(one, "") for one in several))
    _identity(sourced)
    if table.kind == "xml" and table.rows:
        used = [key.partition(".")[2] for key in draft.guesses if key.startswith("columns.")]
        draft.set("optional", used, "not every report has every element")
    for role in ("birth_date", "exam_date"):
        _dates(sourced, role)
    _words(sourced, roles.one("procedure"), roles.one("sex"))
    _check(sourced)


def _identity(sourced: Sourced) -> None:
    roles, table = sourced.roles, sourced.table
    found = {name for role in IDENTITY_ROLES for name in roles.columns.get(role, [])}
    found |= set(roles.columns.get("name", [])) - set(_parts_of_name(sourced))
    listed = [name for name in table.columns if name in found]
    about = sorted({role for role in IDENTITY_ROLES if roles.columns.get(role)})
    sourced.draft.set("columns.identity", listed, ", ".join(about) or "second column of the name")


def _parts_of_name(sourced: Sourced) -> list[str]:
    """Columns for family and given name, or the one for the whole name."""
    columns = sourced.roles.columns.get("name", [])
    words = [len(v.split()) for name in columns for v in sourced.table.values(name)]
    apart = len(columns) > 1 and sum(n == 1 for n in words) > 0.8 * len(words)
    return columns if apart else columns[:1]


def _dates(sourced: Sourced, role: str) -> None:
    name = sourced.roles.one(role)
    if name is None or not sourced.columns[name].values:
        return
    values = sourced.columns[name].distinct
    forms, share = sourced.columns[name].date_forms
    excel = sum(map(dates.is_excel_day, values))
    why = f"{share:.0%} of the different values are read"
    if excel:
        why += f"; {excel} are day numbers of a spreadsheet, which need no form"
    if dates.is_turned(forms, values):
        why += "; UNSURE: day and month may be the other way round"
    if forms:
        sourced.draft.set(f"format.{role}", dates.written(forms), why)


def _words(sourced: Sourced, procedure: str | None, sex: str | None) -> None:
    table, draft, roles = sourced.table, sourced.draft, sourced.roles
    if procedure and table.values(procedure):
        found, unknown, rest = cells.procedures(table.values(procedure))
        draft.set("values.procedure", found, "cfp is kept; oct, ffa and other are left out")
        for word in unknown:
            draft.open.append(
                f'a procedure that is not known: "{word}" = "cfp | oct | ffa | other"'
            )
        if rest:
            draft.open.append(f"{rest} cells of {procedure} hold rare words: see the samples")
    if sex and table.values(sex):
        numbers = roles.one("id_card")
        rows = [row for row in table.rows if row.get(sex)]
        ids = [row.get(numbers or "") for row in rows]
        words, why = cells.sex_words([row[sex].strip() for row in rows], ids)
        draft.set("values.sex", words, why)
    eye = roles.one("eye")
    if eye:
        said = [word.strip() for cell in table.values(eye) for word in cell.split(";")]
        eyes, rest = cells.known_words([word for word in said if word], "eye")
        eyes |= draft.get("values.eye") or {}
        draft.set(
            "values.eye",
            eyes,
            "words of the column and of file names" + (f"; {rest} others" if rest else ""),
        )
    age = roles.one("age")
    if age:
        draft.set("values.age_unit", cells.age_units(table.values(age)), "words behind the ages")


def _check(sourced: Sourced) -> None:
    """Lines on what a person should decide."""
    roles, draft = sourced.roles, sourced.draft
    if not sourced.table.columns:
        return
    if not roles.columns.get("exam") and not roles.columns.get("patient"):
        draft.open.append("no column for exam or patient: look for the one with numbers")
    if not any(roles.columns.get(role) for role in ("report", "report_right", "report_left")):
        draft.open.append("no column for report: is there one with sentences?")
    if roles.left:
        names = ", ".join(roles.left)
        draft.open.append(f"not used (add a column that may name a person to identity): {names}")
