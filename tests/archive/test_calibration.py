from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funduscope.archive import calibration
from funduscope.errors import DataError


def labels(marks, gradable, weights=None, patients=None) -> calibration.Labels:
    count = len(marks)
    return calibration.Labels(
        np.array(marks, np.float32),
        np.array(gradable, np.bool_),
        patients or [f"p{n}" for n in range(count)],
        np.ones(count) if weights is None else np.array(weights, np.float64),
    )


def chosen(given_labels, keep=0.95, replicates=200):
    return calibration.calibrate(given_labels, keep=keep, in_use=0.5, seed=0, replicates=replicates)


def photographs(marks) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "image_id": [f"i{n:03d}" for n in range(len(marks))],
            "patient_id": [f"p{n}" for n in range(len(marks))],
            "gradability": pl.Series(marks, dtype=pl.Float32),
        }
    )


def test_between_two_clear_groups_the_threshold_lies_in_the_middle():
    found = chosen(labels([0.1] * 10 + [0.2] * 10 + [0.6] * 10 + [0.9] * 10, [0] * 20 + [1] * 20))
    assert found.threshold == pytest.approx(0.4)  # between 0.21 and 0.60
    assert found.chosen.sensitivity.value == found.chosen.specificity.value == 1.0
    assert 0.8 < found.chosen.sensitivity.low < 0.95  # ten labels cannot show that none is missed
    assert found.low <= found.threshold <= found.high
    assert found.fresh == (1.0, 1.0)
    assert (found.labeled, found.called_gradable) == (40, 20)


def test_enough_of_the_gradable_is_kept_whatever_it_costs():
    marks = [*np.linspace(0.0, 0.8, 30), *np.linspace(0.2, 1.0, 30)]
    tolerant = labels(marks, [0] * 30 + [1] * 30)
    for keep in (1.0, 0.9, 0.6):
        found = chosen(tolerant, keep)
        assert found.chosen.sensitivity.value >= keep - 1e-9
        higher = np.float32(round(found.threshold + 0.03, 2))
        assert (np.array(marks[30:], np.float32) >= higher).mean() < keep  # no more could go
    assert chosen(tolerant, 1.0).threshold < chosen(tolerant, 0.6).threshold


def test_the_threshold_in_use_is_judged_on_the_same_labels():
    found = chosen(labels([0.1] * 10 + [0.3] * 10 + [0.9] * 10, [0] * 10 + [1] * 20))
    assert found.in_use.sensitivity.value == pytest.approx(0.5)
    assert found.in_use.specificity.value == 1.0
    assert found.chosen.sensitivity.value == 1.0


def test_fresh_photographs_fare_no_better_than_those_it_was_chosen_on():
    rng = np.random.default_rng(5)
    gradable = rng.random(60) < 0.5
    marks = np.clip(rng.normal(0.4 + 0.2 * gradable, 0.2), 0, 1)
    found = chosen(labels(marks, gradable))
    assert found.fresh[0] < found.chosen.sensitivity.value
    assert found.low < found.high
    assert chosen(labels(marks, gradable)) == found


def test_weights_speak_for_the_whole_corpus(tmp_path):
    # few photographs are poor, but half of the labels are of poor ones
    path = tmp_path / "labels.csv"
    marks = [0.05] * 10 + [0.95] * 90
    rows = [f"i{n:03d},{int(n >= 10)}" for n in range(20)]
    path.write_text("\n".join(["image_id,gradable", *rows]), encoding="utf-8")
    found = calibration.read_labels(path, photographs(marks))
    assert found.weights[:10].tolist() == [1.0] * 10
    assert found.weights[10:].tolist() == [9.0] * 10


def test_few_labels_for_most_of_the_corpus_leave_much_open():
    # two good labels stand for 90 of 100 photographs: one in ten of those may well be useless
    marks, gradable = [0.1] * 18 + [0.95] * 2, [0] * 18 + [1] * 2
    few = chosen(labels(marks, gradable, [10 / 18] * 18 + [45.0] * 2)).chosen
    assert few.specificity.value == 1.0
    assert few.specificity.low < 0.5
    assert few.sensitivity.low > 0.9  # while hardly any gradable one can be lost


def test_patients_with_many_photographs_count_once():
    marks, gradable = [0.1] * 20 + [0.9] * 20, [0] * 20 + [1] * 20
    apart = chosen(labels(marks, gradable)).chosen.sensitivity
    alike = chosen(labels(marks, gradable, patients=[f"p{n // 5}" for n in range(40)]))
    assert alike.chosen.sensitivity.low < apart.low


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_labels_are_read_as_spreadsheets_save_them(tmp_path, encoding, delimiter):
    path = tmp_path / "labels.csv"
    rows = [[f"i{n:03d}", "左", f" {n % 2} "] for n in range(24)] + [["i024", "右", ""]]
    text = "\r\n".join(delimiter.join(row) for row in [["image_id", "note", "gradable"], *rows])
    path.write_bytes(text.encode(encoding))
    found = calibration.read_labels(path, photographs(np.linspace(0, 1, 30)))
    assert found.gradable.tolist() == [n % 2 == 1 for n in range(24)]
    assert found.patients[:2] == ["p0", "p1"]


LINES = [f"i{n:03d},{n % 2}" for n in range(24)]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["image,gradable", *LINES], "no column image_id"),
        (["image_id,gradable", *LINES, "i025,yes"], "'yes'"),
        (["image_id,gradable", *LINES, "i001,0"], "i001 both ways"),
        (["image_id,gradable", *LINES, "zzz,1"], "1 photographs such as 'zzz'"),
        (["image_id,gradable", *LINES[:19]], "19 labels"),
        (["image_id,gradable", *(f"i{n:03d},1" for n in range(24))], "24 of them gradable"),
        (["image_id,gradable"], "0 labels"),
    ],
)
def test_labels_that_cannot_be_used_are_refused(tmp_path, lines, words):
    path = tmp_path / "labels.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        calibration.read_labels(path, photographs(np.linspace(0, 1, 30)))
    assert words in str(caught.value)
    assert caught.value.code == "bad_labels"


def test_a_missing_file_is_named():
    with pytest.raises(DataError, match="no such file"):
        calibration.read_labels(Path("nowhere.csv"), photographs([0.5]))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=4, max_size=30),
    st.sampled_from([0.5, 0.8, 0.95, 1.0]),
)
def test_the_chosen_threshold_keeps_what_was_asked(pairs, keep):
    pairs = [*pairs, (0.3, True), (0.6, False)]
    found = chosen(labels(*zip(*pairs, strict=True)), keep, replicates=20)
    assert found.chosen.sensitivity.value >= keep - 1e-6
    assert 0 <= found.low <= found.high <= 1
