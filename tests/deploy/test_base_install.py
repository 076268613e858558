"""What a clinic does: install the base from a fresh copy, no extras, and ask about a photograph."""

from __future__ import annotations

import json
import shutil
import subprocess
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ("src", "bundles", "requirements")
FILES = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "NOTICE")


@pytest.mark.accept
def test_the_base_install_alone_answers(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    for name in SOURCE:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("*.egg-info"))
    for name in FILES:
        shutil.copy(ROOT / name, copy)
    venv.create(tmp_path / "clinic", with_pip=True)
    programs = tmp_path / "clinic" / "bin"
    pinned = copy / "requirements" / "constraints.txt"
    quiet = ("--quiet", "--disable-pip-version-check", "--constraint", str(pinned))
    subprocess.run([programs / "pip", "install", *quiet, copy], check=True)
    missing = subprocess.run(
        [programs / "python", "-c", "import torch"], capture_output=True, check=False
    )
    assert b"ModuleNotFoundError" in missing.stderr
    selftest = (ROOT / "bundles" / "mini" / "package" / "selftest").iterdir()
    photos = sorted(path for path in selftest if path.suffix != ".json")
    shown = subprocess.run(
        [programs / "funduscope", "predict", *photos, "--json"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    answers = [json.loads(line) for line in shown.stdout.splitlines()]
    assert len(answers) == len(photos) > 0
    assert all(answer["refused"] or answer["findings"] for answer in answers)
    told = json.loads((ROOT / "bundles/mini/package/manifest.json").read_text(encoding="utf-8"))
    assert {answer["package_id"] for answer in answers} == {told["id"]}
