from __future__ import annotations

import numpy as np
import pytest
import torch

from funduscope.findings import vocabulary
from funduscope.pretrain.objectives import agreement
from funduscope.pretrain.said import implied

WORTH = {"present": 1.0, "uncertain": 0.5, "absent": -1.0}


def said(statements: list[tuple[str, str]]) -> np.ndarray:
    codes = vocabulary().codes
    told = np.zeros((1, len(codes)), np.float32)
    for code, status in sorted(statements, key=lambda pair: WORTH[pair[1]]):
        told[0, codes.index(code)] = WORTH[status]
    return implied(told)[0]


def of(row: np.ndarray, code: str) -> float:
    return float(row[vocabulary().codes.index(code)])


def between(one: list[tuple[str, str]], other: list[tuple[str, str]]) -> float:
    a, b = (torch.from_numpy(said(s)).double()[None] for s in (one, other))
    return float(agreement(a, b))


def test_statements_reach_broader_and_denials_narrower_findings():
    row = said([("npdr", "present"), ("crvo", "uncertain"), ("exudate", "absent")])
    assert (of(row, "npdr"), of(row, "diabetic_retinopathy"), of(row, "pdr")) == (1, 1, 0)
    assert (of(row, "crvo"), of(row, "retinal_vein_occlusion")) == (0.5, 0.5)
    assert (of(row, "exudate"), of(row, "hard_exudate"), of(row, "drusen")) == (-1, -1, 0)
    assert of(row, "normal") == -1


def test_what_was_said_holds_against_what_follows():
    row = said([("normal", "present"), ("drusen", "present"), ("drusen", "absent")])
    assert (of(row, "normal"), of(row, "drusen"), of(row, "amd")) == (1, 1, -1)
    row = said([("retinal_hemorrhage", "absent"), ("flame_hemorrhage", "present")])
    assert (of(row, "retinal_hemorrhage"), of(row, "flame_hemorrhage")) == (-1, 1)


def test_normal_goes_with_what_is_no_disease_of_the_fundus():
    row = said([("normal", "present")])
    for code in ("tessellated_fundus", "pseudophakia", "hypertension", "cup_disc_ratio", "prp"):
        assert of(row, code) == 0
        assert of(said([(code, "present")]), "normal") == 0
    assert of(row, "poor_image_quality") == 0
    assert of(said([("drusen", "uncertain")]), "normal") == 0


def test_nothing_said_is_silence():
    assert not said([]).any()


PDR, SUSPECTED = [("pdr", "present")], [("pdr", "uncertain")]
HEALTHY = [("normal", "present")]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (PDR, PDR, 1),
        (HEALTHY, HEALTHY, 1),
        (PDR, SUSPECTED, 0.5),
        (PDR, [("npdr", "present")], 1 / 3),
        (PDR, [("wet_amd", "present")], 0),
        (HEALTHY, [("retinal_hemorrhage", "absent"), ("exudate", "absent")], 0),
        (SUSPECTED, HEALTHY, -1 / 3),
        (PDR, HEALTHY, -1),
    ],
)
def test_what_a_retina_specialist_expects(one, other, expected):
    """The table of docs/explanation/objectives.md, from the same to the opposite."""
    assert between(one, other) == between(other, one) == pytest.approx(expected)
