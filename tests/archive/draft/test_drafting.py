from __future__ import annotations

import csv
import random
import re
import shutil
import tarfile
import tomllib
from pathlib import Path

import pytest

from funduscope.archive.draft import draft
from funduscope.archive.draft.keys import COLUMNS, FORMATS, SETTINGS, VALUES
from funduscope.errors import DataError

LAYOUTS = (
    *("english_images", "patient_folders", "nested_lines", "two_sheets", "zipped", "old_system"),
    *("image_list", "eye_folders", "no_separators", "xml_reports", "all_zipped"),
)


def read(made, groups):
    """Share of the photographs that the drafted pattern reads with all these groups filled."""
    source = next(s for s in made.sources if "file_pattern" in s.get("format", {}))
    pattern = re.compile(source["format"]["file_pattern"])
    names = made.names()
    found = [pattern.search(name) for name in names]
    whole = [f for f in found if f and all(f.groupdict().get(g) for g in groups)]
    return len(whole) / len(names)


@pytest.mark.parametrize("name", LAYOUTS)
def test_only_known_keys_and_no_identity(made, people, name):
    one = made(name)
    for source in one.sources:
        assert set(source) <= {*SETTINGS, "columns", "format", "values"}
        assert set(source.get("columns", {})) <= set(COLUMNS)
        assert set(source.get("format", {})) <= set(FORMATS)
        assert set(source.get("values", {})) <= set(VALUES)
    assert len(people) > 60
    for told in people:
        assert told not in one.text


@pytest.mark.parametrize("name", LAYOUTS)
def test_samples_warn_and_show_rows(made, name):
    page = (made(name).out / "samples.html").read_text(encoding="utf-8")
    assert "It stays at the site" in page
    assert "What its name tells" in page
    assert "data:image" in page


def test_one_row_an_image(made):
    one = made("english_images")
    (source,) = one.sources
    assert source["folder"] == "."
    assert source["columns"]["images"] == ["image_name"]
    assert source["columns"]["patient"] == "PatientID"
    assert source["columns"]["eye"] == "Laterality"
    assert source["format"]["exam_date"] == "%d/%m/%Y"
    assert source["values"]["eye"] == {"right": "OD", "left": "OS", "r": "OD", "l": "OS"}


def test_zip_files_with_tables_are_sites(made):
    one = made("all_zipped")
    assert [(source["site"], source["table"]) for source in one.sources] == [
        ("hill", "hill.zip/reports.csv"),
        ("lake", "lake.zip/reports.csv"),
    ]
    assert [source["photos"] for source in one.sources] == [
        ["hill.zip/photos/**/*"],
        ["lake.zip/photos/**/*"],
    ]
    assert read(one, ("exam", "eye")) == 1


def test_patient_folders_without_a_table(made):
    one = made("patient_folders")
    (source,) = one.sources
    assert source["kind"] == "folder"
    assert read(one, ("patient", "name", "date", "eye", "field")) == 1
    assert source["format"]["file_date"] == "%Y-%m-%d"
    assert source["values"]["field"] == {"黄斑": "macula", "视盘": "disc"}
    assert source["photos"] == ["*/**/*"]


def test_nested_json_lines(made):
    one = made("nested_lines")
    (source,) = one.sources
    assert source["columns"]["exam"] == "visit.accession"
    assert source["columns"]["report"] == ["findings", "impression"]
    assert set(source["columns"]["identity"]) == {"person.idcard", "person.tel"}
    assert source["values"]["sex"] == {"0": "female", "1": "male"}
    assert read(one, ("exam", "eye")) == 1


def test_workbook_of_two_sheets(made):
    (source,) = made("two_sheets").sources
    columns = source["columns"]
    assert (columns["exam"], columns["patient"]) == ("Exam ID", "Chart No")
    assert (columns["right"], columns["left"]) == (["OD image"], ["OS image"])
    assert columns["birth_date"] == "Date of Birth"
    assert columns["identity"] == ["Mobile Phone"]


def test_photographs_in_zip_files(made):
    one = made("zipped")
    (source,) = one.sources
    assert source["encoding"] == "utf-16"
    assert source["delimiter"] == ";"
    assert source["photos"] == ["batch0.zip/**/*", "batch1.zip/**/*"]
    assert source["format"]["file_date"] == "%Y%m%d"
    assert source["values"]["procedure"] == {"彩色眼底照相": "cfp", "眼部B超": "other"}
    assert read(one, ("patient", "date", "eye")) == 1


def test_old_system(made):
    one = made("old_system")
    (source,) = one.sources
    assert source["encoding"] == "gb18030"
    assert source["columns"]["exam"] == "流水"
    assert source["format"]["exam_date"] == "%y.%m.%d"
    assert source["values"]["age_unit"] == {"岁": "year"}
    assert read(one, ("name", "exam", "eye")) == 1


def test_tables_that_meet(made):
    one = made("image_list")
    images = next(s for s in one.sources if s["table"] == "images.csv")
    exams = next(s for s in one.sources if s["table"] == "exams.csv")
    people = next(s for s in one.sources if s["table"] == "people.csv")
    assert images["columns"]["exam"] == exams["columns"]["exam"] == "exam_no"
    assert exams["columns"]["patient"] == people["columns"]["patient"] == "pid"
    assert images["photos"] == ["raw/**/*"]
    assert exams["photos"] == people["photos"] == []
    assert people["values"]["sex"] == {"1": "male", "2": "female"}
    assert people["columns"]["name"] == ["surname", "forename"]


def test_a_column_is_the_key_because_files_bear_it(made):
    one = made("eye_folders")
    (source,) = one.sources
    assert source["columns"]["exam"] == "code"
    assert read(one, ("eye", "exam")) == 1


def test_names_for_want_of_numbers(made):
    one = made("no_separators")
    (source,) = one.sources
    assert source["columns"]["patient"] == source["columns"]["name"] == "病人姓名"
    assert "UNSURE" in one.text
    assert read(one, ("date", "patient", "eye")) == 1


def test_xml_one_report_a_file(made):
    one = made("xml_reports")
    (source,) = one.sources
    assert source["table"] == "reports/*.xml"
    assert source["columns"]["exam"] == "Exam.AccessionNo"
    assert source["columns"]["report"] == ["Exam.Findings", "Exam.Conclusion"]
    assert "report" in source["optional"]
    assert read(one, ("exam", "eye")) == 1


def test_order_of_files_changes_nothing(made, tmp_path):
    one = made("zipped")
    names = [p for p in one.archive.rglob("*") if p.is_file()]
    random.Random(1).shuffle(names)
    for name in names:
        target = tmp_path / "archive" / name.relative_to(one.archive)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(name, target)
    again = draft(tmp_path / "archive", tmp_path / "out")
    assert again.description.read_text(encoding="utf-8") == one.text


def test_drawn_archive(drawn, tmp_path):
    found = draft(drawn.archive, tmp_path / "out")
    right = {one["site"]: one for one in tomllib.loads(drawn.toml.read_text())["source"]}
    mine = tomllib.loads(found.description.read_text(encoding="utf-8"))["source"]
    assert [one["site"] for one in mine] == list(right)
    for one in mine:
        true = right[one["site"]]
        assert one["encoding"] == true["encoding"]
        for role, column in true["columns"].items():
            said = one["columns"][role]
            assert said == column or said == [column], (one["site"], role)
        assert one["format"]["exam_date"] == true["format"]["exam_date"]
        assert one["values"]["sex"] == true["values"]["sex"]
    assert mine[1]["format"]["separator"] == "|"
    pattern = re.compile(mine[2]["format"]["file_pattern"])
    assert pattern.search("img/SL00123-R-1.png").groupdict() == {"exam": "SL00123", "eye": "R"}


@pytest.mark.parametrize("place", ["nowhere", "empty"])
def test_nothing_to_describe(tmp_path, place):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError) as caught:
        draft(tmp_path / place, tmp_path / "out")
    assert caught.value.code == "no_archive"
    assert not (tmp_path / "out").exists()


def test_refuses_to_write_into_the_archive_or_over_a_description(made, tmp_path):
    one = made("old_system")
    with pytest.raises(DataError) as caught:
        draft(one.archive, one.archive / "out")
    assert caught.value.code == "output_inside"
    with pytest.raises(DataError) as caught:
        draft(one.archive, one.out)
    assert caught.value.code == "exists"
    assert (one.out / "archive.toml").read_text(encoding="utf-8") == one.text


def test_readme_is_no_table(tmp_path):
    root = tmp_path / "archive"
    (root / "a").mkdir(parents=True)
    (root / "README.txt").write_text("Exam, patient and report, as exported.\nBy the staff.\n")
    (root / "a" / "list.csv").write_text("exam no,report\n1001,disc pink and macula flat\n")
    found = draft(root, tmp_path / "out")
    assert [one["table"] for one in found.sources] == ["list.csv"]


def test_hidden_numbers_are_told(tmp_path):
    root = tmp_path / "archive" / "site"
    rows = ["code,gender,findings"]
    (root / "p").mkdir(parents=True)
    for at in range(500, 530):
        rows.append(f"X{at // 2}/{at}7,F,disc pink and macula flat in this eye {at}")
        (root / "p" / f"{at}7_R.jpg").write_bytes(b"\xff\xd8\xff")
    (root / "t.csv").write_text("\n".join(rows))
    found = draft(tmp_path / "archive", tmp_path / "out")
    assert any("bear a part of code" in line for line in found.open)


@pytest.mark.realdata
def test_development_archive(shared: Path, tmp_path: Path):
    """The draft names every site's keys, reads its paths, and holds no planted identity."""
    with tarfile.open(shared / "archive_dev.tar.gz") as packed:
        # Debian 12 has Python 3.11.2, whose tarfile knows no filters yet.
        known = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        packed.extractall(tmp_path, **known)
    root = next(tmp_path.rglob("truth")).parent
    found = draft(root / "archive", tmp_path / "out")
    text = found.description.read_text(encoding="utf-8")
    sources = tomllib.loads(text)["source"]
    assert len({one["site"] for one in sources}) == 5
    kinds = sorted(one["kind"] for one in sources)
    assert kinds == ["csv", "csv", "csv", "dicom", "fhir", "xlsx", "xml"]
    for one in sources:
        if one["kind"] not in ("dicom", "fhir", "xml"):  # its only XML file is refused
            assert one["columns"]["exam"]
            assert one["columns"]["report"]
    with (root / "truth" / "phi.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
        planted = {row["canonical"] or row["value"] for row in rows}
    assert len(planted) > 500
    assert not [told for told in planted if len(told) > 3 and told in text]
