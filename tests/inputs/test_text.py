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


def test_padding_and_the_unknown_token_are_those_of_the_tokenizer():
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("<unk>", 0.0), ("▁no", -1.0), ("▁", -2.0)]
    made = tokenizers.Tokenizer(tokenizers.models.Unigram(pieces, unk_id=2))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    made.enable_padding(pad_id=1, pad_token="<pad>")
    for read in (Tokenizer(made, 8), Tokenizer(tokenizers.Tokenizer.from_str(made.to_str()), 8)):
        ids, mask = read(["no no", "no"])
        assert ids.tolist() == [[3, 3], [3, 1]]
        assert mask.tolist() == [[1, 1], [1, 0]]
        assert read.unknown("no x") == 1
        assert read.measure("no x") == (3, 1)


def test_a_tokenizer_that_reads_bytes_knows_everything():
    made = tokenizers.Tokenizer(tokenizers.models.BPE({"[PAD]": 0, "a": 1}, []))
    assert Tokenizer(made, 8).unknown("a") == 0


def test_a_text_is_measured_whole_although_it_is_read_cut(tokenizer):
    assert tokenizer.length == 3
    assert tokenizer(["no drusen no drusen", "drusen"])[0].tolist() == [[2, 3, 2], [3, 0, 0]]
    assert tokenizer.measure("no drusen") == (2, 0)
    assert tokenizer.measure("no drusen here no drusen no scars") == (7, 2)
