"""A mirror of a server in a folder; the server is a stand-in, `make services` asks a real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from funduscope.archive import dicom_server
from funduscope.archive.description import Description
from funduscope.config import Quiet, build
from funduscope.dicom.web import Place
from funduscope.errors import ConfigError, DataError

URL = "https://pacs.example/dicom-web"
SOURCE = {"kind": "dicomweb", "site": "north", "folder": "pacs", "server": {"url": URL}}


def described(**server: object) -> Description:
    source = SOURCE | {"server": {"url": URL, **server}}
    return build(Description, {"source": [source]}, place="test")


class Stand:
    """What a server holds: place -> bytes, or the code of an error."""

    def __init__(self, count: int) -> None:
        self.held: dict[Place, bytes | str] = {
            Place(f"2.25.{n}", "2.25.7", f"2.25.8{n}"): f"object {n}".encode() for n in range(count)
        }
        self.given: list[Place] = []
        self.opened: list[dict[str, object]] = []

    def __call__(self, url: str, **how: object) -> Stand:
        self.opened.append({"url": url, **how})
        return self

    def places(self, query: dict[str, str], modalities: tuple[str, ...]) -> list[Place]:
        assert (query, modalities) == ({}, ("OP",))
        return list(self.held)

    def retrieve(self, place: Place) -> bytes:
        self.given.append(place)
        held = self.held[place]
        if isinstance(held, str):
            raise DataError("x", place="x", rule="x", remedy="x", code=held)
        return held


@pytest.fixture
def stand(monkeypatch: pytest.MonkeyPatch) -> Stand:
    made = Stand(3)
    monkeypatch.setattr(dicom_server, "Connection", made)
    return made


def fetch(archive: Path, resume: bool = False, **server: object) -> Description:
    return dicom_server.fetch(archive, described(**server), Quiet(), resume=resume)


def files(archive: Path) -> dict[str, bytes]:
    folder = archive / "pacs"
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != dicom_server.MARK
    }


def test_all_objects_are_fetched_and_read_as_files(tmp_path: Path, stand: Stand) -> None:
    (source,) = fetch(tmp_path).source
    assert (source.kind, source.folder, source.photos) == ("dicom", "pacs", ("*/*/*.dcm",))
    assert source.columns.exam == "study_uid"
    assert files(tmp_path) == {f"2.25.{n}/2.25.7/2.25.8{n}.dcm": b"object %d" % n for n in range(3)}
    assert (tmp_path / "pacs").stat().st_mode & 0o777 == 0o700


def test_a_run_cut_off_goes_on(tmp_path: Path, stand: Stand) -> None:
    second = list(stand.held)[1]
    stand.held[second] = "unreachable"
    with pytest.raises(DataError):
        fetch(tmp_path)
    stand.held[second], stand.given = b"object 1", []
    fetch(tmp_path, resume=True)
    assert stand.given == list(stand.held)[1:]
    assert len(files(tmp_path)) == 3


def test_what_is_withdrawn_goes_and_what_is_new_comes(tmp_path: Path, stand: Stand) -> None:
    fetch(tmp_path)
    del stand.held[next(iter(stand.held))]
    stand.held[Place("2.25.9", "2.25.7", "2.25.89")] = b"object 9"
    stand.given = []
    fetch(tmp_path)
    assert sorted(data[-1:] for data in files(tmp_path).values()) == [b"1", b"2", b"9"]
    assert [place.study for place in stand.given] == ["2.25.9"]


def test_a_whole_mirror_is_resumed_without_the_server(tmp_path: Path, stand: Stand) -> None:
    fetch(tmp_path)
    stand.opened.clear()
    fetch(tmp_path, resume=True)
    assert not stand.opened


@pytest.mark.parametrize("code", ["not_found", "bad_answer"])
def test_what_the_server_does_not_give_is_an_empty_file(
    tmp_path: Path, stand: Stand, code: str
) -> None:
    first = next(iter(stand.held))
    stand.held[first] = code
    fetch(tmp_path)
    assert sorted(map(len, files(tmp_path).values())) == [0, 8, 8]
    stand.held[first] = b"object 0"
    fetch(tmp_path)
    assert sorted(map(len, files(tmp_path).values())) == [8, 8, 8]


@pytest.mark.parametrize("name", ["1/2/3.dcm", "readme.txt"])
def test_files_of_others_are_left_alone(tmp_path: Path, stand: Stand, name: str) -> None:
    path = tmp_path / "pacs" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"ours")
    with pytest.raises(DataError) as caught:
        fetch(tmp_path)
    assert caught.value.code == "folder_taken"
    assert path.read_bytes() == b"ours"


def test_so_is_the_mirror_of_another_server(tmp_path: Path, stand: Stand) -> None:
    fetch(tmp_path)
    with pytest.raises(DataError) as caught:
        fetch(tmp_path, url="https://other.example/dicom-web")
    assert caught.value.code == "folder_taken"


def test_a_folder_that_cannot_be_written(tmp_path: Path, stand: Stand) -> None:
    (tmp_path / "pacs").write_bytes(b"a file")
    with pytest.raises(DataError) as caught:
        fetch(tmp_path)
    assert caught.value.code == "not_written"


def test_user_and_password_come_from_the_environment(
    tmp_path: Path, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACS_USER", "reader")
    with pytest.raises(ConfigError, match="PACS_WORD"):
        fetch(tmp_path, user="PACS_USER", password="PACS_WORD")
    monkeypatch.setenv("PACS_WORD", "open sesame")
    fetch(tmp_path, user="PACS_USER", password="PACS_WORD", page=7)
    assert stand.opened == [{"url": URL, "user": "reader", "password": "open sesame", "page": 7}]


@pytest.mark.parametrize("change", [{"server": {}}, {"folder": "."}])
def test_a_description_without_address_or_folder(change: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"server\.url"):
        build(Description, {"source": [SOURCE | change]}, place="test")
