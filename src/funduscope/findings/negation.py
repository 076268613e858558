"""Whether a text tower tells a finding from its denial: no threshold, only the tower's own scale.

A tower confuses a finding where "X" lies nearer to "no X" than to another wording of X. Only
findings with paraphrases of their own can be judged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from funduscope.findings.prompts import LANGUAGES, Language, prompt_bank

Embed = Callable[[Sequence[str]], Sequence[Sequence[float]]]


@dataclass(frozen=True, slots=True)
class Told:
    """One finding in one language; the numbers are mean cosines to its first plain phrasing.

    Attributes:
        finding, language: whose phrasings.
        paraphrased: of its paraphrases.
        denied: of its denials ("no X").
        scored: of the negatives that scores compare it with ("normal fundus").
    """

    finding: str
    language: Language
    paraphrased: float
    denied: float
    scored: float

    @property
    def confused(self) -> bool:
        """Whether "X" is nearer to "no X" than to another wording of X."""
        return self.denied > self.paraphrased

    @property
    def confused_in_scores(self) -> bool:
        """Whether "X" is nearer to the negatives of the scores than to another wording of X."""
        return self.scored > self.paraphrased


def told_apart(embed: Embed) -> list[Told]:
    """Every written finding but `normal`, in each language.

    embed: texts -> one vector a text, of any length; called once.
    """
    plain, paraphrase = prompt_bank("plain"), prompt_bank("paraphrase")
    codes = [c for c in plain.written if c in paraphrase.written and c != "normal"]
    own: dict[tuple[str, Language], str] = {}
    others: dict[tuple[str, Language], tuple[tuple[str, ...], ...]] = {}
    for code in codes:
        for language in LANGUAGES:
            own[code, language] = plain.texts(code, language, "positive")[0]
            others[code, language] = (
                paraphrase.texts(code, language, "positive"),
                plain.texts(code, language, "denied"),
                plain.texts(code, language, "negative"),
            )
    said = {text for groups in others.values() for group in groups for text in group}
    texts = sorted(said | set(own.values()))
    vectors = {t: _unit(row) for t, row in zip(texts, embed(texts), strict=True)}
    found = []
    for key, text in own.items():
        cosines = (
            [_dot(vectors[text], vectors[other]) for other in group] for group in others[key]
        )
        found.append(Told(*key, *map(_mean, cosines)))
    return found


def _unit(row: Sequence[float]) -> list[float]:
    values = [float(value) for value in row]
    length = math.sqrt(_dot(values, values)) or 1.0
    return [value / length for value in values]


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
