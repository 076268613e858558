from __future__ import annotations

import contextlib
import struct
import zlib
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian, JPEG2000Lossless

from funduscope import dicom
from funduscope.dicom import reading
from funduscope.errors import DataError


def refused(data: bytes) -> DataError:
    with pytest.raises(DataError) as caught:
        for _ in dicom.read(data, name="the file").frames():
            pass
    return caught.value


def test_facts(op, file, rgb):
    found = dicom.read(file(op(rgb)), name="x").facts
    assert (found.patient, found.accession, found.study_uid) == (
        "MRN0042718",
        "ACC9917265",
        "2.25.1002",
    )
    assert (found.eye, found.eye_conflict) == ("OD", False)
    assert (found.study_date, found.birth_date) == (date(2019, 9, 3), date(1962, 4, 17))
    assert (found.sex, found.age_years) == ("female", 57)
    assert (found.manufacturer, found.model, found.modality) == ("Canon", "CR-2 AF", "OP")
    assert found.sop_class == "Ophthalmic Photography 8 Bit Image Storage"
    assert found.burned_in is False


def test_without_preamble_and_file_meta(op, file, rgb):
    ds = op(rgb)
    ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    data = file(ds)
    (length,) = struct.unpack_from("<I", data, 140)
    bare = data[144 + length :]
    assert dicom.is_dicom(bare)
    assert np.array_equal(dicom.read(bare, name="x").frame(), rgb)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "zero_byte"),
        (b"\xff\xd8\xff\xe0" + bytes(300), "not_an_image"),
        (b"image", "not_an_image"),
        (bytes(132), "not_an_image"),
        (bytes(128) + b"DICM", "truncated"),
    ],
)
def test_no_dicom(data, code):
    assert refused(data).code == code


def test_no_pixels(op, file, rgb):
    ds = Dataset()
    ds.update({e.tag: e for e in op(rgb) if e.tag.group < 0x28})
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.104.1"  # an encapsulated PDF
    ds.file_meta = op(rgb).file_meta
    assert refused(file(ds)).code == "not_an_image"


def test_the_makers_own_class(op, file, rgb):
    found = refused(file(op(rgb, SOPClassUID="1.2.276.0.75.2.2.42.4")))
    assert found.code == "proprietary"


@pytest.mark.parametrize("way", ["plain", "jpeg", "j2k"])
def test_cut_anywhere(op, jpeg, encode, file, rgb, way):
    ds = op(rgb)
    if way == "jpeg":
        jpeg(ds, [encode(rgb)])
    elif way == "j2k":
        ds.compress(JPEG2000Lossless, generate_instance_uid=False)
    data = file(ds)
    # What follows the last byte of the codestream is only the sequence's own end.
    least = len(data) - (2 if way == "plain" else 24)
    for end in [*range(140, least, 97), least]:
        assert refused(data[:end]).code in ("truncated", "not_an_image"), end
    assert {refused(data[:end]).code for end in range(400, least, 397)} == {"truncated"}


def test_a_deflated_bomb(op, file, rgb, monkeypatch):
    monkeypatch.setattr(reading, "MAX_INFLATED", 10**6)
    head = file(op(rgb)).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    (length,) = struct.unpack_from("<I", head, 140)
    squeeze = zlib.compressobj(wbits=-15)
    bomb = squeeze.compress(bytes(5 * 10**6)) + squeeze.flush()
    start = bytearray(head[: 144 + length + 2])
    struct.pack_into("<I", start, 140, length + 2)
    at = start.index(b"1.2.840.10008.1.2.1.99")
    struct.pack_into("<H", start, at - 2, 22)
    assert refused(bytes(start) + bomb).code == "too_large"


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_damage_is_always_a_data_error(op, jpeg, encode, file, rgb, data):
    good = bytearray(file(jpeg(op(rgb), [encode(rgb)])))
    spots = data.draw(
        st.lists(
            st.tuples(st.integers(132, len(good) - 1), st.integers(0, 255)), min_size=1, max_size=8
        )
    )
    for place, value in spots:
        good[place] = value
    with contextlib.suppress(DataError):
        seen = dicom.read(bytes(good), name="x")
        assert all(frame.dtype == np.uint8 for frame in seen.frames())


def test_a_number_of_the_wrong_length(op, file, rgb):
    """A group length of two bytes: pydicom has an exception of its own for it."""
    data = file(op(rgb))
    at = data.index(b"\x08\0\x05\0CS")
    broken = data[:at] + b"\x08\0\0\0UL\x02\0N " + data[at:]
    assert np.array_equal(dicom.read(broken, name="x").frame(), rgb)


def test_a_name_in_the_place_of_the_camera(op, file, rgb):
    ds = op(rgb, Manufacturer="for MRN0042718", ManufacturerModelName="欧阳明珠")
    found = dicom.read(file(ds), name="x").facts
    assert (found.manufacturer, found.model) == (None, None)


def test_damaged_values_are_not_said(op, file, rgb):
    ds = op(rgb, StudyDate="20191399", PatientBirthDate="someday", PatientAge="old", PatientSex="?")
    ds.AcquisitionDateTime = ds.ContentDate = None
    found = dicom.read(file(ds), name="x").facts
    assert (found.study_date, found.birth_date, found.age_years, found.sex) == (None,) * 4


def test_what_is_wrong_is_told_without_the_values(op, file, rgb, caplog, recwarn):
    ds = op(rgb, PatientBirthDate="Ouyang", PatientAge="Mingzhu", StudyInstanceUID="Ouyang")
    dicom.read(file(ds), name="x").frame()
    assert caplog.text == ""
    assert not recwarn.list


def test_only_the_parts_of_the_extra_that_are_asked_for():
    assert dicom.refusal("scan.e2e", b"CMDb") is not None
    with pytest.raises(AttributeError):
        _ = dicom.nothing
