from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from funduscope.findings import paraphrases_in, prompt_bank, vocabulary
from funduscope.findings.prompts import LANGUAGES
from funduscope.model import ModelSettings
from funduscope.model.bilingual import phrase_pairs, start_rows, teach_chinese
from funduscope.model.text_tower import build, new_rows

SMALL = ModelSettings(english_rows=1000, train_text="full")
FEW = [pair for pair in phrase_pairs(0, statements=0, framed=0) if len(pair[0]) < 7][::20]
FEW += [
    ("青光眼", ("glaucoma",)),
    ("白内障", ("cataract",)),
    ("视网膜脱离", ("retinal detachment",)),
]


@pytest.fixture(scope="module")
def taught():
    """A tower after three steps, its tokenizer, and the table as it was before."""
    tower, tokenizer = build(SMALL)
    before = tower.body.embeddings.word_embeddings.weight.detach().clone()
    english = encode(tower.eval(), tokenizer, ["cataract"])
    explained = teach_chinese(tower.train(), tokenizer, FEW, steps=3, seed=0, progress=None)
    assert tower.training
    assert all(p.grad is None for p in tower.parameters())
    return tower.eval(), tokenizer, before, english, explained


def encode(tower, tokenizer, texts):
    ids, mask = tokenizer(texts)
    with torch.inference_mode():
        rows = tower(torch.from_numpy(ids), torch.from_numpy(mask))
    return torch.nn.functional.normalize(rows, dim=-1)


def test_teaching_moves_chinese_only(taught) -> None:
    tower, tokenizer, before, english, explained = taught
    table = tower.body.embeddings.word_embeddings.weight.detach()
    fresh = new_rows(tokenizer)
    kept = torch.ones(len(table), dtype=torch.bool)
    kept[fresh] = False
    assert torch.equal(table[kept], before[kept])
    assert not torch.equal(table[fresh], before[fresh])
    assert torch.equal(encode(tower, tokenizer, ["cataract"]), english)
    assert -0.5 < explained < 1.0


def test_a_name_lies_near_its_own_finding_from_the_first_steps(taught) -> None:
    tower, tokenizer, *_ = taught
    chinese = encode(tower, tokenizer, ["青光眼", "白内障", "视网膜脱离"])
    english = encode(tower, tokenizer, ["glaucoma", "cataract", "retinal detachment"])
    assert (chinese @ english.T).argmax(1).tolist() == [0, 1, 2]


def test_words_never_taught_change_the_vector(taught) -> None:
    """The tower reads characters itself: an unknown one is neither dropped nor like any other."""
    tower, tokenizer, *_ = taught
    known = {c for zh, _ in phrase_pairs(0) for c in zh}
    one, other = [c for c in "犁淮铆叁尧虏邵榆" if c not in known][:2]
    assert tokenizer.unknown(one + other) == 0
    plain, *changed = encode(
        tower, tokenizer, ["白内障", f"白内障{one}", f"白内障{other}", f"白内障{one}{other}"]
    )
    for number, row in enumerate(changed):
        assert row @ plain < 0.99
        assert all(row @ later < 0.99 for later in changed[number + 1 :])


def test_no_two_characters_start_alike() -> None:
    tower, tokenizer = build(SMALL)
    table = tower.body.embeddings.word_embeddings.weight.detach()
    rows = start_rows(table, tokenizer, FEW, 0).numpy()
    assert len(np.unique(rows.round(4), axis=0)) == len(rows)
    english = np.delete(table.numpy(), new_rows(tokenizer).numpy(), axis=0)
    assert rows.std() == pytest.approx(english.std(), rel=0.3)


def test_the_prompt_bank_holds_no_unknown_token(taught) -> None:
    tokenizer = taught[1]
    for name in ("plain", "paraphrase"):
        bank = prompt_bank(name)
        for code in bank.findings:
            for polarity in bank.polarities:
                for language in LANGUAGES:
                    for text in bank.texts(code, language, polarity):
                        assert tokenizer.unknown(text) == 0, text


def test_pairs_come_from_the_vocabulary_and_repeat() -> None:
    pairs = phrase_pairs(0, statements=50, framed=50)
    assert pairs == phrase_pairs(0, statements=50, framed=50)
    assert pairs != phrase_pairs(1, statements=50, framed=50)
    english = dict(pairs)
    assert english["青光眼"][0] == "glaucoma"
    assert all("DR" not in name for name in english["糖网"])  # abbreviations say nothing
    assert {
        zh for finding in vocabulary() for zh in finding.names("zh") if not zh.isascii()
    } <= set(english)
    assert not any("{" in text for zh, en in pairs for text in (zh, *en))


def test_denials_doubts_and_grades_are_taught() -> None:
    said = [(zh, en[0]) for zh, en in phrase_pairs(0, framed=0)]
    assert any(zh.startswith("未见") and en.startswith("no ") for zh, en in said)
    assert any(zh.startswith("可疑") and en.startswith("suspected ") for zh, en in said)
    assert any(
        re.search("[度期级]", zh) and re.search("grade|stage|severe ", en) for zh, en in said
    )


@pytest.mark.parametrize("seed", [0, 1])
def test_no_paraphrase_is_taught(seed: int) -> None:
    texts = [text for zh, en in phrase_pairs(seed) for text in (zh, *en)]
    assert paraphrases_in(texts) == set()
