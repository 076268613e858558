from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funduscope import store

DANGEROUS = [
    "=HYPERLINK(1)",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "  =1",
    "\u3000=1",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff201",
]


@pytest.mark.parametrize("cell", DANGEROUS)
def test_what_a_spreadsheet_would_run_becomes_text(cell):
    [[head], [shown]] = csv.reader(io.StringIO(store.to_csv([cell], [[cell]]), newline=""))
    assert head == shown == "'" + cell


@pytest.mark.parametrize("cell", ["plain", "a=b", "1-2", "", "'=1", "\u5de6\u773c", 'a "b", c'])
def test_other_text_is_as_it_was(cell):
    [_, [shown, _]] = csv.reader(io.StringIO(store.to_csv(["a", "b"], [[cell, "x"]])))
    assert shown == cell


def test_numbers_stay_numbers_and_nothing_is_empty():
    assert store.to_csv(["a", "b", "c"], [[-1.5, None, 7]]) == "a,b,c\r\n-1.5,,7\r\n"


def test_the_file_is_marked_as_utf_8(tmp_path):
    store.write_csv(tmp_path / "t.csv", ["a"], [["\u5317"]])
    assert (tmp_path / "t.csv").read_bytes() == b"\xef\xbb\xbfa\r\n\xe5\x8c\x97\r\n"


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0")))
def test_no_cell_begins_like_a_formula_and_a_second_pass_changes_nothing(cell):
    def once(value: str) -> str:
        [row] = csv.reader(io.StringIO(store.to_csv([value, "x"], []), newline=""))
        return row[0]

    shown = once(cell)
    assert not shown.lstrip(" \u3000").startswith(("=", "+", "-", "@", "\t", "\r"))
    assert once(shown) == shown
    assert shown.removeprefix("'") == cell.removeprefix("'")
