"""What a DICOM object says about patient, eye, day and camera; only allow-listed attributes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.uid import UID

from funduscope.dicom.allowed import attributes

_SEX = {"F": "female", "M": "male"}
_SIDES = {"R": "OD", "RIGHT": "OD", "OD": "OD", "L": "OS", "LEFT": "OS", "OS": "OS"}
# SNOMED CT, and its older spelling SNOMED RT; the side alone (a modifier) or the whole eye.
_CODES = {
    "24028007": "OD",
    "7771000": "OS",
    "G-A100": "OD",
    "G-A101": "OS",
    "1290041000": "OD",
    "1290043002": "OS",
    "18944008": "OD",
    "8966001": "OS",
}
_DESCRIBED = {
    "OD": re.compile("(?<![A-Za-z])OD(?![A-Za-z])|(?i:\\bright[ _]eye\\b)|\u53f3\u773c"),
    "OS": re.compile("(?<![A-Za-z])OS(?![A-Za-z])|(?i:\\bleft[ _]eye\\b)|\u5de6\u773c"),
}
_WORDS = re.compile(r"(?i)\b(?:(right)|(left))\b")
_DATES = ("StudyDate", "AcquisitionDate", "AcquisitionDateTime", "ContentDate", "SeriesDate")
_DATE = re.compile(r"(\d{4})[-./]?(\d{2})[-./]?(\d{2})(?:\d{2,6}(?:\.\d+)?(?:[+-]\d{4})?)?")
_AGE = re.compile(r"(\d{1,3})([YMWD])")
_PER_YEAR = {"Y": 1.0, "M": 12.0, "W": 52.18, "D": 365.25}
_OLDEST = 130
_CAMERA = re.compile(r"[^\x00-\x1f\x7f]{1,64}")


@dataclass(frozen=True)
class Facts:
    """What the corpus may learn from an object; None where the object does not say.

    Patient, study_uid, accession and the two dates identify: they serve to pair pictures with
    reports and leave only as pseudonym, age or difference of days.

    Attributes:
        eye: OD or OS; None when not said, said to be both, or said in two ways.
        eye_conflict: attributes of this object name different eyes.
        sex: female or male.
        age_years: whole years, 0 to 130.
        modality: as in the file: OP photograph, OPT tomography, ...
        sop_class: name of the kind of object in the standard's list.
        burned_in: the object says that text stands in its pixels (False: says it does not).
    """

    patient: str | None
    study_uid: str | None
    accession: str | None
    eye: str | None
    eye_conflict: bool
    study_date: date | None
    birth_date: date | None
    sex: str | None
    age_years: int | None
    manufacturer: str | None
    model: str | None
    modality: str | None
    sop_class: str | None
    burned_in: bool | None


def facts(dataset: Dataset) -> Facts:
    """Read the facts; damaged values count as not said."""
    eyes = set(_eyes(dataset))
    days = [day for name in _DATES if (day := parse_date(text(dataset, name))) is not None]
    born = parse_date(text(dataset, "PatientBirthDate"))
    sop_class = UID(text(dataset, "SOPClassUID"))
    return Facts(
        patient=text(dataset, "PatientID") or None,
        study_uid=text(dataset, "StudyInstanceUID") or None,
        accession=text(dataset, "AccessionNumber") or None,
        eye=eyes.pop() if len(eyes) == 1 else None,
        eye_conflict=len(eyes) > 1,
        study_date=days[0] if days else None,
        birth_date=born,
        sex=_SEX.get(text(dataset, "PatientSex").upper()),
        age_years=_age(text(dataset, "PatientAge"), born, days[0] if days else None),
        manufacturer=_camera(text(dataset, "Manufacturer")),
        model=_camera(text(dataset, "ManufacturerModelName")),
        modality=_word(text(dataset, "Modality")),
        sop_class=sop_class.name if sop_class.name != sop_class else None,
        burned_in={"YES": True, "NO": False}.get(text(dataset, "BurnedInAnnotation").upper()),
    )


def text(dataset: Dataset, keyword: str) -> str:
    """An allow-listed attribute as trimmed text; empty when missing. Of several values the first.

    A keyword that is not in the list is a mistake of this package (KeyError).
    """
    tag = int(attributes()[keyword].tag, 16)
    if tag not in dataset:
        return ""
    value = dataset[tag].value
    if isinstance(value, bytes):
        value = value.decode("ascii", "ignore")
    if isinstance(value, MultiValue):
        value = next(iter(value), "")
    return "" if value is None else str(value).strip(" \0")


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of an allow-listed sequence; none when it is missing or no sequence."""
    tag = int(attributes()[keyword].tag, 16)
    if tag not in dataset or dataset[tag].VR != "SQ":
        return []
    return list(dataset[tag].value)


def parse_date(text: str) -> date | None:
    """A DICOM date or date-time, also with the separators of older files; None if impossible."""
    found = _DATE.fullmatch(text)
    try:
        return date(*(int(part) for part in found.groups())) if found else None
    except ValueError:
        return None


def _age(said: str, born: date | None, day: date | None) -> int | None:
    found = _AGE.fullmatch(said.upper())
    if found is not None:
        years = int(int(found[1]) / _PER_YEAR[found[2]])
    elif born is not None and day is not None:
        years = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    else:
        return None
    return years if 0 <= years <= _OLDEST else None


def _camera(text: str) -> str | None:
    return text if _CAMERA.fullmatch(text) else None


def _word(text: str) -> str | None:
    return text.upper() if re.fullmatch(r"[A-Za-z]{2,4}", text) else None


def _eyes(dataset: Dataset) -> Iterator[str]:
    """Every eye that the object names; B (both) names none. Codes count only where no word does."""
    said = [text(dataset, name).upper() for name in ("ImageLaterality", "Laterality")]
    for group in items(dataset, "SharedFunctionalGroupsSequence"):
        said += [
            text(item, "FrameLaterality").upper() for item in items(group, "FrameAnatomySequence")
        ]
    said += _described(dataset)
    if any(said):
        yield from (_SIDES[word] for word in said if word in _SIDES)
        return
    for region in items(dataset, "AnatomicRegionSequence"):
        for code in (region, *items(region, "AnatomicRegionModifierSequence")):
            known = _CODES.get(text(code, "CodeValue"))
            found = _WORDS.search(text(code, "CodeMeaning"))
            if known:
                yield known
            elif found:
                yield "OD" if found[1] else "OS"


def _described(dataset: Dataset) -> list[str]:
    """The one eye that the names of series and protocol tell; nothing where they tell both."""
    names = " ".join(text(dataset, name) for name in ("SeriesDescription", "ProtocolName"))
    eyes = [eye for eye, words in _DESCRIBED.items() if words.search(names)]
    return eyes if len(eyes) == 1 else []
