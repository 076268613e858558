from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset

from funduscope import dicom
from funduscope.dicom.identifying import identifying


def test_what_points_at_someone(op, file, rgb):
    ds = op(rgb, OperatorsName="=郭^海燕", StudyDescription="call 13900001234 about macular oedema")
    ds.PatientAddress = "12 Harbour Lane"
    block = ds.private_block(0x0019, "CAM V2", create=True)
    block.add_new(1, "LO", "欧阳明珠")
    block.add_new(2, "LO", "MODE")
    seen = dicom.read(file(ds), name="x")
    for text in (
        "MRN0042718",
        "ACC9917265",
        "S77125",
        "SN8827164",
        "19620417",
        "1962-04-17",
        "20190903101730",
        "2.25.1002",
        "Ouyang^Mingzhu",
        "Mingzhu Ouyang",
        "欧阳明珠",
        "郭海燕",
        "清沅县中医院",
        "13900001234",
        "12 Harbour Lane",
    ):
        assert text in seen.identifying, text


def test_words_that_any_report_may_contain_are_left_out(op, file, rgb):
    ds = op(rgb, StudyDescription="macular oedema", SeriesDescription="Fundus", StudyID="1")
    ds.InstitutionName = None
    seen = dicom.read(file(ds), name="x")
    told = " ".join(seen.identifying)
    for word in ("macular", "oedema", "Fundus", "Canon", "CR-2 AF", "COLOR", "Eye", "OP", "YES"):
        assert word not in told
    assert "1" not in seen.identifying
    assert all(len(text) >= 2 for text in seen.identifying)


@pytest.mark.parametrize("real", ["utf-8", "gb18030"])
def test_names_in_another_character_set_than_stated(op, file, real, rgb):
    """Latin-1 is stated, Chinese bytes are written; all readers then show nonsense."""
    ds = op(rgb, SpecificCharacterSet="ISO_IR 100", InstitutionName="PLACE")
    ds.PatientName = "Ouyang"
    name = "欧阳明珠".encode(real).ljust(12, b" ")
    data = file(ds).replace(b"LO\x06\0PLACE ", b"LO\x0c\0" + name)
    assert name in data
    assert "欧阳明珠" in dicom.read(data, name="x").identifying


def test_nested_meta_and_preamble(op, file, rgb):
    ds = op(rgb)
    item = Dataset()
    item.PatientID = "NEST0099123"
    ds.RequestAttributesSequence = [item]
    ds.file_meta.SourceApplicationEntityTitle = "CAM 4417"
    ds.preamble = b"made for MRN5550123".ljust(128, b"\0")
    ds.add_new(0x00099999, "UN", b"\0\0\x01box 55512345\0")
    seen = dicom.read(file(ds), name="x")
    for text in ("NEST0099123", "CAM 4417", "MRN5550123", "55512345"):
        assert text in seen.identifying, text


def test_an_empty_set():
    assert identifying(Dataset()) == ()


def test_order_of_the_file_does_not_matter(op, file, rgb):
    a = dicom.read(file(op(rgb)), name="x").identifying
    b = dicom.read(file(op(np.flipud(rgb).copy())), name="y").identifying
    assert a == b == tuple(sorted(set(a)))
