from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from funduscope.pretrain import PretrainSettings
from funduscope.pretrain.examples import Example
from funduscope.pretrain.sampling import Sampler


def examples(patients: int, eyes: int = 2) -> list[Example]:
    return [
        Example(f"i{p}.{e}", f"p{p}", "s", ("normal fundus" if p % 3 else f"rare {p}",), ())
        for p in range(patients)
        for e in range(eyes)
    ]


@settings(deadline=None, max_examples=30)
@given(patients=st.integers(2, 40), seed=st.integers(0, 99), step=st.integers(0, 99))
def test_no_patient_twice_in_a_batch(patients: int, seed: int, step: int) -> None:
    sampler = Sampler(examples(patients), PretrainSettings(batch=patients, seed=seed))
    rows = sampler.rows(sampler.rng(step))
    assert sorted(sampler.examples[r].patient_id for r in rows) == sorted(
        f"p{p}" for p in range(patients)
    )


def test_a_step_draws_the_same_whenever_it_is_asked() -> None:
    first, again = (Sampler(examples(30), PretrainSettings(batch=8)) for _ in range(2))
    first.rows(first.rng(4))
    assert first.rows(first.rng(5)) == again.rows(again.rng(5))
    assert first.rows(first.rng(5)) != first.rows(first.rng(6))


def test_tempering_draws_rare_captions_more_often() -> None:
    def share(temper: float) -> float:
        sampler = Sampler(examples(90), PretrainSettings(batch=15, temper=temper))
        drawn = [sampler.rows(sampler.rng(s)) for s in range(60)]
        return float(np.mean([sampler.examples[r].captions[0] != "normal fundus"
                              for rows in drawn for r in rows]))  # fmt: skip

    assert abs(share(0.0) - 1 / 3) < 0.05
    assert share(0.5) > share(0.0) + 0.15


def test_the_match_matrix_marks_every_true_caption() -> None:
    listed = [
        Example("a", "p1", "s", ("drusen",), ("drusen",)),
        Example("b", "p2", "s", ("drusen",), ("drusen",)),
        Example("c", "p3", "s", ("glaucoma",), ("glaucoma",)),
    ]
    sampler = Sampler(listed, PretrainSettings(batch=3))
    texts, match = sampler.texts([0, 1, 2], sampler.rng(0))
    assert texts == ["drusen", "glaucoma"]
    assert match.tolist() == [[1, 0], [1, 0], [0, 1]]
