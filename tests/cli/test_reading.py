from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from funduscope.cli import reading
from funduscope.cli.screen import Screen
from funduscope.findings import Assertion, extract, vocabulary

REPORT = """右眼：黄斑区可见硬性渗出，未见出血。左眼：青光眼待排。
糖尿病史10年。Impression: moderate NPDR OD.
"""


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.txt"
    path.write_text(REPORT, encoding="utf-8")
    return path


def test_a_report_is_marked_by_status_and_every_row_names_its_rules(run, report):
    shown = run("show", report)
    assert shown.code == 0
    for words in ("[+1:硬性渗出]", "[-2:出血]", "[?3:青光眼]", "[+4~:糖尿病]", "[+5:NPDR]"):
        assert words in shown.out
    for words in ("retinal_hemorrhage", "term + negation", "doubt_after", "icdr:2", "history"):
        assert words in shown.out
    assert "legend: + present   ? uncertain   - absent   ~ history" in shown.out
    assert "next:" in shown.out


@pytest.mark.parametrize("columns", [80, 100, 120])
def test_nothing_is_cut_off_at_the_right(run, tmp_path, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    path = tmp_path / "report.txt"
    path.write_text(REPORT + "左眼弥漫性脉络膜视网膜萎缩，余同右眼。", encoding="utf-8")
    shown = run("show", path).out
    assert max(sum(1 + (ord(s) > 0x2E7F) for s in line) for line in shown.splitlines()) <= columns
    packed = "".join(shown.split())
    for row in extract(path.read_text(encoding="utf-8")):
        assert row.finding in packed
        assert all(rule in packed for rule in row.rule.split("+"))


def test_json_has_offsets_into_the_text(run, report):
    shown = json.loads(run("show", report, "--json").out)
    assert shown["language"] == "zh"
    assert shown["vocabulary"]["version"] == vocabulary().version
    assert len(shown["assertions"]) == len(extract(REPORT))
    for row in shown["assertions"]:
        assert shown["text"][row["start_char"] : row["end_char"]] == row["words"]
        assert row["rule"]
        assert row["zh"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_encodings_of_archives_are_read(run, tmp_path, encoding):
    path = tmp_path / "report.txt"
    text = "眼底检查：" + REPORT.replace("\n", "\r\n")
    path.write_bytes(text.encode(encoding))
    shown = json.loads(run("show", path, "--json").out)
    assert shown["text"] == "眼底检查：" + REPORT


def test_standard_input_is_read(run, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("左眼出血".encode())))
    shown = run("show", "-")
    assert "[+1:出血]" in shown.out
    assert "standard input" in shown.out


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n" + bytes(range(256)), b"\0\1\2\3" * 50])
def test_what_is_no_text_is_refused(run, tmp_path, data):
    path = tmp_path / "photo.txt"
    path.write_bytes(data)
    shown = run("show", path)
    assert shown.code == 3
    assert "no text" in shown.err
    assert "plain text" in shown.err


def test_a_report_without_findings_and_an_empty_one(run, tmp_path):
    path = tmp_path / "report.txt"
    for text in ("", "复查。"):
        path.write_text(text, encoding="utf-8")
        shown = run("show", path)
        assert shown.code == 0
        assert "Nothing is asserted here" in shown.out


def test_contradictions_are_pointed_at(run, tmp_path):
    path = tmp_path / "report.txt"
    path.write_text("右眼：未见新生血管。诊断：右眼新生血管。", encoding="utf-8")
    assert "look: neovascularization, OD, is stated present and absent" in run("show", path).out


def test_on_a_terminal_words_are_colored_and_numbered(run, report, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    shown = run("show", report).out
    assert "\x1b[1;31m硬性渗出\x1b[0m" in shown
    assert "\x1b[32m出血\x1b[0m" in shown
    assert "[+1:" not in shown


def test_commands_of_the_terminal_in_a_report_are_no_commands(run, tmp_path):
    path = tmp_path / "report.txt"
    path.write_text("右眼出血\x1b[2J，" + "视盘边界清，" * 30, encoding="utf-8")
    shown = run("show", path)
    assert "\x1b" not in shown.out
    assert "[+1:出血]\ufffd[2J" in shown.out


def row(start: int, end: int, status: str = "present", **other: str) -> Assertion:
    told = {"eye": "OD", "finding": "erm", "temporality": "current", "experiencer": "patient"}
    told |= other
    return Assertion(**told, status=status, grade=None, start_char=start, end_char=end, rule="term")


def test_overlapping_spans_are_all_marked(capsys):
    rows = [row(0, 4), row(2, 4, "absent"), row(3, 6, "uncertain"), row(2, 4, finding="cnv")]
    spans = reading._spans(rows)
    assert [(span.start, span.status) for span in spans] == [
        (0, "present"),
        (2, "mixed"),
        (3, "uncertain"),
    ]
    screen = Screen(quiet=False, as_json=False)
    screen.draw(reading._page("abcdef", spans, color=False, utf=True))
    assert "[+1:ab[!2:c[?3:d]]ef]" in capsys.readouterr().out
    screen.draw(reading._page("abcdef", spans, color=True, utf=False))
    assert "abcd^1^2ef^3" in capsys.readouterr().out


def test_a_thing_that_is_not_there_or_takes_no_finding(run, report):
    assert "did you mean 'vocabulary'?" in run("show", "vocabulry").err
    assert run("show", "nowhere.txt").code == 3
    assert run("show", report, "npdr").code == 2
