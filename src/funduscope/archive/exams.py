"""Rows of a site -> examinations: whose, when, which photographs of which eye, which reports.

Several sources of one site meet in the examinations that their rows name; rows without a number
of one meet by patient and date. Nothing is read from photographs here. What cannot be placed
becomes a `Note`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path, PurePosixPath
from typing import Literal

from funduscope import findings
from funduscope.archive import places, readers, values
from funduscope.archive.description import NAME, Source
from funduscope.archive.facts import Facts
from funduscope.archive.readers import FILE_COLUMN, Given, Row, Sheet
from funduscope.archive.records import Collected, Exam, Note, Photo, Report

_DOCUMENT = re.compile(
    r"(?:^|[/!])(?:~\$|\.DS_Store$|Thumbs\.db$)[^/]*$"
    r"|\.(?:db|ini|txt|log|md|csv|tsv|xlsx?|docx?|pptx?|pdf|rtf|html?|xml|json|ndjson)$",
    re.IGNORECASE,
)
"""Files that are no photographs by their names; whatever else lies among photographs is opened."""


def collect(archive: Path, site: str, sources: Sequence[tuple[int, Source]]) -> Collected:
    """Everything that the rows of one site's sources say.

    Raises:
        DataError: a table or a column of it is missing, or its encoding is unknown.
    """
    found = Collected(site)
    listed = []
    for index, source in sources:
        tables = readers.tables_of(archive, source)
        entries = [
            entry
            for entry in places.entries(archive, source.folder, source.photos)
            if entry.path != NAME and (entry.path not in tables or source.kind == "dicom")
        ]
        listed.append((index, source, tables, entries))
    every_table = {table for *_, tables, _ in listed for table in tables}
    for index, source, _, entries in listed:
        for entry in entries:
            if entry.path in every_table and source.kind != "dicom":
                continue
            if entry.fault is None and _DOCUMENT.search(entry.path):
                detail = "a document among photographs; not read"
                found.notes.append(
                    Note(entry.path, "record", "read", "not_a_record", detail, "rejected")
                )
                continue
            found.photos.setdefault(entry.path, (index, entry))
    builders = []
    for index, source, tables, entries in listed:
        photos = [entry for entry in entries if found.photos.get(entry.path, (-1,))[0] == index]
        sheet = readers.read(Given(archive, source, tables, photos))
        found.objects |= sheet.objects
        found.seen.update(text for one in sheet.objects.values() for text in one.seen)
        builder = _Builder(found, index, source)
        for row in sheet.rows:
            builder.add(row)
        builders.append((builder, sheet))
    for builder, _ in builders:
        builder.add_waiting()
    for exam in found.exams.values():
        found.describe(exam)
        exam.reports = _of_photographs(exam.reports)
    for builder, sheet in builders:
        builder.finish(sheet)
    return found


class _Builder:
    """Takes the rows of one source into the examinations of its site."""

    def __init__(self, found: Collected, index: int, source: Source) -> None:
        self.found = found
        self.index = index
        self.source = source
        self.facts = Facts(source, self._conflict)
        self.waiting: list[Row] = []
        self.whose: dict[str, str] = {}
        self.when: dict[str, date] = {}
        self.by_name: dict[str, list[str]] = {}
        for path in found.photos:
            name = PurePosixPath(path.rpartition("!")[2]).name
            self.by_name.setdefault(_folded(name), []).append(path)
            bare = f"{PurePosixPath(name).stem}.*"  # some lists leave the suffix out
            self.by_name.setdefault(_folded(bare), []).append(path)

    def note(self, place: str, item: str, step: str, code: str, detail: str, review: bool) -> None:
        """Add a line to the ledger."""
        severity = "review" if review else "rejected"
        self.found.notes.append(Note(place, item, step, code, detail, severity))

    def _conflict(self, exam: Exam, code: str, detail: str) -> None:
        self.note(exam.place, "record", "read", code, detail, True)

    def add(self, row: Row) -> None:
        """Take one row into its examination; without a number of one it waits for the others."""
        number = row.cells.get(self.source.columns.exam or "")
        patient = row.cells.get(self.source.columns.patient or "")
        if number is None and patient is not None:
            self.waiting.append(row)
        else:
            self._take(row, self._key(number, row) if number else None)

    def add_waiting(self) -> None:
        """Take the rows that tell a patient and no number of an examination."""
        for row in self.waiting:
            patient = row.cells[self.source.columns.patient or ""]
            told = self.source.columns.exam_date in row.cells
            if not self._speaks(row):
                self._person(row, patient)
                if not told:
                    continue
            visit = self._visit(row)
            near = self._near(patient, visit)
            if len(near) > 1 and self._speaks(row):
                self._undecided(row)
                continue
            own = values.key(patient)
            own = f"{own}@{visit}" if visit else own
            self._take(row, near[0].key if len(near) == 1 else own)

    def _key(self, number: str, row: Row) -> str:
        """Key of a number; on another day it is another examination's."""
        own = key = values.key(number)
        visit = self._visit(row)
        if visit is not None and self._speaks(row):
            day = self.when.setdefault(key, visit)
            if abs(day - visit) > timedelta(days=self.source.format.window_days):
                key = f"{key}\x1f{visit}"
        known = self.found.of_number.setdefault(own, [])
        known += [key] if key not in known else []
        return key

    def _speaks(self, row: Row) -> bool:
        """Whether a row says more than whose number and facts it holds."""
        columns = self.source.columns
        told = (*columns.report, *columns.report_right, *columns.report_left, *columns.images,
                *columns.right, *columns.left, *columns.eye_report.values())  # fmt: skip
        own = self.source.kind in ("folder", "dicom")
        return own or any(name in row.cells for name in told)

    def _person(self, row: Row, patient: str) -> None:
        """A row on a patient speaks of all examinations of the patient."""
        found, key = self.found, values.key(patient)
        person = found.persons.get(key)
        if person is None:
            person = Exam(self.index, found.site, key, key, f"{row.place}#{row.number}")
            found.persons[key] = person
        self.facts.add_person(person, row)
        person.seen.update(row.seen)
        for name in person.secrets.get("name", ()):
            found.names.setdefault(values.key(name), set()).add(key)
        counted = self.facts.odd.copy()

        def add(exam: Exam) -> None:
            self.facts.add_person(exam, row)
            self.facts.odd = counted.copy()

        found.people.setdefault(key, []).append(add)

    def _near(self, patient: str, visit: date | None) -> list[Exam]:
        """The numbered examinations that a row on the patient, at that date, may speak of."""
        own = values.key(patient)
        exams = [e for e in self.found.exams.values()
                 if e.numbered and e.patient == own]  # fmt: skip
        if visit is None:
            return exams
        window = timedelta(days=self.source.format.window_days)
        near = [e for e in exams if e.visit and abs(e.visit - visit) <= window]
        return near or [exam for exam in exams if exam.visit is None]

    def _undecided(self, row: Row) -> None:
        """Several examinations of the patient could have this row: a person decides."""
        place = f"{row.place}#{row.number}"
        detail = "several examinations of the patient could have this row"
        for photo in self._named(row):
            if photo.path in self.found.photos:
                self.found.claims.setdefault(photo.path, {}).update({f"{place}?": photo})
        if self._text(row):
            self.note(place, "report", "pairing", "two_records", detail, True)

    def _visit(self, row: Row) -> date | None:
        text = row.cells.get(self.source.columns.exam_date or "", "")
        return values.parse_date(text, self.source.format.exam_date)

    def _take(self, row: Row, key: str | None) -> None:
        columns = self.source.columns
        cell = row.cells.get
        patient = cell(columns.patient or "")
        patient = values.key(patient) if patient else None
        place = f"{row.place}#{row.number}"
        named = self._named(row)
        words = {name: cell(column) for name, column in columns.eye_report.items()}
        eyes = {photo.eye for photo in named} or {_common(self._eyes(row))[0]}
        apart = any(words.values()) and (eyes == {"unknown"} or patient is None)
        if key is None or apart:
            key = values.key(named[0].path if named else place)
        exam = self.found.exams.get(key)
        if exam is None:
            exam = Exam(self.index, self.found.site, key, patient, place)
            self.found.exams[key] = exam
        exam.numbered = exam.numbered or columns.exam in row.cells
        exam.patient = exam.patient or patient
        if patient and patient != self.whose.setdefault(key, patient):
            exam.unsure.add("patient")
        exam.seen.update(row.seen)
        self.facts.add(exam, row, self._visit(row))
        self._claim(exam, place, named)
        self._report(exam, row, place)
        for language, said in words.items():
            if said and apart:
                exam.reports.append(Report(said, place, language))
            elif said:
                for eye in sorted(eyes - {"unknown"}):
                    there = exam.eye_words.setdefault(language, {}).setdefault(eye, [])
                    there += [said] if said not in there else []

    def _text(self, row: Row) -> str:
        """The report of a row; parts that speak of one eye say so."""
        columns, cell = self.source.columns, row.cells.get
        parts = [cell(name) for name in columns.report]
        sides = (("OD", columns.report_right), ("OS", columns.report_left))
        for eye, names in sides:
            own = "\n".join(text for name in names if (text := cell(name)))
            parts.append(speaking_of(own, eye) if own else None)
        return "\n".join(part for part in parts if part)

    def _report(self, exam: Exam, row: Row, place: str) -> None:
        text = self._text(row)
        if not text:
            return
        eye = _common(self._eyes(row))[0]
        own = eye if eye in values.EYES else None
        for at, known in enumerate(exam.reports):
            # The same words on both eyes' rows speak of both.
            if known.text == text and not known.withdrawn:
                both = known.eye if known.eye == own else None
                exam.reports[at] = replace(known, eye=both)
                return
        procedure = row.cells.get(self.source.columns.procedure or "")
        kind = values.word(procedure, self.source.values.procedure) if procedure else None
        if procedure:
            self.facts.odd_word("procedure", procedure, kind)
        other = kind if kind not in (None, "cfp", "uwf") else None
        void = values.withdrawn(row.cells.get(self.source.columns.status or "", ""))
        told: Literal["", "cfp", "odd"] = "" if not procedure else "odd" if kind is None else "cfp"
        one = Report(text, place, other=other, eye=own, withdrawn=void, told=told)
        exam.reports.append(one)

    def _eyes(self, row: Row) -> list[tuple[str, str]]:
        """Eye and eye_source of a row that has a column for it; several are parted as names are."""
        cell = row.cells.get(self.source.columns.eye or "", "")
        told = "dicom" if self.source.kind.startswith("dicom") else "record"
        found: list[tuple[str, str]] = []
        for text in cell.split(self.source.format.separator):
            eye = values.word(text, self.source.values.eye, values.EYES)
            found.append((eye, told) if eye and eye != "unknown" else ("unknown", "record"))
        return found

    def _named(self, row: Row) -> list[Photo]:
        """The photographs that a row names, with what the row says of each."""
        columns, form = self.source.columns, self.source.format
        own = (FILE_COLUMN,) if self.source.kind in ("folder", "dicom") else ()
        labels = row.cells.get(columns.labels or "", "").split(form.label_separator)
        split = row.cells.get(columns.split or "")
        common = Photo(
            path="",
            labels=tuple(word.strip() for word in labels if word.strip()),
            licence=row.cells.get(columns.licence or ""),
            split=values.word(split, self.source.values.split) if split else None,
        )
        found = []
        for column, eyes in (
            *((column, [("OD", "record")]) for column in columns.right),
            *((column, [("OS", "record")]) for column in columns.left),
            *((column, self._eyes(row)) for column in columns.images or own),
        ):
            names = row.cells.get(column, "").split(form.separator)
            # As many eyes as names: one each, in order. Else the row's one eye, or none of several.
            each = eyes if len(eyes) == len(names) else [_common(eyes)] * len(names)
            for name, (eye, told) in zip(names, each, strict=True):
                if name.strip():
                    path = self._path(name.strip().replace("\\", "/"))
                    found.append(replace(common, path=path, eye=eye, eye_source=told))
        return found

    def _path(self, name: str) -> str:
        """The photograph below the archive that a cell names: by its path, or by its end alone."""
        path = str(PurePosixPath(f"{self.source.prefix}{name}"))
        if path in self.found.photos or name in self.found.photos:
            return path if path in self.found.photos else name
        parts = PurePosixPath(name).parts
        tries = [_folded(parts[-1]), _folded(f"{parts[-1]}.*")] if parts else []
        alike = next((some for one in tries if (some := self.by_name.get(one))), [])
        exact = [one for one in alike if one.endswith(parts[-1])]
        alike = exact or alike
        for depth in range(1, len(parts) + 1):
            if len(alike) < 2:
                break
            end = _folded("/".join(parts[-depth:]))
            alike = [o for o in alike if f"/{_folded(o.replace('!', '/'))}".endswith(f"/{end}")]
        return alike[0] if len(alike) == 1 else path

    def _claim(self, exam: Exam, place: str, named: Iterable[Photo]) -> None:
        for photo in named:
            if photo.path not in self.found.photos:
                detail = "the row names a photograph that is not there"
                where = f"{place}:{photo.path}"
                self.note(where, "record", "read", "missing_image", detail, False)
                continue
            there = self.found.claims.setdefault(photo.path, {})
            if exam.key in there:  # a second row on the same photograph adds its labels
                known = there[exam.key]
                more = tuple(word for word in photo.labels if word not in known.labels)
                photo = replace(known, labels=known.labels + more)
            there[exam.key] = photo

    def finish(self, sheet: Sheet) -> None:
        """Note what could not be read, and what a person should confirm."""
        columns = self.source.columns
        unknown = not columns.roles()  # nothing could be read of it but that it is broken
        item = "report" if columns.report or columns.report_right or unknown else "record"
        for row in sheet.bad:
            self.note(f"{row.place}#{row.number}", item, "read", "bad_row", row.detail, True)
            self.found.seen.update(row.seen)
        for row in sheet.aside:
            place = f"{row.place}#{row.number}"
            self.note(place, "record", "read", "not_a_record", row.detail, False)
        for doubt in sheet.doubts:
            place, _, detail = doubt.partition(": ")
            self.note(place, "record", "read", "table_doubt", detail, True)
        for role in ("eye", "split"):
            self._odd_cells(role, sheet)
        # The word itself may be anything (a name in the wrong column): it goes to the place, which
        # only the site can read.
        for (role, text), count in sorted(self.facts.odd.items()):
            detail = f"a word for {role} is not understood, in {count} rows; left empty"
            table = f"{self.source.prefix}{', '.join(self.source.table)}"
            self.note(f"{table}#{role}={text}", "record", "read", f"odd_{role}", detail, True)

    def _odd_cells(self, role: str, sheet: Sheet) -> None:
        column = getattr(self.source.columns, role)
        words = getattr(self.source.values, role)
        for row in sheet.rows:
            cell = row.cells.get(column or "", "")
            for text in cell.split(self.source.format.separator) if role == "eye" else [cell]:
                if text.strip():
                    known = values.word(text, words, values.EYES if role == "eye" else ())
                    self.facts.odd_word(role, text, known)


def _of_photographs(reports: list[Report]) -> list[Report]:
    """Beside a report of the photograph one of an examination nobody knows is of another one."""
    if not any(report.told == "cfp" and report.other is None for report in reports):
        return reports
    return [replace(one, other="other") if one.told == "odd" else one for one in reports]


def _folded(name: str) -> str:
    """A file's name as systems without letter case, and with parted accents, compare it."""
    return unicodedata.normalize("NFC", name).casefold()


def _common(eyes: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """The one eye that is told, or none."""
    return eyes[0] if len(set(eyes)) == 1 else ("unknown", "record")


def speaking_of(text: str, eye: str) -> str:
    """Words on one eye as a sentence that names it, unless they name an eye themselves."""
    if set(findings.eye_texts(text)) - {"unknown"}:
        return text
    joined = " ".join(line.strip() for line in text.split("\n"))
    if findings.language_of(text) == "en":
        return f"{'Right' if eye == 'OD' else 'Left'} eye: {joined}"
    side = "\u53f3\u773c" if eye == "OD" else "\u5de6\u773c"
    return f"{side}\uff1a{joined}"
