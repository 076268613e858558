from __future__ import annotations

import pytest

from funduscope.dicom.vendor import formats, proprietary, refusal

PICTURE = b"\xff\xd8\xff\xe0" + bytes(100)
DICOM = bytes(128) + b"DICM" + bytes(100)


@pytest.mark.parametrize(
    ("name", "head", "said"),
    [
        ("A/B/0012.E2E", b"CMDb" + bytes(100), "Heidelberg"),
        ("renamed.bin", b"CMDb" + bytes(100), "Heidelberg"),
        ("x.sdb", bytes(100), "Heidelberg"),
        ("x.vol", b"HSF-OCT-103" + bytes(100), "Heidelberg"),
        ("x.fda", b"FOCTFDA" + bytes(100), "Topcon FDA"),
        ("x.dat", b"FOCTFDS" + bytes(100), "Topcon FDS"),
        ("macular cube.img", bytes(100), "Cirrus"),
        ("x.oct", bytes(100), "Optovue"),
        ("IMG_0001.CR2", b"II*\0\x10\0\0\0CR\x02\0" + bytes(100), "Canon camera raw"),
        ("x.cr3", b"\0\0\0\x18ftypcrx " + bytes(100), "CR3"),
        ("x.nef", b"MM\0*" + bytes(100), "raw"),
    ],
)
def test_refused_by_name_with_the_export_steps(name, head, said):
    found = refusal(name, head)
    assert found is not None
    assert said in found
    assert len(found) > 60


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("x.jpg", PICTURE),
        ("x.img", PICTURE),
        ("x.img", DICOM),
        ("x.img", b"\x08\0\x05\0CS\x0a\0" + bytes(100)),
        ("x.tif", b"II*\0" + bytes(100)),
        ("x.dcm", DICOM),
        ("report.pdf", b"%PDF-1.7"),
        ("e2e", b"e2e"),
        ("", b""),
    ],
)
def test_everything_else_is_not_refused_here(name, head):
    assert refusal(name, head) is None


def test_the_list_is_well_formed():
    for known in formats():
        assert known.code == "obfuscated" or known.endings
        assert all(ending.startswith(".") and ending == ending.lower() for ending in known.endings)
        assert "xport" in known.steps or "convert" in known.steps or "Output" in known.steps


def test_obfuscated_objects():
    error = proprietary("a private transfer syntax", "x.dcm")
    assert error.code == "proprietary"
    assert "Zeiss" in error.rule
    assert "Export" in error.remedy
