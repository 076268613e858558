import json
from pathlib import Path

import pytest

from funduscope.archive import readers
from funduscope.archive.description import Columns, Format, Source
from funduscope.archive.places import Entry
from funduscope.errors import DataError

ROWS = "检查号,姓名\nA1,张伟\nA2,李娜\n"


def _read(path: Path, **given: object) -> readers.Sheet:
    source = Source.model_validate({"table": path.name, **given})
    tables = readers.tables_of(path.parent, source)
    return readers.read(readers.Given(path.parent, source, tables, []))


@pytest.mark.parametrize(
    ("encoding", "given"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-8-sig", "utf-8"),
        ("gb18030", None),
        ("gb18030", "gb18030"),
        ("utf-16", None),
        ("utf-16-le", None),
        ("utf-16-be", None),
    ],
)
def test_encodings(tmp_path: Path, encoding: str, given: str | None) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes((ROWS + "," * 2 + "\n").replace("\n", "\r\n").encode(encoding))
    if encoding.startswith("utf-16-"):  # without a mark, Latin letters must give it away
        path.write_bytes(("exam,name\nA1,Zhang Wei\n" * 3).encode(encoding))
        assert _read(path).rows[0].cells == {"exam": "A1", "name": "Zhang Wei"}
        return
    sheet = _read(path, encoding=given)
    assert tuple(sheet.columns) == ("检查号", "姓名")
    assert [row.cells["姓名"] for row in sheet.rows] == ["张伟", "李娜"]


def test_a_wrong_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(ROWS.encode("gb18030"))
    with pytest.raises(DataError) as caught:
        _read(path, encoding="utf-8")
    assert caught.value.place == str(path)
    assert "encoding" in caught.value.remedy


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_separators_are_found(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n".replace(",", delimiter), encoding="utf-8")
    assert _read(path).rows[0].cells == {"a": "1", "b": "2"}


def test_a_missing_column_is_an_error_with_the_nearest_one(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("exam_id,patient_name\n1,x\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        _read(path, columns=Columns(exam="exam_id", name="patient_nmae"))
    error = caught.value
    assert error.code == "no_column"
    assert error.value == "no column 'patient_nmae'"
    assert str(path) in error.place
    assert "[source.columns] name" in error.place
    assert "did you mean 'patient_name'" in error.remedy
    assert "exam_id" in error.remedy


def test_optional_columns_may_be_missing(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("image\nx.jpg\n", encoding="utf-8")
    columns = Columns(images="image", age="age")
    assert len(_read(path, columns=columns, optional=("age",)).rows) == 1


def test_bad_rows_do_not_stop_the_table(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n1,2,3\n\n4\n", encoding="utf-8")
    sheet = _read(path)
    assert [(row.number, row.cells) for row in sheet.rows] == [
        (1, {"a": "1", "b": "2"}),
    ]
    assert [(bad.number, bad.detail) for bad in sheet.bad] == [
        (2, "3 cells under 2 columns"),
        (3, "1 cells under 2 columns"),
    ]


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b,a\n1,2,3\n", encoding="utf-8")
    sheet = _read(path)
    assert sheet.rows[0].cells == {"a": "1", "b": "2", "a.2": "3"}
    assert sheet.doubts == ["t.csv: more than one column 'a'; they are called a, a.2"]


def test_no_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        _read(tmp_path / "nowhere.csv")


def test_json_lines_walk_into_objects(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(
        '{"exam": 7, "patient": {"no": "P1", "sex": 0}, "img": ["a", "b"], "x": null}\n'
        '{"exam": \n[1]\n\n{"exam": 8}\n',
        encoding="utf-8",
    )
    columns = Columns(exam="exam", patient="patient.no")
    sheet = _read(path, kind="jsonl", columns=columns)
    assert sheet.rows[0].cells == {
        "exam": "7",
        "patient.no": "P1",
        "patient.sex": "0",
        "img": "a;b",
    }
    assert sheet.rows[1].number == 5
    assert [bad.number for bad in sheet.bad] == [2, 3]


def test_file_names_as_rows(tmp_path: Path) -> None:
    form = Format(file_pattern=r"(?P<patient>\d+)_(?P<eye>left|right)")
    source = Source(kind="folder", format=form, columns=Columns(patient="patient", eye="eye"))
    photos = [Entry("12_left.jpg", 1), Entry("odd.jpg", 1)]
    sheet = readers.read(readers.Given(tmp_path, source, [], photos))
    assert [row.cells for row in sheet.rows] == [
        {"file": "12_left.jpg", "patient": "12", "eye": "left"},
        {"file": "odd.jpg"},
    ]


def test_a_tree_of_patients_and_visits_is_a_row_a_visit(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    visits = [
        {"no": f"V{n}", "text": {"od": f"o{n}"}, "pics": [{"f": f"{n}a"}, {"f": f"{n}b"}]}
        for n in range(3)
    ]
    patients = [{"name": "A", "visits": visits[:2]}, {"name": "B", "visits": visits[2:]}]
    path.write_text(json.dumps({"made": "x", "patients": patients}), encoding="utf-8")
    sheet = _read(path, kind="jsonl", columns={"exam": "patients.visits.no"})
    assert [row.cells for row in sheet.rows] == [
        {
            "made": "x",
            "patients.name": name,
            "patients.visits.no": f"V{n}",
            "patients.visits.text.od": f"o{n}",
            "patients.visits.pics.f": f"{n}a;{n}b",
        }
        for n, name in enumerate("AAB")
    ]


def test_a_key_twice_spoils_its_own_patient_only(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    broken, whole = '{"no": "P1", "v": [{"t": "a", "t": "b"}]}', '{"no": "P2", "v": [{"t": "c"}]}'
    path.write_text(f'{{"patients": [{broken}, {whole}]}}', encoding="utf-8")
    sheet = _read(path, kind="jsonl", columns={"patient": "patients.no"})
    assert [row.cells["patients.no"] for row in sheet.rows] == ["P2"]
    assert [bad.seen for bad in sheet.bad] == [("P1",)]
