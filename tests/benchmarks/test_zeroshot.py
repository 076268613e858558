from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).parents[2] / "benchmarks" / "zeroshot.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_zeroshot", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def metric(task, finding, prompt_set, value, **change):
    return {
        "task": task,
        "finding": finding,
        "method": f"zero_shot/{prompt_set}/both",
        "value": value,
        "ci_low": None if value is None else value - 0.1,
        "ci_high": None if value is None else value + 0.05,
        "ci_method": "patient bootstrap",
        "n_units": 100,
        "n_positive": 10,
        "reason": None,
    } | change


def test_the_page_keeps_the_three_claims_apart(script):
    released = [
        metric(task, finding, prompt_set, 0.8 if prompt_set == "plain" else 0.7)
        for task, finding in script.FIRST_AFTERNOON
        for prompt_set in script.PROMPT_SETS
    ]
    withheld = [
        metric("palm", "pathologic_myopia", "plain", 0.61, ci_method="images independent"),
        metric("odir_glaucoma", "glaucoma", "plain", None, ci_low=None, reason="one class only"),
    ]
    text = script.page(released, withheld, ["one", "two"], {"plain": "abc"}, "| near |")
    assert "| odir test, mean of seven | 0.800 | 0.700 | 0.830 | NO |" in text
    assert "| outside, mean of three | 0.800 | 0.700 | 0.633 | yes |" in text
    rows = [
        [c.strip() for c in line.split("|")[1:-1]] for line in text.splitlines() if "%" not in line
    ]
    cells = {(r[0], r[1], r[3]): r[4:] for r in rows if len(r) == 8}
    figure = "0.800 (0.700-0.850)"
    assert cells["odir test", "cataract", "plain"] == [figure, "", "", "0.957"]
    assert cells["odir test", "glaucoma", "plain"] == [figure, "", "one class only", "0.939"]
    assert cells["odir test", "glaucoma", "paraphrase"] == ["0.700 (0.600-0.750)", "", "", ""]
    assert cells["eyepacs_subset, all", "any DR", "plain"] == ["", figure, "", "0.652"]
    hidden = "0.610 (0.510-0.660) *"
    assert cells["palm test", "pathologic myopia", "plain"] == ["", figure, hidden, "0.989"]


def test_the_log_has_a_row_for_each_bundle(script, tmp_path):
    log = tmp_path / "log.csv"
    script._log(log, ["one", "two"], "first")
    script._log(log, ["three", "two"], "second")
    lines = log.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "bundle_id,date,sets,why"
    assert [line.split(",")[0] for line in lines[1:]] == ["one", "two", "three", "two"]
    assert lines[-1].endswith("withheld findings: second")
