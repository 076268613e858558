"""Every key that a drafted `archive.toml` may hold, in the order in which it is written."""

from __future__ import annotations

FORMAT = 1
SETTINGS = ("site", "folder", "table", "kind", "encoding", "delimiter", "photos")
COLUMNS = (
    "exam",
    "patient",
    "name",
    "identity",
    "birth_date",
    "exam_date",
    "age",
    "sex",
    "eye",
    "camera",
    "procedure",
    "report",
    "right",
    "left",
    "images",
)
FORMATS = (
    "birth_date",
    "exam_date",
    "separator",
    "eye_pattern",
    "file_pattern",
    "file_date",
    "window_days",
)
VALUES = ("sex", "eye", "age_unit", "procedure", "field", "kind")
SECTIONS = {"columns": COLUMNS, "format": FORMATS, "values": VALUES}

ONE_COLUMN = (
    *("exam", "patient", "birth_date", "exam_date", "age", "sex", "eye", "camera", "procedure"),
    *("right", "left", "images"),
)
"""Roles that one column plays; a second one that fits goes to `identity` or into a comment."""

IDENTITY_ROLES = (
    *("id_card", "phone", "email", "wechat", "address", "doctor", "record_no", "relative"),
    *("hospital", "report_date"),
)
"""What a column may be about that `identity` takes together."""

GROUPS = ("exam", "patient", "name", "date", "eye", "field", "kind")
"""Groups of `file_pattern`."""

FHIR = {
    "exam": "study",
    "patient": "patient",
    "name": "name",
    "birth_date": "birth_date",
    "exam_date": "effective",
    "sex": "gender",
    "procedure": "code",
}
"""Columns that the FHIR reader always gives; they need no line in the description."""

DICOM = {
    "exam": "StudyInstanceUID",
    "patient": "PatientID",
    "name": "PatientName",
    "birth_date": "PatientBirthDate",
    "exam_date": "StudyDate",
    "sex": "PatientSex",
}
"""Attributes that the DICOM reader always gives; they need no line in the description."""
