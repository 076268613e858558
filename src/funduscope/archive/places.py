"""Files of an archive, wherever they lie: in folders, or in ZIP files as `x.zip!member`.

Nothing is unpacked to disk, no link is followed out of the archive, and no member is read that
says it is too large.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from funduscope.errors import DataError

MEMBER = "!"
_LARGEST = 400_000_000
"""Bytes that one member may unpack to: more than any photograph, less than a clinic's memory."""
_LARGEST_INNER = 100_000_000
"""The same of a ZIP file inside a ZIP file, which is held in memory."""
_RATIO = 300
"""Packed photographs hardly shrink, tables shrink tenfold; a bomb shrinks a thousandfold."""
_UTF8_NAME = 0x800
_DEEP = ("zip_in_zip", "a ZIP file too large, or too deep, inside another: unpack the outer one")
_IN_ZIP = re.compile(rf"(\.zip){MEMBER}", re.IGNORECASE)
_OUTSIDE = ("symlink_outside", "a link out of the archive; not followed")


@dataclass(frozen=True)
class Entry:
    """A file of the archive.

    Attributes:
        path: below the archive, with forward slashes; members as `x.zip!member`.
        size: bytes (unpacked), -1 if it cannot be known.
        fault: code and detail of why it must not be opened, or None.
    """

    path: str
    size: int
    fault: tuple[str, str] | None = None


def entries(archive: Path, folder: str, patterns: Iterable[str]) -> list[Entry]:
    """Files below `folder` that one of the globs matches, members of its ZIP files among them.

    Globs see members as files in a folder of the ZIP's name: `**/*` finds them all. Sorted. What
    hides files from every glob is listed whatever the globs are: a damaged ZIP file, and a link to
    a folder outside. A link to a folder of the archive adds nothing: its files lie there.
    """
    root = archive / folder
    wanted = tuple(patterns)
    found: dict[str, Entry] = {}
    for path in sorted(root.rglob("*")):
        below = path.relative_to(root).as_posix()
        inside = path.relative_to(archive).as_posix()
        if path.is_dir() or (path.is_symlink() and path.suffix.lower() == ".zip"):
            if path.is_symlink() and _leads_out(archive, path):
                found[inside] = Entry(inside, -1, _OUTSIDE)
        elif _is_zip(path):
            for entry in members(path, inside):
                name = f"{below}/{as_folders(entry.path.partition(MEMBER)[2])}"
                if entry.path.endswith(MEMBER) or matches(name, wanted):
                    found[entry.path] = entry
        elif matches(below, wanted):
            found[inside] = _entry(archive, path, inside)
    return [found[name] for name in sorted(found)]


def as_folders(path: str) -> str:
    """A path as globs and patterns see it: a ZIP file counts as a folder."""
    return _IN_ZIP.sub(r"\1/", path)


def read_bytes(archive: Path, path: str) -> bytes:
    """The content of a file or member.

    Raises:
        DataError: it is gone, damaged, or larger than it said.
    """
    file, mark, member = path.partition(MEMBER)
    if not mark or not _is_zip(archive / file):
        return (archive / path).read_bytes()
    try:
        pack, name = _held(archive / file, member)
        with pack.file.open(pack.members[name]) as stream:
            data = stream.read(_LARGEST + 1)
    except (KeyError, RuntimeError, zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise _damaged(path, type(error).__name__) from error
    if len(data) > _LARGEST:
        raise _damaged(path, f"more than {_LARGEST // 1_000_000} MB")
    return data


def gone(archive: Path, path: str) -> bool:
    """Whether a file cannot be read because the place it lay in is no longer there.

    An unmounted disk, a share that fell away, a folder that was moved; not one file that was
    deleted or is damaged.
    """
    file, mark, _ = path.partition(MEMBER)
    if mark and file.lower().endswith(".zip"):
        return not (archive / file).is_file()
    return is_empty((archive / path).parent)


def is_empty(folder: Path) -> bool:
    """Whether nothing lies in a folder, or it is not there; an unmounted disk leaves either."""
    try:
        return not any(folder.iterdir())
    except OSError:
        return True


def size(archive: Path, path: str) -> int:
    """Bytes of a file or member, -1 if it is not there."""
    file, mark, member = path.partition(MEMBER)
    try:
        if mark and _is_zip(archive / file):
            pack, name = _held(archive / file, member)
            return pack.members[name].file_size
        return (archive / path).stat().st_size
    except (OSError, KeyError, zipfile.BadZipFile):
        return -1


def _damaged(path: str, value: str) -> DataError:
    return DataError(
        value,
        place=path,
        rule="a whole member of a ZIP file, no larger than it says",
        remedy="copy the ZIP file again from its source, or unpack it by hand",
        code="truncated",
    )


def matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether one of the globs finds a path; `**` stands for any number of folders."""
    parts = PurePosixPath(name.lstrip("/"))
    return any(_match(parts.parts, PurePosixPath(pattern).parts) for pattern in patterns)


def _match(name: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Whether path parts match glob parts; `**` stands for any number of folders."""
    if not pattern:
        return not name
    if pattern[0] == "**":
        return any(_match(name[at:], pattern[1:]) for at in range(len(name) + 1))
    return bool(name) and PurePosixPath(name[0]).match(pattern[0]) and _match(name[1:], pattern[1:])


def _entry(archive: Path, path: Path, inside: str) -> Entry:
    if path.is_symlink() and _leads_out(archive, path):
        return Entry(inside, -1, _OUTSIDE)
    if not path.is_file():  # a pipe would be waited for without end
        return Entry(inside, -1, ("unreadable", "no file, or a link to none"))
    return Entry(inside, path.stat().st_size)


def _leads_out(archive: Path, link: Path) -> bool:
    try:
        return not link.resolve().is_relative_to(archive.resolve())
    except (OSError, RuntimeError):  # a circle of links
        return False


def _is_zip(path: Path) -> bool:
    return path.suffix.lower() == ".zip" and path.is_file() and not path.is_symlink()


@dataclass(frozen=True)
class _Pack:
    """A ZIP file, open, and its members by name."""

    file: zipfile.ZipFile
    members: dict[str, zipfile.ZipInfo]


def _open(path: Path) -> _Pack:
    about = path.stat()
    return _opened(path, (about.st_mtime_ns, about.st_size, about.st_ino))


@lru_cache(maxsize=8)
def _opened(path: Path, _stamp: tuple[int, int, int]) -> _Pack:
    """Kept open: a hundred thousand members are not listed anew for each. A changed file is."""
    file = zipfile.ZipFile(path)
    return _Pack(file, {_name(info): info for info in file.infolist()})


def _held(path: Path, member: str) -> tuple[_Pack, str]:
    """The ZIP file that holds a member, the file itself or one inside it, and the name there."""
    pack = _open(path)
    outer, mark, name = member.partition(MEMBER)
    if member in pack.members or not mark or not outer.lower().endswith(".zip"):
        return pack, member
    about = path.stat()
    return _inner(path, (about.st_mtime_ns, about.st_size, about.st_ino), outer), name


@lru_cache(maxsize=2)
def _inner(path: Path, stamp: tuple[int, int, int], member: str) -> _Pack:
    """A ZIP file inside a ZIP file, in memory: it is small, see _LARGEST_INNER."""
    pack = _opened(path, stamp)
    with pack.file.open(pack.members[member]) as stream:
        data = stream.read(_LARGEST_INNER + 1)
    if len(data) > _LARGEST_INNER:
        raise zipfile.BadZipFile("larger than it says")
    file = zipfile.ZipFile(io.BytesIO(data))
    return _Pack(file, {_name(info): info for info in file.infolist()})


def _name(info: zipfile.ZipInfo) -> str:
    """The member's name; Windows programs of Chinese offices store GB18030 and do not say so."""
    if info.flag_bits & _UTF8_NAME:
        return info.filename
    raw = info.orig_filename.encode("cp437", "replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding).replace("\\", "/")
        except UnicodeDecodeError:
            continue
    return info.filename


def members(path: Path, inside: str) -> Iterator[Entry]:
    """The files in a ZIP file; one that is damaged itself has the name `x.zip!` and a fault.

    Args:
        path: of the ZIP file.
        inside: the same below the archive.
    """
    try:
        infos = _open(path).members
    except (zipfile.BadZipFile, OSError):
        yield Entry(f"{inside}{MEMBER}", -1, ("truncated", "a damaged ZIP file"))
        return
    for name, info in infos.items():
        if info.is_dir():
            continue
        place, fault = f"{inside}{MEMBER}{name}", _member_fault(name, info)
        if fault is None and name.lower().endswith(".zip"):
            yield from _inner_members(path, place, name)
        else:
            yield Entry(place, info.file_size, fault)


def _inner_members(path: Path, place: str, name: str) -> Iterator[Entry]:
    """The files in a ZIP file inside a ZIP file; one inside that is told and not read."""
    try:
        pack, _ = _held(path, f"{name}{MEMBER}")
    except (RuntimeError, zipfile.BadZipFile, OSError, EOFError, NotImplementedError):
        yield Entry(place, -1, ("truncated", "a damaged ZIP file inside a ZIP file"))
        return
    for inner, info in pack.members.items():
        if not info.is_dir():
            fault = _member_fault(inner, info)
            fault = fault or (_DEEP if inner.lower().endswith(".zip") else None)
            yield Entry(f"{place}{MEMBER}{inner}", info.file_size, fault)


def _member_fault(name: str, info: zipfile.ZipInfo) -> tuple[str, str] | None:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if ".." in parts or name.startswith("/") or (len(name) > 1 and name[1] == ":"):
        return "unsafe_path", "a member whose name leads out of the ZIP file"
    packed = max(info.compress_size, 1)
    if info.file_size > _LARGEST or (
        info.file_size > 10_000_000 and info.file_size > _RATIO * packed
    ):
        return "zip_bomb", "a member that says it unpacks to an absurd size"
    if stat.S_ISLNK(info.external_attr >> 16):
        return _OUTSIDE
    if info.flag_bits & 0x1:
        return "encrypted", "a member that needs a password"
    if name.lower().endswith(".zip") and info.file_size > _LARGEST_INNER:
        return _DEEP
    return None
