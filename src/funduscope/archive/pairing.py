"""Photographs to examinations: by the row that names them, else by what their path tells.

A photograph is given to one examination or to none; where two could have it, a person decides.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from funduscope.archive import places, values
from funduscope.archive.description import Source
from funduscope.archive.exams import collect
from funduscope.archive.places import Entry
from funduscope.archive.records import Collected, Exam, Note, Photo

_EYE_IN_NAME = re.compile(
    "(?<![A-Za-z])O[DS](?![A-Za-z])|[\u53f3\u5de6]\u773c"
    "|(?<![\u4e00-\u9fff])[\u53f3\u5de6](?![\u4e00-\u9fff])"  # beside Han signs: a family name
)


@dataclass(frozen=True)
class Contents:
    """What a site holds: examinations, lines for the ledger, its photographs, strings to seek.

    `further` counts pictures beyond the first of files that hold several.
    """

    exams: list[Exam]
    notes: list[Note]
    photos: list[str]
    further: int
    seen: set[str]


@dataclass(frozen=True)
class Told:
    """What the path of a photograph tells of it."""

    exam: str | None
    patient: str | None
    name: str | None
    days: tuple[date, date] | None
    eye: str
    field: str
    kind: str
    identity: tuple[str, ...]


def read_site(archive: Path, site: str, sources: Sequence[tuple[int, Source]]) -> Contents:
    """Everything that a site's sources hold, photographs given to examinations.

    Raises:
        DataError: a table or a column of it is missing, or its encoding is unknown.
    """
    found = collect(archive, site, sources)
    return _Pairing(found, dict(sources)).run()


def tell(path: str, source: Source) -> Told:
    """Read the path of a photograph by the source's patterns."""
    form, words = source.format, source.values
    below = places.as_folders(path).removeprefix(source.prefix)
    groups: dict[str, str] = {}
    name = below.rpartition("/")[2]
    if form.file_pattern:
        tried = (re.search(form.file_pattern, text) for text in (below, _plain(below), name))
        told = [{k: v for k, v in match.groupdict().items() if v} for match in tried if match]
        groups = max(told, key=len, default={})
    if form.eye_pattern and (found := re.search(form.eye_pattern, name)):
        groups.setdefault("eye", found["eye"] or "")
    said = groups.get
    return Told(
        exam=said("exam"),
        patient=said("patient"),
        name=said("name"),
        days=values.parse_span(groups["date"], form.file_date) if "date" in groups else None,
        eye=values.word(said("eye", ""), words.eye, values.EYES) or _named_eye(name, source),
        field=values.word(said("field", ""), words.field) or "unknown",
        kind=values.word(said("kind", ""), words.kind)
        or values.word(said("field", ""), words.kind)
        or values.word(said("eye", ""), words.kind)
        or "cfp",
        identity=tuple(groups[n] for n in ("exam", "patient", "name", "date") if n in groups),
    )


def _named_eye(name: str, source: Source) -> str:
    """The eye that a file's name tells whatever the patterns: OD, OS, or the Chinese words.

    Not of published sets, whose record of the eye is the one that everybody uses.
    """
    said = {found[0] for found in _EYE_IN_NAME.finditer(name)}
    eyes = {"OD" if word[0] == "\u53f3" or word == "OD" else "OS" for word in said}
    return next(iter(eyes)) if len(eyes) == 1 and not source.keep_refused else "unknown"


def _plain(path: str) -> str:
    """A path without pictures, marks and control signs that crept into names.

    Signs that Windows forbids become the underscore that it would have had there.
    """
    signs = (sign for sign in path if sign in "<>|" or unicodedata.category(sign)[0] not in "SMC")
    parts = re.sub(r'[:*?"<>|]', "_", "".join(signs)).split("/")
    return "/".join(part.strip() for part in parts)


def _of_other(exam: Exam) -> bool:
    """Whether an examination was none of the fundus by its procedure (OCT, ultrasound)."""
    return bool(exam.reports) and all(report.other for report in exam.reports)


class _Pairing:
    """Gives each photograph of a site its examination."""

    def __init__(self, found: Collected, sources: Mapping[int, Source]) -> None:
        self.found = found
        self.sources = sources
        self.of_patient: dict[str, list[Exam]] = defaultdict(list)
        self.of_name: dict[str, list[Exam]] = defaultdict(list)
        for exam in found.exams.values():
            if exam.patient:
                self.of_patient[exam.patient].append(exam)
            for name in exam.secrets.get("name", ()):
                self.of_name[values.key(name)].append(exam)

    def run(self) -> Contents:
        """Place all photographs."""
        for path, (index, entry) in self.found.photos.items():
            self._place(path, entry, index)
        exams = list(self.found.exams.values())
        known = {exam.patient for exam in exams}
        exams += [one for key, one in self.found.persons.items() if key not in known]
        for exam in exams:
            exam.photos.sort(key=lambda photo: (photo.eye, photo.path, photo.frame or 0))
            if "patient" in exam.unsure:
                self._nobodys(exam)
        files = list(self.found.photos)
        further = sum(len(self._frames(path)) - 1 for path in files)
        return Contents(exams, self.found.notes, files, further, self.found.seen)

    def _frames(self, path: str) -> Sequence[int | None]:
        """Numbers of the pictures in a file; None for the only one."""
        known = self.found.objects.get(path)
        return range(known.frames) if known is not None and known.frames > 1 else (None,)

    def _note(self, path: str, step: str, code: str, detail: str, severity: str) -> None:
        for frame in self._frames(path):
            place = Photo(path, frame=frame).place
            self.found.notes.append(Note(place, "image", step, code, detail, severity))

    def _nobodys(self, exam: Exam) -> None:
        """Two patients under one number: nothing of the examination is given to either."""
        detail = "rows of two patients bear the number of this examination"
        for photo in exam.photos:
            note = Note(photo.place, "image", "pairing", "two_records", detail, "review")
            self.found.notes.append(note)
        places = [report.place for report in exam.reports] + [exam.place] * len(exam.eye_words)
        for place in places:
            note = Note(place, "report", "pairing", "two_patients", detail, "review")
            self.found.notes.append(note)
        exam.patient, exam.photos, exam.reports, exam.eye_words = None, [], [], {}

    def _place(self, path: str, entry: Entry, index: int) -> None:
        if entry.fault is not None:
            self._note(path, "read", *entry.fault, "rejected")
            return
        source = self.sources[index]
        told = tell(path, source)
        if told.days and values.to_come(told.days[0]):
            detail = "the name of a photograph tells a day in the future; not used"
            self.found.notes.append(Note(path, "record", "read", "date_conflict", detail, "review"))
            told = replace(told, days=None)
        claims = self.found.claims.get(path, {})
        if len(claims) > 1 or any(key not in self.found.exams for key in claims):
            detail = "several records could have this photograph"
            self._note(path, "pairing", "two_records", detail, "review")
            return
        if claims:
            key, photo = next(iter(claims.items()))
            exam: Exam | None = self.found.exams[key]
        else:
            photo = Photo(path)
            exam = self._by_path(path, told, index)
            if exam is None:
                return
        eye, eye_source = self._eye(photo, told)
        if eye_source == "conflict":
            detail = "the record, the file name or the DICOM object tell different eyes"
            self._note(path, "pairing", "eye_conflict", detail, "review")
            return
        assert exam is not None
        exam.seen.update(told.identity)
        photo = replace(photo, eye=eye, eye_source=eye_source, field=told.field, kind=told.kind)
        exam.photos += [replace(photo, frame=frame) for frame in self._frames(path)]

    def _eye(self, photo: Photo, told: Told) -> tuple[str, str]:
        """Eye and where it is known from; a contradiction is a conflict."""
        itself = self.found.objects.get(photo.path)
        said = [
            (eye, source)
            for eye, source in (
                (photo.eye, photo.eye_source),
                (itself.eye if itself else None, "dicom"),
                (told.eye, "filename"),
            )
            if eye not in (None, "unknown")
        ]
        if len({eye for eye, _ in said}) > 1 or (itself is not None and itself.torn):
            return photo.eye, "conflict"
        return next(((eye, source) for eye, source in said if eye), (photo.eye, photo.eye_source))

    def _by_path(self, path: str, told: Told, index: int) -> Exam | None:
        """The examination that the path of a photograph speaks of; None: noted."""
        window = timedelta(days=self.sources[index].format.window_days)
        exams = self._numbered(told, window)
        if not exams:
            told = self._with_patient(told)
            exams = [exam for exam in self._known(told) if self._near(exam, told, window)]
        own = [exam for exam in exams if not _of_other(exam)]
        exams = own or exams
        if len(exams) == 1:
            return exams[0]
        if len(exams) > 1:
            detail = "several examinations could have this photograph"
            self._note(path, "pairing", "two_records", detail, "review")
            return None
        if told.exam or told.patient:
            return self._new(path, told, index)
        self._note(path, "pairing", "no_record", "no record names this photograph", "review")
        return None

    def _numbered(self, told: Told, window: timedelta) -> list[Exam]:
        """Examinations that bear the number told; of several, those that the date fits."""
        keys = self.found.of_number.get(values.key(told.exam or ""), [])
        exams = [exam for key in keys if self._fits(exam := self.found.exams[key], told)]
        near = [exam for exam in exams if self._near(exam, told, window)]
        return near if len(exams) > 1 and near else exams

    def _with_patient(self, told: Told) -> Told:
        """A name alone stands for the one patient of a table of patients who bears it."""
        if told.patient is not None or told.name is None or values.key(told.name) in self.of_name:
            return told
        numbers = self.found.names.get(values.key(told.name), set())
        return replace(told, patient=min(numbers)) if len(numbers) == 1 else told

    def _known(self, told: Told) -> list[Exam]:
        """Examinations of the patient told; a number of another one and no date rule them out."""
        if told.patient is not None:
            exams = self.of_patient.get(values.key(told.patient), [])
        elif told.name is not None:
            exams = self.of_name.get(values.key(told.name), [])
        else:
            exams = []
        other = told.exam is not None and told.days is None
        return [exam for exam in exams if not (other and exam.numbered)]

    @staticmethod
    def _fits(exam: Exam, told: Told) -> bool:
        """Whether nothing else that the path tells speaks against the examination."""
        if told.patient is not None and exam.patient is not None:
            return values.key(told.patient) == exam.patient
        return True

    @staticmethod
    def _near(exam: Exam, told: Told, window: timedelta) -> bool:
        if told.days is None or exam.visit is None:
            return True
        first, last = told.days
        return first - window <= exam.visit <= last + window

    def _new(self, path: str, told: Told, index: int) -> Exam:
        """An examination that only its photographs tell of."""
        day = told.days[0] if told.days and told.days[0] == told.days[1] else None
        patient = values.key(told.patient) if told.patient else None
        key = values.key(told.exam) if told.exam else f"{patient}@{day or ''}"
        exam = self.found.exams.get(key)
        if exam is None:
            exam = Exam(index, self.found.site, key, patient, path, visit=day)
            self.found.exams[key] = exam
            self.found.describe(exam)
        return exam
