from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from funduscope.pretrain.objectives import (
    agreement,
    distill,
    findings,
    infonce,
    named,
    patient,
    sigmoid,
)

SEEDS = st.integers(0, 2**31)


def batch(seed: int, photographs: int = 6, captions: int = 4) -> tuple[Tensor, Tensor]:
    """Logits, and a match matrix in which every row and column has a match, some rows two."""
    g = torch.Generator().manual_seed(seed)
    match = torch.eye(captions, dtype=torch.float64).repeat(2, 1)[:photographs]
    match = torch.maximum(match, (torch.rand(photographs, captions, generator=g) < 0.1).double())
    return 3 * torch.randn(photographs, captions, generator=g, dtype=torch.float64), match


def told(seed: int, count: int, codes: int = 5) -> Tensor:
    g = torch.Generator().manual_seed(seed)
    values = torch.tensor([0, 0, 1, 0.5, -1], dtype=torch.float64)
    return values[torch.randint(0, 5, (count, codes), generator=g)]


def agreed(seed: int, photographs: int = 6, captions: int = 4) -> Tensor:
    return agreement(told(seed, photographs), told(seed + 1, captions))


def softened(logits: Tensor, match: Tensor, agreement: Tensor) -> Tensor:
    return findings(logits, match, agreement, soft=0.4, repel=1.5)


# All captions distinct: the published losses


def test_infonce_is_clip_when_all_captions_are_distinct():
    logits, _ = batch(0, 5, 5)
    target = torch.arange(5)
    clip = functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)
    assert torch.allclose(infonce(logits, torch.eye(5).double()), clip / 2)


def test_sigmoid_is_siglip_when_all_captions_are_distinct():
    """The loop of the paper's Algorithm 1, pair by pair."""
    logits, _ = batch(0, 5, 5)
    total = 0.0
    for i in range(5):
        for t in range(5):
            total += math.log(1 + math.exp(-(1 if i == t else -1) * float(logits[i, t])))
    assert float(sigmoid(logits, torch.eye(5).double())) == pytest.approx(total / 5, abs=1e-12)


def test_distill_is_the_mean_divergence_plus_the_teachers_entropy():
    student, teacher = batch(0, 5, 5)[0], batch(1, 5, 5)[0]
    both = 0.0
    for s, t in ((student, teacher), (student.T, teacher.T)):
        p = (t / 2).softmax(1)
        divergence = functional.kl_div((s / 2).log_softmax(1), p, reduction="batchmean")
        both += divergence - (p * p.log()).sum(1).mean()
    assert torch.allclose(distill(student, teacher, 2.0), both / 2)


# By hand


def test_the_same_text_twice_is_no_negative():
    """Two photographs of one caption: pulling both to it costs nothing more than log 2."""
    match = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    perfect = 100 * match
    assert float(infonce(perfect, match)) == pytest.approx(2 / 3 * math.log(2) / 2, abs=1e-4)
    assert infonce(-perfect, match) > infonce(torch.zeros(3, 2), match) > infonce(perfect, match)
    assert float(sigmoid(100 * (2 * match - 1), match)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([1, 0], [1, 0], 1),
        ([0.5, 0], [0.5, 0], 1),
        ([1, 0], [0.5, 0], 0.5),
        ([1, 0], [-1, 0], -1),
        ([0.5, 0], [-1, 0], -0.5),
        ([-1, 0], [-1, 0], 0),
        ([0, 0], [0, 0], 0),
        ([1, 1], [1, 0], 0.5),
        ([1, 1], [1, -1], 0),
        ([1, -1], [1, -1], 1),
        ([1, 0.5], [1, -1], 0.25),
    ],
)
def test_agreement_by_hand(one, other, expected):
    a, b = (torch.tensor([x], dtype=torch.float64) for x in (one, other))
    assert float(agreement(a, b)) == expected


def test_findings_are_what_the_formula_says():
    """Photograph by photograph, then caption by caption."""
    logits, match = batch(5, 4, 3)
    alike = agreed(5, 4, 3)
    a = torch.where(match > 0, 1.0, alike)
    push = torch.where(match > 0, 1.0, 1 - 0.4 * a.clamp(min=0) - 1.5 * a.clamp(max=0))

    def target(match, a):
        return 0.6 * match / match.sum() + 0.4 * a.clamp(min=0) / a.clamp(min=0).sum()

    def term(logits, match, a, push):
        return -(target(match, a) * (logits.exp() / (push * logits.exp()).sum()).log()).sum()

    expected, share = torch.zeros(()), torch.zeros(3)
    for i in range(4):
        expected = expected + term(logits[i], match[i], a[i], push[i]) / 4 / 2
        share = share + target(match[i], a[i]) / 4
    for t in range(3):
        expected = expected + share[t] * term(*(x[:, t] for x in (logits, match, a, push))) / 2
    assert torch.allclose(softened(logits, match, alike), expected, rtol=1e-12)


# Gradients


@pytest.mark.parametrize("name", ["infonce", "weighted", "sigmoid", "findings", "distill"])
def test_gradients(name):
    logits, match = batch(3)
    weight = torch.tensor([1, 0, 1, 2, 1, 0.5], dtype=torch.float64)
    losses = {
        "infonce": lambda x: infonce(x, match),
        "weighted": lambda x: infonce(x, match, weight),
        "sigmoid": lambda x: sigmoid(x, match),
        "findings": lambda x: softened(x, match, agreed(3)),
        "distill": lambda x: distill(x, batch(4)[0], 2.0),
    }
    assert torch.autograd.gradcheck(losses[name], logits.requires_grad_())


def test_gradients_of_patients_with_missing_eyes():
    logits, match = torch.stack([batch(1)[0], batch(2)[0]]), torch.stack([batch(1)[1]] * 2)
    whole, of_patient = batch(3)
    present = torch.tensor([[1, 1, 0, 1, 1, 1], [0, 1, 1, 1, 0, 1]])
    both = (logits.requires_grad_(), whole.requires_grad_())
    assert torch.autograd.gradcheck(lambda x, y: patient(x, match, present, y, of_patient), both)


# Laws


@given(SEEDS)
@settings(deadline=None)
def test_the_order_of_the_batch_does_not_matter(seed):
    (logits, match), alike = batch(seed), agreed(seed)
    g = torch.Generator().manual_seed(seed)
    rows, columns = torch.randperm(6, generator=g), torch.randperm(4, generator=g)
    for loss in (lambda x, m, a: infonce(x, m), lambda x, m, a: sigmoid(x, m), softened):
        moved = loss(*(x[rows][:, columns] for x in (logits, match, alike)))
        assert torch.allclose(moved, loss(logits, match, alike), rtol=1e-12)


@given(SEEDS)
@settings(deadline=None)
def test_a_row_without_weight_is_as_if_absent(seed):
    """Also when it alone has a caption: that column stays as a negative of the others."""
    logits, match = batch(seed)
    weight = torch.tensor([1, 1, 0, 1, 1, 0])
    there = weight.bool()
    logits.requires_grad_()
    loss = infonce(logits, match, weight)
    assert torch.allclose(loss, infonce(logits[there], match[there]), rtol=1e-12)
    (slope,) = torch.autograd.grad(loss, logits)
    assert (slope[~there] == 0).all()
    alone = torch.eye(3, dtype=torch.float64)
    first = infonce(logits[:3, :3], alone, torch.tensor([1, 1, 0]))
    (slope,) = torch.autograd.grad(first, logits)
    assert (slope[:2, 2] > 0).all()


@given(SEEDS)
@settings(deadline=None)
def test_a_row_of_weight_two_is_two_rows(seed):
    logits, match = batch(seed)
    twice = infonce(logits, match, torch.tensor([2, 1, 1, 1, 1, 1]))
    written = [0, *range(6)]
    assert torch.allclose(twice, infonce(logits[written], match[written]), rtol=1e-12)


@given(SEEDS)
@settings(deadline=None)
def test_no_true_pair_is_pushed_apart(seed):
    """Every other match stays a target: where all logits are equal each match is pulled nearer."""
    _, match = batch(seed)
    for loss in (infonce, sigmoid, lambda x, m: softened(x, m, agreed(seed))):
        equal = torch.zeros_like(match, requires_grad=True)
        (slope,) = torch.autograd.grad(loss(equal, match), equal)
        assert (slope[match > 0] <= 1e-12).all()


@given(SEEDS)
@settings(deadline=None)
def test_agreement_is_a_symmetric_measure(seed):
    one, other = told(seed, 7), told(seed + 1, 5)
    found = agreement(one, other)
    assert torch.equal(found, agreement(other, one).T)
    assert found.abs().max() <= 1
    order = torch.randperm(5, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(agreement(one[:, order], other[:, order]), found)
    states = (one > 0).any(1)
    assert torch.equal(agreement(one, one).diagonal(), states.double())


@given(SEEDS)
@settings(deadline=None)
def test_agreement_is_what_its_formula_says(seed):
    one, other = told(seed, 7), told(seed + 1, 5)
    a, b = one[:, None], other[None]
    counts = (a > 0) | (b > 0)
    shared = (torch.sign(a * b) * torch.minimum(a.abs(), b.abs()) * counts).sum(2)
    total = (torch.maximum(a.abs(), b.abs()) * counts).sum(2)
    expected = torch.where(total > 0, shared / total.clamp(min=0.5), 0.0)
    assert torch.allclose(agreement(one, other), expected, rtol=1e-12)


@given(SEEDS)
@settings(deadline=None)
def test_what_nobody_states_changes_no_agreement(seed):
    """Codes on which both are silent, and codes denied without anyone stating them."""
    one, other = told(seed, 7), told(seed + 1, 5)
    found = agreement(one, other)
    more = [torch.cat([x, torch.zeros(len(x), 3)], 1) for x in (one, other)]
    assert torch.equal(agreement(*more), found)
    denied = [torch.cat([x, -torch.ones(len(x), 2)], 1) for x in (one, other)]
    assert torch.equal(agreement(*denied), found)


@given(SEEDS, st.integers(0, 4))
@settings(deadline=None)
def test_doubt_counts_less_than_statement(seed, code):
    """A doubt about one finding moves the agreement less, for and against."""
    base = told(seed, 1)
    base[0, code] = 1
    sure, unsure = base.clone(), base.clone()
    unsure[0, code] = 0.5
    assert 0 < agreement(base, unsure) < agreement(base, sure)
    denying = base.clone()
    denying[0, code] = -1
    assert agreement(sure, denying) < agreement(unsure, denying)


@given(SEEDS)
@settings(deadline=None)
def test_findings_without_softness_and_repulsion_is_infonce(seed):
    logits, match = batch(seed)
    plain = findings(logits, match, agreed(seed), soft=0, repel=0)
    assert torch.allclose(plain, infonce(logits, match), rtol=1e-12)


def test_findings_attract_and_repel():
    """Slopes of the pair with another's caption: nearer or apart as they agree."""
    match = torch.eye(3, dtype=torch.float64)
    slopes = []
    for alike in (1.0, 0.5, 0.0, -0.5, -1.0):
        both = torch.zeros(3, 3, dtype=torch.float64)
        both[0, 1] = alike
        logits = torch.zeros(3, 3, dtype=torch.float64, requires_grad=True)
        loss = findings(logits, match, both, soft=0.5, repel=1)
        slopes.append(float(torch.autograd.grad(loss, logits)[0][0, 1]))
    assert slopes == sorted(slopes)
    assert slopes[0] < 0 < slopes[2] < slopes[4]


@given(SEEDS, st.floats(0, 1e4), st.floats(0, 0.99))
@settings(deadline=None)
def test_findings_are_bounded_below(seed, far, soft):
    """An agreeing pair attracts up to its share only: log(1 - soft) is the least it can cost."""
    logits, match = batch(seed)
    alike = agreed(seed)
    pulled = findings(logits + far * alike, match, alike, soft=soft, repel=1)
    assert pulled >= math.log(1 - soft) - 1e-9


# Patients


def eyes(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    (left, of_left), (right, of_right), (whole, of_whole) = (batch(seed + i) for i in range(3))
    g = torch.Generator().manual_seed(seed)
    present = torch.rand(2, 6, generator=g) < 0.7
    present[0] |= ~present.any(0)
    return torch.stack([left, right]), torch.stack([of_left, of_right]), present, whole, of_whole


@given(SEEDS)
@settings(deadline=None)
def test_swapping_the_eyes_leaves_the_loss_and_swaps_their_gradients(seed):
    logits, match, present, whole, of_whole = eyes(seed)
    logits.requires_grad_()
    straight = patient(logits, match, present, whole, of_whole)
    swapped = patient(logits.flip(0), match.flip(0), present.flip(0), whole, of_whole)
    assert torch.allclose(straight, swapped, rtol=1e-12)
    turned = logits.detach().flip(0).requires_grad_()
    loss = patient(turned, match.flip(0), present.flip(0), whole, of_whole)
    slopes = torch.autograd.grad(straight, logits)[0], torch.autograd.grad(loss, turned)[0]
    assert torch.allclose(slopes[0], slopes[1].flip(0), rtol=1e-12)
    assert (slopes[0][~present] == 0).all()


@given(SEEDS)
@settings(deadline=None)
def test_what_stands_at_a_missing_eye_does_not_matter(seed):
    logits, match, present, whole, of_whole = eyes(seed)
    found = patient(logits, match, present, whole, of_whole)
    gone = ~present[..., None]
    other = patient(
        logits.masked_fill(gone, 99), match.masked_fill(gone, 0), present, whole, of_whole
    )
    assert torch.equal(found, other)


def test_an_eye_that_all_lack_takes_its_term_with_it():
    logits, match, _, whole, of_whole = eyes(0)
    present = torch.tensor([[1] * 6, [0] * 6])
    expected = (infonce(logits[0], match[0]) + infonce(whole, of_whole)) / 2
    assert torch.allclose(patient(logits, match, present, whole, of_whole), expected)


# Teachers


def test_the_teacher_itself_is_the_best_student_and_gets_no_gradient():
    teacher = batch(1)[0].requires_grad_()
    student = teacher.detach().clone().requires_grad_()
    loss = distill(student, teacher, 1.5)
    torch.autograd.backward(loss)
    assert teacher.grad is None
    assert student.grad is not None
    assert student.grad.abs().max() < 1e-12
    assert loss < distill(batch(2)[0], teacher, 1.5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_precision_of_the_logits_is_kept(dtype):
    logits, match, alike = (x.to(dtype) for x in (*batch(0), agreed(0)))
    found = [infonce(logits, match), sigmoid(logits, match), softened(logits, match, alike)]
    found.append(distill(logits, logits, 1.0))
    assert {x.dtype for x in found} == {dtype}
    far = [loss(1e4 * logits, match) for loss in (infonce, sigmoid)]
    assert all(torch.isfinite(x) for x in far)


def test_a_name_is_a_question_that_doubts_leave_out() -> None:
    logits = torch.tensor([[2.0], [-1.0], [0.5], [3.0]], dtype=torch.float64, requires_grad=True)
    said = torch.tensor([[1.0], [-1.0], [0.0], [0.5]], dtype=torch.float64)
    loss = named(logits, said, silent=0.25)
    by_hand = (math.log1p(math.exp(-2.0)) + math.log1p(math.exp(-1.0))) / 2.25
    by_hand += 0.25 * math.log1p(math.exp(0.5)) / 2.25
    assert loss.item() == pytest.approx(by_hand)
    torch.autograd.backward(loss)
    assert logits.grad is not None
    assert logits.grad[3] == 0
    assert logits.grad[0] < 0 < logits.grad[1]
