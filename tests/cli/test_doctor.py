from __future__ import annotations

import json
from importlib import metadata

import pytest

from funduscope.cli import doctor
from funduscope.deploy import predictor
from funduscope.errors import BundleError


@pytest.fixture
def no_package(monkeypatch):
    def fail():
        raise BundleError("changed", place="package", rule="whole", remedy="copy it again")

    monkeypatch.setattr(predictor, "Predictor", fail)


def test_libraries_are_listed_by_extra():
    found = doctor.requirements()
    assert {"base", "archive", "stats", "train", "dev"} <= set(found)
    assert "numpy" in found["base"]
    assert "torch" not in found["base"]
    assert "torch" in found["train"]


def test_a_missing_library_and_a_bad_package_get_their_lines(run, monkeypatch, no_package):
    version = metadata.version

    def some(name):
        if name in ("torch", "numpy"):
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(metadata, "version", some)
    shown = run("doctor", "--json")
    assert shown.code == 1
    health = json.loads(shown.out)
    assert health["libraries"]["train"]["torch"] is None
    assert health["libraries"]["base"]["numpy"] is None
    assert "copy it again" in health["fixes"]
    assert any(fix.startswith("pip install '.[train]'") for fix in health["fixes"])
    assert "pip install ." in health["fixes"]


def test_people_read_the_machine(run, no_package):
    shown = run("doctor")
    assert shown.code == 1
    for word in ("python", "instructions", "memory", "disk here", "changed", "fix: copy it again"):
        assert word in shown.out


def test_instruction_sets_come_from_the_processor(monkeypatch):
    monkeypatch.setattr(doctor, "_cpu_line", lambda key: "fpu avx2 fma" if key == "flags" else None)
    assert doctor.instruction_sets() == ["avx2", "fma"]
