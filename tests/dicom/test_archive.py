"""The DICOM folder of the messy archive: what is planted there is told, and does not survive."""

from __future__ import annotations

import csv
import io
import tarfile
from collections import defaultdict

import pytest

from funduscope import dicom
from funduscope.dicom.reading import parse

pytestmark = pytest.mark.realdata

PLACES = ("dicom", "dicom_private")


@pytest.fixture(scope="module")
def archive(shared):
    """Path of a DICOM file -> its bytes; and the tables of the truth."""
    files: dict[str, bytes] = {}
    tables: dict[str, list[dict[str, str]]] = {}
    with tarfile.open(shared / "archive_dev.tar.gz") as tar:
        for member in tar:
            wanted = member.name.endswith((".dcm", "truth/phi.csv", "truth/images.csv"))
            stream = tar.extractfile(member) if wanted else None
            if stream is None:
                continue
            if member.name.endswith(".dcm"):
                files[member.name.split("archive/", 1)[1]] = stream.read()
            else:
                text = stream.read().decode("utf-8-sig")
                tables[member.name.rsplit("/", 1)[1]] = list(csv.DictReader(io.StringIO(text)))
    return files, tables


def test_every_planted_string_is_told_and_none_survives(archive):
    files, tables = archive
    planted = defaultdict(set)
    for row in tables["phi.csv"]:
        if row["where"] in PLACES:
            planted[row["file"]].add(row["value"])
    assert set(planted) == set(files)
    for name, data in files.items():
        told = dicom.read(data, name=name).identifying
        assert planted[name] <= set(told), name
        made = dicom.to_bytes(
            dicom.deidentify(
                parse(data, name=name), lambda kind, _: f"{kind}17", pixels=lambda frame: frame
            )
        )
        for text in planted[name]:
            for encoding in ("utf-8", "gb18030"):
                assert text.encode(encoding) not in made, name


def test_eyes_are_those_of_the_truth_but_for_planted_conflicts(archive):
    files, tables = archive
    truth = {row["file"]: row for row in tables["images.csv"]}
    for name, data in files.items():
        if truth[name]["reason"] != "eye_conflict":
            assert dicom.read(data, name=name).facts.eye in (truth[name]["eye"], None)
