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
