from __future__ import annotations

import tarfile
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest


def test_a_page_says_what_is_missed_and_links_other_pages(judge, tmp_path):
    section = judge.ingest.Section("Things")
    section.none("bad things", 2)
    section.all("good things", 9, 9)
    (tmp_path / "speed.md").write_text("fast enough\n", encoding="utf-8")
    text = judge.ingest.page([section], tmp_path, "command")
    assert "1 of 2 targets reached." in text
    assert "| bad things | 2 | 0 | **MISSED** |" in text
    assert f"- Speed and memory: [{tmp_path.name}/speed.md]({tmp_path.name}/speed.md)\n" in text


def test_a_tar_with_a_link_that_leads_outside_is_unpacked(judge, truth, tmp_path):
    made = truth.folder.parent
    (made / "archive" / "a" / "link.jpg").symlink_to("../../truth/outside.jpg")
    with tarfile.open(tmp_path / "made.tar.gz", "w:gz") as pack:
        pack.add(made, "some_archive")
    archive, folder = judge.ingest.unpack(tmp_path / "made.tar.gz", tmp_path / "into")
    assert (archive / "a" / "link.jpg").is_symlink()
    assert (folder / "images.csv").exists()
    with pytest.raises(SystemExit, match=r"no folder with images\.csv"):
        judge.ingest.unpack(archive, tmp_path)


def asked(tmp_path, **change):
    none = dict.fromkeys(("config", "draft", "corrections", "corpus"))
    return SimpleNamespace(**none | {"set": ["workers=1"]} | change)


def program(calls):
    """A program that drafts, ingests, and remembers how it was called."""

    def command(run, work, name, words):
        calls.append((name, words))
        run.codes[name] = 0
        target = Path(words[2])
        target.mkdir(parents=True)
        text = '[[source]]\nsite = "a"\ncolumns = {x = "1"}\n'
        (target / ("archive.toml" if name == "draft" else "manifest.json")).write_text(text)

    return command


def test_a_draft_is_corrected_and_ingested(judge, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(judge.ingest, "command", program(calls))
    (tmp_path / "corrections.toml").write_text('[a]\n"columns.x" = "2"\n"kind" = "csv"\n')
    given = asked(tmp_path, corrections=tmp_path / "corrections.toml")
    run = judge.ingest.ingest(tmp_path / "archive", given, tmp_path / "work")
    assert [name for name, _ in calls] == ["draft", "ingest"]
    assert calls[0][1][-1] == "--draft"
    assert calls[1][1][-2:] == ["--set", "workers=1"]
    assert run.lines == {"a": 2}
    text = (tmp_path / "work" / "archive.toml").read_text()
    assert tomllib.loads(text)["source"] == [{"site": "a", "columns": {"x": "2"}, "kind": "csv"}]
    figures = judge.ingest.effort(run).figures
    assert [(figure.value, figure.reached) for figure in figures[:1]] == [("2", True)]


def test_a_description_is_counted_against_its_draft(judge, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(judge.ingest, "command", program(calls))
    for name, value in (("draft", 1), ("config", 2)):
        (tmp_path / name).write_text(f'[[source]]\nsite = "a"\nx = {value}\n')
    given = asked(tmp_path, config=tmp_path / "config", draft=tmp_path / "draft")
    run = judge.ingest.ingest(tmp_path / "archive", given, tmp_path / "work")
    assert [name for name, _ in calls] == ["ingest"]
    assert run.lines == {"a": 1}


def test_an_ingest_that_makes_nothing_is_no_result(judge, tmp_path, monkeypatch):
    monkeypatch.setattr(judge.ingest, "command", lambda run, work, name, words: None)
    with pytest.raises(SystemExit, match="no corpus was made"):
        judge.ingest.ingest(tmp_path, asked(tmp_path, config=tmp_path / "c"), tmp_path)
