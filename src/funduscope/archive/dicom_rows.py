"""DICOM objects -> rows, with the study, the patient and the eye of their attributes.

The columns are always the same, so a description of a DICOM source needs none. Of photographs that
another table names and that are DICOM objects, the number of pictures and the eye are read.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from funduscope.archive import places
from funduscope.archive.places import Entry
from funduscope.archive.readers import FILE_COLUMN, Given, Object, Row, Sheet, filled
from funduscope.errors import DataError

if TYPE_CHECKING:
    from funduscope.dicom import Facts, Instance

_ENDINGS = ("", ".dcm", ".dicom", ".dic", ".ima")


def read_files(given: Given) -> Sheet:
    """One row a DICOM file.

    A file that is said to be DICOM and cannot be read, and one in a maker's own format, is a row
    that names nothing but itself: reading its picture will tell why. Any other file is no row.

    Raises:
        ConfigError: the extra `dicom` is not installed.
    """
    from funduscope import dicom

    told = [field.name for field in fields(dicom.Facts)]
    sheet = Sheet(columns=dict.fromkeys((FILE_COLUMN, "camera", *told)))
    for number, entry in enumerate(given.photos, start=1):
        if entry.fault is not None:
            continue
        data = _data(given, entry)
        instance = _opened(data, entry.path)
        cells = {FILE_COLUMN: entry.path}
        if instance is not None:
            facts = {name: getattr(instance.facts, name) for name in told}
            cells |= {name: "" if value is None else str(value) for name, value in facts.items()}
            cells["camera"] = _camera(instance.facts)
            sheet.objects[entry.path] = Object(
                instance.count, instance.facts.eye, torn=instance.facts.eye_conflict
            )
        elif not _meant(data, entry.path):
            continue
        seen = instance.identifying if instance is not None else ()
        sheet.rows.append(Row(entry.path, number, filled(cells.items()), seen))
    return sheet


def objects(given: Given) -> dict[str, Object]:
    """The DICOM objects among the photographs of a source of another kind.

    Only files are opened whose names end as those of DICOM objects do: in nothing, in the last
    number of a UID, in `.dcm` and the like.
    """
    found = {}
    for entry in given.photos:
        ending = PurePosixPath(entry.path).suffix.lower()
        if entry.fault is not None or not (ending in _ENDINGS or ending[1:].isdigit()):
            continue
        instance = _opened(_data(given, entry), entry.path)
        if instance is not None:
            seen = () if given.source.public else instance.identifying
            torn = instance.facts.eye_conflict
            found[entry.path] = Object(instance.count, instance.facts.eye, seen, torn)
    return found


def _data(given: Given, entry: Entry) -> bytes:
    """The content of a file; nothing where it cannot be read: reading its picture tells why."""
    try:
        return places.read_bytes(given.archive, entry.path)
    except (DataError, OSError):
        return b""


def _opened(data: bytes, name: str) -> Instance | None:
    """The object in a file; None where there is none that can be read."""
    from funduscope import dicom

    try:
        return dicom.read(data, name=name) if dicom.is_dicom(data) else None
    except DataError:
        return None


def _meant(data: bytes, name: str) -> bool:
    """Whether a file was meant to be a DICOM object, or comes from a camera's own program."""
    from funduscope import dicom

    if not data or dicom.is_dicom(data) or name.lower().endswith((".dcm", ".dicom")):
        return True
    return dicom.refusal(name, data[:4096]) is not None


def _camera(facts: Facts) -> str:
    return " ".join(word for word in (facts.manufacturer, facts.model) if word)
