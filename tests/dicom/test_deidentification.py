from __future__ import annotations

import hashlib
import io
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import UID, JPEG2000Lossless, RLELossless

from funduscope import dicom
from funduscope.dicom.profile import PRIVATE, table
from funduscope.dicom.quiet import quiet
from funduscope.errors import DataError

MARK = "ZQX7731"
DIGITS = "7731"
HAN = "金丝雀"
WORDS = ("LO", "SH", "ST", "LT", "UT", "UC", "PN")


def pseudonym(kind: str, value: str) -> str:
    return kind[0] + hashlib.sha256(f"key {kind} {value}".encode()).hexdigest()[:16]


def canary(vr: str, number: int) -> Any:
    """A value that can be told wherever it stands."""
    text = f"{MARK}{number:03d}"
    if vr in ("OB", "OW", "UN"):
        return text.encode() + b"\0" * (len(text) % 2)
    if vr == "UI":
        return f"1.2.{DIGITS}77{number:03d}"
    if vr in ("DS", "IS"):
        return f"{DIGITS}77{number:03d}"
    if vr == "US":
        return 7731
    if vr == "SQ":
        item = Dataset()
        item.PatientName = f"{text}^{HAN}"
        item.CodeMeaning = text
        item.CodeValue = text
        item.TextValue = text
        item.StudyDate = "20190903"
        item.SOPInstanceUID = f"1.2.{DIGITS}77{number:03d}"
        block = item.private_block(0x0011, MARK, create=True)
        block.add_new(1, "LO", text)
        return [item]
    if vr in WORDS:
        return f"{text} {HAN}"
    return text


def every_attribute(ds: Dataset) -> Dataset:
    """A canary in each of the 621 rows of the table, file meta and preamble."""
    with quiet():
        for number, tag in enumerate(sorted(table())):
            if tag == PRIVATE:
                block = ds.private_block(0x0019, f"{MARK} CAM", create=True)
                block.add_new(1, "LO", f"{MARK}{number:03d}")
                block.add_new(2, "UN", f"{MARK}{number:03d}".encode())
                block.add_new(3, "SQ", canary("SQ", number))
                continue
            at = int(tag.replace("50xxxxxx", "50023000").replace("60xx", "6004"), 16)
            vr = "OW" if "x" in tag else str(dictionary_VR(at))
            place = ds.file_meta if at >> 16 == 2 else ds
            place[at] = DataElement(at, vr, canary(vr, number))
        ds[0x00089999] = DataElement(0x00089999, "LO", f"{MARK}999")
        ds.file_meta.SourceApplicationEntityTitle = MARK
        ds.file_meta.PrivateInformationCreatorUID = f"1.2.{DIGITS}77"
        ds.file_meta.PrivateInformation = MARK.encode() + b"\0"
        ds.preamble = MARK.encode().ljust(128, b"\0")
    return ds


def without_command(ds: Dataset) -> Dataset:
    """Group 0000 travels in messages and cannot be written to a file."""
    with quiet():
        for element in ds.group_dataset(0x0000):
            del ds[element.tag]
    return ds


def traces(data: bytes) -> list[bytes]:
    needles = [MARK.encode(), DIGITS.encode(), *(HAN.encode(e) for e in ("utf-8", "gb18030"))]
    return [needle for needle in needles if needle in data]


def reread(data: bytes) -> Dataset:
    return pydicom.dcmread(io.BytesIO(data))


@pytest.mark.parametrize("day_shift", [None, -40])
def test_no_canary_survives(op, file, rgb, day_shift):
    ds = every_attribute(op(rgb))
    assert len(table()) == 621
    made = dicom.to_bytes(dicom.deidentify(ds, pseudonym, day_shift=day_shift))
    assert traces(made) == []
    written = file(without_command(ds))
    assert len(traces(written)) == 3  # the characters of GB18030 were never there
    made = dicom.to_bytes(dicom.deidentify(reread(written), pseudonym, day_shift=day_shift))
    assert traces(made) == []
    assert made[:128] == bytes(128)
    assert np.array_equal(dicom.read(made, name="x").frame(), rgb)


def test_canaries_and_what_the_reader_says(op, file, rgb):
    """The facts carry none but those that pair; the second pass is told of every text."""
    ds = without_command(every_attribute(op(rgb)))
    seen = dicom.read(file(ds), name="x")
    taken = seen.facts
    kept = (taken.eye, taken.sex, taken.age_years, taken.manufacturer, taken.model, taken.modality)
    assert traces(repr((*kept, taken.sop_class)).encode()) == []
    told = "\n".join(seen.identifying)
    codes = ("CS", "AS", "DS", "IS", "US", "SQ", "DA", "DT", "TM")
    for number, tag in enumerate(sorted(table())):
        if tag == PRIVATE:
            continue
        vr = "OW" if "x" in tag else str(dictionary_VR(int(tag, 16)))
        if vr in (*codes, "OW") or tag.startswith(("0000", "00020003")):
            continue
        shown = f"{DIGITS}77{number:03d}" if vr == "UI" else f"{MARK}{number:03d}"
        assert shown in told, (tag, vr)
    assert MARK in told


def test_declared(op, rgb):
    made = dicom.deidentify(op(rgb), pseudonym)
    assert made.PatientIdentityRemoved == "YES"
    assert "PS3.15" in made.DeidentificationMethod
    codes = [item.CodeValue for item in made.DeidentificationMethodCodeSequence]
    assert codes == ["113100"]
    assert made.LongitudinalTemporalInformationModified == "REMOVED"
    assert made.StudyDate is None
    shifted = dicom.deidentify(op(rgb), pseudonym, day_shift=-40)
    codes = [item.CodeValue for item in shifted.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113107"]
    assert shifted.LongitudinalTemporalInformationModified == "MODIFIED"
    assert (shifted.StudyDate, shifted.AcquisitionDateTime) == ("20190725", "20190725")
    assert not shifted.StudyTime
    assert not shifted.PatientBirthDate


def test_what_stays_and_what_stands_in(op, rgb):
    ds = op(rgb)
    made = dicom.deidentify(ds, pseudonym)
    assert (made.ImageLaterality, made.Manufacturer, made.Modality) == ("R", "Canon", "OP")
    assert made.PatientID == pseudonym("patient", "MRN0042718")[:16] == str(made.PatientName)
    assert made.AccessionNumber == pseudonym("exam", "ACC9917265")[:16]
    assert made.InstitutionName == "REMOVED"
    assert (ds.PatientID, ds.InstitutionName) == ("MRN0042718", "清沅县中医院")


def test_uids_are_remapped_alike_everywhere(op, rgb):
    ds, other = op(rgb), op(rgb, SOPInstanceUID="2.25.9")
    item = Dataset()
    item.ReferencedSOPClassUID = ds.SOPClassUID
    item.ReferencedSOPInstanceUID = ds.SOPInstanceUID
    other.SourceImageSequence = [item]
    first, second = (dicom.deidentify(one, pseudonym) for one in (ds, other))
    assert first.StudyInstanceUID == second.StudyInstanceUID != ds.StudyInstanceUID
    assert first.SOPInstanceUID != second.SOPInstanceUID
    source = second.SourceImageSequence[0]
    assert source.ReferencedSOPInstanceUID == first.SOPInstanceUID
    assert source.ReferencedSOPClassUID == ds.SOPClassUID == first.SOPClassUID
    assert first.file_meta.MediaStorageSOPInstanceUID == first.SOPInstanceUID
    assert UID(first.SOPInstanceUID).is_valid
    assert len(first.SOPInstanceUID) <= 64


def test_beyond_the_table(op, rgb):
    """What the dictionary does not know, free text, dates and UIDs not listed."""
    ds = op(rgb)
    ds.add_new(0x00089999, "LO", MARK)
    ds.add_new(0x00400031, "UT", MARK)  # Local Namespace Entity ID
    ds.add_new(0x00080106, "DT", "20190903")  # Context Group Version
    ds.add_new(0x00880140, "UI", f"1.2.{DIGITS}")  # Storage Media File-set UID
    made = dicom.deidentify(ds, pseudonym)
    assert 0x00089999 not in made
    assert traces(dicom.to_bytes(made)) == []
    assert made[0x00080106].value == "19000101000000"


def segment(marker: int, text: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(text) + 2).to_bytes(2, "big") + text


def test_jpeg_frames_lose_exif_and_comments(op, jpeg, encode, file, rgb):
    data = encode(rgb)
    exif = segment(0xE1, b"Exif\0\0" + MARK.encode()) + segment(0xFE, MARK.encode())
    ds = jpeg(op(rgb), [data[:2] + exif + data[2:] + MARK.encode() + b"\0"])
    before = file(ds)
    assert len(traces(before)) == 2
    after = dicom.to_bytes(dicom.deidentify(reread(before), pseudonym))
    assert traces(after) == []
    frame = dicom.read(before, name="x").frame()
    assert np.array_equal(dicom.read(after, name="x").frame(), frame)


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, RLELossless], ids=lambda uid: uid.name)
def test_frames_of_other_encodings(op, file, rgb, syntax):
    frames = np.stack([rgb, 255 - rgb])
    ds = op(frames, many=True)
    ds.compress(syntax, generate_instance_uid=False)
    after = dicom.to_bytes(dicom.deidentify(reread(file(ds)), pseudonym))
    assert np.array_equal(np.stack(list(dicom.read(after, name="x").frames())), frames)


def test_bytes_behind_the_last_frame_go(op, file, rgb):
    ds = op(rgb)
    ds.PixelData += MARK.encode() + b"\0"
    assert traces(dicom.to_bytes(dicom.deidentify(ds, pseudonym))) == []


def test_text_in_the_pixels(op, rgb):
    ds = op(rgb, BurnedInAnnotation="YES")
    with pytest.raises(DataError) as caught:
        dicom.deidentify(ds, pseudonym)
    assert caught.value.code == "burned_in_text"

    def blank(frame: np.ndarray) -> np.ndarray:
        clean = frame.copy()
        clean[:8] = 0
        return clean

    made = dicom.deidentify(ds, pseudonym, pixels=blank)
    shown = dicom.read(dicom.to_bytes(made), name="x")
    assert (shown.frame()[:8] == 0).all()
    assert np.array_equal(shown.frame()[8:], rgb[8:])
    assert made.BurnedInAnnotation == "NO"
    codes = [item.CodeValue for item in made.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113101"]


def test_an_object_without_its_own_uid_cannot_be_written(op, rgb):
    made = dicom.deidentify(op(rgb, SOPInstanceUID=""), pseudonym)
    with pytest.raises(DataError) as caught:
        dicom.to_bytes(made)
    assert caught.value.code == "truncated"


def test_again_changes_only_the_pseudonyms(op, rgb):
    once = dicom.deidentify(op(rgb), pseudonym)
    twice = dicom.deidentify(once, pseudonym)
    moved = {element.keyword for element in once if element.value != twice[element.tag].value}
    assert {name for name in moved if not name.endswith("UID")} == {
        "AccessionNumber",
        "PatientID",
        "PatientName",
        "StudyID",
    }
