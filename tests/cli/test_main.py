from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from funduscope import errors
from funduscope.cli import main as door
from funduscope.cli import stages
from funduscope.errors import BundleError, ConfigError, DataError, IdentityError, ParityError

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"


def documented() -> dict[str, tuple[str, str]]:
    """Command -> its arguments and flags, from the reference page."""
    text = REFERENCE.read_text(encoding="utf-8").split("## Flags")[0].replace("\\|", "/")
    rows = [line.split("|")[1:4] for line in text.splitlines() if line.startswith("| ")]
    return {name.strip(): (arguments.strip(), flags.strip()) for name, arguments, flags in rows[1:]}


def commands(group: typer.core.TyperGroup, prefix: str = "") -> dict[str, Any]:
    """Every command by the words that call it; those of a group too."""
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        found |= commands(command, f"{name} ") if inner else {prefix + name: command}
    return found


def test_flags_are_frozen_by_the_reference_page():
    found = {}
    for name, command in commands(typer.main.get_command(door.app)).items():
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        flags = {flag for p in command.params if p not in arguments for flag in p.opts}
        shown = " ".join(str(p.metavar) for p in arguments).replace("|", "/")
        found[name] = (shown, flags)
    pages = {name: (shown, set(flags.split())) for name, (shown, flags) in documented().items()}
    assert found == pages


@pytest.mark.parametrize("command", sorted(door.COMMANDS))
def test_every_help_has_examples_of_that_command(run, command):
    shown = run(*command.split(), "--help")
    assert shown.code == 0
    assert f"funduscope {command}" in shown.out.split("Examples")[1]


@pytest.mark.parametrize(
    ("words", "hint"),
    [(["ingets", "a", "b"], "ingest"), (["show", "x", "--jsn"], "--json")],
)
def test_a_misspelt_word_is_answered_with_the_nearest(run, words, hint):
    shown = run(*words)
    assert shown.code == 2
    assert re.search(rf"(Did you mean|Possible options).*{hint}", shown.err)


def test_a_misspelt_setting_too(run, tmp_path):
    shown = run("ingest", tmp_path, tmp_path / "out", "--set", "max_sied=512")
    assert shown.code == 2
    assert "did you mean 'max_side'?" in shown.err
    shown = run("config", "pretran")
    assert shown.code == 2
    assert "did you mean 'pretrain'?" in shown.err


PARTS = {"place": "the place", "rule": "the rule", "remedy": "the remedy"}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("found", **PARTS), 2),
        (DataError("found", **PARTS), 3),
        (BundleError("found", **PARTS), 4),
        (ParityError("found", **PARTS), 5),
        (IdentityError("found", **PARTS), 6),
    ],
)
def test_an_error_shows_its_four_parts_and_its_exit_code(run, monkeypatch, error, code):
    def fail(_name: str, _extra: str) -> None:
        raise error

    monkeypatch.setattr(stages, "stage", fail)
    shown = run("embed", "a", "b", "c")
    assert shown.code == code == error.exit_code
    assert shown.out == ""
    for part in ("found", *PARTS.values()):
        assert part in shown.err


def test_what_nobody_foresaw_is_admitted_without_a_traceback(run, monkeypatch):
    def fail(_name: str, _extra: str) -> None:
        raise KeyError("unforeseen")

    monkeypatch.setattr(stages, "stage", fail)
    shown = run("embed", "a", "b", "c")
    assert shown.code == 1
    assert "KeyError: 'unforeseen'" in shown.err
    assert "FUNDUSCOPE_DEBUG=1" in shown.err
    assert "Traceback" not in shown.err
    monkeypatch.setenv("FUNDUSCOPE_DEBUG", "1")
    with pytest.raises(KeyError):
        door.main(["embed", "a", "b", "c"])


def test_trouble_of_the_machine_names_the_file(run, monkeypatch):
    def fail(_name: str, _extra: str) -> None:
        raise OSError(28, "No space left on device", "vectors.npy")

    monkeypatch.setattr(stages, "stage", fail)
    shown = run("embed", "a", "b", "c")
    assert shown.code == 1
    assert "No space left on device" in shown.err
    assert "vectors.npy" in shown.err


def test_a_missing_library_names_the_install_line(run, monkeypatch):
    def fail(_name: str) -> None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr("importlib.import_module", fail)
    shown = run("pretrain", "a", "b")
    assert shown.code == errors.ConfigError.exit_code
    assert "pip install '.[train]'" in shown.err
