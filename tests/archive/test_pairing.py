from __future__ import annotations

import pytest

from funduscope.archive.description import Format, Source
from funduscope.archive.pairing import tell

PATTERN = r"(?:^|/)(?P<patient>H\d+)/(?P<date>\d{4}-\d\d-\d\d)_(?P<eye>OD|OS)"


@pytest.mark.parametrize(
    ("folder", "path"),
    [
        (".", "H12/2020-03-04_OD.jpg"),
        (".", "year.zip!H12/2020-03-04_OD.jpg"),
        ("site", "site/year.ZIP!H12/2020-03-04_OD.jpg"),
        ("site", "site/a/H12/2020-03-04_OD.jpg"),
        (".", "H12 /2020-03-04:OD?.jpg"),
        (".", "H12/2020-03-04|\u200bOD.jpg"),
    ],
)
def test_a_zip_file_is_a_folder_to_the_pattern(folder: str, path: str) -> None:
    form = Format(file_pattern=PATTERN, file_date="%Y-%m-%d")
    told = tell(path, Source(folder=folder, format=form))
    assert (told.patient, told.eye, told.exam) == ("H12", "OD", None)
    assert told.days is not None
    assert told.days[0].isoformat() == "2020-03-04"


@pytest.mark.parametrize(
    ("name", "eye"),
    [
        ("1右.jpg", "OD"),
        ("左2.jpg", "OS"),
        ("12_左 (2).jpg", "OS"),
        ("K1_右眼底.jpg", "OD"),
        ("左小红_1.jpg", "unknown"),
        ("张左_1.jpg", "unknown"),
        ("左右.jpg", "unknown"),
    ],
)
def test_a_name_may_tell_the_eye_whatever_the_pattern(name: str, eye: str) -> None:
    assert tell(f"a/{name}", Source()).eye == eye
