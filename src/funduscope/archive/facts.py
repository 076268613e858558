"""The facts of a row (whose, when, age, sex) -> its examination; two that disagree: empty."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date

from funduscope.archive import values
from funduscope.archive.description import Source
from funduscope.archive.readers import Row
from funduscope.archive.records import Exam

_SECRETS = ("name", "identity", "patient", "exam", "birth_date", "exam_date")

Conflict = Callable[[Exam, str, str], None]
"""Told the examination, the code and the detail of a contradiction."""


class Facts:
    """Takes the facts of one source's rows into examinations.

    Attributes:
        odd: (role, cell) -> rows in which the cell was not understood.
    """

    def __init__(self, source: Source, conflict: Conflict) -> None:
        self.source = source
        self.conflict = conflict
        self.odd: Counter[tuple[str, str]] = Counter()

    def add(self, exam: Exam, row: Row, visit: date | None) -> None:
        """Take in one row of an examination."""
        self.odd_word("exam_date", row.cells.get(self.source.columns.exam_date or "", ""), visit)
        if values.to_come(visit):
            self._unsure(exam, "date", "the examination lies in the future")
        else:
            exam.visit = exam.visit or visit
            if visit and exam.visit != visit and "visit" not in exam.unsure:
                exam.unsure.add("visit")
                detail = "two dates of one examination; the first is kept"
                self.conflict(exam, "date_conflict", detail)
        self._secrets(exam, row, _SECRETS)
        self._person(exam, row, with_age=True)
        exam.camera = exam.camera or row.cells.get(self.source.columns.camera or "")

    def add_person(self, exam: Exam, row: Row) -> None:
        """Take in a row on a patient, whenever it was written."""
        self._secrets(exam, row, [role for role in _SECRETS if role not in ("exam", "exam_date")])
        dated = self.source.columns.exam_date in row.cells
        self._person(exam, row, with_age=not dated)

    def odd_word(self, role: str, text: str, meaning: object) -> None:
        """Count a cell that was not understood."""
        if text and meaning is None:
            self.odd[role, text] += 1

    def _secrets(self, exam: Exam, row: Row, roles: tuple[str, ...] | list[str]) -> None:
        columns = self.source.columns.roles()
        for role in roles:
            said = tuple(row.cells.get(c, "") for c in columns.get(role, ()))
            if role == "name":
                gap = " " if "".join(said).isascii() else ""
                said = (gap.join(part for part in said if part),)
            known = exam.secrets.get(role, ())
            exam.secrets[role] = known + tuple(s for s in said if s and s not in known)

    def _person(self, exam: Exam, row: Row, *, with_age: bool) -> None:
        columns, form = self.source.columns, self.source.format
        cell = row.cells.get
        numbers = exam.secrets["identity"] + exam.secrets["patient"]
        told = [found for s in numbers if (found := values.resident_id(s))]
        if exam.patient is None and told:  # no number of the site, but one of the person
            exam.patient = next(values.key(s) for s in numbers if values.resident_id(s))
        births = {born for born, _ in told}
        if text := cell(columns.birth_date or ""):
            born = values.parse_date(text, form.birth_date)
            born = None if values.to_come(born) else born
            self.odd_word("birth_date", text, born)
            births |= {born} if born else set()
        births |= {exam.birth} if exam.birth else set()
        self._age(exam, cell(columns.age or "") if with_age else None, births)
        sexes = {sex for _, sex in told}
        if text := cell(columns.sex or ""):
            known_sex = values.word(text, self.source.values.sex, values.SEXES)
            self.odd_word("sex", text, known_sex)
            sexes |= {known_sex} if known_sex else set()
        sexes |= {exam.sex} if exam.sex else set()
        if len(sexes) > 1:
            self._unsure(exam, "sex", "the record tells two sexes")
        exam.sex = None if "sex" in exam.unsure else next(iter(sexes), None)

    def _age(self, exam: Exam, text: str | None, births: set[date]) -> None:
        age = values.parse_age(text, self.source.values.age_unit) if text else None
        if text:
            self.odd_word("age", text, age)
        between = {values.age_between(born, exam.visit) for born in births if exam.visit}
        ages = {a for a in between if a is not None}
        said = [one for one in (age, exam.age) if one is not None]
        impossible = len(births) > 1 or None in between
        if impossible or any(abs(a - one) > 1 for a in ages for one in said):
            self._unsure(exam, "age", "the record tells two ages or dates of birth")
        exam.birth = None if "age" in exam.unsure else next(iter(births), None)
        known = next(iter((*said, *ages)), None)
        exam.age = None if "age" in exam.unsure else known

    def _unsure(self, exam: Exam, what: str, detail: str) -> None:
        if what not in exam.unsure:
            exam.unsure.add(what)
            self.conflict(exam, f"{what}_conflict", f"{detail}; left empty")
