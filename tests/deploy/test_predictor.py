from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from funduscope import deploy, errors, inputs, store
from funduscope.deploy import predictor as module
from funduscope.deploy import selftest
from funduscope.findings import prompt_bank

BLOCKED = ("torch", "pyarrow", "polars", "scipy", "sklearn", "matplotlib", "onnx", "pandas")
ALONE = """
import json, sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError("blocked: " + name)
sys.meta_path.insert(0, Block())
from funduscope.deploy.predictor import Predictor
predictor = Predictor({package!r})
answer = predictor.predict({image!r}, "OD")
predictor.activation({image!r}, answer.findings[0].finding)
loaded = sorted({{name.partition(".")[0] for name in sys.modules}} & {blocked!r})
sys.stdout.write(answer.to_json() + "\\n" + json.dumps(loaded))
"""


@pytest.fixture(scope="module")
def predictor(package: Path) -> deploy.Predictor:
    return deploy.Predictor(package, threads=1)


def _quality(**changes: object) -> inputs.Quality:
    whole = {"is_fundus": True, "gradable": True, "gradability": 1.0, "reason": None}
    return inputs.Quality(**(whole | changes))


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Fix what `inputs` says of every photograph."""

    def fix(**changes: object) -> None:
        from funduscope.inputs import prepare  # noqa: F401

        place = sys.modules["funduscope.inputs.prepare"]
        monkeypatch.setattr(place, "assess", lambda *_: _quality(**changes))

    return fix


def test_an_answer_has_a_score_and_a_percentile_for_every_finding(
    predictor: deploy.Predictor, draw_photograph: Callable[..., bytes], judge: Callable[..., None]
) -> None:
    judge()
    answer = predictor.predict(draw_photograph(7), "OS", name="seven")
    assert (answer.image, answer.eye, answer.package_id) == ("seven", "OS", predictor.package.id)
    assert (answer.gradable, answer.refused, answer.reason) == (True, False, None)
    assert [f.finding for f in answer.findings] == list(predictor.package.prompts.findings)
    prepared = inputs.prepare(draw_photograph(7), predictor.package.image_spec, name="seven")
    scores = predictor.package.prompts.scores(predictor.package.embed(prepared.image[None])[0])[0]
    np.testing.assert_allclose([f.score for f in answer.findings], scores, atol=1e-6)
    # number 7 is one of the eight validation eyes: half of its own eighth counts
    for found in answer.findings:
        assert found.percentile is not None
        assert found.percentile % 6.25 == pytest.approx(0, abs=1e-9)
    assert np.std([f.percentile for f in answer.findings]) > 0


def test_json_is_one_line_of_the_contract(
    predictor: deploy.Predictor, draw_photograph: Callable[..., bytes], judge: Callable[..., None]
) -> None:
    judge()
    line = predictor.predict(draw_photograph(1)).to_json()
    assert "\n" not in line
    data = json.loads(line)
    assert list(data) == [
        "image", "eye", "gradable", "refused", "reason", "findings", "package_id",
        "prompt_bank",
    ]  # fmt: skip
    assert data["eye"] == "unknown"
    bank = prompt_bank("plain")
    assert data["prompt_bank"] == {"name": "plain", "version": bank.version, "hash": bank.hash}
    assert set(data["findings"][0]) == {"finding", "score", "percentile"}


def test_an_ungradable_photograph_says_why(
    predictor: deploy.Predictor, draw_photograph: Callable[..., bytes], judge: Callable[..., None]
) -> None:
    judge(gradable=False, reason="blur")
    answer = predictor.predict(draw_photograph(1))
    assert (answer.gradable, answer.refused, answer.reason) == (False, False, "blur")
    assert answer.findings


def test_what_is_no_fundus_photograph_gets_no_score(
    predictor: deploy.Predictor, draw_photograph: Callable[..., bytes], judge: Callable[..., None]
) -> None:
    judge(is_fundus=False, gradable=False, reason="not_fundus")
    answer = predictor.predict(draw_photograph(1))
    assert (answer.gradable, answer.refused, answer.reason) == (False, True, "not_fundus")
    assert answer.findings == ()


def test_the_activation_map_sums_to_the_evidence(
    predictor: deploy.Predictor,
) -> None:
    photograph = selftest.draw()["left.jpg"]
    code = predictor.package.prompts.findings[3]
    found = predictor.activation(photograph, code)
    assert found.crop.shape == (64, 64, 3)
    assert found.cells.shape == (4, 4)
    answer = predictor.predict(photograph)
    score = {f.finding: f.score for f in answer.findings}[code]
    evidence = 1 / (1 + np.exp(-predictor.package.scale * found.cells.mean()))
    assert score == pytest.approx(evidence, abs=1e-5)
    with pytest.raises(errors.DataError, match="no_such_finding"):
        predictor.activation(photograph, "no_such_finding")


def test_bad_requests_are_refused(
    predictor: deploy.Predictor, tmp_path: Path, draw_photograph: Callable[..., bytes]
) -> None:
    with pytest.raises(errors.DataError, match="left"):
        predictor.predict(draw_photograph(1), "left")
    with pytest.raises(errors.DataError, match=r"none\.jpg"):
        predictor.predict(tmp_path / "none.jpg")
    with pytest.raises(errors.DataError, match="0 bytes"):
        predictor.predict(b"")


def test_a_machine_that_scores_differently_is_refused(package: Path, tmp_path: Path) -> None:
    path = tmp_path / "package"
    shutil.copytree(package, path)
    expected = json.loads((path / "selftest" / "expected.json").read_text(encoding="utf-8"))
    code = next(iter(expected["left.jpg"]))
    expected["left.jpg"][code] += 0.002
    (path / "manifest.json").unlink()
    store.write_json(
        path / ".unfinished.json", {"kind": "package", "config": {}, "seed": 0, "inputs": []}
    )
    with store.create(path, kind="package", config={}, seed=0, resume=True):
        store.write_json(path / "selftest" / "expected.json", expected)
    with pytest.raises(errors.ParityError, match=r"left\.jpg"):
        deploy.Predictor(path)


def test_the_model_that_ships_is_found_or_missed_by_name(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "src" / "funduscope"
    (library / "deploy").mkdir(parents=True)
    monkeypatch.setattr(module, "__file__", str(library / "deploy" / "predictor.py"))
    with pytest.raises(errors.BundleError, match="not installed"):
        deploy.Predictor()
    shutil.copytree(package, tmp_path / "bundles" / "mini" / "package")
    assert deploy.Predictor().package.path == tmp_path / "bundles" / "mini" / "package"
    shutil.copytree(package, library / "bundles" / "mini" / "package")
    assert deploy.Predictor().package.path == library / "bundles" / "mini" / "package"


def test_prediction_needs_nothing_beyond_the_base_install(package: Path, tmp_path: Path) -> None:
    image = tmp_path / "eye.jpg"
    image.write_bytes(selftest.draw()["left.jpg"])
    code = ALONE.format(blocked=set(BLOCKED), package=str(package), image=str(image))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answer, loaded = done.stdout.splitlines()
    assert json.loads(answer)["image"] == str(image)
    assert json.loads(loaded) == []
