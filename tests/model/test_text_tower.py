from __future__ import annotations

import pytest
import torch

from funduscope.findings import vocabulary
from funduscope.model import ModelSettings
from funduscope.model.bilingual import phrase_pairs, teach_chinese
from funduscope.model.text_tower import build, new_rows


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


def test_teaching_moves_chinese_only() -> None:
    tower, tokenizer = build(ModelSettings(english_rows=1000))
    table = tower.body.embeddings.word_embeddings.weight
    before = table.detach().clone()
    english = encode(tower, tokenizer, ["cataract"])
    score = teach_chinese(tower, tokenizer, steps=3, seed=0, progress=None)
    fresh = new_rows(tokenizer)
    kept = torch.ones(len(table), dtype=torch.bool)
    kept[fresh] = False
    assert torch.equal(table[kept], before[kept])
    assert not torch.equal(table[fresh], before[fresh])
    assert torch.equal(encode(tower, tokenizer, ["cataract"]), english)
    assert 0.2 < score < 1.0


def test_pairs_come_from_the_vocabulary_and_repeat() -> None:
    pairs = phrase_pairs(0, statements=50)
    assert ("青光眼", "glaucoma") in pairs
    assert pairs == phrase_pairs(0, statements=50)
    assert any(zh.startswith("未见") and en.startswith("no ") for zh, en in pairs)
