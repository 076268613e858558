"""`doctor`: what this machine has, what is missing, and the exact line that mends it."""

from __future__ import annotations

import os
import platform
import re
import shutil
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import typer

from funduscope.cli import options
from funduscope.cli.screen import Screen
from funduscope.errors import FunduscopeError

# What onnxruntime and torch have fast paths for.
INSTRUCTIONS = (
    *("sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx_vnni"),
    *("amx_bf16", "amx_int8", "asimd", "asimddp", "i8mm", "bf16", "sve"),
)


@dataclass
class Health:
    """What was found, and the lines that mend what is wrong."""

    machine: dict[str, Any]
    libraries: dict[str, dict[str, str | None]]
    package: str
    fixes: list[str] = field(default_factory=list)
    sound: bool = True


def doctor(quiet: options.Quiet = False, json: options.Json = False) -> None:
    """Report Python, libraries, CPU, memory and disk, test the shipped package, name the fixes.

    The exit code is 1 when the base install is incomplete or the package fails its self-test.
    """
    screen = Screen(quiet=quiet, as_json=json)
    health = examine()
    screen.data(vars(health))
    screen.table("machine", ("", ""), list(health.machine.items()))
    for extra, found in health.libraries.items():
        missing = [name for name, version in found.items() if version is None]
        state = "complete" if not missing else f"missing: {', '.join(missing)}"
        screen.say(f"{extra:8} {len(found) - len(missing)}/{len(found)} libraries, {state}")
    screen.say(f"package  {health.package}")
    for fix in health.fixes:
        screen.say(f"fix: {fix}")
    if not health.sound:
        raise typer.Exit(1)


def examine() -> Health:
    """Look at this machine; nothing is changed."""
    libraries = {name: _versions(wanted) for name, wanted in requirements().items()}
    health = Health(examine_machine(), libraries, "")
    for extra, found in libraries.items():
        if None not in found.values():
            continue
        if extra == "base":
            health.sound = False
            health.fixes.append("pip install .")
        else:
            health.fixes.append(f"pip install '.[{extra}]'   # in the source folder; for that work")
    try:
        from funduscope.deploy.predictor import Predictor

        predictor = Predictor()
        health.package = f"{predictor.package.id}: self-test passed"
    except ImportError as error:
        health.package = f"not tested: {error}"
    except FunduscopeError as error:
        health.sound = False
        health.package = f"{error.value} ({error.place})"
        health.fixes.append(error.remedy)
    return health


def requirements() -> dict[str, list[str]]:
    """Names of the libraries of the base install and of each extra."""
    found: dict[str, list[str]] = {"base": []}
    for line in metadata.requires("funduscope") or ():
        name = re.match(r"[A-Za-z0-9._-]+", line)
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", line)
        if name is not None:
            found.setdefault(extra[1] if extra else "base", []).append(name[0])
    return found


def _versions(names: list[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def examine_machine() -> dict[str, Any]:
    """Python, processor, threads, memory and disk, in words."""
    disk = shutil.disk_usage(Path.cwd())
    return {
        "funduscope": metadata.version("funduscope"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": _cpu_line("model name") or platform.processor() or platform.machine(),
        "instructions": ", ".join(instruction_sets()) or "unknown on this system",
        "threads": f"{len(os.sched_getaffinity(0))} usable"
        if hasattr(os, "sched_getaffinity")
        else f"{os.cpu_count()}",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "not set"),
        "memory": memory(),
        "disk here": f"{disk.free / 1e9:.1f} GB free of {disk.total / 1e9:.1f} GB",
    }


def instruction_sets() -> list[str]:
    """Instruction sets of the processor that matter here; empty where the system hides them."""
    flags = (_cpu_line("flags") or _cpu_line("Features") or "").split()
    return [name for name in INSTRUCTIONS if name in flags]


def _cpu_line(key: str) -> str | None:
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        return None
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return None


def memory() -> str:
    """Memory of the machine, in words."""
    try:
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return "unknown on this system"
    return f"{pages * size / 1e9:.1f} GB"
