"""Everyday words in both languages, with which a text tower is taught: `data/phrases.tsv`.

Body parts, colors, sizes, causes, likenesses, plain sentences. Written from general knowledge, and
never from the paraphrases of the prompt bank, which `paraphrases_in` keeps out of training.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from funduscope.findings.lexicon import data_rows
from funduscope.findings.prompts import LANGUAGES, prompt_bank
from funduscope.findings.symbols import symbols


@dataclass(frozen=True, slots=True)
class Phrase:
    """One meaning in both languages.

    `kind` is `phrase` (a sentence), `frame` or a kind of words. A frame has slots: `{color}` takes
    words of that kind, `{finding}` a name of the vocabulary. The first slot of a kind in one
    language is the first of that kind in the other.
    """

    kind: str
    zh: str
    en: str


@lru_cache(maxsize=1)
def everyday_phrases() -> tuple[Phrase, ...]:
    """All of them, in table order."""
    return tuple(Phrase(*row) for row in data_rows("phrases.tsv"))


def paraphrases_in(texts: Iterable[str]) -> set[str]:
    """The texts that hold a paraphrase of the prompt bank: none may be learned from."""
    bank = prompt_bank("paraphrase")
    held_out = {
        _key(text)
        for code in bank.findings
        for language in LANGUAGES
        for polarity in bank.polarities
        for text in bank.texts(code, language, polarity)
    }
    keys = {text: _key(text) for text in texts}
    everything = "\n".join(keys.values())
    met = [key for key in held_out if key in everything]
    return {text for text, key in keys.items() if any(one in key for one in met)}


def _key(text: str) -> str:
    """Words in canonical form, so that spelling cannot hide a match."""
    return f" {' '.join(symbol.text for symbol in symbols(text))} "
