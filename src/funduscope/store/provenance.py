"""How an output folder was made: release, commit, command, host, when, how long."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Sequence
from contextvars import ContextVar
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

COMMAND: ContextVar[tuple[str, ...] | None] = ContextVar("COMMAND", default=None)
"""The words of the command line; set by the command line alone, None in a notebook."""


def made(started: str, seconds: float) -> dict[str, Any]:
    """The `made` block of a manifest: the only part that differs between two equal runs."""
    words = COMMAND.get()
    return {
        "version": _release(),
        "commit": _commit(),
        "command": None if words is None else _shown(words),
        "host": socket.gethostname(),
        "started_at": started,
        "seconds": seconds,
    }


def _release() -> str:
    try:
        return version("funduscope")
    except PackageNotFoundError:
        return "source"


def _commit() -> str | None:
    """The commit of the source checkout we run from; None without one, or without git."""
    package = Path(__file__).resolve().parents[1]
    ask = ["git", "-C", str(package), "rev-parse", "--show-toplevel", "HEAD"]
    try:
        said = subprocess.run(ask, capture_output=True, text=True, check=False)
    except OSError:
        return None
    lines = said.stdout.splitlines()
    # Installed into another project's checkout, that project's commit would say nothing of us.
    if said.returncode or Path(lines[0]) / "src" / package.name != package:
        return None
    return lines[1]


def _shown(words: Sequence[str]) -> str:
    """The command without folders of this machine: where they lie is nobody's business."""
    parts = [word.rpartition("=") for word in words]
    shown = [
        f"{key}{equals}{Path(value).name if Path(value).is_absolute() else value}"
        for key, equals, value in parts
    ]
    return " ".join(["funduscope", *shown])
