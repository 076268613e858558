"""Kill and resume, again and again: `make soak`. What comes out equals an unbroken run."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from funduscope import store
from funduscope.archive.synthetic import draw_archive

SETTINGS = ("steps=400", "checkpoint_every=2", "train_size=64", "batch=8", "threads=1")
SETTINGS += ("model.text_tower=tiny", "model.image_size=64", "model.dim=32")


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "funduscope", *map(str, words), "--quiet"]


def killed_until_done(words: list[str], out: Path, *, seconds: tuple[float, float]) -> int:
    """Run, kill -9 after a random time, resume; returns how often it was killed while working."""
    draw = random.Random(0)
    kills = 0
    for attempt in range(200):
        # each attempt may live a little longer, so that the run ends whatever the machine
        limit = draw.uniform(*seconds) * (1 + attempt / 10)
        resume = ["--resume"] if (out / ".unfinished.json").exists() else []
        with subprocess.Popen([*words, *resume], start_new_session=True) as process:
            try:
                assert process.wait(limit) == 0
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += (out / ".unfinished.json").exists()
        if (out / "manifest.json").exists():  # also when it was killed on its way out
            return kills
    raise AssertionError("never finished")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    draw_archive(folder, exams=60, seed=1, size=192)
    return folder


@pytest.mark.soak
def test_ingest_survives_kills(archive, tmp_path):
    extra = ("--config", archive / "archive.toml", "--set", "exams_per_part=4")
    extra += ("--set", f"key_file={tmp_path / 'identity' / 'key'}")
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    subprocess.run(command("ingest", archive / "archive", whole, *extra), check=True)
    words = command("ingest", archive / "archive", broken, *extra)
    assert killed_until_done(words, broken, seconds=(1.0, 4.0)) > 0
    assert files(broken) == files(whole)


@pytest.mark.soak
def test_pretrain_survives_twenty_kills(archive, tmp_path):
    """Killed at random moments twenty times, it ends in the bundle of an unbroken run."""
    corpus = tmp_path / "corpus"
    config = ("--config", archive / "archive.toml")
    subprocess.run(command("ingest", archive / "archive", corpus, *config), check=True)
    extra = [word for setting in SETTINGS for word in ("--set", setting)]
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    subprocess.run(command("pretrain", corpus, whole, *extra), check=True)
    words = command("pretrain", corpus, broken, *extra)
    assert killed_until_done(words, broken, seconds=(5.0, 14.0)) >= 20
    weights = "bundle/weights.safetensors"
    assert files(broken)[weights] == files(whole)[weights]


def files(folder: Path) -> dict[str, str]:
    """Name -> SHA-256 of everything in a finished folder."""
    kind = "run" if (folder / "bundle").is_dir() else "corpus"
    listed = store.read_manifest(folder, kind).files
    return {name: fact["sha256"] for name, fact in listed.items()}
