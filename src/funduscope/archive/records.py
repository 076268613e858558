"""What a site's records say: examinations, whose and when, their photographs and reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from funduscope.archive.places import Entry
from funduscope.archive.readers import Object


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
        eye_source: record (also where it says nothing), dicom, filename; conflict where two of them
            tell different eyes.
        kind: cfp, or what its name says it is: external, red_free, both_eyes.
    """

    path: str
    eye: str = "unknown"
    eye_source: str = "record"
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
    """A report as written.

    Attributes:
        place: its row.
        other: the examination it is about, if not a photograph of the fundus.
        eye: OD or OS where its row speaks of one eye alone.
        withdrawn: its row says that it was cancelled, or entered in error.
        told: what its row says of the examination: cfp (a photograph of the fundus), odd (in a
            word that is not understood), or nothing.
    """

    text: str
    place: str
    language: str | None = None
    other: str | None = None
    eye: str | None = None
    withdrawn: bool = False
    told: Literal["", "cfp", "odd"] = ""


@dataclass
class Exam:
    """One examination of one patient (or one photograph, where nobody says whose it is).

    Attributes:
        key, patient: the source's own numbers as `values.key` writes them; never stored.
        numbered: whether a record gives it a number of its own.
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
    numbered: bool = False
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
        of_number: number of an examination -> keys of those that bear it (of several patients,
            where a number was given twice).
        people: patient's number -> what adds the facts of a table of patients to an examination.
        names: name -> numbers of the patients of such tables that bear it.
        persons: patients as such tables tell of them.
        seen: identifying strings of rows that came to nothing.
    """

    site: str
    exams: dict[str, Exam] = field(default_factory=dict)
    claims: dict[str, dict[str, Photo]] = field(default_factory=dict)
    photos: dict[str, tuple[int, Entry]] = field(default_factory=dict)
    objects: dict[str, Object] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    of_number: dict[str, list[str]] = field(default_factory=dict)
    people: dict[str, list[Callable[[Exam], None]]] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=dict)
    persons: dict[str, Exam] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def describe(self, exam: Exam) -> None:
        """Add to an examination what tables of patients say of its patient."""
        for add in self.people.get(exam.patient or "", ()):
            add(exam)
