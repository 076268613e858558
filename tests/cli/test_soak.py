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


def killed_then_done(
    words: list[str], out: Path, *, times: int, seconds: tuple[float, float]
) -> int:
    """Kill -9 after a random time and resume, `times` over, then let it end.

    Returns how often it was killed while at work.
    """
    draw = random.Random(0)
    kills = 0
    for _ in range(times):
        with subprocess.Popen(resumed(words, out), start_new_session=True) as process:
            try:
                assert process.wait(draw.uniform(*seconds)) == 0
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += (out / ".unfinished.json").exists()
        if (out / "manifest.json").exists():  # also when it was killed on its way out
            return kills
    subprocess.run(resumed(words, out), check=True)
    return kills


def resumed(words: list[str], out: Path) -> list[str]:
    return [*words, "--resume"] if (out / ".unfinished.json").exists() else words


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
    assert killed_then_done(words, broken, times=10, seconds=(1.0, 4.0)) > 0
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
    # 25, since one that strikes before the folder is begun does not count
    assert killed_then_done(words, broken, times=25, seconds=(5.0, 12.0)) >= 20
    weights = "bundle/weights.safetensors"
    assert files(broken)[weights] == files(whole)[weights]


def files(folder: Path) -> dict[str, str]:
    """Name -> SHA-256 of everything in a finished folder."""
    kind = "run" if (folder / "bundle").is_dir() else "corpus"
    listed = store.read_manifest(folder, kind).files
    return {name: fact["sha256"] for name, fact in listed.items()}
