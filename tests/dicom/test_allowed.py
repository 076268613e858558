from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from pydicom.datadict import dictionary_keyword

from funduscope.dicom.allowed import attributes, tags
from funduscope.dicom.profile import rule


def test_the_list_is_well_formed():
    for keyword, entry in attributes().items():
        assert dictionary_keyword(int(entry.tag, 16)) == keyword
        assert entry.use in ("corpus", "pairing", "decoding")
        assert len(entry.why) > 15
        assert entry.feeds


@pytest.mark.parametrize("use", ["corpus", "decoding"])
def test_what_is_taken_as_it_is_does_not_identify(use):
    """The basic profile lists nothing of it, but for sex and age, which the corpus coarsens."""
    listed = {f"{tag:08X}" for tag in tags(use) if rule(tag) is not None}
    assert listed <= {"00100040", "00101010"}
    assert use == "corpus" or not listed


def test_the_page_says_what_the_list_says():
    folder = Path(__file__).parents[2] / "docs" / "reference"
    made = runpy.run_path(str(folder / "make_dicom.py"))["page"]()
    assert (folder / "dicom.md").read_text(encoding="utf-8") == made
