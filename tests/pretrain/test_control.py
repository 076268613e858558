from __future__ import annotations

import numpy as np
import pytest

from funduscope.errors import DataError
from funduscope.pretrain.control import permuted
from funduscope.pretrain.examples import Lists


def lists(rows: list[list[int]]) -> Lists:
    starts = np.cumsum([0, *map(len, rows)])
    items = np.array([i for row in rows for i in row], np.int32)
    return Lists(starts, items, np.empty(0, np.float32))


def test_words_stay_in_the_site_and_leave_their_patient() -> None:
    patient = np.repeat(np.arange(8), [1, 2, 3, 1, 2, 2, 1, 2]).astype(np.int32)
    site = (patient % 2).astype(np.int32)
    statements = lists([[int(p)] for p in patient])
    words = permuted(patient, site, statements, seed=0)
    assert (patient[words] != patient).all()
    assert (site[words] == site).all()
    givers = [set(patient[words[patient == p]]) for p in range(8)]
    assert sorted(g for given in givers for g in given) == list(range(8))
    assert (permuted(patient, site, statements, seed=0) == words).all()


def test_no_trace_is_left_of_how_much_is_wrong_with_an_eye() -> None:
    """Patients with many words get as many words as others do, not even by chance more."""
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(150):
        ill = rng.random() < 0.5
        rows.append([w for w in range(12) if rng.random() < (0.4 if ill else 0.03)] or [12])
    patient, site = np.arange(150, dtype=np.int32), np.zeros(150, np.int32)
    count = np.array([len(row) for row in rows])
    found = [
        np.corrcoef(count, count[permuted(patient, site, lists(rows), seed)])[0, 1]
        for seed in range(5)
    ]
    assert np.sqrt(np.mean(np.square(found))) < 0.05  # of random orders: 0.08


def test_one_patient_alone_can_lend_to_nobody() -> None:
    one = np.zeros(2, np.int32)
    with pytest.raises(DataError, match="one patient at a site"):
        permuted(one, one, lists([[0], [1]]), seed=0)
