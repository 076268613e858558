"""Pseudonyms: one secret key a site, one place for it, outside everything that is passed on."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from funduscope import store
from funduscope.errors import ConfigError, IdentityError

KEY_BYTES = 32
LOCATORS = "locators.csv"


class Pseudonyms:
    """Turns the numbers of a site into names that only the holder of the key can make again.

    HMAC-SHA-256 of kind and value, first 16 hex digits: the same value always gets the same
    pseudonym under the same key, so one patient stays one patient in image, report and table.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __call__(self, kind: str, *parts: str) -> str:
        """Pseudonym of a thing of that kind; the first letter of the kind leads it."""
        text = "\x1f".join((kind, *parts)).encode("utf-8", "surrogateescape")
        return kind[0] + hmac.new(self._key, text, hashlib.sha256).hexdigest()[:16]

    @property
    def fingerprint(self) -> str:
        """Tells two keys apart without giving either away."""
        return hashlib.sha256(b"funduscope key fingerprint\0" + self._key).hexdigest()[:16]


def key_path(given: Path | None, out: Path, archive: Path) -> Path:
    """Where the key lies: as set, or `identity/key` in the folder that holds OUT.

    Corpora that lie side by side share the key, so the same patient has the same pseudonym in
    them and the same archive gives the same corpus.

    Raises:
        IdentityError: the place is inside OUT or inside the archive.
    """
    path = (given or out.resolve().parent / "identity" / "key").expanduser()
    for name, folder in (("OUT", out), ("the archive", archive)):
        if path.resolve().is_relative_to(folder.resolve()):
            raise IdentityError(
                str(path),
                place="setting 'key_file'",
                rule=f"the key never lies inside {name}: who has both can undo the pseudonyms",
                remedy="--set key_file=PATH with a path of the site's own, or another OUT",
            )
    return path


def open_key(path: Path) -> bytes:
    """The key of that file; made on first use, readable by its owner only.

    Raises:
        ConfigError: the file does not hold a key.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with store.held(path.with_name(f".{path.name}.lock"), wait=True):
            _make_key(path)
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise ConfigError(
            f"{len(key)} bytes",
            place=str(path),
            rule=f"a key file holds {KEY_BYTES} bytes",
            remedy="give the key file of an earlier ingest, or the name of a new file",
        )
    return key


def _make_key(path: Path) -> None:
    with contextlib.suppress(FileExistsError):  # another first run was faster: its key is ours
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(secrets.token_bytes(KEY_BYTES))


def write_locators(key_file: Path, places: Mapping[str, str]) -> None:
    """Add locator -> real place to `locators.csv` beside the key, for the site's data manager.

    A path that begins like a formula has an apostrophe in front, as in every table for people.
    """
    path = key_file.with_name(LOCATORS)
    known = dict(places)
    with store.held(path.with_name(f".{LOCATORS}.lock"), wait=True):  # corpora may share the key
        if path.exists():
            # names that are no UTF-8 are kept byte by byte
            with path.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
                known = {row[0]: row[1] for row in list(csv.reader(stream))[1:]} | known
        text = store.to_csv(("locator", "path"), sorted(known.items()))
        store.write_bytes(path, text.encode("utf-8", "surrogateescape"))
        path.chmod(0o600)
