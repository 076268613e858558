"""Attributes of DICOM files that joins and eyes are guessed from."""

from __future__ import annotations

from pathlib import Path

from funduscope.errors import missing_extra

_ATTRIBUTES = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "PatientAge", "StudyDate"),
    *("StudyInstanceUID", "AccessionNumber", "StudyID", "Modality", "ManufacturerModelName"),
    *("ImageLaterality", "Laterality", "StudyDescription"),
)


def read(archive: Path, paths: list[str]) -> tuple[list[dict[str, str]], list[str]]:
    """One row a file (attribute -> text, and `file`), and what could not be read."""
    try:
        import pydicom
        from pydicom.errors import InvalidDicomError
    except ModuleNotFoundError:
        raise missing_extra("pydicom", "dicom") from None
    rows, bad = [], 0
    for path in paths:
        if "!" in path:
            continue
        try:
            dataset = pydicom.dcmread(
                archive / path, stop_before_pixels=True, specific_tags=list(_ATTRIBUTES)
            )
            row = {name: str(value) for name in _ATTRIBUTES if (value := dataset.get(name))}
        except (InvalidDicomError, OSError, ValueError, KeyError, AttributeError, EOFError):
            bad += 1
            continue
        rows.append({"file": path, **row})
    return rows, [f"{bad} DICOM files cannot be read"] if bad else []
