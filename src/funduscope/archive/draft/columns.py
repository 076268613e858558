"""Which role each column plays: its header word first, then what its cells look like."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import PurePosixPath

from funduscope import findings
from funduscope.archive.draft import dates
from funduscope.archive.draft.keys import IDENTITY_ROLES, SEVERAL_COLUMNS
from funduscope.archive.draft.words import (
    eye_of,
    is_chinese_name,
    meanings,
    plain,
    procedure_of,
    role_of,
)
from funduscope.archive.redact import narrow
from funduscope.archive.values import resident_number, withdrawn

_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.\w+")
_IMAGE = re.compile(r"\.(?:jpe?g|jpe|png|tiff?|bmp|gif|webp|jp2|dcm)(?![A-Za-z0-9])", re.IGNORECASE)
_AGE = re.compile(r"(\d{1,3})(?:\.\d)?\s*\D{0,9}")
_NUMBER = re.compile(r"(?=.*\d)[A-Za-z0-9][A-Za-z0-9_\-./]{2,39}")
_DATED = re.compile(
    r"(?:19|20)\d{2}[-/. ]\d{1,2}[-/. ]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)\d{2}"
)
_PLACES = re.compile("[省市区县旗镇乡村路街巷弄号栋幢楼室]")
_NAMELIKE = re.compile(r"[A-Z][a-z]+(?:['’ -][A-Z]?[a-z]+){0,3}")
_STREET = re.compile(
    r"\d+\S* .*\b(?:road|rd|street|st|lane|ln|avenue|ave|drive|dr|court|ct|way|close|square"
    r"|boulevard|blvd|terrace|place|pl)\b",
    re.IGNORECASE,
)
_UID = re.compile(r"[0-2](?:\.\d+){3,}")


def is_phone(text: str) -> bool:
    """Whether a text is a telephone number as Chinese or North American offices write them."""
    digits = re.sub(r"[\s\-()+.（）]", "", unicodedata.normalize("NFKC", text))
    if not digits.isdigit():
        return False
    mobile = re.fullmatch(r"(?:0?86)?1[3-9]\d{9}", digits) is not None
    parted = re.fullmatch(r"[(+\d][\d\s().+\-]*[\s\-)][\d\s\-]+", text.strip()) is not None
    return mobile or (parted and 10 <= len(digits) <= 13 and not _DATED.match(text.strip()))


def is_address(text: str) -> bool:
    """Whether a text is where somebody lives: three words for places, or a street's number."""
    if len(text) > 80 or not any(sign.isdigit() for sign in text):
        return False
    plain_text = narrow(text)
    if re.search("[。；;：:]", plain_text):
        return False
    return len(set(_PLACES.findall(plain_text))) >= 3 or _STREET.match(text) is not None


@dataclass
class Column:
    """A column and what its cells look like (shares of the filled cells)."""

    name: str
    values: Sequence[str]
    files: Collection[str] = ()

    @cached_property
    def distinct(self) -> list[str]:
        """Different values, the first 800."""
        return list(dict.fromkeys(self.values))[:800]

    def _share(self, test: object) -> float:
        assert callable(test)
        return sum(map(bool, map(test, self.distinct))) / len(self.distinct) if self.values else 0.0

    @cached_property
    def date_forms(self) -> tuple[list[str], float]:
        """Forms of dates and the share of cells that they read."""
        return dates.forms_of(self.distinct)

    def words(self, about: str) -> float:
        """Share of the cells that are words about eye, sex ... (or lists of them)."""
        known = meanings(about)
        return self._share(lambda text: all(plain(word) in known for word in text.split(";")))

    @cached_property
    def describes_eyes(self) -> bool:
        """Whether most cells are sentences on the fundus."""
        some = self.distinct[:60]
        return self.is_text and sum(map(findings.describes_fundus, some)) > 0.5 * len(some)

    @cached_property
    def may_name(self) -> bool:
        """Whether most cells could be a person's name, or a part of one."""
        return self._share(lambda text: _NAMELIKE.fullmatch(text) or is_chinese_name(text)) > 0.8

    @cached_property
    def is_text(self) -> bool:
        """Whether cells are sentences."""
        long = [v for v in self.distinct if len(v) >= (12 if not v.isascii() else 30)]
        return len(long) >= 0.4 * len(self.distinct) > 0 and self.numbers < 0.5 and not self.names

    @cached_property
    def numbers(self) -> float:
        """Share that are numbers of a record: letters, digits, hyphens."""
        return self._share(_NUMBER.fullmatch)

    @cached_property
    def digits(self) -> float:
        """Share that hold a digit."""
        return self._share(lambda text: any(letter.isdigit() for letter in text) and len(text) < 60)

    @cached_property
    def running(self) -> bool:
        """Whether cells only count the rows (of a page, a month): no key of anything."""
        counted = [int(v) for v in self.values if re.fullmatch(r"\d{1,6}", v)]
        if len(counted) < 3 or len(counted) < 0.4 * len(self.values):  # footers count as values
            return False
        on = sum(second in (first + 1, 1) for first, second in pairwise(counted))
        return on > 0.8 * (len(counted) - 1)

    @cached_property
    def names(self) -> bool:
        """Whether cells name picture files (by suffix, or because such files are there)."""
        there = self.files
        return self._share(lambda text: _IMAGE.search(text) or text in there) > 0.4

    @cached_property
    def stems(self) -> bool:
        """Whether cells name picture files without their suffix; only a header can tell."""
        there = {PurePosixPath(name).stem for name in self.files}
        return self._share(lambda text: all(p.strip() in there for p in text.split(";"))) > 0.4

    @cached_property
    def kind(self) -> str | None:
        """What the cells are by themselves, or None."""
        if not self.distinct:
            return None
        tests = (
            ("id_card", self._share(resident_number)),
            ("email", self._share(_MAIL.fullmatch)),
            ("phone", self._share(is_phone)),
            ("images", float(self.names)),
            ("address", self._share(is_address)),
        )
        for kind, share in tests:
            if share > 0.5:
                return kind
        few = len(self.distinct) <= 12
        if few and self.words("sex") > 0.7 and len(self.distinct) > 1:
            return "sex"
        if few and self.words("eye") > 0.7 and len(self.distinct) > 1:
            return "eye"
        if self.date_forms[1] > 0.7 and len(self.distinct) > 2:
            return "date"
        if self.is_text:
            return "report"
        if self._share(is_chinese_name) > 0.8 and len(self.distinct) > 2:
            return "person"
        return None


@dataclass
class Roles:
    """Role -> columns of a table, with reasons; and columns that play none."""

    columns: dict[str, list[str]] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)

    def one(self, role: str) -> str | None:
        """The first column of a role."""
        return next(iter(self.columns.get(role, ())), None)


_OF_EYE = {"OD": "report_right", "OS": "report_left"}


def assign(columns: Mapping[str, Column]) -> Roles:
    """Roles of all columns of a table."""
    roles = Roles()
    ranked: dict[str, list[tuple[float, str, str]]] = {}
    for name, column in columns.items():
        role, weight, why = _role(column)
        if role == "report" and (eye := eye_of(name)) is not None:
            role, why = _OF_EYE[eye], f"{why}; its header names the eye"
        if role is None:
            roles.left[name] = why
            continue
        ranked.setdefault(role, []).append((weight, name, why))
    for role, found in ranked.items():
        order = list(columns)
        found.sort(key=lambda item: (item[0], order.index(item[1])))
        if role in (*SEVERAL_COLUMNS, "name", *IDENTITY_ROLES):
            found.sort(key=lambda item: order.index(item[1]))
        roles.columns[role] = [name for _, name, _ in found]
        roles.why |= {name: why for _, name, why in found}
    _spare(roles, columns)
    return roles


def _role(column: Column) -> tuple[str | None, float, str]:
    """Role of one column, its weight (smaller is better), and why."""
    said = role_of(column.name)
    kind = column.kind
    if said is None:
        return _by_content(column, kind)
    role, rank, whole = said
    why = "header word" if whole else "part of the header"
    weight = rank + (0 if whole else 50)
    if not column.distinct:
        return (
            (role, weight + 500, f"{why}; no filled cell")
            if role in IDENTITY_ROLES
            else (None, 0, "no filled cell")
        )
    if role in ("right", "left", "images") and kind != "images" and not column.stems:
        if column.is_text:
            return "report", weight + 100, f"{why} names an eye, cells are sentences"
        if role != "images":
            return None, 0, "header names an eye, cells are no file names"
        return None, 0, "header speaks of pictures, cells are no file names"
    if kind == "images" and role not in ("right", "left", "images"):
        return "images", weight + 100, "cells are names of picture files"
    if role in ("exam_date", "birth_date") and kind != "date" and column.date_forms[1] < 0.3:
        half = 0.5 * len(column.distinct)
        counted = (sum(map(test, column.distinct)) for test in (dates.is_excel_day, dates.is_stamp))
        if max(counted) <= half:
            return None, 0, "header speaks of a date, cells are none"
    if role in ("exam", "patient", "record_no"):
        other = _other_than_number(column, role, kind, weight, whole=whole)
        if other is not None:
            return other
    if role in ("id_card", "phone", "record_no") and column.digits < 0.3:
        return None, 0, f"header speaks of {role}, cells hold no numbers"
    if role == "eye" and column.words("eye") < 0.5:
        return None, 0, "header speaks of an eye, cells do not"
    if role == "age" and sum(bool(_AGE.fullmatch(v)) for v in column.distinct) < 0.5 * len(
        column.distinct
    ):
        return None, 0, "header speaks of an age, cells do not"
    if role == "report" and kind in ("date", "id_card", "phone", "person", "address"):
        return _by_content(column, kind)
    if role == "status" and not any(map(withdrawn, column.distinct)):
        return None, 0, "the state of the report: none was withdrawn"
    if role in ("remarks", "other") and column.describes_eyes:
        return "report", weight + 100, "cells say what is seen in the eye, whatever the header"
    above = [role_of(part) for part in column.name.split(".")[:-1]]
    if (
        role in ("remarks", "other")
        and column.is_text
        and any(a and a[0] == "report" for a in above)
    ):
        return "report", weight + 100, "cells are sentences inside the report"
    if role in ("remarks", "other"):
        return None, 0, f"{role}: says little of photographs; read it once"
    return role, weight, why


def _other_than_number(
    column: Column, role: str, kind: str | None, weight: float, *, whole: bool
) -> tuple[str | None, float, str] | None:
    """What a column is whose header speaks of a number and whose cells do not; None: they do."""
    # Numbers of patients may well be given one after the other; a word for them is believed.
    if column.running and not (role == "patient" and whole):
        return None, 0, "it only counts the rows"
    if role in ("exam", "patient") and kind in ("id_card", "phone", "email"):
        return kind, weight, "what the cells look like"
    if role in ("exam", "patient") and kind in ("date", "report") and not whole:
        return ("exam_date" if kind == "date" else kind), weight + 100, "what the cells look like"
    if role in ("exam", "patient") and column.numbers < 0.5:
        return _no_number(column, kind, weight)
    return None


def _no_number(column: Column, kind: str | None, weight: float) -> tuple[str | None, float, str]:
    """A header of an examination or a patient over cells that are no numbers."""
    known = sum(procedure_of(v) is not None for v in column.distinct)
    few = len(column.distinct) <= max(6, 0.1 * len(column.values))
    brief = few and max(map(len, column.distinct)) <= 60
    if kind == "report" and not (brief and known):
        return "report", weight + 100, "cells are sentences"
    if kind == "person":
        return "name", weight + 100, "cells are persons' names"
    if known > 0.4 * len(column.distinct):
        return "procedure", weight + 100, "cells are names of examinations"
    if column.digits > 0.5:
        return _role_of_digits(column, weight)
    said = role_of(column.name)
    if said is not None and said[0] == "patient" and column.digits < 0.1:
        return "name", weight + 100, "header speaks of patients, cells hold words"
    return None, 0, "header speaks of a number, cells are none"


def _role_of_digits(column: Column, weight: float) -> tuple[str | None, float, str]:
    said = role_of(column.name)
    return (said[0] if said else None), weight, "header word; short numbers"


def _by_content(column: Column, kind: str | None) -> tuple[str | None, float, str]:
    why = "what the cells look like, no known header word"
    if kind == "person":
        repeats = len(column.distinct) <= 0.4 * len(column.values)
        return ("doctor" if repeats else "name"), 200, why
    if kind == "date":
        born = [d for v in column.distinct if (d := dates.first_date(v, column.date_forms[0]))]
        old = sum(day.year < 1995 for day in born) > 0.5 * len(born)
        return ("birth_date" if old else "exam_date"), 200, why
    if kind is not None:
        return kind, 200, why
    if column.numbers > 0.8 and len(column.distinct) > 2 and not column.running:
        uid = sum(bool(_UID.fullmatch(v)) for v in column.distinct) > 0.5 * len(column.distinct)
        unique = len(column.distinct) > 0.9 * min(len(column.values), 800)
        if uid or unique:
            return "exam", 400, f"{why}: a different number in each row"
        return None, 0, "numbers that repeat"
    if column.may_name and len(column.distinct) > max(2, 0.5 * len(column.values)):
        return "relative", 600, "no known header word; cells could be persons' names"
    return None, 0, "no known header word"


def _spare(roles: Roles, columns: Mapping[str, Column]) -> None:
    """Second columns of a role that one column plays: numbers identify, too; texts may not."""
    for role in ("exam", "patient", "exam_date", "birth_date"):
        spare = roles.columns.get(role, [])[1:]
        if spare:
            roles.columns[role] = roles.columns[role][:1]
            kind = "report_date" if role == "exam_date" else "record_no"
            roles.columns.setdefault(kind, []).extend(spare)
            for name in spare:
                roles.why[name] = f"a second column that could be {role}"
    for role in ("age", "sex", "eye", "camera", "procedure", "status"):
        for name in roles.columns.get(role, [])[1:]:
            roles.left[name] = f"a second column that could be {role}"
        if role in roles.columns:
            roles.columns[role] = roles.columns[role][:1]
    if "patient" not in roles.columns:
        exam = roles.one("exam")
        most = len(columns[exam].distinct) if exam else 0
        cards = [  # what differs within an examination is a picture's number
            n
            for n in roles.columns.get("record_no", [])
            if columns[n].numbers > 0.8 and (exam is None or len(columns[n].distinct) <= most)
        ]
        if cards:
            card = max(cards, key=lambda name: len(columns[name].values))
            roles.columns["record_no"].remove(card)
            roles.columns["patient"] = [card]
            roles.why[card] += "; the site has no other number of the patient"
    if "exam" not in roles.columns and "patient" not in roles.columns:
        numbered = [
            n
            for n in roles.left
            if columns[n].numbers > 0.8 and columns[n].values and not columns[n].running
        ]
        if numbered:
            roles.columns["patient"] = numbered[:1]
            roles.why[numbered[0]] = "the only column of numbers; no known header word"
            del roles.left[numbered[0]]
