from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from funduscope.model import DualEncoder, text_tower
from funduscope.pretrain import PretrainSettings, objectives
from funduscope.pretrain.contrast import Contrast, distinct_pairs
from funduscope.pretrain.plan import Batch

UNITS, TEXTS = 8, 4


def settings(**changes: object) -> PretrainSettings:
    model = {"text_tower": "tiny", "dim": 16, "english_rows": 1000}
    alone = {"named": 0.0, "text_noise": 0.0}
    return PretrainSettings.model_validate({"model": model, "batch": UNITS, **alone, **changes})


def drawn(eyes: int) -> tuple[Batch, torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(5)
    rows = np.arange(UNITS * eyes).reshape(UNITS, eyes)
    rows[2, eyes - 1] = rows[2, eyes - 1] if eyes == 1 else -1
    own = np.where(rows >= 0, rng.integers(TEXTS, size=rows.shape), -1)
    match = own[..., None] == np.arange(TEXTS)
    said = np.zeros((*rows.shape, 3), np.float32)
    texts = [f"text {t}" for t in range(TEXTS)]
    batch = Batch(0, 0, rows, rows < -1, texts, own, match, said, said[0, :1].repeat(TEXTS, 0))
    image = torch.from_numpy(rng.normal(size=(*rows.shape, 6))).float()
    image[torch.from_numpy(rows) < 0] = 0
    return batch, image, torch.from_numpy(rng.normal(size=(TEXTS, 128))).float()


@pytest.fixture(scope="module")
def encoder() -> DualEncoder:
    torch.manual_seed(0)
    text, _ = text_tower.build(settings().model)
    image = torch.nn.Identity()
    image.width = 6
    return DualEncoder(image, text, 16)


def swapped(batch: Batch) -> Batch:
    names = ("rows_BE", "flip_BE", "text_BE", "match_BET", "said_BEF")
    return replace(batch, **{name: getattr(batch, name)[:, ::-1].copy() for name in names})


def test_swapping_all_eyes_swaps_the_answers_and_leaves_the_loss(encoder: DualEncoder) -> None:
    torch.manual_seed(1)
    contrast = Contrast(encoder, settings(objective="patient"))
    batch, image, text = drawn(2)
    found, turned = [], []
    for made, features, out in ((batch, image, found), (swapped(batch), image.flip(1), turned)):
        features = features.clone().requires_grad_()
        compared = contrast(features, text, made)
        torch.autograd.backward(compared.loss)
        out += [compared.loss.detach(), features.grad]
    assert torch.allclose(found[0], turned[0], atol=1e-6)
    assert torch.allclose(found[1], turned[1].flip(1), atol=1e-6)


def test_a_missing_eye_gets_no_gradient_and_changes_nothing(encoder: DualEncoder) -> None:
    contrast = Contrast(encoder, settings(objective="patient"))
    batch, image, text = drawn(2)
    one = image.clone().requires_grad_()
    first = contrast(one, text, batch)
    torch.autograd.backward(first.loss)
    assert one.grad is not None
    assert not one.grad[2, 1].any()
    assert one.grad[2, 0].any()


def test_pairs_of_texts_have_no_order() -> None:
    pairs, place = distinct_pairs(np.array([[0, 1], [1, 0], [2, -1], [-1, 2], [1, 1]]))
    assert place.tolist() == [place[0], place[0], place[2], place[2], place[4]]
    assert len(pairs) == 3


def test_a_teacher_adds_its_similarities(encoder: DualEncoder) -> None:
    batch, image, text = drawn(1)
    vectors = torch.nn.functional.normalize(torch.randn(UNITS, 1, 5), dim=-1)
    words = torch.nn.functional.normalize(torch.randn(TEXTS, 5), dim=-1)
    with torch.no_grad():
        plain = Contrast(encoder, settings(distill=0.0))(image, text, batch, (vectors, words))
        taught = Contrast(encoder, settings(distill=2.0))(image, text, batch, (vectors, words))
        own = encoder.scale * encoder.project_image(image[:, 0]) @ encoder.project_text(text).T
        theirs = encoder.scale * vectors[:, 0] @ words.T
        expected = 2.0 * objectives.distill(own, theirs, 1.0)
    assert torch.allclose(taught.loss - plain.loss, expected, atol=1e-5)


def test_what_only_an_objective_needs_is_no_part_of_the_encoder(encoder: DualEncoder) -> None:
    own = {id(p) for p in encoder.parameters()}
    for objective, extra in (("infonce", 0), ("findings", 0), ("sigmoid", 1), ("patient", 2)):
        made = list(Contrast(encoder, settings(objective=objective)).parameters())
        assert sum(id(p) not in own for p in made) == extra
        assert sum(id(p) in own for p in made) == 3


def test_names_are_asked_of_every_eye_against_normal(encoder: DualEncoder) -> None:
    batch, image, text = drawn(1)
    said = np.zeros((UNITS, 1, 3), np.float32)
    said[:, 0, 0] = [1, -1, 0, 0.5, 1, -1, 0, 0]
    batch = replace(batch, said_BEF=said, names=("drusen", "normal"), codes_K=np.array([0]))
    names = torch.randn(2, 128)
    with torch.no_grad():
        contrast = Contrast(encoder, settings(named=3.0))
        plain = contrast(image, text, batch)
        asked = contrast(image, text, batch, None, names)
        words = encoder.project_text(names)
        toward = encoder.project_image(image[:, 0]) @ (words[0] - words[1])
        logits = (10.0 * toward - 1.0)[:, None]
        expected = 3.0 * objectives.named(logits, torch.from_numpy(said[:, 0, :1]), silent=0.2)
    assert torch.allclose(asked.loss - plain.loss, expected, atol=1e-5)


def test_texts_get_noise_of_their_own_spread_by_seed_and_batch_alone(encoder: DualEncoder) -> None:
    batch, image, text = drawn(1)
    seen: list[torch.Tensor] = []

    def loss(made: Batch, words: torch.Tensor = text, **changes: object) -> torch.Tensor:
        contrast = Contrast(encoder, settings(**changes))
        hook = contrast.encoder.text.register_forward_pre_hook(lambda _, given: seen.extend(given))
        try:
            return contrast(image, words, made).loss.detach()
        finally:
            hook.remove()

    first = loss(batch, text_noise=1.0)
    assert torch.equal(first, loss(batch, text_noise=1.0))
    later = replace(batch, step=1)
    assert not torch.equal(first, loss(later, text_noise=1.0))
    assert not torch.equal(first, loss(batch, text_noise=1.0, seed=1))
    assert torch.equal(loss(batch), loss(later))
    moved = (seen[0] - text) / text.std(0, correction=0)
    assert abs(float(moved.std()) - 1) < 0.1
    assert abs(float(moved.mean())) < 0.1
    same = text[:1].repeat(TEXTS, 1)  # nothing is known of the spread of one text
    assert torch.equal(loss(batch, same), loss(batch, same, text_noise=1.0))
