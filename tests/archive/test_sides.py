"""Photographs whose optic disc contradicts the recorded eye."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from funduscope.archive.ingest import _wrong_sides
from funduscope.archive.photographs import Reading
from funduscope.archive.records import Exam, Photo

SEEN = Reading(
    b"", "png", 1, 1, None, True, 1.0, None, 0, np.zeros((1, 1), np.uint8), 0.0, None
)  # fmt: skip


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ([("OD", 4.0, ""), ("OS", -4.0, "")], set()),
        ([("OD", -3.0, ""), ("OS", 3.0, "")], {0, 1}),  # swapped: each is the other's witness
        ([("OD", -3.0, ""), ("OS", -3.0, "")], set()),
        ([("OD", -7.0, ""), ("OS", -3.0, "")], {0}),  # certain by itself
        ([("OS", 4.0, ""), ("OS", -5.0, "")], {0}),  # two of one eye, none of the other
        ([("OD", 5.0, ""), ("OD", -5.0, ""), ("OS", -5.0, ""), ("OS", 5.0, "")], set()),
        ([("OD", 5.0, ""), ("OD", -9.0, "disc"), ("OS", -5.0, "")], set()),
    ],
)
def test_discs_on_the_wrong_side(told: list[tuple[str, float, str]], wrong: set[int]) -> None:
    exam = Exam(0, "s", "1", "p", "t.csv#1")
    exam.photos = [
        Photo(f"{n}.jpg", eye=eye, field=field) for n, (eye, _, field) in enumerate(told)
    ]
    read = {n: replace(SEEN, disc=lead) for n, (_, lead, _) in enumerate(told)}
    assert _wrong_sides(exam, read) == wrong
