"""Folders of tiny random `transformers` models, as `save_pretrained` writes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 48,
}
SEEN = {**SIZES, "image_size": 32, "patch_size": 16}
READ = {**SIZES, "max_position_embeddings": 40}
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "no", "drusen", "青", "光", "眼")
MEAN, STD = [0.5, 0.4, 0.3], [0.2, 0.25, 0.3]


def _model(kind: str):
    import transformers as t

    if kind == "vit":  # with the classifier of another task
        return t.ViTForImageClassification(t.ViTConfig(**SEEN))
    if kind == "dinov2":
        return t.Dinov2Model(t.Dinov2Config(**SEEN))
    if kind == "registers":
        return t.Dinov2WithRegistersModel(t.Dinov2WithRegistersConfig(**SEEN))
    if kind == "siglip":
        marks = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
        text = {**READ, **marks, "vocab_size": 12, "projection_size": 32}
        return t.SiglipModel(t.SiglipConfig(text_config=text, vision_config=SEEN))
    if kind == "siglip_vision":
        return t.SiglipVisionModel(t.SiglipVisionConfig(**SEEN))
    if kind == "chinese_clip":
        text = {**READ, "vocab_size": 12}
        return t.ChineseCLIPModel(t.ChineseCLIPConfig(text_config=text, vision_config=SEEN))
    if kind == "bert":
        return t.BertForMaskedLM(t.BertConfig(**READ, vocab_size=12))
    if kind == "xlmr":
        sizes = {**READ, "vocab_size": 12, "pad_token_id": 1}
        return t.XLMRobertaModel(t.XLMRobertaConfig(**sizes))
    assert kind == "swin"
    return t.SwinModel(t.SwinConfig(image_size=32, embed_dim=8, depths=[1, 1], num_heads=[1, 1]))


def _tokenizer(kind: str, folder: Path) -> None:
    if kind in ("bert", "chinese_clip"):  # nothing but vocab.txt
        (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    if kind not in ("xlmr", "siglip"):
        return
    import tokenizers as k
    from transformers import PreTrainedTokenizerFast

    special = ["<s>", "<pad>", "</s>", "<unk>"]
    pieces = [(t, 0.0) for t in special] + [(t, -2.0) for t in ("▁no", "▁drusen", "青", "光", "▁")]
    made = k.Tokenizer(k.models.Unigram(pieces, unk_id=3))
    made.pre_tokenizer = k.pre_tokenizers.Metaspace()
    names = dict(zip(("bos_token", "pad_token", "eos_token", "unk_token"), special, strict=True))
    PreTrainedTokenizerFast(tokenizer_object=made, **names).save_pretrained(folder)


@pytest.fixture(scope="session")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a model; made once, not to be changed."""
    made: dict[str, Path] = {}

    def make(kind: str) -> Path:
        if kind not in made:
            torch.manual_seed(len(kind))
            made[kind] = tmp_path_factory.mktemp(kind)
            _model(kind).save_pretrained(made[kind])
            _tokenizer(kind, made[kind])
            facts = {"image_mean": MEAN, "image_std": STD}
            (made[kind] / "preprocessor_config.json").write_text(json.dumps(facts))
        return made[kind]

    return make
