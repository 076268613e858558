from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from funduscope.findings import prompt_bank
from funduscope.findings.negation import Told

FILE = Path(__file__).parents[2] / "benchmarks" / "prompts.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_prompts", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_counts_what_a_tower_confuses(script: ModuleType) -> None:
    told = [Told("drusen", "en", 0.5, 0.9, 0.2), Told("drusen", "zh", 0.5, 0.4, 0.6)]
    text = script.page("b0", told, 3, 64)
    assert "| en | 1 | 1 | 0 |" in text
    assert "| zh | 1 | 0 | 1 |" in text
    assert "| drusen | en | 0.50 | 0.90 | 0.20 |" in text
    assert "| phrasings with unknown tokens, or over 64 tokens | 3 |" in text
    assert "| faults that the linter finds | 0 |" in text
    assert prompt_bank("plain").hash in text
