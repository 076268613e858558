import tomllib
from pathlib import Path

import pytest

from funduscope import config
from funduscope.archive import description
from funduscope.archive.description import Columns
from funduscope.errors import ConfigError, DataError


def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        description.load(tmp_path)
    assert "empty" in caught.value.value
    assert str(tmp_path) in caught.value.place
    assert caught.value.code == "no_archive"
    assert "tables and photographs" in caught.value.remedy


def test_no_folder_and_no_description(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        description.load(tmp_path / "nowhere")
    (tmp_path / "picture.jpg").write_bytes(b"")
    with pytest.raises(DataError, match=r"neither archive\.toml nor labels\.csv") as caught:
        description.load(tmp_path)
    assert "--config" in caught.value.remedy


def test_the_archives_own_description_wins_over_the_sheet(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("image\n", encoding="utf-8")
    assert description.load(tmp_path).source[0].keep_refused
    text = 'format = 1\n[[source]]\nsite = "own"\ntable = "labels.csv"\n'
    (tmp_path / "archive.toml").write_text(text, encoding="utf-8")
    assert description.load(tmp_path).source[0].site == "own"


def test_mistakes_are_all_named_with_the_nearest_setting(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("image\n", encoding="utf-8")
    given = tmp_path / "mine.toml"
    given.write_text(
        '[[source]]\ntabel = "x.csv"\nkind = "xls"\n[source.columns]\nexma = "a"\n'
        '[source.format]\neye_pattern = "("\n',
        encoding="utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        description.load(tmp_path, given)
    said = caught.value.value
    assert "did you mean 'table'" in said
    assert "did you mean 'exam'" in said
    assert "kind = 'xls'" in said
    assert "not a regular expression" in said
    assert caught.value.place == str(given)


def test_the_printed_schema_is_toml_that_names_every_role() -> None:
    text = description.schema()
    config.build(description.Description, tomllib.loads(text), place="the schema")
    for role in Columns.model_fields:
        assert f"{role} =" in text


def test_roles_list_the_columns_in_use() -> None:
    columns = Columns(images="image", report=("a", "b"), eye_report={"en": "text"})
    assert columns.roles() == {"images": ("image",), "report": ("a", "b"), "eye_report": ("text",)}
