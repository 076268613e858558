from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, replace
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funduscope.errors import ConfigError, DataError
from funduscope.findings import vocabulary
from funduscope.pretrain import PretrainSettings
from funduscope.pretrain.examples import Examples
from funduscope.pretrain.plan import Batch, Plan
from funduscope.pretrain.said import implied

Make = Callable[..., Examples]
law = settings(deadline=None, max_examples=25)


def first(plan: Plan, count: int, start: int = 0) -> list[Batch]:
    return list(islice(plan.batches(start), count))


def equal(one: Batch, other: Batch) -> bool:
    pairs = zip(astuple(one), astuple(other), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def patients(plan: Plan, batch: Batch) -> np.ndarray:
    """The patient of each photograph, (B, E); -1 where there is none."""
    seen = plan.examples
    eye = np.searchsorted(seen.first_E, batch.rows_BE, side="right") - 1
    return np.where(batch.rows_BE < 0, -1, seen.patient_E[eye])


@law
@given(
    count=st.integers(2, 40),
    seed=st.integers(0, 99),
    temper=st.sampled_from([0.0, 0.5, 1.0]),
    objective=st.sampled_from(["infonce", "patient"]),
    share=st.floats(0.1, 1),
)
def test_no_patient_twice_in_a_batch(
    make_examples: Make, count: int, seed: int, temper: float, objective: str, share: float
) -> None:
    made = PretrainSettings.model_validate(
        {"batch": max(2, int(share * count)), "seed": seed, "temper": temper, "window_mib": 1}
        | {"objective": objective}
    )
    plan = Plan(make_examples(count, seed, unknown=0.2), made)
    for batch in first(plan, 6):
        whose = patients(plan, batch)
        assert len(batch.rows_BE) == made.batch
        assert len(set(whose.max(1))) == made.batch
        assert (
            whose.max(1) == np.where(whose < 0, whose.max(1, keepdims=True), whose).min(1)
        ).all()


@law
@given(start=st.integers(0, 30), seed=st.integers(0, 9), window=st.integers(1, 3))
def test_beginning_at_a_step_is_going_on_there(
    make_examples: Make, start: int, seed: int, window: int
) -> None:
    made = PretrainSettings(batch=5, seed=seed, window_mib=window)
    plan, again = (Plan(make_examples(12, seed), made) for _ in range(2))
    unbroken = first(plan, start + 3)
    assert [b.step for b in unbroken] == list(range(start + 3))
    for one, other in zip(unbroken[start:], first(again, 3, start), strict=True):
        assert equal(one, other)


def test_another_seed_gives_other_batches(make_examples: Make) -> None:
    one, other = (Plan(make_examples(30), PretrainSettings(batch=9, seed=s)) for s in (0, 1))
    assert not equal(first(one, 1)[0], first(other, 1)[0])


@law
@given(
    count=st.integers(4, 40),
    seed=st.integers(0, 99),
    window=st.sampled_from([1, 64]),
    objective=st.sampled_from(["infonce", "patient"]),
)
def test_without_tempering_an_epoch_shows_every_unit_once(
    make_examples: Make, count: int, seed: int, window: int, objective: str
) -> None:
    made = PretrainSettings.model_validate(
        {"batch": 2, "seed": seed, "temper": 0.0, "window_mib": window, "objective": objective}
    )
    plan = Plan(make_examples(count, seed, photos=3), made)
    epoch = plan.epoch(0)
    shown = epoch.units_KB.ravel()
    assert len(set(shown)) == len(shown) == len(plan.slots_UE) - epoch.cut
    if window == 64 and np.bincount(plan._patient_U).max() <= len(epoch.units_KB):
        assert epoch.cut < made.batch  # what does not fill the last batch
    assert (np.diff(epoch.window_K) >= 0).all()


def test_what_is_rare_is_drawn_more_often_as_often_as_expected(make_examples: Make) -> None:
    examples = make_examples(200, 3)
    plan = Plan(examples, PretrainSettings(batch=16, temper=0.5, window_mib=4))
    shown = np.concatenate([plan.epoch(n).units_KB.ravel() for n in range(60)])
    often = np.bincount(shown, minlength=len(plan.slots_UE)) / 60
    said = examples.said
    stated = [
        tuple(said[e][said.values[said.starts[e] : said.starts[e + 1]] > 0])
        for e in examples.words_E
    ]
    count = np.array([stated.count(one) for one in stated])
    weight = np.minimum(count**-0.5, (count**-0.5).min() * 12)
    assert plan.expected_U == pytest.approx(weight / weight.mean())
    rare = weight > weight.mean()
    assert plan.expected_U.mean() == pytest.approx(1)
    cut = sum(plan.epoch(n).cut for n in range(60)) / 60 / len(often)
    assert often[rare].mean() == pytest.approx(plan.expected_U[rare].mean(), rel=0.05 + cut)
    assert often[~rare].mean() == pytest.approx(plan.expected_U[~rare].mean(), rel=0.05 + cut)
    full = Plan(examples, PretrainSettings(batch=16, temper=1.0)).expected_U
    assert full.max() / full.min() <= 12.0 + 1e-9


@law
@given(seed=st.integers(0, 99), objective=st.sampled_from(["infonce", "patient"]))
def test_every_text_is_true_of_its_eye_also_when_mirrored(
    make_examples: Make, seed: int, objective: str
) -> None:
    plan = Plan(
        make_examples(20, seed, unknown=0.3),
        PretrainSettings.model_validate({"batch": 12, "seed": seed, "objective": objective}),
    )
    seen = plan.examples
    for batch in first(plan, 3):
        there = batch.rows_BE >= 0
        assert batch.texts == sorted(set(batch.texts))
        assert (batch.text_BE[~there] == -1).all()
        assert not batch.match_BET[~there].any()
        assert not batch.said_BEF[~there].any()
        assert not batch.flip_BE[~there].any()
        for b, e in zip(*np.nonzero(there), strict=True):
            eye = int(np.searchsorted(seen.first_E, batch.rows_BE[b, e], side="right")) - 1
            flip = bool(batch.flip_BE[b, e])
            own = {*seen.captions[eye].tolist(), *seen.statements[eye].tolist()}
            words = {seen.texts[int(seen.mirror_T[t]) if flip else t] for t in own}
            assert batch.texts[batch.text_BE[b, e]] in words
            true = {t for t, ok in zip(batch.texts, batch.match_BET[b, e], strict=True) if ok}
            assert true == words & set(batch.texts)
            if objective == "patient" and seen.side_E[eye] < 2:
                assert e == (1 - seen.side_E[eye] if flip else seen.side_E[eye])
        said = seen.said_T.dense(np.searchsorted(seen.texts.to_list(), batch.texts), 241)
        assert np.array_equal(batch.said_TF, implied(said))


def test_without_flips_the_right_eye_stands_first(make_examples: Make) -> None:
    made = PretrainSettings.model_validate({"batch": 9, "objective": "patient"})
    made = made.model_copy(update={"augment": made.augment.model_copy(update={"flip": False})})
    plan = Plan(make_examples(20), made)
    batch = first(plan, 1)[0]
    assert not batch.flip_BE.any()
    eye = np.searchsorted(plan.examples.first_E, batch.rows_BE, side="right") - 1
    for slot in (0, 1):
        there = batch.rows_BE[:, slot] >= 0
        assert (plan.examples.side_E[eye[there, slot]] == slot).all()


def test_every_photograph_of_an_eye_comes_up(make_examples: Make) -> None:
    plan = Plan(make_examples(6, photos=3), PretrainSettings(batch=6, temper=0.0))
    shown = {int(r) for batch in first(plan, 150) for r in batch.rows_BE.ravel()}
    assert shown == set(range(len(plan.examples)))


def test_languages_and_forms_are_drawn_evenly(make_examples: Make) -> None:
    """Of one eye with two English captions and a Chinese one each language is half."""
    examples = make_examples(12)
    rich = [e for e in examples.words_E if examples.captions[e].tolist() == [0, 1, 4]]
    one = replace(examples, words_E=np.full_like(examples.words_E, rich[0]))
    plan = Plan(one, PretrainSettings(batch=6, statement_share=0.0))
    texts = [batch.texts[t] for batch in first(plan, 150) for t in batch.text_BE.ravel()]
    assert texts.count("无") / len(texts) == pytest.approx(0.5, abs=0.06)
    assert texts.count("a") / len(texts) == pytest.approx(0.25, abs=0.06)


def test_windows_hold_what_fits_and_small_ones_are_joined(make_examples: Make) -> None:
    plan = Plan(make_examples(60), PretrainSettings(batch=4, window_mib=1))
    windows = plan._windows(np.random.default_rng(0))
    assert len(windows) > 2
    assert sorted(np.concatenate(windows).tolist()) == list(range(len(plan.slots_UE)))
    for units in windows:
        assert len(set(plan._block_U[units])) <= 4  # of a quarter of a MiB each
    whole = Plan(make_examples(60), PretrainSettings(batch=60, window_mib=1))
    assert len(first(whole, 2)[1].rows_BE) == 60


def test_a_batch_larger_than_the_patients_is_refused(make_examples: Make) -> None:
    with pytest.raises(ConfigError, match="set batch to 10 or less"):
        Plan(make_examples(10), PretrainSettings(batch=11))


def test_patient_without_a_known_eye_is_refused(make_examples: Make) -> None:
    made = PretrainSettings.model_validate({"batch": 4, "objective": "patient"})
    with pytest.raises(DataError, match="choose the objective infonce"):
        Plan(make_examples(10, unknown=1.0), made)


def test_names_are_asked_of_findings_that_are_often_stated(make_examples: Make) -> None:
    made = PretrainSettings(batch=16, named=1.0)
    plan = Plan(make_examples(200, 3), made)
    one, two = first(plan, 2)
    codes = vocabulary().codes
    assert len(one.names) == len(one.codes_K) + 1
    for code, name in zip([*(codes[k] for k in one.codes_K), "normal"], one.names, strict=True):
        assert name in (*vocabulary()[code].names("en"), *vocabulary()[code].names("zh"))
    assert one.names != two.names
    assert not first(Plan(make_examples(200, 3), PretrainSettings(batch=16, named=0.0)), 1)[0].names
