from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from funduscope.errors import ConfigError
from funduscope.model import DualEncoder, ModelSettings
from funduscope.model.image_tower import EfficientNetLite
from funduscope.model.image_tower import build as build_image
from funduscope.model.text_tower import build as build_text
from funduscope.model.tower import Tower, depth_of


class Stack(Tower):
    def __init__(self, blocks: int) -> None:
        super().__init__()
        self.stem = nn.Linear(2, 2)
        self.body = nn.ModuleList(nn.Sequential(nn.Linear(2, 2)) for _ in range(blocks))
        self.norm = nn.LayerNorm(2)
        self.blocks = list(self.body)


@given(st.integers(1, 6), st.data())
def test_the_last_n_blocks_are_those_with_fewer_than_n_above(blocks: int, data) -> None:
    tower = Stack(blocks)
    depths = tower.depths()
    assert depths["stem.weight"] == blocks
    assert depths["norm.weight"] == 0
    assert [depths[f"body.{i}.0.weight"] for i in range(blocks)] == list(range(blocks))[::-1]
    count = data.draw(st.integers(1, blocks))
    tower.train_blocks(count, place="here")
    assert {n for n, p in tower.named_parameters() if p.requires_grad} == {
        n for n, depth in depths.items() if depth < count
    }
    assert [block.training for block in tower.train().blocks] == [
        i >= blocks - count for i in range(blocks)
    ]
    assert not tower.frozen


def test_frozen_and_full() -> None:
    tower = Stack(2)
    tower.train_blocks("frozen", place="here")
    assert tower.frozen
    assert not any(p.requires_grad for p in tower.parameters())
    assert not tower.train().training
    tower.train_blocks("full", place="here")
    assert all(p.requires_grad for p in tower.train().parameters())
    assert tower.training


@pytest.mark.parametrize("count", [0, -1, 3])
def test_a_number_of_blocks_that_are_not_there_is_refused(count: int) -> None:
    with pytest.raises(ConfigError, match="from 1 to 2") as caught:
        Stack(2).train_blocks(count, place="model.train_image")
    assert caught.value.place == "model.train_image"


def test_depth_of_an_encoder(folder_of) -> None:
    text, _ = build_text(ModelSettings(text_tower="tiny"))
    depths = depth_of(DualEncoder(EfficientNetLite(pretrained=False), text, 16))
    assert depths["image.body._conv_stem.weight"] == ("image", 16)
    assert depths["image.body._blocks.0._bn1.weight"] == ("image", 15)
    assert depths["image.body._conv_head.weight"] == ("image", 0)
    assert depths["text.body.embeddings.word_embeddings.weight"] == ("text", 2)
    assert depths["text.body.encoder.layer.1.output.dense.weight"] == ("text", 0)
    assert depths["image_projection.weight"] == depths["log_scale"] == ("head", 0)


def test_depth_of_vision_transformers(folder_of) -> None:
    for kind, last in (("vit", "layernorm"), ("siglip", "post_layernorm")):
        settings = ModelSettings(image_tower=f"transformers:{folder_of(kind)}", image_size=64)
        depths = build_image(settings).depths()
        assert depths[f"body.{last}.weight"] == 0
        assert {d for n, d in depths.items() if ".embeddings." in n} == {3}
        assert set(depths.values()) == {0, 1, 2, 3}


def test_lit_trains_the_text_against_a_frozen_image_tower(folder_of) -> None:
    """Zhai et al., CVPR 2022; batch statistics of the frozen tower stay."""
    torch.manual_seed(0)
    settings = ModelSettings(text_tower="tiny", train_image="frozen", train_text=1)
    text, tokenizer = build_text(settings)
    encoder = DualEncoder(build_image(settings), text, 16).train()
    before = {n: t.clone() for n, t in encoder.state_dict().items()}
    ids, mask = (torch.from_numpy(a) for a in tokenizer(["no drusen", "glaucoma"]))
    image_BD, _ = encoder.encode_image(torch.rand(2, 3, 64, 64))
    optimizer = torch.optim.SGD([p for p in encoder.parameters() if p.requires_grad], lr=0.1)
    torch.autograd.backward((image_BD * encoder.encode_text(ids, mask)).sum())
    optimizer.step()
    moved = {n for n, t in encoder.state_dict().items() if not torch.equal(t, before[n])}
    assert {n.split(".")[0] for n in moved} == {"text", "image_projection", "text_projection"}
    assert {n.split(".")[4] for n in moved if n.startswith("text.")} == {"1"}
