from __future__ import annotations

from datetime import date

import pytest
from pydicom.dataset import Dataset

from funduscope.dicom.facts import facts, parse_date, text
from funduscope.dicom.quiet import quiet


def coded(value: str, meaning: str = "") -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return item


def test_nothing_said():
    found = facts(Dataset())
    assert (found.eye, found.eye_conflict, found.patient, found.age_years) == (
        None,
        False,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("image", "series", "eye", "conflict"),
    [
        ("R", None, "OD", False),
        ("L", "", "OS", False),
        ("", "L", "OS", False),
        ("B", None, None, False),
        ("R", "R", "OD", False),
        ("R", "L", None, True),
        ("OS", None, "OS", False),
        ("u", None, None, False),
    ],
)
def test_eye(image, series, eye, conflict):
    ds = Dataset()
    with quiet():
        ds.ImageLaterality = image
        if series is not None:
            ds.Laterality = series
    found = facts(ds)
    assert (found.eye, found.eye_conflict) == (eye, conflict)


@pytest.mark.parametrize(
    ("image", "series", "protocol", "eye", "conflict"),
    [
        ("", "Fundus OD 45", "", "OD", False),
        ("", "", "Color left eye", "OS", False),
        ("", "彩照右眼", "", "OD", False),
        ("R", "Fundus OS 45", "", None, True),
        ("L", "OD and OS", "", "OS", False),
        ("", "GODS", "", None, False),
    ],
)
def test_eye_in_the_name_of_series_or_protocol(image, series, protocol, eye, conflict):
    ds = Dataset()
    ds.ImageLaterality, ds.SeriesDescription, ds.ProtocolName = image, series, protocol
    found = facts(ds)
    assert (found.eye, found.eye_conflict) == (eye, conflict)


def test_eye_of_the_frames():
    anatomy, group, ds = Dataset(), Dataset(), Dataset()
    anatomy.FrameLaterality = "L"
    group.FrameAnatomySequence = [anatomy]
    ds.SharedFunctionalGroupsSequence = [group]
    assert facts(ds).eye == "OS"


@pytest.mark.parametrize(
    ("region", "eye"),
    [
        (coded("18944008", "Right eye structure"), "OD"),
        (coded("X1", "Left retina"), "OS"),
        (coded("81745001", "Eye"), None),
    ],
)
def test_eye_by_codes(region, eye):
    ds = Dataset()
    ds.AnatomicRegionSequence = [region]
    assert facts(ds).eye == eye
    region.AnatomicRegionModifierSequence = [coded("7771000", "Left")]
    if eye is None:
        assert facts(ds).eye == "OS"
    ds.ImageLaterality = "B"  # a word of the object goes before its codes
    assert facts(ds).eye is None


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("20190903", date(2019, 9, 3)),
        ("2019.09.03", date(2019, 9, 3)),
        ("2019-09-03", date(2019, 9, 3)),
        ("20190903101730.25+0800", date(2019, 9, 3)),
        ("20191399", None),
        ("201909", None),
        ("", None),
    ],
)
def test_dates(said, day):
    assert parse_date(said) == day


@pytest.mark.parametrize(
    ("age", "born", "years"),
    [
        ("057Y", "19000101", 57),
        ("018M", None, 1),
        ("003D", None, 0),
        ("", "19620904", 56),
        ("", "19620903", 57),
        ("", "20300101", None),
        ("999Y", None, None),
        ("57", None, None),
    ],
)
def test_age(age, born, years):
    ds = Dataset()
    with quiet():
        ds.PatientAge, ds.StudyDate = age, "20190903"
    if born:
        ds.PatientBirthDate = born
    assert facts(ds).age_years == years


def test_only_allowed_attributes_are_read():
    ds = Dataset()
    ds.InstitutionName = "somewhere"
    with pytest.raises(KeyError):
        text(ds, "InstitutionName")
