from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funduscope.archive import gradability


def photographs(marks, **columns) -> pl.DataFrame:
    count = len(marks)
    given = {
        "image_id": [f"i{n:04d}" for n in range(count)],
        "patient_id": [f"p{n}" for n in range(count)],
        "site_id": ["a"] * count,
        "camera": [None] * count,
    } | columns
    return pl.DataFrame(given, schema_overrides={"camera": pl.String}).with_columns(
        pl.Series("gradability", marks, dtype=pl.Float32)
    )


def test_what_a_threshold_removes_by_group_those_that_lose_most_first():
    images = photographs([0.1, 0.42, 0.9, 0.5], site_id=["a", "a", "a", "b"])
    [all_] = gradability.removal(images, None, (0.5, 0.42, 1.0))
    assert (all_.photographs, all_.removed) == (4, (2, 1, 4))  # a mark at the threshold stays
    a, b = gradability.removal(images, "site_id", (0.5,))
    assert (a.name, a.removed, a.share) == ("a", (2,), pytest.approx(2 / 3))
    assert (b.name, b.removed, b.share) == ("b", (0,), 0.0)
    [unnamed] = gradability.removal(images, "camera", (0.5,))
    assert unnamed.name is None


def test_a_patient_is_lost_when_the_best_photograph_is():
    images = photographs([0.1, 0.2, 0.1, 0.9], patient_id=["x", "x", "y", "y"])
    [found] = gradability.removal(images, None, (0.5,))
    assert found.patients_lost == 1


def test_photographs_without_a_mark_are_not_judged():
    images = photographs([0.1, None])
    assert gradability.judged(images)["image_id"].to_list() == ["i0000"]
    assert gradability.removal(images.head(0), None, (0.5,)) == []


def test_the_nearest_to_a_threshold_on_both_sides():
    images = photographs([0.1, 0.45, 0.5, 0.49, 0.8])
    below, above = gradability.around(images, 0.5, 2)
    assert below == ["i0003", "i0001"]
    assert above == ["i0002", "i0004"]


def test_photographs_to_label_are_spread_over_marks_sites_and_cameras():
    rng = np.random.default_rng(3)
    marks = np.where(rng.random(900) < 0.7, 1.0, rng.random(900))
    images = photographs(
        marks, site_id=["ab"[n % 2] for n in range(900)], camera=["xyz"[n % 3] for n in range(900)]
    )
    chosen = images.filter(images["image_id"].is_in(gradability.to_label(images, 50)))
    parts = np.bincount(gradability.bins(chosen["gradability"].to_numpy()), minlength=10)
    assert parts.tolist() == [5] * 10
    sound = chosen.filter(chosen["gradability"] == 1.0)
    assert sound.select("site_id", "camera").n_unique() == 5


def test_photographs_to_label_are_of_different_patients_while_there_are_enough():
    images = photographs(np.linspace(0, 1, 60), patient_id=[f"p{n // 2}" for n in range(60)])
    few = images.filter(images["image_id"].is_in(gradability.to_label(images, 25)))
    assert few["patient_id"].n_unique() == 25
    many = gradability.to_label(images, 50)
    assert len(set(many)) == 50
    assert many == sorted(many)  # ids are hashes: their order hides the marks
    assert gradability.to_label(images.sample(fraction=1.0, shuffle=True, seed=1), 50) == many


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=40))
def test_a_higher_threshold_removes_no_less(marks):
    [found] = gradability.removal(photographs(marks), None, gradability.GRID)
    assert list(found.removed) == sorted(found.removed)
    assert found.removed[0] == 0
