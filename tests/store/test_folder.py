from __future__ import annotations

import contextvars
import errno
import json
import os
import subprocess
from pathlib import Path

import pytest

from funduscope import store
from funduscope.errors import BundleError, DataError


def make(path: Path, content: str = "a", **kw) -> None:
    with store.create(path, kind="corpus", config={"x": 1}, seed=0, **kw) as out:
        (path / "data.txt").write_text(content, encoding="utf-8")
        out.counts["images"] = {"seen": 1}


def made_by(path: Path) -> dict[str, object]:
    return json.loads((path / "manifest.json").read_text(encoding="utf-8"))["made"]


def test_no_path_of_the_machine_is_recorded(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    words = ("export", str(secret / "b"), "out/p", "--set", f"key_file={secret / 'key'}")
    context = contextvars.copy_context()
    context.run(store.COMMAND.set, words)
    context.run(make, tmp_path / "x")
    assert made_by(tmp_path / "x")["command"] == "funduscope export b out/p --set key_file=key"
    make(tmp_path / "y")
    assert made_by(tmp_path / "y")["command"] is None


def test_a_machine_without_git_can_finish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    make(tmp_path / "x")
    assert made_by(tmp_path / "x")["commit"] is None


def test_force_replaces_only_what_the_same_stage_made(tmp_path: Path) -> None:
    foreign = tmp_path / "extension"
    foreign.mkdir()
    (foreign / "manifest.json").write_text('{"name": "of a browser"}', encoding="utf-8")
    make(tmp_path / "corpus")
    for path, kind in ((foreign, "corpus"), (tmp_path / "corpus", "run")):
        before = sorted(p.name for p in path.iterdir())
        with (
            pytest.raises(DataError, match=f"not a '{kind}' folder"),
            store.create(path, kind=kind, config={}, seed=0, force=True),
        ):
            pass
        assert sorted(p.name for p in path.iterdir()) == before
    with pytest.raises(DataError, match="one of the inputs"):
        make(tmp_path / "corpus", force=True, inputs=[{"path": str(tmp_path / "corpus")}])


def test_equal_content_gives_equal_ids_and_only_made_differs(tmp_path: Path) -> None:
    make(tmp_path / "a")
    make(tmp_path / "b")
    one, two = (json.loads((tmp_path / n / "manifest.json").read_text()) for n in "ab")
    assert one.pop("made")
    assert two.pop("made")
    assert one == two
    make(tmp_path / "c", content="other")
    assert store.read_manifest(tmp_path / "c", "corpus").id != one["id"]


def test_an_error_leaves_the_folder_unfinished(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with (
        pytest.raises(RuntimeError, match="power cut"),
        store.create(out, kind="corpus", config={}, seed=0),
    ):
        raise RuntimeError("power cut")
    with pytest.raises(DataError, match="unfinished") as caught:
        store.read_manifest(out, "corpus")
    assert "--resume" in caught.value.remedy
    with (
        pytest.raises(DataError, match="interrupted run"),
        store.create(out, kind="corpus", config={}, seed=0),
    ):
        pass
    with store.create(out, kind="corpus", config={}, seed=0, resume=True) as again:
        assert again.resumed
    assert store.read_manifest(out, "corpus").kind == "corpus"


def test_a_finished_folder_is_not_overwritten_unless_forced(tmp_path: Path) -> None:
    make(tmp_path / "a")
    with pytest.raises(DataError, match="finished"):
        make(tmp_path / "a")
    make(tmp_path / "a", content="b", force=True)
    assert (tmp_path / "a" / "data.txt").read_text() == "b"


def test_foreign_files_are_never_touched_even_by_force(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    for force in (False, True):
        with pytest.raises(DataError, match="other files"):
            make(tmp_path, force=force)
    assert (tmp_path / "mine.txt").read_text() == "keep"


def test_a_changed_or_missing_file_is_named(tmp_path: Path) -> None:
    make(tmp_path / "a")
    assert store.verify(tmp_path / "a") == 1
    (tmp_path / "a" / "data.txt").write_text("tampered")
    with pytest.raises(BundleError, match=r"data\.txt"):
        store.verify(tmp_path / "a")
    (tmp_path / "a" / "data.txt").unlink()
    with pytest.raises(BundleError, match="missing"):
        store.verify(tmp_path / "a")


@pytest.mark.parametrize("text", ["", "{", '{"kind": "corpus"}'])
def test_a_damaged_manifest_is_an_error(tmp_path: Path, text: str) -> None:
    make(tmp_path / "a")
    (tmp_path / "a" / "manifest.json").write_text(text)
    with pytest.raises(DataError, match="damaged manifest"):
        store.read_manifest(tmp_path / "a", "corpus")


def test_another_kind_of_folder_is_refused(tmp_path: Path) -> None:
    make(tmp_path / "a")
    with pytest.raises(DataError, match="kind 'corpus'"):
        store.read_manifest(tmp_path / "a", "evaluation")
    with pytest.raises(DataError, match="no such folder"):
        store.read_manifest(tmp_path / "none", "corpus")


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "f"
    store.write_bytes(file, b"old")

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.write_bytes(file, b"new")
    assert file.read_bytes() == b"old"


@pytest.fixture
def small_disk(tmp_path: Path):
    """A real file system of 64 KiB; needs the right to mount."""
    disk = tmp_path / "disk"
    disk.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("may not mount a tmpfs here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_leaves_nothing_that_opens(small_disk: Path) -> None:
    out = small_disk / "out"
    with (
        pytest.raises(OSError, match="No space"),
        store.create(out, kind="corpus", config={}, seed=0),
    ):
        store.write_bytes(out / "large", bytes(200_000))
    assert not (out / "large").exists()
    with pytest.raises(DataError, match="unfinished"):
        store.read_manifest(out, "corpus")


def test_what_an_unfinished_folder_was_begun_with_can_be_asked(tmp_path: Path) -> None:
    path = tmp_path / "run"
    assert store.unfinished(path) is None
    with store.create(path, kind="run", config={"steps": 4}, seed=0) as out:
        begun = store.unfinished(path)
        assert begun is not None
        state, remedy = begun
        assert (state["kind"], state["config"]) == ("run", {"steps": 4})
        assert remedy.endswith(f"{path} --resume`")
        assert out.whole
    assert store.unfinished(path) is None
