from __future__ import annotations

import pytest

from funduscope.inputs.text import Tokenizer

tokenizers = pytest.importorskip("tokenizers")


@pytest.fixture
def tokenizer():
    known = {"[PAD]": 0, "[UNK]": 1, "no": 2, "drusen": 3}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(known, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    return Tokenizer(made, 3)


def test_a_text_is_measured_whole_although_it_is_read_cut(tokenizer):
    assert tokenizer.length == 3
    assert tokenizer(["no drusen no drusen", "drusen"])[0].tolist() == [[2, 3, 2], [3, 0, 0]]
    assert tokenizer.measure("no drusen") == (2, 0)
    assert tokenizer.measure("no drusen here no drusen no scars") == (7, 2)
