"""Rows of a source -> examinations: whose, when, which photographs of which eye, which reports.

Nothing is read from photographs here. What cannot be placed becomes a `Note`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path, PurePosixPath

from funduscope.archive import readers, values
from funduscope.archive.description import Source
from funduscope.archive.readers import FILE_COLUMN, Row


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
    """A photograph that a record names. `path` is below the archive, with forward slashes."""

    path: str
    eye: str = "unknown"
    eye_source: str = "none"
    labels: tuple[str, ...] = ()
    licence: str | None = None
    split: str | None = None


@dataclass
class Exam:
    """One examination of one patient (or one photograph, where nobody says whose it is).

    Attributes:
        key, patient: the source's own numbers; never stored.
        secrets: everything in the record that points at a person, to be removed from its reports.
        reports: (language or None, text) as written.
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
    secrets: dict[str, tuple[str, ...]] = field(default_factory=dict)
    photos: list[Photo] = field(default_factory=list)
    reports: list[tuple[str | None, str]] = field(default_factory=list)
    eye_words: dict[str, dict[str, list[str]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Contents:
    """What a source holds: examinations, lines for the ledger, all photographs (below archive)."""

    exams: list[Exam]
    notes: list[Note]
    photos: list[str]


def read_source(archive: Path, index: int, source: Source) -> Contents:
    """Everything that the description's `index`-th source says.

    Raises:
        DataError: the table or a column of it is missing, or its encoding is unknown.
    """
    folder = archive / source.folder
    photos = list_photos(folder, source)
    sheet = readers.read(source, folder, photos)
    builder = _Builder(archive, index, source, photos)
    for row in sheet.rows:
        builder.add(row)
    for bad in sheet.bad:
        builder.note(f"row {bad.number}", "record", "read", "bad_row", bad.detail)
    return builder.finish()


def list_photos(folder: Path, source: Source) -> list[str]:
    """Files that the source's `photos` match, below `folder`, sorted."""
    table = folder / source.table if source.table else None
    found = {
        path
        for pattern in source.photos
        for path in folder.glob(pattern)
        if (path.is_file() or path.is_symlink()) and path != table
    }
    return sorted(path.relative_to(folder).as_posix() for path in found)


class _Builder:
    """Collects the rows of one source into examinations."""

    def __init__(self, archive: Path, index: int, source: Source, photos: Sequence[str]) -> None:
        self.archive = archive.resolve()
        self.folder = archive / source.folder
        self.prefix = "" if source.folder in (".", "") else f"{source.folder}/"
        self.index = index
        self.source = source
        self.site = source.site or self.folder.resolve().name
        self.photos = dict.fromkeys(photos)
        self.exams: dict[str, Exam] = {}
        self.notes: list[Note] = []
        self.odd: Counter[tuple[str, str]] = Counter()
        self.claims: dict[str, dict[str, Photo]] = {}

    def note(
        self, place: str, item: str, step: str, code: str, detail: str, severity: str = "rejected"
    ) -> None:
        """Add a line to the ledger; `place` is a file or a row of the table."""
        where = f"{self.prefix}{self.source.table}#{place}" if item == "record" else place
        self.notes.append(Note(where, item, step, code, detail, severity))

    def add(self, row: Row) -> None:
        """Take one row into its examination."""
        columns = self.source.columns
        cell = row.cells.get
        patient = cell(columns.patient or "")
        named = self._named(row)
        visit = values.parse_date(cell(columns.exam_date or "", ""), self.source.format.exam_date)
        key = cell(columns.exam or "")
        if key is None and patient is not None:
            key = f"{patient}@{visit}" if visit else patient
        words = {name: cell(column) for name, column in columns.eye_report.items()}
        eyes = {photo.eye for photo in named} or {self._eye(row)[0]}
        apart = any(words.values()) and (eyes == {"unknown"} or patient is None)
        if key is None or apart:
            key = named[0].path if named else f"row {row.number}"
        exam = self.exams.get(key)
        if exam is None:
            place = f"{self.prefix}{self.source.table or ''}#{row.number}"
            exam = self.exams[key] = Exam(self.index, self.site, key, patient, place)
        self._facts(exam, row, visit)
        self._claim(exam, row, named)
        text = "\n".join(part for name in columns.report if (part := cell(name)))
        if text and (None, text) not in exam.reports:
            exam.reports.append((None, text))
        for language, said in words.items():
            if said and apart:
                exam.reports.append((language, said))
            elif said:
                for eye in sorted(eyes - {"unknown"}):
                    there = exam.eye_words.setdefault(language, {}).setdefault(eye, [])
                    there += [said] if said not in there else []

    def _facts(self, exam: Exam, row: Row, visit: date | None) -> None:
        """Date, age, sex, camera and secrets; the first row that says something wins."""
        columns, form = self.source.columns, self.source.format
        cell = row.cells.get
        exam.visit = exam.visit or visit
        if exam.age is None and (text := cell(columns.age or "")):
            exam.age = values.parse_age(text, self.source.values.age_unit)
            self._odd("age", text, exam.age)
        if exam.age is None and (text := cell(columns.birth_date or "")):
            exam.age = values.age_between(values.parse_date(text, form.birth_date), visit)
        if exam.sex is None and (text := cell(columns.sex or "")):
            exam.sex = values.word(text, self.source.values.sex)
            self._odd("sex", text, exam.sex)
        exam.camera = exam.camera or cell(columns.camera or "")
        for role in ("name", "identity", "patient", "exam", "birth_date", "exam_date"):
            said = tuple(row.cells.get(c, "") for c in columns.roles().get(role, ()))
            known = exam.secrets.get(role, ())
            exam.secrets[role] = known + tuple(s for s in said if s and s not in known)

    def _odd(self, role: str, text: str, meaning: object) -> None:
        if meaning is None:
            self.odd[role, text] += 1

    def _eye(self, row: Row) -> tuple[str, str]:
        """Eye and eye_source of a row that has a column for it."""
        text = row.cells.get(self.source.columns.eye or "")
        if not text:
            return "unknown", "none"
        eye = values.word(text, self.source.values.eye)
        self._odd("eye", text, eye)
        return (eye, "record") if eye and eye != "unknown" else ("unknown", "none")

    def _named(self, row: Row) -> list[Photo]:
        """The photographs that a row names, with what the row says of each."""
        columns, form = self.source.columns, self.source.format
        images = columns.images or (FILE_COLUMN if self.source.kind == "folder" else None)
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
        found = []
        sides = ((columns.right, ("OD", "record")), (columns.left, ("OS", "record")))
        for column, (eye, told) in (*sides, (images, self._eye(row) if images else ("", ""))):
            for name in row.cells.get(column or "", "").split(form.separator):
                if name.strip():
                    path = str(PurePosixPath(name.strip().replace("\\", "/")))
                    found.append(replace(common, path=path, eye=eye, eye_source=told))
        return [self._with_pattern(photo, form.eye_pattern) for photo in found]

    def _with_pattern(self, photo: Photo, pattern: str | None) -> Photo:
        """The photograph with the eye that its file name tells; a contradiction is noted."""
        found = re.search(pattern, PurePosixPath(photo.path).name) if pattern else None
        eye = values.word(found["eye"], self.source.values.eye) if found else None
        if eye is None or eye in ("unknown", photo.eye):
            return photo
        if photo.eye == "unknown":
            return replace(photo, eye=eye, eye_source="filename")
        return replace(photo, eye_source="conflict")

    def _claim(self, exam: Exam, row: Row, named: Iterable[Photo]) -> None:
        for photo in named:
            if photo.path not in self.photos:
                if not self._inside(photo.path):
                    place = f"{row.number}:{photo.path}"
                    detail = "the row names a photograph that is not there"
                    self.note(place, "record", "read", "missing_image", detail)
                    continue
                self.photos[photo.path] = None
            there = self.claims.setdefault(photo.path, {})
            if exam.key in there:  # a second row on the same photograph adds its labels
                known = there[exam.key]
                more = tuple(word for word in photo.labels if word not in known.labels)
                photo = replace(known, labels=known.labels + more)
            there[exam.key] = photo

    def _inside(self, path: str) -> bool:
        """Whether a file of that name lies in the archive (not beside it by `..` or a link)."""
        real = (self.folder / path).resolve()
        return real.is_file() and real.is_relative_to(self.archive)

    def _by_file_name(self) -> None:
        """Find the photographs of examinations by their file names."""
        form = self.source.format
        if form.file_pattern is None or self.source.kind == "folder":
            return
        for path in self.photos:
            found = re.search(form.file_pattern, PurePosixPath(path).name)
            groups = found.groupdict() if found else {}
            if groups.get("exam") not in self.exams or path in self.claims:
                continue
            eye = values.word(groups.get("eye") or "", self.source.values.eye) or "unknown"
            told = "none" if eye == "unknown" else "filename"
            self.claims[path] = {groups["exam"]: Photo(path, eye, told)}

    def finish(self) -> Contents:
        """Give each photograph to its one examination; what has none or several is noted."""
        self._by_file_name()
        for path in self.photos:
            claims = self.claims.get(path, {})
            place = f"{self.prefix}{path}"
            why: tuple[str, str] | None = None
            if not self._inside(path):
                self.note(place, "image", "read", "outside_archive", "a link out of the archive")
                continue
            if not claims:
                why = "no_record", "no record names this photograph"
            elif len({self.exams[key].patient or key for key in claims}) > 1:
                why = "two_records", "records of two patients name this photograph"
            elif any(photo.eye_source == "conflict" for photo in claims.values()):
                why = "eye_conflict", "the record and the file name tell different eyes"
            if why is not None:
                self.note(place, "image", "pairing", *why, severity="review")
                continue
            key, photo = next(iter(claims.items()))
            self.exams[key].photos.append(replace(photo, path=place))
        # The word itself may be anything (a name in the wrong column): it goes to the place, which
        # only the site can read.
        for (role, text), count in sorted(self.odd.items()):
            detail = f"a word for {role} is not understood, in {count} rows; left empty"
            self.note(f"{role}={text}", "record", "read", f"odd_{role}", detail, "review")
        for exam in self.exams.values():
            exam.photos.sort(key=lambda photo: (photo.eye, photo.path))
        return Contents(
            list(self.exams.values()), self.notes, [f"{self.prefix}{name}" for name in self.photos]
        )
