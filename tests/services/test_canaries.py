"""Canaries in every DICOM attribute, through the command `ingest` and through `deidentify`."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from pydicom.datadict import dictionary_VR

from funduscope.dicom import profile

pytestmark = pytest.mark.services


def test_no_canary_comes_out(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    module, planting = map(importlib.import_module, ("dicom_canaries", "dicom_planting"))
    plain = [int(tag, 16) for tag in profile.table() if tag != profile.PRIVATE and "x" not in tag]
    attributes = planting.Attributes(
        len(profile.table()), tuple((tag, dictionary_VR(tag)) for tag in plain)
    )
    section, (*valid, forms) = module.through_ingest(tmp_path, attributes)
    sections = [section, module.through_deidentify(valid, forms)]
    judged = [figure for one in sections for figure in one.figures if figure.reached is not None]
    assert len(judged) == 4
    assert [figure for figure in judged if not figure.reached] == []


def test_the_search_finds_what_is_left(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    module = importlib.import_module("dicom_canaries")
    (tmp_path / "a").write_bytes(b"\x89PNG..ZQ0001K0..")
    (tmp_path / "ZQ0002K0").write_bytes(b"")
    forms = {name: {name.encode()} for name in ("ZQ0001K0", "ZQ0002K0", "ZQ0003K0")}
    assert module.search(forms, module.contents(tmp_path)) == {
        "ZQ0001K0": "a",
        "ZQ0002K0": "name of ZQ0002K0",
    }
