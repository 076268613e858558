from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import funduscope
from funduscope.errors import ConfigError

DOOR = [
    "Bundle",
    "Corpus",
    "Embeddings",
    "Evaluation",
    "FunduscopeError",
    "Predictor",
    "embed",
    "export",
    "ingest",
    "pretrain",
    "zeroshot",
]


def test_the_public_door_is_this_list():
    assert funduscope.__all__ == sorted(funduscope.__all__) == DOOR
    assert dir(funduscope) == DOOR
    assert all(callable(getattr(funduscope, name)) for name in DOOR)


def test_a_room_does_not_hide_the_function_of_its_name():
    room = importlib.import_module("funduscope.pretrain")
    assert funduscope.pretrain is room.pretrain
    assert "PretrainSettings" in dir(room)


@pytest.mark.parametrize("name", ["adapt", "design_study", "analyse_study"])
def test_names_of_later_stages_say_so(name):
    with pytest.raises(ConfigError, match="comes with a later version"):
        getattr(funduscope, name)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="evalaute"):
        _ = funduscope.evalaute


def test_importing_the_package_imports_no_room():
    code = (
        "import sys, funduscope; "
        "print(sorted(m for m in sys.modules if m.startswith('funduscope.') or m == 'numpy'))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
