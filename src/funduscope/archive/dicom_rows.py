"""DICOM files -> rows: one a picture, with the study, the patient and the eye of its attributes.

The columns are always the same, so a description of a DICOM source needs none.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from funduscope.archive import places
from funduscope.archive.readers import FILE_COLUMN, BadRow, Given, Row, Sheet, filled
from funduscope.errors import DataError

if TYPE_CHECKING:
    from funduscope.dicom import Facts


def read_files(given: Given) -> Sheet:
    """One row a DICOM file; a file that is none, or that no reader can open, is no row.

    Raises:
        ConfigError: the extra `dicom` is not installed.
    """
    from funduscope import dicom

    told = [field.name for field in fields(dicom.Facts)]
    sheet = Sheet(columns=dict.fromkeys((FILE_COLUMN, "camera", *told)))
    for number, entry in enumerate(given.photos, start=1):
        if entry.fault is not None:
            continue
        data = places.read_bytes(given.archive, entry.path)
        if not dicom.is_dicom(data):
            continue
        try:
            instance = dicom.read(data, name=entry.path)
        except DataError as error:
            sheet.bad.append(BadRow(entry.path, number, f"{error.code}: {error.rule}"))
            continue
        facts = {name: getattr(instance.facts, name) for name in told}
        cells = {name: "" if value is None else str(value) for name, value in facts.items()}
        cells |= {"camera": _camera(instance.facts), FILE_COLUMN: entry.path}
        sheet.rows.append(Row(entry.path, number, filled(cells.items()), instance.identifying))
    return sheet


def _camera(facts: Facts) -> str:
    return " ".join(word for word in (facts.manufacturer, facts.model) if word)
