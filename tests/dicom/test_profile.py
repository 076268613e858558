from __future__ import annotations

import csv
import re

import pytest

from funduscope.dicom.profile import rule, table


def test_rules():
    assert rule(0x00100010).take == "Z"
    assert rule(0x00091001).take == "X"
    assert rule(0x60023000).take == rule(0x60020010).take == rule(0x50020010).take == "X"
    assert rule(0x00280010) is None
    assert rule(0x00080020).dates
    assert not rule(0x00100030).dates
    assert rule(0x00081030).descriptor


def test_a_choice_is_one_of_those_printed():
    for tag, found in table().items():
        allowed = set(found.profile.replace("U*", "C").split("/"))
        assert found.take in allowed, tag


@pytest.mark.realdata
def test_the_table_is_the_published_one(shared):
    text = (shared / "reference" / "dicom" / "ps315_table_E1-1.tsv").read_text(encoding="utf-8")
    text = re.sub(r"\n\n\(see Note \d+\)", "", text)
    rows = list(csv.DictReader(text.splitlines(), delimiter="\t"))
    assert len(rows) == len(table()) == 621
    for row in rows:
        plain = re.sub(r"[(),]", "", row["tag"]).replace("X", "x")
        found = table()["private" if "WHERE" in row["tag"] else plain]
        assert (found.name, found.profile) == (row["name"], row["basicProfile"])
        assert found.descriptor == (row["cleanDescOpt"] == "C")
        assert found.dates == (row["rtnLongModifDatesOpt"] == "C")
