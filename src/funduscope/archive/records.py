"""Rows of a site -> examinations: whose, when, which photographs of which eye, which reports.

Several sources of one site meet in the examinations that their rows name. Nothing is read from
photographs here. What cannot be placed becomes a `Note`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path, PurePosixPath

from funduscope.archive import places, readers, values
from funduscope.archive.description import NAME, Columns, Source
from funduscope.archive.places import Entry
from funduscope.archive.readers import FILE_COLUMN, BadRow, Given, Object, Row


@dataclass(frozen=True)
class Note:
    """A line for the ledger; `place` is the real place in the archive, pseudonymized later."""

    place: str
    item: str
    step: str
    code: str
    detail: str
    severity: str


@dataclass(frozen=True)
class Photo:
    """A photograph that a record names.

    Attributes:
        path: below the archive, with forward slashes; members of ZIP files as `x.zip!member`.
        frame: number of the picture, from 0, in a file of several; None in a file of one.
        eye_source: record, dicom, filename, none; conflict where two of them tell different eyes.
        kind: cfp, or what its name says it is: external, red_free, both_eyes.
    """

    path: str
    eye: str = "unknown"
    eye_source: str = "none"
    labels: tuple[str, ...] = ()
    licence: str | None = None
    split: str | None = None
    field: str = "unknown"
    kind: str = "cfp"
    frame: int | None = None

    @property
    def place(self) -> str:
        """Where it lies: the file (with its first picture), or a further picture of the file."""
        return f"{self.path}#frame={self.frame}" if self.frame else self.path


@dataclass(frozen=True)
class Report:
    """A report as written; `place` is its row, `other` the examination it is about if not ours."""

    text: str
    place: str
    language: str | None = None
    other: str | None = None


@dataclass
class Exam:
    """One examination of one patient (or one photograph, where nobody says whose it is).

    Attributes:
        key, patient: the source's own numbers; never stored.
        secrets: everything in the record that points at a person, to be removed from its reports.
        seen: further identifying strings, which only the last look at the corpus is given.
        unsure: facts (age, sex, date) that rows or columns tell differently; they stay empty. An
            unsure patient has the number of this examination in common with another.
        eye_words: language -> eye -> words on that eye.
    """

    source: int
    site: str
    key: str
    patient: str | None
    place: str
    visit: date | None = None
    age: int | None = None
    sex: str | None = None
    camera: str | None = None
    birth: date | None = None
    secrets: dict[str, tuple[str, ...]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    photos: list[Photo] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    eye_words: dict[str, dict[str, list[str]]] = field(default_factory=dict)


@dataclass
class Collected:
    """What the rows of one site say, before photographs without a row are placed.

    Attributes:
        claims: path of a photograph -> key of an examination -> the photograph as told there.
        photos: all photographs of the site: path below the archive -> (index of source, entry).
        objects: those that are DICOM objects: path -> what it says of itself.
        seen: identifying strings of rows that came to nothing.
    """

    site: str
    exams: dict[str, Exam] = field(default_factory=dict)
    claims: dict[str, dict[str, Photo]] = field(default_factory=dict)
    photos: dict[str, tuple[int, Entry]] = field(default_factory=dict)
    objects: dict[str, Object] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)


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
            if entry.path not in every_table or source.kind == "dicom":
                found.photos.setdefault(entry.path, (index, entry))
    for index, source, tables, entries in listed:
        photos = [entry for entry in entries if found.photos.get(entry.path, (-1,))[0] == index]
        sheet = readers.read(Given(archive, source, tables, photos))
        found.objects |= sheet.objects
        found.seen.update(text for one in sheet.objects.values() for text in one.seen)
        builder = _Builder(found, index, source)
        for row in sheet.rows:
            builder.add(row)
        builder.finish(sheet.bad)
    return found


_EYE_WORDS = (("report_right", "Right eye: ", "\u53f3\u773c\uff1a"),
              ("report_left", "Left eye: ", "\u5de6\u773c\uff1a"))  # fmt: skip


def _common(eyes: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """The one eye that is told, or none."""
    return eyes[0] if len(set(eyes)) == 1 else ("unknown", "none")


def _of_eyes(row: Row, columns: Columns) -> Iterator[str]:
    """Words on one eye that stand in columns of their own, with the eye before them."""
    for role, english, chinese in _EYE_WORDS:
        said = "\n".join(text for name in getattr(columns, role) if (text := row.cells.get(name)))
        if said:
            yield f"{english if said.isascii() else chinese}{said}"


class _Builder:
    """Takes the rows of one source into the examinations of its site."""

    def __init__(self, found: Collected, index: int, source: Source) -> None:
        self.found = found
        self.index = index
        self.source = source
        self.odd: Counter[tuple[str, str]] = Counter()
        self.patient_of: dict[str, str] = {}
        self.by_name: dict[str, list[str]] = {}
        for path in found.photos:
            self.by_name.setdefault(PurePosixPath(path.rpartition("!")[2]).name, []).append(path)

    def note(self, place: str, item: str, step: str, code: str, detail: str, review: bool) -> None:
        """Add a line to the ledger."""
        severity = "review" if review else "rejected"
        self.found.notes.append(Note(place, item, step, code, detail, severity))

    def add(self, row: Row) -> None:
        """Take one row into its examination."""
        columns = self.source.columns
        cell = row.cells.get
        patient = cell(columns.patient or "")
        place = f"{row.place}#{row.number}"
        named = self._named(row)
        visit = values.parse_date(cell(columns.exam_date or "", ""), self.source.format.exam_date)
        key = cell(columns.exam or "")
        if key is None and patient is not None:
            key = f"{patient}@{visit}" if visit else patient
        words = {name: cell(column) for name, column in columns.eye_report.items()}
        eyes = {photo.eye for photo in named} or {self._eye(cell(columns.eye or "", ""))[0]}
        apart = any(words.values()) and (eyes == {"unknown"} or patient is None)
        if key is None or apart:
            key = named[0].path if named else place
        key = values.key(key)
        exam = self.found.exams.get(key)
        if exam is None:
            exam = Exam(self.index, self.found.site, key, patient, place)
            self.found.exams[key] = exam
        exam.patient = exam.patient or patient
        if patient and values.key(patient) != self.patient_of.setdefault(key, values.key(patient)):
            exam.unsure.add("patient")
        exam.seen.update(row.seen)
        self._facts(exam, row, visit)
        self._claim(exam, place, named)
        self._reports(exam, row, place)
        for language, said in words.items():
            if said and apart:
                exam.reports.append(Report(said, place, language))
            elif said:
                for eye in sorted(eyes - {"unknown"}):
                    there = exam.eye_words.setdefault(language, {}).setdefault(eye, [])
                    there += [said] if said not in there else []

    def _reports(self, exam: Exam, row: Row, place: str) -> None:
        columns = self.source.columns
        parts = [*_of_eyes(row, columns), *(row.cells.get(name, "") for name in columns.report)]
        text = "\n".join(part for part in parts if part)
        if not text or any(report.text == text for report in exam.reports):
            return
        procedure = row.cells.get(columns.procedure or "")
        kind = values.word(procedure, self.source.values.procedure) if procedure else None
        if procedure:
            self._odd("procedure", procedure, kind)
        other = kind if kind not in (None, "cfp", "uwf") else None
        exam.reports.append(Report(text, place, other=other))

    def _facts(self, exam: Exam, row: Row, visit: date | None) -> None:
        """Date, age, sex, camera and secrets; two rows or columns that disagree leave it empty."""
        columns, form = self.source.columns, self.source.format
        cell = row.cells.get
        self._odd("exam_date", cell(columns.exam_date or "", ""), visit)
        if values.to_come(visit):
            self._conflict(exam, "date", "the examination lies in the future")
        else:
            exam.visit = exam.visit or visit
        for role in ("name", "identity", "patient", "exam", "birth_date", "exam_date"):
            said = tuple(row.cells.get(c, "") for c in columns.roles().get(role, ()))
            known = exam.secrets.get(role, ())
            exam.secrets[role] = known + tuple(s for s in said if s and s not in known)
        told = [p for s in exam.secrets["identity"] + exam.secrets["patient"]
                if (p := values.resident_id(s))]  # fmt: skip
        if exam.patient is None and told:  # no number of the site, but one of the person
            exam.patient = next(s for s in exam.secrets["identity"] if values.resident_id(s))
        births = {born for born, _ in told}
        if text := cell(columns.birth_date or ""):
            born = values.parse_date(text, form.birth_date)
            born = None if values.to_come(born) else born
            self._odd("birth_date", text, born)
            births |= {born} if born else set()
        births |= {exam.birth} if exam.birth else set()
        self._age(exam, row, births)
        sexes = {sex for _, sex in told}
        if text := cell(columns.sex or ""):
            known_sex = values.word(text, self.source.values.sex, values.SEXES)
            self._odd("sex", text, known_sex)
            sexes |= {known_sex} if known_sex else set()
        sexes |= {exam.sex} if exam.sex else set()
        if len(sexes) > 1:
            self._conflict(exam, "sex", "the record tells two sexes")
        exam.sex = None if "sex" in exam.unsure else next(iter(sexes), None)
        exam.camera = exam.camera or cell(columns.camera or "")

    def _age(self, exam: Exam, row: Row, births: set[date]) -> None:
        text = row.cells.get(self.source.columns.age or "")
        age = values.parse_age(text, self.source.values.age_unit) if text else None
        if text:
            self._odd("age", text, age)
        between = {values.age_between(born, exam.visit) for born in births if exam.visit}
        ages = {a for a in between if a is not None}
        impossible = len(births) > 1 or None in between
        if impossible or any(age is not None and abs(a - age) > 1 for a in ages):
            self._conflict(exam, "age", "the record tells two ages or dates of birth")
        exam.birth = None if "age" in exam.unsure else next(iter(births), None)
        known = next((a for a in (age, exam.age, *ages) if a is not None), None)
        exam.age = None if "age" in exam.unsure else known

    def _conflict(self, exam: Exam, what: str, detail: str) -> None:
        if what not in exam.unsure:
            exam.unsure.add(what)
            code = f"{what}_conflict"
            self.note(exam.place, "record", "read", code, f"{detail}; left empty", True)

    def _odd(self, role: str, text: str, meaning: object) -> None:
        if text and meaning is None:
            self.odd[role, text] += 1

    def _eye(self, text: str) -> tuple[str, str]:
        """Eye and eye_source that a cell tells."""
        if not text.strip():
            return "unknown", "none"
        eye = values.word(text, self.source.values.eye, values.EYES)
        self._odd("eye", text, eye)
        told = "dicom" if self.source.kind.startswith("dicom") else "record"
        return (eye, told) if eye and eye != "unknown" else ("unknown", "none")

    def _named(self, row: Row) -> list[Photo]:
        """The photographs that a row names, with what the row says of each."""
        columns, form = self.source.columns, self.source.format
        own = (FILE_COLUMN,) if self.source.kind in ("folder", "dicom") else ()
        labels = row.cells.get(columns.labels or "", "").split(form.label_separator)
        split = row.cells.get(columns.split or "")
        known = values.word(split, self.source.values.split) if split else None
        if split:
            self._odd("split", split, known)
        common = Photo(
            path="",
            labels=tuple(word.strip() for word in labels if word.strip()),
            licence=row.cells.get(columns.licence or ""),
            split=known,
        )
        eyes = [
            self._eye(text) for text in row.cells.get(columns.eye or "", "").split(form.separator)
        ]
        found = []
        for column, told in (
            *((column, [("OD", "record")]) for column in columns.right),
            *((column, [("OS", "record")]) for column in columns.left),
            *((column, eyes) for column in columns.images or own),
        ):
            names = row.cells.get(column, "").split(form.separator)
            # As many eyes as names: one each, in order. Else the row's one eye, or none of several.
            each = told if len(told) == len(names) else [_common(told)] * len(names)
            for name, (eye, eye_source) in zip(names, each, strict=True):
                if name.strip():
                    path = self._path(name.strip().replace("\\", "/"))
                    found.append(replace(common, path=path, eye=eye, eye_source=eye_source))
        return found

    def _path(self, name: str) -> str:
        """The photograph below the archive that a cell names: by its path, or by a name alone."""
        path = str(PurePosixPath(f"{self.source.prefix}{name}"))
        if path in self.found.photos or name in self.found.photos:
            return path if path in self.found.photos else name
        alike = self.by_name.get(PurePosixPath(name).name, [])
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

    def finish(self, bad: Sequence[BadRow]) -> None:
        """Note what could not be read."""
        item = "report" if self.source.columns.report else "record"
        for row in bad:
            self.note(f"{row.place}#{row.number}", item, "read", "bad_row", row.detail, True)
            self.found.seen.update(row.seen)
        # The word itself may be anything (a name in the wrong column): it goes to the place, which
        # only the site can read.
        for (role, text), count in sorted(self.odd.items()):
            detail = f"a word for {role} is not understood, in {count} rows; left empty"
            table = f"{self.source.prefix}{self.source.table or ''}"
            self.note(f"{table}#{role}={text}", "record", "read", f"odd_{role}", detail, True)
