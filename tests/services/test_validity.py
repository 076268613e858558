"""De-identification leaves valid objects valid; the judge is dciodvfy (Debian's dicom3tools)."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from pydicom.dataset import Dataset

from funduscope import dicom

pytestmark = pytest.mark.services


def errors(data: bytes, folder: Path) -> Counter[str]:
    program = shutil.which("dciodvfy")
    if program is None:
        pytest.fail("Debian's dicom3tools is missing: run `make services`")
    path = folder / "object.dcm"
    path.write_bytes(data)
    shown = subprocess.run([program, str(path)], capture_output=True, check=False)
    lines = (shown.stdout + shown.stderr).decode("utf-8", "replace").splitlines()
    assert any("OphthalmicPhotography" in line for line in lines), lines
    return Counter(line for line in lines if line.startswith("Error"))


def pseudonym(kind: str, value: str) -> str:
    return f"{kind[0]}{hash((kind, value)) & 0xFFFFFFFF:08x}"


def photographs(objects):
    y, x = np.mgrid[0:48, 0:64]
    rgb = np.stack([x * 3, y * 4, x + y], axis=-1).astype(np.uint8)
    make = objects["make_op"]
    encoded = bytes(simplejpeg.encode_jpeg(rgb, quality=90, colorsubsampling="422"))
    talkative = make(
        rgb,
        OperatorsName="Guo^Haiyan",
        InstitutionAddress="12 Harbour Lane",
        StationName="ROOM4",
        StudyDescription="Screening",
        PatientAddress="3 Mill Road",
        PatientComments="prefers mornings",
        AcquisitionDate="20190903",
        AcquisitionTime="101730",
        PerformedProcedureStepStartDate="20190903",
        PerformedProcedureStepID="P1",
    )
    talkative.private_block(0x0019, "CAM V2", create=True).add_new(1, "LO", "Guo")
    talkative.OtherPatientIDsSequence = [Dataset()]
    talkative.OtherPatientIDsSequence[0].PatientID = "A17"
    talkative.OtherPatientIDsSequence[0].TypeOfPatientID = "TEXT"
    return {
        "color": make(rgb),
        "compressed": objects["as_jpeg"](make(rgb), [encoded]),
        "talkative": talkative,
        "gray": make(rgb[..., 0], color="MONOCHROME2"),
        "deep gray": make(rgb[..., 0].astype(np.uint16) * 100, color="MONOCHROME2"),
        "frames": make(np.stack([rgb, rgb]), many=True),
    }


KINDS = ("color", "compressed", "talkative", "gray", "deep gray", "frames")


@pytest.mark.parametrize("day_shift", [None, -40])
@pytest.mark.parametrize("kind", KINDS)
def test_no_error_is_added(objects, tmp_path, kind, day_shift):
    ds = photographs(objects)[kind]
    before = errors(objects["file_bytes"](ds), tmp_path)
    assert not before
    made = dicom.deidentify(ds, pseudonym, day_shift=day_shift)
    assert not errors(dicom.to_bytes(made), tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_nor_when_the_pixels_are_drawn_anew(objects, tmp_path, kind):
    made = dicom.deidentify(photographs(objects)[kind], pseudonym, pixels=lambda frame: frame)
    assert not errors(dicom.to_bytes(made), tmp_path)
