"""One folder a stage: everything is written first, `manifest.json` last.

A folder without a manifest is unfinished; opening it is refused with the command that resumes it.
The manifest's `id` is made from the content, so equal inputs give equal ids; only `made` may
differ between two runs.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from funduscope.errors import BundleError, DataError

MANIFEST = "manifest.json"
STATE = ".unfinished.json"
FORMAT = 1
COMMANDS = {
    "corpus": "ingest",
    "run": "pretrain",
    "embeddings": "embed",
    "evaluation": "zeroshot",
    "package": "export",
}
# The stages that go on where they were stopped; the others take minutes and begin anew.
RESUMABLE = ("corpus", "run")


@dataclass(frozen=True)
class Manifest:
    """What `manifest.json` says of a finished folder."""

    kind: str
    format: int
    id: str
    made: Mapping[str, Any]
    config: Mapping[str, Any]
    seed: int
    inputs: Sequence[Mapping[str, Any]]
    counts: Mapping[str, Any]
    files: Mapping[str, Mapping[str, Any]]
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Output:
    """A folder being written by a stage.

    Attributes:
        path: the folder.
        counts: what was seen, kept, rejected and sent to review; goes into the manifest.
        extra: further manifest entries of the stage (protocol, package id, ...).
        resumed: whether an earlier, interrupted run left its work here.
        whole: False leaves the folder unfinished on purpose (a run stopped on request).
    """

    path: Path
    counts: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    resumed: bool = False
    whole: bool = True


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file so that a reader finds the old content or the new, never a part of it."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


def write_json(path: Path, value: object) -> None:
    """Write JSON (UTF-8, sorted keys, indented) atomically."""
    text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
    write_bytes(path, (text + "\n").encode())


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextlib.contextmanager
def create(
    path: Path,
    *,
    kind: str,
    config: Mapping[str, Any],
    seed: int,
    inputs: Sequence[Mapping[str, Any]] = (),
    resume: bool = False,
    force: bool = False,
) -> Iterator[Output]:
    """Open a new stage folder; on leaving without an error the manifest is written, last.

    The `path` of an input only goes into the resume command of an unfinished folder.

    Raises:
        DataError: the folder is finished already (use `force`), holds foreign files, holds an
            interrupted run (use `resume` or `force`), or was begun with other settings.
    """
    begun = time.monotonic()
    started = datetime.now(UTC).isoformat(timespec="seconds")
    resumed = _claim(path, kind, config, seed, inputs, resume=resume, force=force)
    out = Output(path, resumed=resumed)
    yield out
    if not out.whole:
        return
    files = _inventory(path)
    body = {
        "kind": kind,
        "format": FORMAT,
        "config": dict(config),
        "seed": seed,
        "inputs": _without_paths(inputs),
        "counts": out.counts,
        "files": files,
        "extra": out.extra,
    }
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32]
    made = _made(started, round(time.monotonic() - begun, 2))
    extra = body.pop("extra")
    write_json(path / MANIFEST, {**body, **out.extra, "extra": extra, "id": digest, "made": made})
    (path / STATE).unlink(missing_ok=True)


def _claim(
    path: Path,
    kind: str,
    config: Mapping[str, Any],
    seed: int,
    inputs: Sequence[Mapping[str, Any]],
    *,
    resume: bool,
    force: bool,
) -> bool:
    state = {
        "kind": kind,
        "config": dict(config),
        "seed": seed,
        "inputs": [dict(i) for i in inputs],
    }
    state = json.loads(json.dumps(state))
    old = _read_state(path)
    same = old is not None and _comparable(old) == _comparable(state)
    if path.exists() and not path.is_dir():
        raise _taken(path, "a file of that name", "give the name of a new folder")
    if (path / MANIFEST).exists() or old is not None:
        if force:
            shutil.rmtree(path)
            old = None
        elif (path / MANIFEST).exists():
            raise _taken(path, "the folder is finished", "choose a new folder or add --force")
        elif not resume:
            go_on = "add --resume to go on, " if kind in RESUMABLE else "add "
            raise _taken(path, "an interrupted run", go_on + "--force to begin anew")
        elif not same:
            was, now = _comparable(old or {}), _comparable(state)
            differ = [key for key in now if was.get(key) != now[key]]
            raise _taken(
                path,
                f"an interrupted run with other {', '.join(differ)}",
                "repeat the command with the settings it began with, or add --force",
            )
    elif path.exists() and any(path.iterdir()):
        raise _taken(path, "a folder with other files in it", "give the name of a new folder")
    path.mkdir(parents=True, exist_ok=True)
    if old is None:
        write_json(path / STATE, state)
    return old is not None


def _without_paths(inputs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Inputs as the manifest names them: where they lay is no part of what was made."""
    return [{key: value for key, value in item.items() if key != "path"} for item in inputs]


def _comparable(state: Mapping[str, Any]) -> dict[str, Any]:
    return {**state, "inputs": _without_paths(state.get("inputs", []))}


def _read_state(path: Path) -> dict[str, Any] | None:
    try:
        state: dict[str, Any] = json.loads((path / STATE).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    return state


def _taken(path: Path, value: str, remedy: str) -> DataError:
    return DataError(
        value,
        place=str(path),
        rule="an output folder is new, or goes on where its run stopped",
        remedy=remedy,
        code="output_taken",
    )


def _inventory(path: Path) -> dict[str, dict[str, Any]]:
    files = {}
    for item in sorted(path.rglob("*")):
        name = item.relative_to(path).as_posix()
        if not item.is_file() or name in (MANIFEST, STATE):
            continue
        files[name] = {"sha256": sha256_file(item), "bytes": item.stat().st_size}
    return files


def _made(started: str, seconds: float) -> dict[str, Any]:
    try:
        release = version("funduscope")
    except PackageNotFoundError:
        release = "source"
    here = Path(__file__).parent
    shown = subprocess.run(
        ["git", "-C", str(here), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    # Where a folder lies on this machine is nobody's business who is given the manifest.
    words = [Path(word).name if Path(word).is_absolute() else word for word in sys.argv[1:]]
    return {
        "version": release,
        "commit": shown.stdout.strip() or None,
        "command": " ".join(["funduscope", *words]),
        "host": socket.gethostname(),
        "started_at": started,
        "seconds": seconds,
    }


def read_manifest(path: Path, kind: str) -> Manifest:
    """Open the manifest of a finished folder of that kind.

    Raises:
        DataError: no such folder, unfinished (with the command that resumes it), another kind,
            another format, or a damaged manifest.
    """
    file = path / MANIFEST
    if not file.exists():
        raise _missing(path, kind)
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        made = {name: data.pop(name) for name in Manifest.__annotations__ if name != "extra"}
    except (ValueError, KeyError) as error:
        raise DataError(
            f"damaged manifest ({error})",
            place=str(file),
            rule="manifest.json as the stage wrote it",
            remedy=f"make the folder again with `funduscope {COMMANDS.get(kind, kind)}`",
            code="bad_manifest",
        ) from None
    if made["kind"] != kind or made["format"] != FORMAT:
        raise DataError(
            f"kind '{made['kind']}', format {made['format']}",
            place=str(file),
            rule=f"kind '{kind}', format {FORMAT}",
            remedy="give the folder of the right stage",
            code="wrong_kind",
        )
    return Manifest(**made, extra=data.get("extra", {}))


def _missing(path: Path, kind: str) -> DataError:
    command = COMMANDS.get(kind, kind)
    if not path.is_dir():
        return DataError(
            "no such folder",
            place=str(path),
            rule=f"a finished '{kind}' folder",
            remedy=f"make it with `funduscope {command}`",
            code="no_folder",
        )
    state = _read_state(path)
    remedy = f"make one with `funduscope {command}`"
    if state is not None:
        known = [str(item["path"]) for item in state["inputs"] if "path" in item]
        args = " ".join([*(known or ["..."]), str(path)])
        flag = "--resume" if state["kind"] in RESUMABLE else "--force"
        remedy = (
            f"finish it with `funduscope {COMMANDS.get(state['kind'], kind)} {args} {flag}` "
            "and the options it began with"
        )
    return DataError(
        "the folder is unfinished" if state is not None else "no manifest.json in the folder",
        place=str(path),
        rule=f"a finished '{kind}' folder has a manifest.json, written last",
        remedy=remedy,
        code="unfinished",
    )


def verify(path: Path) -> int:
    """Hash every file of a finished folder again; returns how many were right.

    Raises:
        BundleError: a file is missing or was changed (the first one is named).
    """
    data = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    for name, fact in data["files"].items():
        file = path / name
        if not file.is_file() or sha256_file(file) != fact["sha256"]:
            raise BundleError(
                "changed" if file.is_file() else "missing",
                place=str(file),
                rule="every file is as the manifest recorded it",
                remedy="copy the folder again from where it was made",
            )
    return len(data["files"])
