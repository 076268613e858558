"""Objects of a DICOMweb server -> files in the source's folder, then read like any other.

They are fetched before anything is read, so that a corpus comes from bytes that stay the same. What
is already there is not fetched again: a run that was cut off goes on. The folder is a mirror: what
the server no longer lists goes, since it may have been withdrawn.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from funduscope import store
from funduscope.archive.description import Description, Server, Source
from funduscope.config import Progress
from funduscope.dicom.web import Place
from funduscope.dicom.web import Server as Connection
from funduscope.errors import ConfigError, DataError

MARK = "fetched.json"
"""Lies in a folder that is a mirror: which server's, and whether all of it has come."""

_NOT_GIVEN = ("not_found", "bad_answer")


def fetch(
    archive: Path, described: Description, progress: Progress, *, resume: bool
) -> Description:
    """Fetch the objects of all sources of kind dicomweb; these then are sources of kind dicom.

    An object that the server lists and does not give becomes an empty file, so that the ledger
    names it (`zero_byte`); the next run asks for it again. With `resume` a server whose objects
    have all come is not asked again: it may have grown, and the run goes on with what it began.

    Raises:
        ConfigError: an environment variable that is named is not set; a bad address.
        DataError: the server cannot be reached or lets nobody in; the folder cannot be written, or
            holds files that did not come from this server.
    """
    return described.model_copy(
        update={"source": tuple(_local(archive, one, progress, resume) for one in described.source)}
    )


def _local(archive: Path, source: Source, progress: Progress, resume: bool) -> Source:
    if source.kind != "dicomweb":
        return source
    folder = archive / source.folder
    try:
        if not (_checked(folder, str(source.server.url)) and resume):
            _mirror(folder, source.server, progress)
    except OSError as error:
        raise DataError(
            type(error).__name__,
            place=str(folder),
            rule="what the server gives can be written to the source's folder",
            remedy="name another `folder` in the description, or make room in this one",
            code="not_written",
        ) from error
    return source.model_copy(update={"kind": "dicom", "photos": ("*/*/*.dcm",)})


def _checked(folder: Path, url: str) -> bool:
    """Whether all has come; a folder of anything else is left alone, since a mirror deletes."""
    mark = folder / MARK
    if not folder.is_dir() or not any(folder.iterdir()):
        return False
    known = json.loads(mark.read_text(encoding="utf-8")) if mark.is_file() else {}
    if known.get("url") == url:
        return bool(known["whole"])
    raise DataError(
        "files that did not come from this server",
        place=str(folder),
        rule="the `folder` of a source of kind dicomweb is new, or was filled by it",
        remedy="name a folder of its own for what is fetched",
        code="folder_taken",
    )


def _mirror(folder: Path, server: Server, progress: Progress) -> None:
    connection = _connection(server)
    places = connection.places(server.query, server.modalities)
    listed = {_name(place): place for place in places}
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    store.write_json(folder / MARK, {"url": server.url, "whole": False})
    for path in sorted(folder.glob("*/*/*")):
        if path.relative_to(folder).as_posix() not in listed:
            path.unlink()
    progress.start("objects", len(listed))
    for name, place in listed.items():
        path = folder / name
        if not (path.is_file() and path.stat().st_size):
            path.parent.mkdir(parents=True, exist_ok=True)
            store.write_bytes(path, _object(connection, place))
        progress.advance()
    progress.done()
    store.write_json(folder / MARK, {"url": server.url, "whole": True})


def _name(place: Place) -> str:
    return f"{place.study}/{place.series}/{place.instance}.dcm"


def _object(connection: Connection, place: Place) -> bytes:
    try:
        return connection.retrieve(place)
    except DataError as error:
        if error.code in _NOT_GIVEN:
            return b""
        raise


def _connection(server: Server) -> Connection:
    return Connection(
        str(server.url),
        user=_secret(server.user),
        password=_secret(server.password),
        page=server.page,
    )


def _secret(name: str | None) -> str | None:
    """The value of an environment variable: what must not be read never stands in a file."""
    if name is None:
        return None
    if name not in os.environ:
        raise ConfigError(
            name,
            place="[source.server] user, password",
            rule="each names an environment variable that is set",
            remedy=f"set the variable {name}, or correct its name",
        )
    return os.environ[name]
