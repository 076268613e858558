from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funduscope import scoring
from funduscope.errors import DataError

ROWS = st.lists(
    st.tuples(
        st.sampled_from("pqr"),
        st.sampled_from(["OD", "OS", "unknown"]),
        st.sampled_from([True, False, None]),
        st.floats(0, 1),
    ),
    min_size=1,
    max_size=20,
)


def eyes_of(rows):
    patients, sides, gradable, scores = zip(*rows, strict=True)
    return scoring.to_eyes(
        np.array(scores)[:, None],
        image_ids=[f"i{at}" for at in range(len(rows))],
        patient_ids=patients,
        eyes=sides,
        gradable=gradable,
    )


def test_the_rule_by_example():
    eyes = eyes_of(
        [
            ("p", "OD", True, 0.2),
            ("p", "OD", None, 0.4),  # not judged counts as gradable
            ("p", "OD", False, 0.9),  # left out: others are gradable
            ("p", "OS", False, 0.6),
            ("p", "OS", False, 0.8),  # none gradable: all count
            ("q", "unknown", True, 0.1),
            ("q", "unknown", True, 0.5),
        ]
    )
    assert eyes.unit_ids == ("p/OD", "p/OS", "q/unknown/i5", "q/unknown/i6")
    assert eyes.scores[:, 0] == pytest.approx([0.3, 0.7, 0.1, 0.5])
    assert eyes.unit_of.tolist() == [0, 0, 0, 1, 1, 2, 3]
    patients = scoring.to_patients(eyes)
    assert patients.unit_ids == patients.patient_ids == ("p", "q")
    assert patients.scores[:, 0] == pytest.approx([0.7, 0.5])
    assert patients.unit_of.tolist() == [0, 0, 0, 0, 0, 1, 1]
    assert (eyes.unit, patients.unit) == ("eye", "patient")


@given(ROWS)
@settings(deadline=None)
def test_nothing_is_lost_and_scores_stay_within_their_images(rows):
    eyes = eyes_of(rows)
    patients = scoring.to_patients(eyes)
    assert set(patients.unit_ids) == {row[0] for row in rows}
    scores = np.array([row[3] for row in rows])
    for units in (eyes, patients):
        assert set(units.unit_of) == set(range(len(units.unit_ids)))
        for at, name in enumerate(units.patient_ids):
            members = units.unit_of == at
            assert {rows[i][0] for i in np.flatnonzero(members)} == {name}
            assert scores[members].min() - 1e-12 <= units.scores[at, 0]
            assert units.scores[at, 0] <= scores[members].max() + 1e-12


@given(ROWS)
@settings(deadline=None)
def test_swapping_eyes_swaps_answers(rows):
    other = {"OD": "OS", "OS": "OD", "unknown": "unknown"}
    before = eyes_of(rows)
    after = eyes_of([(p, other[e], g, s) for p, e, g, s in rows])
    assert (before.scores == after.scores).all()
    swap = str.maketrans({"D": "S", "S": "D"})
    assert [name.translate(swap) for name in before.unit_ids] == list(after.unit_ids)


@given(ROWS, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_order_of_images_does_not_matter(rows, random):
    known = [(p, "OD" if e == "unknown" else e, g, s) for p, e, g, s in rows]
    shuffled = list(known)
    random.shuffle(shuffled)
    one, two = eyes_of(known), eyes_of(shuffled)
    assert dict(zip(one.unit_ids, one.scores[:, 0], strict=True)) == pytest.approx(
        dict(zip(two.unit_ids, two.scores[:, 0], strict=True))
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"eyes": ["OD", "left"]}, "OD, OS or unknown"),
        ({"eyes": ["OD"]}, "1 eyes for 2 image_ids"),
        ({"scores": [[0.1], [float("nan")]]}, "row 1"),
        ({"scores": [0.1, 0.2]}, "(N, F)"),
        ({"scores": [[0.1]]}, "(N, F)"),
    ],
)
def test_bad_input_is_refused(change, words):
    arguments = {
        "scores": [[0.1], [0.2]],
        "image_ids": ["a", "b"],
        "patient_ids": ["p", "p"],
        "eyes": ["OD", "OS"],
        "gradable": [True, None],
    } | change
    with pytest.raises(DataError) as caught:
        scoring.to_eyes(arguments.pop("scores"), **arguments)
    assert words in str(caught.value)
