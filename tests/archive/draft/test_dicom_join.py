"""DICOM files without a suffix beside a list that knows them by their accession number."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from funduscope.archive.draft import draft

pydicom = pytest.importorskip("pydicom")


def instance(path: Path, at: int, eye: str) -> None:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.77.1.5.1"
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = f"2.25.{at}{len(eye)}77"
    data.StudyInstanceUID = f"2.25.98765{at}"
    data.AccessionNumber = f"AC{at}"
    data.PatientID = f"P{at // 2}"
    data.StudyDate = "20190304"
    data.ImageLaterality = eye
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    for at in range(8100, 8112):
        for number, eye in enumerate("RL"):
            place = tmp_path / "archive" / "pacs" / "studies" / f"{at}"
            instance(place / f"IM{number:06d}", at, eye)
    return tmp_path / "archive"


def test_list_by_accession_number(archive):
    rows = ["Case;Request;Findings"]
    for n, at in enumerate(range(8100, 8112)):
        rows.append(f"{n + 1};AC{at};Right eye: disc pink with sharp margins, macula flat {at}")
    (archive / "pacs" / "list.csv").write_text("\n".join(rows), encoding="utf-8")
    dicom, table = draft(archive, archive.parent / "out").sources
    assert dicom["kind"] == "dicom"
    assert dicom["columns"] == {"exam": "accession"}
    assert dicom["photos"] == ["studies/**/*"]
    assert table["columns"]["exam"] == "Request"
    assert table["photos"] == []


def test_fhir_by_study(archive):
    entries = [
        {
            "resource": {
                "resourceType": "DiagnosticReport",
                "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:2.25.98765{at}"}],
                "code": {"text": "Fundus photography"},
                "conclusion": "Disc pink, macula flat.",
            }
        }
        for at in range(8100, 8112)
    ]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    (archive / "pacs" / "reports.json").write_text(json.dumps(bundle), encoding="utf-8")
    dicom, fhir = draft(archive, archive.parent / "out").sources
    assert "columns" not in dicom
    assert fhir["kind"] == "fhir"
    assert "columns" not in fhir
    assert fhir["values"]["procedure"] == {"Fundus photography": "cfp"}
