"""The DICOMweb client against Debian's Orthanc."""

from __future__ import annotations

import numpy as np
import pytest

from funduscope import dicom
from funduscope.dicom.web import Place
from funduscope.errors import DataError

pytestmark = pytest.mark.services

STUDIES, EACH = 7, 2


def client(orthanc, **more):
    return dicom.Server(orthanc.url, user="reader", password="open sesame", **more)


@pytest.fixture(scope="module")
def filled(orthanc, objects):
    """Seven studies of two photographs each: uncompressed and JPEG 2000."""
    sent = {}
    for study in range(STUDIES):
        for number in range(EACH):
            rgb = np.full((48, 64, 3), 20 + 10 * study + number, np.uint8)
            place = Place(f"2.25.5{study}", f"2.25.6{study}", f"2.25.7{study}{number}")
            ds = objects["make_op"](
                rgb,
                StudyInstanceUID=place.study,
                SeriesInstanceUID=place.series,
                SOPInstanceUID=place.instance,
                PatientID=f"MRN{study}",
            )
            if number:
                ds.compress("1.2.840.10008.1.2.4.90", generate_instance_uid=False)
            orthanc.ask("/instances", objects["file_bytes"](ds))
            sent[place] = rgb
    return sent


@pytest.mark.parametrize("page", [1, 3, 200])
def test_paging_finds_every_object_once(orthanc, filled, page):
    found = list(client(orthanc, page=page).places())
    assert len(found) == len(set(found)) == STUDIES * EACH
    assert set(found) == set(filled)


@pytest.mark.parametrize("page", [1, 2, 3, 200])
def test_nothing_is_lost_by_a_filter_with_pages(orthanc, filled, page):
    """Orthanc 1.10 gives ever shorter pages where it is asked for ModalitiesInStudy."""
    found = list(client(orthanc, page=page).studies({"ModalitiesInStudy": "OP"}))
    assert len(found) == len(set(found)) == STUDIES


def test_modalities(orthanc, filled):
    found = list(client(orthanc, page=2).places(modalities=("OP",)))
    assert set(found) == set(filled)
    assert not list(client(orthanc).places(modalities=("OPT",)))


def test_filters(orthanc, filled):
    assert list(client(orthanc).studies({"PatientID": "MRN3"})) == ["2.25.53"]
    assert list(client(orthanc).studies({"PatientID": "nobody"})) == []


def test_what_was_sent_comes_back(orthanc, filled):
    server = client(orthanc)
    for place, rgb in filled.items():
        seen = dicom.read(server.retrieve(place), name="x")
        assert np.array_equal(seen.frame(), rgb)
        assert seen.facts.study_uid == place.study


def test_a_restart_half_way_is_survived(orthanc, filled):
    """The server is killed while objects are fetched; the next try is what brings it up again."""
    waits = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            orthanc.start()

    server = client(orthanc, page=2, wait=wait)
    found = []
    for place in server.places():
        found.append(place)
        if len(found) == 5:
            orthanc.stop()
        assert np.array_equal(dicom.read(server.retrieve(place), name="x").frame(), filled[place])
    assert set(found) == set(filled)
    assert len(found) == len(filled)
    assert waits == [1.0, 2.0]


def test_who_is_not_let_in(orthanc, filled):
    with pytest.raises(DataError) as caught:
        list(dicom.Server(orthanc.url, user="reader", password="wrong").studies())
    assert caught.value.code == "refused"


def test_what_is_not_there(orthanc, filled):
    with pytest.raises(DataError) as caught:
        client(orthanc).retrieve(Place("2.25.1", "2.25.2", "2.25.3"))
    assert caught.value.code == "not_found"
