from __future__ import annotations

import json
import shutil

import pytest
import torch

from funduscope.errors import ConfigError
from funduscope.findings import vocabulary
from funduscope.model import ModelSettings
from funduscope.model.text_tower import build, from_spec


@pytest.fixture(scope="module")
def minilm():
    return build(ModelSettings())


def encode(tower, tokenizer, texts):
    ids, mask = tokenizer(texts)
    with torch.inference_mode():
        rows = tower(torch.from_numpy(ids), torch.from_numpy(mask))
    return torch.nn.functional.normalize(rows, dim=-1)


def test_no_name_of_the_vocabulary_is_unknown(minilm) -> None:
    _, tokenizer = minilm
    words = vocabulary()
    names = [
        n for code in words.codes for n in (*words[code].names("zh"), *words[code].names("en"))
    ]
    assert [n for n in names if tokenizer.unknown(n)] == []
    assert tokenizer.unknown("双眼视网膜动脉变细，未见出血、渗出。") == 0


def test_english_is_as_minilm_knows_it(minilm) -> None:
    """Pruned rows change nothing: related diseases stay nearer than unrelated words."""
    near, far, anchor = encode(*minilm, ["hemorrhage", "the train leaves at noon", "bleeding"])
    assert near @ anchor > far @ anchor + 0.3


def test_padding_does_not_matter(minilm) -> None:
    alone = encode(*minilm, ["drusen"])[0]
    padded = encode(*minilm, ["drusen", "moderate nonproliferative diabetic retinopathy"])[0]
    assert torch.allclose(alone, padded, atol=1e-5)


def settings(folder, **others) -> ModelSettings:
    return ModelSettings(text_tower=f"transformers:{folder}", **{"text_length": 16, **others})


@pytest.mark.parametrize("kind", ["bert", "chinese_clip", "xlmr", "siglip"])
def test_a_model_of_transformers_reads_with_its_own_tokenizer(folder_of, kind) -> None:
    tower, tokenizer = build(settings(folder_of(kind)))
    tower.eval()
    assert (tower.width, len(tower.blocks), tower.frozen) == (32, 3, False)
    assert tokenizer.unknown("no drusen青光") == 0
    assert tokenizer.unknown("drusen 黄") == tokenizer.measure("drusen 黄")[1] == 1
    alone = encode(tower, tokenizer, ["drusen"])[0]
    padded = encode(tower, tokenizer, ["drusen", "no drusen no drusen no drusen"])[0]
    assert torch.allclose(alone, padded, atol=1e-5)
    ids, mask = tokenizer(["drusen", "no drusen no drusen"])
    assert set(ids[0][mask[0] == 0]) == {1 if kind in ("xlmr", "siglip") else 0}
    tower.train()
    torch.autograd.backward(tower(*map(torch.from_numpy, (ids, mask))).square().sum())
    assert [n for n, p in tower.named_parameters() if p.requires_grad and p.grad is None] == []
    again = from_spec(json.loads(json.dumps(tower.spec)))
    again.load_state_dict(tower.state_dict())
    assert again.spec == tower.spec


def test_the_features_are_the_mean_of_the_states_of_the_library(folder_of) -> None:
    from transformers import BertForMaskedLM, BertTokenizer

    tower, tokenizer = build(settings(folder_of("bert")))
    theirs = BertTokenizer.from_pretrained(folder_of("bert"))("no 青光眼 黄", return_tensors="pt")
    ids, mask = tokenizer(["no 青光眼 黄"])
    assert ids.tolist() == theirs["input_ids"].tolist() == [[2, 5, 7, 8, 9, 1, 3]]
    with torch.inference_mode():
        body = BertForMaskedLM.from_pretrained(folder_of("bert")).eval().bert
        right = body(**theirs).last_hidden_state.mean(1)
        made = tower.eval()(torch.from_numpy(ids), torch.from_numpy(mask))
    assert torch.allclose(made, right, atol=1e-5)


def test_unknown_and_other_words_give_other_vectors(folder_of) -> None:
    rows = encode(*build(settings(folder_of("chinese_clip"))), ["青", "光", "青 光"])
    assert (rows @ rows.T)[0, 1] < 0.999
    assert (rows @ rows.T)[0, 2] < 0.999


@pytest.mark.parametrize(
    ("kind", "longest"), [("bert", 40), ("chinese_clip", 40), ("xlmr", 38), ("siglip", 40)]
)
def test_captions_longer_than_the_tower_reads_are_refused(folder_of, kind, longest) -> None:
    tower, tokenizer = build(settings(folder_of(kind), text_length=longest))
    assert encode(tower, tokenizer, ["no " * 60]).shape == (1, 32)
    with pytest.raises(ConfigError, match=f"at most {longest} tokens") as caught:
        build(settings(folder_of(kind), text_length=longest + 1))
    assert caught.value.place == "model.text_length"


def test_no_tokenizer_or_that_of_another_model_is_refused(folder_of, tmp_path) -> None:
    copy = shutil.copytree(folder_of("bert"), tmp_path / "copy")
    (copy / "vocab.txt").write_text("\n".join(f"word{i}" for i in range(20)))
    with pytest.raises(ConfigError, match="for 12 rows of weights"):
        build(settings(copy))
    (copy / "vocab.txt").unlink()
    with pytest.raises(ConfigError, match="tokenizer") as caught:
        build(settings(copy))
    assert caught.value.place == str(copy)
    assert "copy the tokenizer's files" in caught.value.remedy


def test_a_tokenizer_json_alone_pads_with_the_row_of_config_json(folder_of, tmp_path) -> None:
    copy = shutil.copytree(folder_of("xlmr"), tmp_path / "copy")
    (copy / "tokenizer_config.json").unlink()
    _, tokenizer = build(settings(copy))
    assert tokenizer(["no drusen", "no"])[0][1, -1] == 1


def test_a_model_without_text_is_refused(folder_of) -> None:
    with pytest.raises(ConfigError, match="type vit"):
        build(settings(folder_of("vit")))


def test_minilm_is_frozen_unless_asked_for() -> None:
    assert ModelSettings().text_trained == "frozen"
    assert ModelSettings(text_tower="tiny").text_trained == "full"
    tower, _ = build(ModelSettings(english_rows=1000, train_text=2))
    assert not tower.frozen
    assert {tower.depths()[n] for n, p in tower.named_parameters() if p.requires_grad} == {0, 1}
