from __future__ import annotations

import json
import re

import pytest

from funduscope.findings import vocabulary


def test_the_vocabulary_is_listed_with_its_version(run):
    shown = run("show", "vocabulary")
    words = vocabulary()
    assert f"vocabulary {words.version} ({words.hash[:12]}): {len(words)} findings" in shown.out
    lines = {line.split()[0]: line for line in shown.out.splitlines() if line[:1].isalpha()}
    assert set(words.codes) <= set(lines)
    assert lines["npdr"].split()[-3:] == ["diabetic_retinopathy", "disease", "depends"]
    listed = json.loads(run("show", "vocabulary", "--json").out)
    assert [finding["code"] for finding in listed["findings"]] == list(words.codes)
    assert listed["version"] == words.version


def test_on_a_terminal_of_80_columns_no_code_is_broken(run, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    shown = re.sub(r"\x1b\[[0-9;]*m", "", run("show", "vocabulary").out)
    assert set(vocabulary().codes) <= set(re.findall(r"^\w+", shown, flags=re.MULTILINE))
    assert "\n< diabetic_retinopathy" in shown


@pytest.mark.parametrize(
    "name",
    ["macular_hole", "macular hole", "Macular Holes", "FTMH", "黄斑裂孔", "黃斑裂孔", "黄斑区裂孔"],
)
def test_a_finding_is_found_by_code_name_or_synonym(run, name):
    shown = run("show", "vocabulary", name)
    assert shown.code == 0
    assert shown.out.splitlines()[0].split() == ["code", "macular_hole"]
    for words in ("H35.3", "grade gass", "Gass JDM", "full-thickness macular hole", "prompts en +"):
        assert words in shown.out


def test_a_finding_as_json_has_all_of_it(run):
    (told,) = json.loads(run("show", "vocabulary", "npdr", "--json").out)["findings"]
    assert told["ancestors"] == ["diabetic_retinopathy"]
    assert [scale["code"] for scale in told["scales"]] == ["icdr", "cn_dr"]
    assert told["prompts"]["positive_zh"]


def test_a_scale_leads_to_what_it_grades(run):
    shown = run("show", "vocabulary", "cn_dr").out
    assert shown.splitlines()[0].split() == ["code", "diabetic_retinopathy"]
    assert "as icdr (~ approximate): 1 ~ 1, 2 ~ 2, 3 ~ 3, 4 = 4" in shown


def test_a_name_of_two_findings_shows_both(run):
    shown = run("show", "vocabulary", "静脉迂曲扩张")
    codes = [line.split()[1] for line in shown.out.splitlines() if line.startswith("code ")]
    assert sorted(codes) == ["venous_dilation", "venous_tortuosity"]


@pytest.mark.parametrize(
    ("name", "near"),
    [("glaucxma", "glaucoma"), ("macular_hloe", "macular_hole")],
)
def test_an_unknown_name_is_answered_with_the_nearest(run, name, near):
    shown = run("show", "vocabulary", name)
    assert shown.code == 3
    assert f"did you mean {near}" in shown.err
