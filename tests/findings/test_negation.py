from __future__ import annotations

from collections.abc import Sequence

from funduscope.findings import negation, prompt_bank
from funduscope.findings.prompts import LANGUAGES

DENIALS = ("no ", "without ", "未见", "未发现")


def _hearing(texts: Sequence[str]) -> list[list[float]]:
    """A tower that sets denials and healthy eyes at right angles to every finding."""
    bank = prompt_bank("plain")
    healthy = {
        text
        for code in bank.findings
        if code != "normal"
        for language in LANGUAGES
        for text in bank.texts(code, language, "negative")
    }
    apart = [text.startswith(DENIALS) or text in healthy for text in texts]
    return [[0.0, 1.0] if other else [1.0, 0.0] for other in apart]


def test_a_tower_that_understands_denial_confuses_nothing() -> None:
    told = negation.told_apart(_hearing)
    plain, paraphrase = prompt_bank("plain"), prompt_bank("paraphrase")
    written = set(plain.written) & set(paraphrase.written) - {"normal"}
    assert {row.finding for row in told} == written
    assert len(told) == 2 * len(written)
    assert not any(row.confused or row.confused_in_scores for row in told)


def test_a_tower_deaf_to_no_is_caught() -> None:
    def embed(texts: Sequence[str]) -> list[list[float]]:
        paraphrases = {
            text
            for code in prompt_bank("paraphrase").written
            for language in LANGUAGES
            for text in prompt_bank("paraphrase").texts(code, language, "positive")
        }
        return [[1.0, 1.0 if text in paraphrases else 0.0] for text in texts]

    told = negation.told_apart(embed)
    assert all(row.confused and row.confused_in_scores for row in told)
    assert all(abs(row.paraphrased - 2**-0.5) < 1e-9 for row in told)


def test_texts_are_embedded_once() -> None:
    asked: list[str] = []

    def embed(texts: Sequence[str]) -> list[list[float]]:
        asked.extend(texts)
        return [[1.0, 0.0] for _ in texts]

    negation.told_apart(embed)
    assert len(asked) == len(set(asked))
