from __future__ import annotations

import json
import shutil

import pytest
import torch

from funduscope.errors import ConfigError
from funduscope.model import ModelSettings
from funduscope.model.image_tower import EfficientNetLite, build, from_spec

from .conftest import MEAN, STD

TRANSFORMERS = ("vit", "dinov2", "registers", "siglip", "siglip_vision", "chinese_clip")


def settings(folder, **others) -> ModelSettings:
    return ModelSettings(image_tower=f"transformers:{folder}", **{"image_size": 64, **others})


@pytest.mark.parametrize("kind", TRANSFORMERS)
def test_a_map_has_one_cell_a_patch_at_any_size_that_fits(folder_of, kind) -> None:
    tower = build(settings(folder_of(kind))).eval()
    assert (tower.width, len(tower.blocks), tower.patch) == (32, 3, 16)
    with torch.inference_mode():
        for size in (32, 64, 96):
            assert tower(torch.rand(2, 3, size, size)).shape == (2, 32, size // 16, size // 16)


def test_cells_are_where_their_patches_are(folder_of) -> None:
    """Without attention between patches a change of one patch moves its cell only."""
    tower = build(settings(folder_of("vit"))).eval()
    for block in tower.blocks:
        block.attention.o_proj.weight.data.zero_()
    image = torch.rand(1, 3, 64, 64)
    changed = image.clone()
    changed[..., 16:32, 48:64] += 1  # row 1, column 3
    with torch.inference_mode():
        moved = (tower(changed) - tower(image)).abs().sum(1)[0] > 1e-6
    assert moved.nonzero().tolist() == [[1, 3]]


def test_the_map_is_the_normalized_state_of_the_library(folder_of) -> None:
    from transformers import ChineseCLIPModel, Dinov2Model

    image = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        tower = build(settings(folder_of("dinov2"))).eval()
        right = Dinov2Model.from_pretrained(folder_of("dinov2")).eval()(image).last_hidden_state
        assert torch.allclose(tower(image).flatten(2).mT, right[:, 1:], atol=1e-5)
        tower = build(settings(folder_of("chinese_clip"))).eval()
        vision = ChineseCLIPModel.from_pretrained(folder_of("chinese_clip")).eval().vision_model
        right = vision.post_layernorm(vision(image).last_hidden_state)
        assert torch.allclose(tower(image).flatten(2).mT, right[:, 1:], atol=1e-5)


@pytest.mark.parametrize("kind", ["vit", "dinov2", "registers", "siglip", "chinese_clip"])
def test_each_parameter_that_trains_gets_a_gradient(folder_of, kind) -> None:
    """What a loss cannot reach would stop a run on several ranks."""
    tower = build(settings(folder_of(kind)))
    torch.autograd.backward(tower(torch.rand(1, 3, 64, 64)).square().sum())
    assert [n for n, p in tower.named_parameters() if p.requires_grad and p.grad is None] == []


@pytest.mark.parametrize(("number", "blocks"), [(0, 16), (1, 21), (2, 21)])
def test_the_lite_towers(number: int, blocks: int) -> None:
    tower = EfficientNetLite(f"efficientnet_lite{number}", pretrained=True).eval()
    with torch.inference_mode():
        assert tower(torch.rand(1, 3, 64, 64)).shape == (1, 1280, 2, 2)
    assert (tower.width, len(tower.blocks)) == (1280, blocks)
    assert from_spec(tower.spec).spec == tower.spec == {"name": f"efficientnet_lite{number}"}
    tower.check_size(100, place="here")


def test_a_size_that_cuts_a_patch_is_refused_with_the_nearest(folder_of) -> None:
    with pytest.raises(ConfigError, match="64 or 80") as caught:
        build(settings(folder_of("vit"), image_size=70))
    assert (caught.value.value, caught.value.place) == ("70 px", "model.image_size")
    with pytest.raises(ConfigError, match="patch of 16 px"):
        build(settings(folder_of("vit")))(torch.zeros(1, 3, 72, 72))


def test_the_normalization_is_that_of_the_folder(folder_of, tmp_path) -> None:
    folder = folder_of("siglip")
    assert settings(folder, light="camera").image_spec.mean == tuple(MEAN)
    assert settings(folder, light="camera").image_spec.std == tuple(STD)
    assert settings(folder, light="local").image_spec == ModelSettings(image_size=64).image_spec
    copy = shutil.copytree(folder, tmp_path / "copy")
    facts = {"image_processor": {"do_normalize": False}}
    (copy / "preprocessor_config.json").unlink()
    (copy / "processor_config.json").write_text(json.dumps(facts))
    assert settings(copy, light="camera").image_spec.std == (1.0, 1.0, 1.0)


def test_a_folder_that_does_not_say_how_to_normalize_is_refused(folder_of, tmp_path) -> None:
    copy = shutil.copytree(folder_of("vit"), tmp_path / "copy")
    (copy / "preprocessor_config.json").unlink()
    with pytest.raises(ConfigError, match=r"preprocessor_config\.json") as caught:
        _ = settings(copy, light="camera").image_spec
    assert "copy preprocessor_config.json" in caught.value.remedy
    build(settings(copy))  # local light needs none


@pytest.mark.parametrize("kind", ["swin", "bert"])
def test_another_kind_of_model_is_refused(folder_of, kind) -> None:
    with pytest.raises(ConfigError, match=f"type {kind}") as caught:
        build(settings(folder_of(kind)))
    assert caught.value.place == "model.image_tower"
