import base64
import json
from pathlib import Path

import pytest

from funduscope.archive import readers
from funduscope.archive.description import Source

PATIENT = {
    "resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1950-01-02",
    "identifier": [{"value": "99"}, {"type": {"coding": [{"code": "MR"}]}, "value": "M7"}],
    "name": [{"family": "Novak", "given": ["Ann"]}],
}  # fmt: skip
REPORT = {
    "resourceType": "DiagnosticReport", "id": "r1", "effectiveDateTime": "2020-03-04T10:00:00Z",
    "media": [{"link": {"reference": "Media/m1"}}], "code": {"text": "Fundus photography"},
    "presentedForm": [
        {"contentType": "text/plain", "data": base64.b64encode("视盘清".encode("gb18030")).decode()}
    ],
}  # fmt: skip
MEDIA = {
    "resourceType": "Media", "id": "m1", "content": {"url": "https://pacs.example.org/x/a.jpg?w=1"},
    "bodySite": {"coding": [{"system": "http://snomed.info/sct", "code": "24028007"}]},
}  # fmt: skip


def _rows(folder: Path) -> list[dict[str, str]]:
    source = Source(kind="fhir", table=("**/*.ndjson",))
    tables = readers.tables_of(folder, source)
    return [row.cells for row in readers.read(readers.Given(folder, source, tables, [])).rows]


@pytest.mark.parametrize(
    "subject", ["Patient/p1", "https://fhir.example.org/r4/Patient/p1/_history/2", "urn:uuid:p1"]
)
def test_resources_of_several_files_are_read_together(tmp_path: Path, subject: str) -> None:
    report = REPORT | {"subject": {"reference": subject}}
    for one in (PATIENT, report, MEDIA):
        path = tmp_path / str(one["resourceType"]) / "part.ndjson"
        path.parent.mkdir()
        path.write_text(json.dumps(one) + "\n", encoding="utf-8")
    said, picture = _rows(tmp_path)
    assert (said["patient"], said["name"], said["birth_date"]) == ("M7", "Ann Novak", "1950-01-02")
    assert said["attachment"] == "视盘清"
    assert (said["study"], said["effective"]) == ("r1", "2020-03-04")
    assert (picture["study"], picture["patient"]) == ("r1", "M7")
    assert (picture["images"], picture["eye"]) == ("https://pacs.example.org/x/a.jpg", "OD")


@pytest.mark.parametrize(
    ("site", "eye"),
    [
        ({"coding": [{"code": "7771000"}]}, "OS"),
        ({"text": "Left eye"}, "OS"),
        ({"coding": [{"display": "右眼"}]}, "OD"),
        ({"text": "both eyes"}, None),
        ({}, None),
    ],
)
def test_the_eye_of_a_picture_of_its_own(
    tmp_path: Path, site: dict[str, object], eye: str | None
) -> None:
    own = MEDIA | {"bodySite": site, "createdDateTime": "2020-03-04", "subject": {
        "identifier": {"value": "M7"}}}  # fmt: skip
    (tmp_path / "m.ndjson").write_text(json.dumps(own), encoding="utf-8")
    (row,) = _rows(tmp_path)
    assert row.get("eye") == eye
    assert (row["patient"], row["effective"]) == ("M7", "2020-03-04")


def test_findings_as_observations(tmp_path: Path) -> None:
    seen = {
        "resourceType": "Observation", "id": "o1", "valueString": "drusen",
        "bodySite": {"text": "left eye"}, "code": {"text": "Finding"},
    }  # fmt: skip
    report = {**REPORT, "presentedForm": [], "result": [{"reference": "Observation/o1"}]}
    bundle = {"resourceType": "Bundle", "entry": [{"resource": seen}, {"resource": report}]}
    (tmp_path / "b.ndjson").write_text(json.dumps(bundle), encoding="utf-8")
    assert _rows(tmp_path)[0]["results"] == "left eye Finding: drusen"


def test_references_by_identifiers_tell_study_and_accession(tmp_path: Path) -> None:
    report = REPORT | {
        "basedOn": [{"identifier": {"type": {"text": "accession"}, "value": "A17"}}],
        "imagingStudy": [{"identifier": {"system": "urn:dicom:uid", "value": "urn:oid:1.2.3.4"}}],
    }
    (tmp_path / "r.ndjson").write_text(json.dumps(report), encoding="utf-8")
    (said,) = _rows(tmp_path)
    assert (said["study"], said["accession"]) == ("1.2.3.4", "A17")


def test_a_picture_of_another_patient_than_its_report_is_claimed_twice(tmp_path: Path) -> None:
    other = PATIENT | {"id": "p2", "identifier": [{"value": "M8"}]}
    report = REPORT | {"subject": {"reference": "Patient/p1"}}
    media = MEDIA | {"subject": {"reference": "Patient/p2"}}
    lines = [json.dumps(one) for one in (PATIENT, other, report, media)]
    (tmp_path / "all.ndjson").write_text("\n".join(lines), encoding="utf-8")
    pictures = [row for row in _rows(tmp_path) if row.get("images")]
    assert [row["patient"] for row in pictures] == ["M7", "M8"]
    assert pictures[0]["images"] == pictures[1]["images"]
