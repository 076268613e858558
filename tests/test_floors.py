from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder / "src"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_floors_hold():
    shown = lint(ROOT)
    assert shown.returncode == 0, shown.stdout


PLANTED = {
    "pretrain": ("from funduscope.evaluate import tasks", "funduscope.evaluate"),
    "deploy": ("import funduscope.archive", "funduscope.archive"),
    "scoring": ("from funduscope.stats import auroc", "funduscope.stats"),
    "runtime": ("from funduscope import model", "funduscope.model"),
    "inputs": ("from funduscope.cli.main import app", "funduscope.cli"),
}


def test_forbidden_imports_fail(tmp_path):
    """A stage, a room of floor 2 and a room of floor 3 import a sibling; one looks upwards."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("*.egg-info"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    for room, (line, _) in PLANTED.items():
        planted = tmp_path / "src" / "funduscope" / room / "planted.py"
        planted.write_text(f"def lazily():\n    {line}\n", encoding="utf-8")
    shown = lint(tmp_path)
    assert shown.returncode == 1
    for room, (_, words) in PLANTED.items():
        assert f"funduscope.{room}.planted -> {words}" in shown.stdout
