from __future__ import annotations

import tomllib

import pytest


def test_corrections_are_applied_and_counted(judge):
    module = judge.ingest_corrections
    draft = {"format": 1, "source": [{"site": "a", "columns": {"x": "1"}}, {"site": "a"}]}
    lines = {
        "a": {"columns.x": '"陈"\n', "2.values.eye": {"OD": ["R", "右"]}, "new": {"kind": "csv"}}
    }
    made = module.correct(draft, lines)
    assert tomllib.loads(module.to_toml(made)) == made
    assert made["source"] == [
        {"site": "a", "columns": {"x": '"陈"\n'}},
        {"site": "a", "values": {"eye": {"OD": ["R", "右"]}}},
        {"site": "a", "kind": "csv"},
    ]
    assert module.lines_by_site(lines) == {"a": 3}
    assert len(module.correct(draft, {"a": {"drop 2": True}})["source"]) == 1
    with pytest.raises(SystemExit, match="no site"):
        module.correct(draft, {"b": {"columns.x": "1"}})
    one = '[[source]]\nsite = "a"\nx = 1\n\n[[source]]\nsite = "b"\ny = 2\n'
    other = '# why\n[[source]]\nsite = "a"\nx = 1\n[[source]]\nsite = "b"\ny = 3\nz = 4\n'
    assert module.changed_by_site(one, other) == {"b": 2}
