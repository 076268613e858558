from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from funduscope.errors import BundleError
from funduscope.findings import vocabulary
from funduscope.inputs import ImageSpec
from funduscope.model import (
    DualEncoder,
    Loaded,
    ModelSettings,
    embed_texts,
    image_tower,
    load,
    save,
    text_tower,
)
from funduscope.model.image_tower import EfficientNetLite
from funduscope.model.text_tower import build


@pytest.fixture(scope="module")
def encoder() -> tuple[DualEncoder, object]:
    torch.manual_seed(0)
    settings = ModelSettings(text_tower="tiny", dim=16, english_rows=1000)
    text, tokenizer = build(settings)
    return DualEncoder(EfficientNetLite(pretrained=False), text, 16).eval(), tokenizer


@pytest.fixture
def bundle(encoder, tmp_path: Path) -> Path:
    made, tokenizer = encoder
    spec = ImageSpec(size=64)
    facts = {"corpora": [], "licence": "test"}
    save(
        tmp_path / "bundle", made, tokenizer, spec,
        text_length=32, facts=facts, card="# {id}", licence="test",
    )  # fmt: skip
    return tmp_path / "bundle"


def test_what_was_saved_is_what_is_loaded(encoder, bundle: Path) -> None:
    made, _ = encoder
    loaded = load(bundle)
    assert loaded.id in (bundle / "card.md").read_text(encoding="utf-8")
    image = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        was, map_was = made.encode_image(image)
        now, map_now = loaded.encoder.encode_image(image)
    assert torch.allclose(was, now, atol=2e-2)
    assert map_now.shape == map_was.shape == (2, 1280, 2, 2)


def test_the_activation_map_is_exact(encoder) -> None:
    """Before normalization, the mean of the projected map is the embedding."""
    made, _ = encoder
    with torch.inference_mode():
        rows, cells = made.encode_image(torch.rand(1, 3, 64, 64))
        per_cell = torch.einsum("dc,bchw->bdhw", made.image_projection.weight, cells)
        mean = torch.nn.functional.normalize(per_cell.mean((2, 3)), dim=-1)
    assert torch.allclose(mean, rows, atol=1e-5)


NAME = "image_projection.weight"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.pop(NAME), f"missing tensor '{NAME}'"),
        (lambda t: t.update({"renamed": t.pop(NAME)}), "unknown tensor 'renamed'"),
        (lambda t: t.update({NAME: t[NAME][:, :5].contiguous()}), "shape"),
    ],
)
def test_tensors_that_do_not_fit_are_named(bundle: Path, change, said: str) -> None:
    tensors = load_file(bundle / "weights.safetensors")
    change(tensors)
    save_file(tensors, bundle / "weights.safetensors")
    with pytest.raises(BundleError, match=said) as caught:
        load(bundle)
    assert "weights.safetensors" in caught.value.place
    assert caught.value.remedy


def test_a_changed_byte_is_refused(bundle: Path) -> None:
    tensors = load_file(bundle / "weights.safetensors")
    tensors[NAME] = tensors[NAME] + 1
    save_file(tensors, bundle / "weights.safetensors")
    with pytest.raises(BundleError, match="changed"):
        load(bundle)


def test_cut_short_weights_are_refused(bundle: Path) -> None:
    file = bundle / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(BundleError, match="readable"):
        load(bundle)


def test_a_folder_without_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"bundle\.json"):
        load(tmp_path)


def _write(folder: Path, loaded) -> Path:
    save(
        folder, loaded.encoder, loaded.tokenizer, loaded.image_spec,
        text_length=16, facts={}, card="# {id}", licence="test",
    )  # fmt: skip
    return folder


@pytest.mark.parametrize(
    ("image", "text"),
    [("vit", "bert"), ("chinese_clip", "siglip")],
)
def test_a_bundle_of_transformers_needs_no_folder_and_keeps_every_bit(
    folder_of, tmp_path: Path, image: str, text: str
) -> None:
    settings = ModelSettings(
        image_tower=f"transformers:{folder_of(image)}",
        text_tower=f"transformers:{folder_of(text)}",
        image_size=64,
        text_length=16,
        light="camera",
    )
    towers = text_tower.build(settings)
    made = DualEncoder(image_tower.build(settings), towers[0], 16).eval()
    first = load(_write(tmp_path / "one", Loaded(made, settings.image_spec, towers[1], {})))
    second = load(_write(tmp_path / "two", first))
    assert first.spec == second.spec
    assert str(folder_of(image)) not in json.dumps(first.spec)
    assert first.image_spec == settings.image_spec
    assert first.spec["vocabulary"] == {"version": vocabulary().version, "hash": vocabulary().hash}
    right = made.half().float().state_dict()
    for name, tensor in second.encoder.state_dict().items():
        assert torch.equal(tensor, right[name]), name
    texts = ["no drusen", "青 光"]
    assert np.array_equal(embed_texts(first, texts), embed_texts(second, texts))


def test_the_shipped_bundle_is_of_version_0_1_and_loads() -> None:
    loaded = load(Path(__file__).parents[2] / "bundles" / "mini")
    assert embed_texts(loaded, ["drusen"]).shape == (1, 256)


@pytest.mark.parametrize("towers", [{}, {"image": {"name": "resnet"}}])
def test_towers_that_are_not_known_are_refused(bundle: Path, towers) -> None:
    path = bundle / "bundle.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "towers": towers}))
    with pytest.raises(BundleError, match="known here") as caught:
        load(bundle)
    assert caught.value.place == str(path)
