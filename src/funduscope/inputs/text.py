"""Captions in: text -> token ids, padded to one length."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from funduscope.errors import BundleError, missing_extra

if TYPE_CHECKING:
    import tokenizers

Ids = npt.NDArray[np.int64]


class Tokenizer:
    """A `tokenizer.json` that cuts at `length` tokens and pads to the longest text of the call.

    `from_pretrained` of other libraries may fetch or guess; this reads the one file it is given.
    """

    def __init__(self, tokenizer: tokenizers.Tokenizer, length: int) -> None:
        self._tokenizer = tokenizer
        self.length = length
        padding = tokenizer.padding or {"pad_token": "[PAD]"}
        token = str(padding["pad_token"])
        self._pad = int(padding.get("pad_id", tokenizer.token_to_id(token) or 0))
        self._unknown = _unknown_id(tokenizer)
        self._tokenizer.enable_truncation(length)
        self._tokenizer.enable_padding(pad_id=self._pad, pad_token=token)

    @classmethod
    def open(cls, path: Path, length: int) -> Tokenizer:
        """Read `tokenizer.json`; a BundleError where it is absent or damaged."""
        try:
            import tokenizers
        except ImportError:
            raise missing_extra("tokenizers", "train") from None
        try:
            made = tokenizers.Tokenizer.from_str(path.read_text(encoding="utf-8"))
        except Exception as error:
            if not isinstance(error, OSError) and type(error) is not Exception:
                raise
            raise BundleError(
                str(error),
                place=str(path),
                rule="a tokenizer.json as the library `tokenizers` writes it",
                remedy="copy the bundle again from where it was made",
            ) from None
        return cls(made, length)

    def __call__(self, texts: Sequence[str]) -> tuple[Ids, Ids]:
        """Token ids and mask, int64 (N, L); L is the longest text of the call."""
        coded: list[Any] = self._tokenizer.encode_batch(list(texts))
        ids = np.array([c.ids for c in coded], dtype=np.int64)
        mask = np.array([c.attention_mask for c in coded], dtype=np.int64)
        return ids, mask

    def to_json(self) -> str:
        """The content of `tokenizer.json`."""
        return str(self._tokenizer.to_str())

    @property
    def size(self) -> int:
        """Number of tokens."""
        return int(self._tokenizer.get_vocab_size())

    def measure(self, text: str) -> tuple[int, int]:
        """Tokens of a text with the special ones, were it not cut, and how many are unknown."""
        found = self._tokenizer.encode(text)
        ids = [i for part in (found, *found.overflowing) for i in part.ids if i != self._pad]
        return len(ids), ids.count(self._unknown)

    def unknown(self, text: str) -> int:
        """How many tokens of a text are unknown to the vocabulary."""
        ids: list[int] = self._tokenizer.encode(text).ids
        return ids.count(self._unknown)


def _unknown_id(tokenizer: tokenizers.Tokenizer) -> int:
    """The row for signs that a tokenizer does not know; -1: it knows every byte."""
    model = json.loads(tokenizer.to_str())["model"]
    row = (
        model.get("unk_id")
        if model["type"] == "Unigram"
        else model["vocab"].get(model["unk_token"])
    )
    return -1 if row is None else int(row)
