"""`check prompts`, `show prompts` and what `check BUNDLE` says of the bank."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from funduscope import store
from funduscope.cli import prompts
from funduscope.errors import BundleError
from funduscope.findings import class_lists, prompt_bank, prompt_lint

FAULT = prompt_lint.Fault("hypernym", "class list x, a and b", "a", "amd includes wet_amd")


class Tokenizer:
    """Reads ten words; Roth is unknown to it."""

    length = 10

    def measure(self, text):
        words = text.split()
        return len(words), words.count("Roth")


@pytest.fixture
def tower(monkeypatch):
    """A text tower that hears only the first letter."""
    model = pytest.importorskip("funduscope.model")

    def embed_texts(_loaded, texts):
        rows = np.eye(8, dtype=np.float32)
        return np.stack([rows[ord(text[0]) % 8] for text in texts])

    monkeypatch.setattr(model, "embed_texts", embed_texts)
    return SimpleNamespace(tokenizer=Tokenizer())


@pytest.fixture
def _no_tower(monkeypatch):
    def refuse():
        raise BundleError("no bundle.json", place="here", rule="one", remedy="take a checkout")

    monkeypatch.setattr(prompts, "_mini", refuse)


@pytest.mark.usefixtures("_no_tower")
def test_our_bank_passes_and_what_was_not_checked_is_said(run):
    shown = run("check", "prompts")
    assert shown.code == 0
    bank = prompt_bank("plain")
    assert f"prompt bank plain@{bank.version}, hash {bank.hash}" in shown.out
    assert f"{len(class_lists())} class lists: 0 faults" in shown.out
    assert "not checked: tokens and negations (no bundle.json: take a checkout)" in shown.out
    data = json.loads(run("check", "prompts", "--json").out)
    assert data["faults"] == []
    assert data["text_tower"] is None
    assert data["banks"][0]["hash"] == bank.hash


@pytest.mark.usefixtures("_no_tower")
def test_a_fault_is_listed_and_fails(run, monkeypatch):
    monkeypatch.setattr(prompt_lint, "lint", lambda: [FAULT])
    shown = run("check", "prompts")
    assert shown.code == 3
    assert "amd includes wet_amd" in shown.out
    assert "1 faults in the prompt bank" in shown.err


def test_limits_of_the_text_tower_at_hand_are_stated(run, monkeypatch, tower):
    monkeypatch.setattr(prompts, "_mini", lambda: tower)
    monkeypatch.setattr(prompt_lint, "lint", list)
    shown = run("check", "prompts")
    assert shown.code == 0
    for words in ("unknown_token", "too_long", "text tower of mini, en: of 45 findings"):
        assert words in shown.out


def test_a_bundle_is_told_what_its_tower_makes_of_the_bank(tower):
    lines = prompts.lines_of_bundle(tower)
    assert all(line.startswith("text tower of this bundle") for line in lines)
    unread = len(prompt_lint.lint_tokens(Tokenizer().measure, 10))
    assert lines[0].endswith(f": {unread} phrasings with unknown tokens or over 10")
    assert ["45 findings" in line for line in lines] == [False, True, True]


def test_a_finding_stands_only_after_the_word(run):
    shown = run("show", "promts", "drusen")
    assert shown.code == 2
    assert "did you mean 'prompts'?" in shown.err


def test_a_folder_of_that_name_is_a_folder(run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with store.create(tmp_path / "prompts", kind="embeddings", config={}, seed=0):
        pass
    assert run("show", "prompts").out.startswith("embeddings ")


def test_show_lists_the_bank_and_one_finding(run):
    shown = run("show", "prompts")
    for words in ("drusen", "玻璃膜疣", "aptos2019", "metapm", "funduscope check prompts"):
        assert words in shown.out
    shown = run("show", "prompts", "drusen")
    for words in ("plain@2 (written)", "no drusen", "疑似玻璃膜疣", "paraphrase@2"):
        assert words in shown.out
    assert "from the vocabulary's names" in run("show", "prompts", "roth_spot").out
    data = json.loads(run("show", "prompts", "drusen", "--json").out)
    assert data["plain"]["zh positive"][0] == "玻璃膜疣"
    shown = run("show", "prompts", "drussen")
    assert shown.code == 3
    assert "drusen" in shown.err
