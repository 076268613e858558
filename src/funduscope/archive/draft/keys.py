"""Every key that a drafted `archive.toml` may hold, in the order in which it is written."""

from __future__ import annotations

FORMAT = 1
SETTINGS = ("site", "folder", "table", "kind", "encoding", "delimiter", "photos", "optional")
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
    "status",
    "report_right",
    "report_left",
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
    "table_pattern",
    "file_date",
    "window_days",
)
VALUES = ("sex", "eye", "age_unit", "procedure", "field", "kind")
SECTIONS = {"columns": COLUMNS, "format": FORMATS, "values": VALUES}

ONE_COLUMN = (
    *("exam", "patient", "birth_date", "exam_date", "age", "sex", "eye", "camera", "procedure"),
    "status",
)
"""Roles that one column plays; a second one that fits goes to `identity` or into a comment."""

SEVERAL_COLUMNS = ("report", "report_right", "report_left", "right", "left", "images")
"""Roles that take several columns, in the table's order."""

IDENTITY_ROLES = (
    *("id_card", "phone", "email", "wechat", "address", "doctor", "record_no", "relative"),
    *("hospital", "report_date"),
)
"""What a column may be about that `identity` takes together."""

GROUPS = ("exam", "patient", "name", "date", "eye", "field", "kind")
"""Groups of `file_pattern`."""

FHIR_EXAM = "study"
"""Column by which the FHIR reader usually tells the examination."""

FHIR_ROLES = {
    "exam": (FHIR_EXAM,),
    "patient": ("patient",),
    "name": ("name",),
    "record_no": ("accession", "id", "identifiers"),
    "exam_date": ("effective",),
    "images": ("images",),
}
"""Role -> columns of the FHIR reader that photographs may be known by."""

DICOM_EXAM = {"StudyInstanceUID": "study_uid", "AccessionNumber": "accession"}
"""Attribute that can tell the examination -> column of the DICOM reader; the first is usual."""
