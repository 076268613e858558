from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from funduscope.deploy import predictor
from funduscope.deploy.predictor import Answer, FindingScore
from funduscope.errors import DataError

ROOT = Path(__file__).parents[2]


@dataclass
class Package:
    id: str = "package-id"


class FakePredictor:
    """Knows four photographs by name."""

    def __init__(self, package=None):
        self.package = Package()

    def predict(self, image):
        name = Path(image).name
        if name == "broken.jpg":
            raise DataError(
                "cut off", place=name, rule="a whole file", remedy="copy it again", code="truncated"
            )
        findings = (FindingScore("glaucoma", 0.25, 12.3), FindingScore("cataract", 0.5, 99.0))
        reason = {"cat.jpg": "not_fundus", "dark.jpg": "dark"}.get(name)
        refused = reason == "not_fundus"
        return Answer(
            image=str(image),
            eye="unknown",
            gradable=reason is None,
            refused=refused,
            reason=reason,
            findings=() if refused else findings,
            package_id=self.package.id,
        )


@pytest.fixture
def _fake(monkeypatch):
    monkeypatch.setattr(predictor, "Predictor", FakePredictor)


@pytest.mark.usefixtures("_fake")
def test_people_read_findings_by_percentile(run):
    shown = run("predict", "eye.jpg", "dark.jpg", "cat.jpg")
    assert shown.code == 0
    assert shown.out.index("cataract") < shown.out.index("glaucoma")
    assert "0.250" in shown.out
    assert "99" in shown.out
    assert "dark.jpg: ungradable (dark)" in shown.out
    assert "cat.jpg: not a fundus photograph" in shown.out


@pytest.mark.usefixtures("_fake")
def test_machines_read_one_line_an_image_and_one_bad_file_stops_nothing(run):
    shown = run("predict", "broken.jpg", "eye.jpg", "cat.jpg", "--json")
    assert shown.code == 3
    lines = [json.loads(line) for line in shown.out.splitlines()]
    assert [line["image"] for line in lines] == ["broken.jpg", "eye.jpg", "cat.jpg"]
    keys = {"image", "eye", "gradable", "refused", "reason", "findings", "package_id"}
    keys |= {"prompt_bank"}
    assert all(set(line) == keys for line in lines)
    assert [line["reason"] for line in lines] == ["truncated", None, "not_fundus"]
    assert [line["refused"] for line in lines] == [True, False, True]
    assert lines[1]["findings"][0] == {"finding": "glaucoma", "score": 0.25, "percentile": 12.3}


@pytest.mark.usefixtures("_fake")
def test_a_single_bad_file_is_explained(run):
    shown = run("predict", "broken.jpg")
    assert shown.code == 3
    for part in ("cut off", "a whole file", "copy it again"):
        assert part in shown.err


BLOCKED = ("torch", "pyarrow", "polars", "scipy", "sklearn", "matplotlib", "transformers", "pandas")
CODE = f"""
import sys

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {BLOCKED!r}:
            raise ImportError(f"{{name}} is not in the base install", name=name)

sys.meta_path.insert(0, Nothing())
from funduscope.cli.main import main
main(sys.argv[1:])
"""


def test_predict_needs_the_base_install_only(tmp_path):
    package = ROOT / "bundles" / "mini" / "package"
    photos = sorted(p for p in (package / "selftest").iterdir() if p.suffix != ".json")
    shown = subprocess.run(
        [sys.executable, "-c", CODE, "predict", *map(str, photos), "--json"],
        cwd=tmp_path,
        env=os.environ | {"FUNDUSCOPE_DEBUG": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    lines = [json.loads(line) for line in shown.stdout.splitlines()]
    assert len(lines) == len(photos)
    assert any(line["findings"] for line in lines)
