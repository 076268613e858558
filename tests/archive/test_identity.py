import csv
import stat
from pathlib import Path

import pytest

from funduscope.archive import identity
from funduscope.errors import ConfigError, IdentityError


def test_a_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "site" / "key"
    key = identity.open_key(path)
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert identity.open_key(path) == key
    assert identity.open_key(tmp_path / "other") != key


def test_a_file_that_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"short")
    with pytest.raises(ConfigError, match="5 bytes"):
        identity.open_key(tmp_path / "key")


@pytest.mark.parametrize("inside", ["corpus", "archive"])
def test_a_key_inside_out_or_the_archive_is_refused(tmp_path: Path, inside: str) -> None:
    out, archive = tmp_path / "corpus", tmp_path / "archive"
    with pytest.raises(IdentityError) as caught:
        identity.key_path(tmp_path / "x" / ".." / inside / "key", out, archive)
    assert "key_file" in caught.value.place
    assert "--set key_file" in caught.value.remedy


def test_an_output_whose_neighbor_is_the_archive_needs_a_place_for_the_key(tmp_path: Path) -> None:
    with pytest.raises(IdentityError):
        identity.key_path(None, tmp_path / "out", tmp_path)
    assert identity.key_path(None, tmp_path / "out", tmp_path / "archive") == (
        tmp_path / "identity" / "key"
    )


def test_pseudonyms_are_stable_and_tell_kinds_and_keys_apart() -> None:
    one, other = identity.Pseudonyms(b"a" * 32), identity.Pseudonyms(b"b" * 32)
    assert one("patient", "s", "7") == one("patient", "s", "7")
    assert len({one("patient", "s", "7"), one("exam", "s", "7"), one("patient", "s7", "")}) == 3
    assert one("patient", "s", "7") != other("patient", "s", "7")
    assert one.fingerprint != other.fingerprint
    assert one("patient", "s", "7").startswith("p")


def test_locators_of_several_corpora_gather_in_one_private_file(tmp_path: Path) -> None:
    key = tmp_path / "key"
    identity.write_locators(key, {"l2": "张伟.jpg"})
    identity.write_locators(key, {"l1": 'a,"b".jpg'})
    path = tmp_path / "locators.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        assert list(csv.reader(stream)) == [
            ["locator", "path"],
            ["l1", 'a,"b".jpg'],
            ["l2", "张伟.jpg"],
        ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_name_that_looks_like_a_formula_is_text_in_the_list(tmp_path: Path) -> None:
    names = {"l1": "=HYPERLINK(1).jpg", "l2": "line\rbreak.jpg", "l3": "-\n.jpg"}
    for _ in range(2):  # reading the list again changes nothing
        identity.write_locators(tmp_path / "key", names)
        identity.write_locators(tmp_path / "key", {})
        with (tmp_path / "locators.csv").open(encoding="utf-8", newline="") as stream:
            assert list(csv.reader(stream))[1:] == [
                ["l1", "'=HYPERLINK(1).jpg"],
                ["l2", "line\rbreak.jpg"],
                ["l3", "'-\n.jpg"],
            ]
