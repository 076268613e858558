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
import shlex
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from funduscope.errors import BundleError, DataError
from funduscope.store import lock, provenance

MANIFEST = "manifest.json"
STATE = ".unfinished.json"
LOCK = ".lock"
FORMAT = 1
COMMANDS = {
    "corpus": "ingest",
    "run": "pretrain",
    "embeddings": "embed",
    "evaluation": "zeroshot",
    "package": "export",
    "quality": "review quality",
    "queue": "review reports",
    "validation": "review reports",
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
            interrupted run (use `resume` or `force`), was begun with other settings, or another
            run is writing it.
    """
    begun = time.monotonic()
    started = datetime.now(UTC).isoformat(timespec="seconds")
    with _alone(path):
        resumed = _claim(path, kind, config, seed, inputs, resume=resume, force=force)
        out = Output(path, resumed=resumed)
        yield out
        if out.whole:
            _finish(out, kind, config, seed, inputs, started, begun)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the folder, made if it is not there, so that no second run writes it."""
    if path.exists() and not path.is_dir():
        raise _taken(path, "a file of that name", "give the name of a new folder")
    path.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(lock.held(path / LOCK))
        except BlockingIOError:
            remedy = "wait until that run is done, or give the name of a new folder"
            raise _taken(path, "another run is writing it", remedy) from None
        yield


def _finish(
    out: Output,
    kind: str,
    config: Mapping[str, Any],
    seed: int,
    inputs: Sequence[Mapping[str, Any]],
    started: str,
    begun: float,
) -> None:
    """Write the manifest: from now on the folder is whole."""
    path = out.path
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
    made = provenance.made(started, round(time.monotonic() - begun, 2))
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
    state = json.loads(json.dumps({**state, "command": provenance.COMMAND.get()}))
    old = _read_state(path)
    same = old is not None and _comparable(old) == _comparable(state)
    if (path / MANIFEST).exists() or old is not None:
        if force:
            _check_disposable(path, kind, old, inputs)
            _empty(path)
            old = None
        elif (path / MANIFEST).exists():
            raise _taken(path, "the folder is finished", "choose a new folder or add --force")
        elif not resume:
            go_on = "" if old is None else f"{_resume_by(path, old)}; "
            raise _taken(path, "an interrupted run", go_on + "or add --force to begin anew")
        elif not same:
            raise _taken(
                path,
                f"an interrupted run with other {', '.join(_differences(old or {}, state))}",
                f"{_resume_by(path, old or {})}, or add --force to begin anew",
            )
    elif any(item.name != LOCK for item in path.iterdir()):
        raise _taken(path, "a folder with other files in it", "give the name of a new folder")
    if old is None:
        write_json(path / STATE, state)
    return old is not None


def _empty(path: Path) -> None:
    for item in path.iterdir():
        if item.is_dir() and not item.is_symlink():
            shutil.rmtree(item)
        elif item.name != LOCK:
            item.unlink()


def _check_disposable(
    path: Path, kind: str, old: Mapping[str, Any] | None, inputs: Sequence[Mapping[str, Any]]
) -> None:
    """`force` replaces what the same stage made, and nothing else."""
    try:
        was = old or json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        made = was.get("kind")
    except (ValueError, AttributeError):
        made = None
    if made != kind:
        raise _taken(path, f"not a '{kind}' folder", "give the name of a new folder")
    if any(Path(i["path"]).resolve() == path.resolve() for i in inputs if "path" in i):
        raise _taken(path, "one of the inputs", "give the name of a new folder")


def _without_paths(inputs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Inputs as the manifest names them: where they lay is no part of what was made."""
    return [{key: value for key, value in item.items() if key != "path"} for item in inputs]


def _comparable(state: Mapping[str, Any]) -> dict[str, Any]:
    """What two runs must share to be one: not where things lay, nor how it was typed."""
    rest = {key: value for key, value in state.items() if key != "command"}
    return {**rest, "inputs": _without_paths(state.get("inputs", []))}


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Names of what differs; of the settings, each with its two values."""
    was, now = _comparable(old), _comparable(new)
    named = [key for key in now if key != "config" and was.get(key) != now[key]]
    before, after = was.get("config", {}), now["config"]
    return named + [
        f"{key} ({before.get(key)}, now {after.get(key)})"
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key)
    ]


def _resume_by(path: Path, state: Mapping[str, Any]) -> str:
    """The command that finishes an unfinished folder."""
    kind = state.get("kind", "")
    flag = "--resume" if kind in RESUMABLE else "--force"
    words = state.get("command")
    if not words:  # begun from Python
        known = [str(item["path"]) for item in state.get("inputs", []) if "path" in item]
        words = [*COMMANDS.get(kind, kind).split(), *(known or ["..."]), str(path)]
    typed = shlex.join(word for word in words if word not in ("--resume", "--force"))
    return f"finish it with `funduscope {typed} {flag}`"


def unfinished(path: Path) -> tuple[dict[str, Any], str] | None:
    """What an unfinished folder was begun with, and how to finish it; None for any other."""
    state = None if (path / MANIFEST).exists() else _read_state(path)
    return None if state is None else (state, _resume_by(path, state))


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
        if not item.is_file() or name in (MANIFEST, STATE, LOCK):
            continue
        files[name] = {"sha256": sha256_file(item), "bytes": item.stat().st_size}
    return files


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
    if (path / "bundle.json").is_file():
        inner = path / kind
        found = f"give {inner}" if (inner / MANIFEST).is_file() else remedy
        return DataError(
            "a bundle",
            place=str(path),
            rule=f"a finished '{kind}' folder",
            remedy=found,
            code="wrong_kind",
        )
    if state is not None:
        remedy = _resume_by(path, state)
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
