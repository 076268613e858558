"""Records that cannot be true, or that say two things."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from funduscope import store
from funduscope.archive import IngestSettings, ingest
from funduscope.errors import DataError

Archive = Callable[..., Path]
Ended = Callable[[store.Corpus], dict[str, list[str]]]


def test_clocks_in_the_future_are_noted_and_make_no_ages_or_days(
    archive: Archive, tmp_path: Path, settings: IngestSettings, ended: Ended
) -> None:
    day = {"patient": "P0", "born": "1950-03-01"}
    folder = archive(
        [
            {**day, "day": "2019-05-28"},
            {**day, "day": "2019-06-07"},
            {**day, "day": "2999-01-01"},
            {"born": "2998-01-01", "age": "60"},
            {"born": "58-03-01"},
            {"day": "28th of May"},
        ]
    )
    with (folder / "archive.toml").open("a", encoding="utf-8") as stream:
        stream.write('[source.format]\nfile_pattern = "(?P<patient>P0)_(?P<date>\\\\d{8})"\n')
    shutil.copy(folder / "5.jpg", folder / "P0_20990101.jpg")
    rows = (folder / "exams.csv").read_text(encoding="utf-8").replace("5.jpg", "")
    (folder / "exams.csv").write_text(rows, encoding="utf-8")
    (folder / "5.jpg").unlink()
    for path in folder.iterdir():
        os.utime(path, (4_102_444_800, 4_102_444_800))
    made = ingest(folder, tmp_path / "out", settings)
    facts = made.images.select("visit_day", "age_years").rows()
    assert sorted(facts, key=str) == [(0, 60), (0, 61), (0, 69), (10, 69), (None, None)]
    codes_of = ended(made)
    assert sorted(codes_of["P0_20990101.jpg"]) == ["date_conflict", "two_records"]
    assert codes_of["exams.csv#3"] == ["date_conflict"]
    assert codes_of["exams.csv#birth_date=2998-01-01"] == ["odd_birth_date"]
    assert codes_of["exams.csv#exam_date=28th of May"] == ["odd_exam_date"]
    for path in folder.iterdir():
        os.utime(path, (0, 0))
    assert ingest(folder, tmp_path / "again", settings).id == made.id


def test_ages_of_newborns_and_of_130_years(
    archive: Archive, tmp_path: Path, settings: IngestSettings, ended: Ended
) -> None:
    told = ({"age": "0"}, {"age": "130"}, {"age": "0 days"}, {"born": "2019-05-28"},
            {"born": "1889-01-01"}, {"born": "2019-06-01"}, {"age": "-3"})  # fmt: skip
    made = ingest(archive(told), tmp_path / "out", settings)
    assert sorted(made.images["age_years"].to_list(), key=str) == [0, 0, *[None] * 5]
    assert ended(made) == {
        "exams.csv#age=0": ["odd_age"],
        "exams.csv#age=130": ["odd_age"],
        "exams.csv#age=-3": ["odd_age"],
        "exams.csv#5": ["age_conflict"],
        "exams.csv#6": ["age_conflict"],
    }


def test_one_examination_number_of_two_patients_is_given_to_neither(
    archive: Archive, tmp_path: Path, settings: IngestSettings, ended: Ended
) -> None:
    twice = {"exam": "E7", "name": "Ann Archer", "born": "1950-01-01"}
    folder = archive([twice, {**twice, "name": "Bob Baker", "report": "drusen, right eye"}, {}])
    made = ingest(folder, tmp_path / "out", settings)
    assert made.images.height == made.reports.height == 1
    assert ended(made) == {
        "0.jpg": ["two_records"],
        "1.jpg": ["two_records"],
        "exams.csv#1": ["two_patients"],
        "exams.csv#2": ["two_patients"],
    }
    assert made.manifest.counts["reports"] == {"seen": 3, "kept": 1, "rejected": 0, "review": 2}


def test_a_json_key_that_stands_twice_makes_a_bad_row(
    photographs: list[bytes], tmp_path: Path, settings: IngestSettings, ended: Ended
) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    lines = []
    for number, more in enumerate(("", ', "who": "Mallory"', ', "say": "half \\ud800 drusen"')):
        (folder / f"{number}.jpg").write_bytes(photographs[number])
        lines.append(
            f'{{"no": "{number}", "img": "{number}.jpg", "eye": "OD", "who": "Ann{more and "e"}", '
            f'"say": "cataract"{more}}}'
        )
    lines[2] = lines[2].replace('"say": "cataract", ', "")
    (folder / "t.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (folder / "archive.toml").write_text(
        '[[source]]\nsite = "x"\nkind = "jsonl"\ntable = "t.jsonl"\nphotos = ["*.jpg"]\n'
        'check_side = false\ncolumns = { exam = "no", images = "img", eye = "eye", name = "who", '
        'report = "say" }\n',
        encoding="utf-8",
    )
    made = ingest(folder, tmp_path / "out", settings)
    assert ended(made) == {"t.jsonl#2": ["bad_row"], "1.jpg": ["no_record"]}
    assert sorted(made.reports["text"]) == ["cataract", "half ? drusen"]


def test_a_column_that_stands_twice_is_refused_only_where_it_is_used(
    archive: Archive, tmp_path: Path, settings: IngestSettings
) -> None:
    folder = archive([{}] * 2)
    text = (folder / "exams.csv").read_text(encoding="utf-8")
    wide = re.sub(r"$", ",,", text.strip(), flags=re.M)
    (folder / "exams.csv").write_text(wide, encoding="utf-8")
    assert ingest(folder, tmp_path / "out", settings).images.height == 2
    (folder / "exams.csv").write_text(wide.replace(",,", ",name,", 1), encoding="utf-8")
    with pytest.raises(DataError, match="two columns 'name'") as caught:
        ingest(folder, tmp_path / "other", settings)
    assert caught.value.code == "bad_table"
