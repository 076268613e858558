"""Which photographs make a batch, and which caption each brings; a function of seed and step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from funduscope.errors import ConfigError
from funduscope.pretrain.examples import Example
from funduscope.pretrain.settings import PretrainSettings

# The rarest caption is drawn at most this many times as often as the commonest.
_LARGEST_RATIO = 12.0


class Sampler:
    """Draws batches: no patient twice, frequent captions tempered.

    Everything drawn depends on (seed, step) alone, so a resumed run goes on exactly.
    """

    def __init__(self, examples: Sequence[Example], settings: PretrainSettings) -> None:
        self.examples = examples
        self.settings = settings
        patients = sorted({e.patient_id for e in examples})
        if settings.batch > len(patients):
            raise ConfigError(
                f"batch = {settings.batch}",
                place=f"a training split of {len(patients)} patients",
                rule="no patient stands twice in a batch",
                remedy=f"set batch to {len(patients)} or less",
            )
        number = {name: i for i, name in enumerate(patients)}
        self._patient = np.array([number[e.patient_id] for e in examples])
        often = Counter(e.captions[0] for e in examples)
        weight = np.array([float(often[e.captions[0]]) for e in examples]) ** -settings.temper
        self._log_weight = np.log(np.minimum(weight, weight.min() * _LARGEST_RATIO))

    def rng(self, step: int) -> np.random.Generator:
        """The generator of one step."""
        return np.random.default_rng([self.settings.seed, 11, step])

    def rows(self, rng: np.random.Generator) -> list[int]:
        """Rows of the examples in one batch: weighted, without repetition of a patient.

        Drawn by the Gumbel trick: the largest log weights plus Gumbel noise are a weighted
        sample without replacement (Efraimidis and Spirakis, 2006).
        """
        keys = self._log_weight + rng.gumbel(size=len(self._log_weight))
        taken: dict[int, int] = {}
        for row in np.argsort(-keys):
            taken.setdefault(int(self._patient[row]), int(row))
            if len(taken) == self.settings.batch:
                break
        return list(taken.values())

    def texts(self, rows: Sequence[int], rng: np.random.Generator) -> tuple[list[str], Tensor]:
        """One caption an example, and which captions are true of which photograph.

        Returns:
            The distinct captions (T) and the match matrix float32 (B, T).
        """
        picked = [self._pick(self.examples[row], rng) for row in rows]
        columns = sorted(set(picked))
        match = torch.zeros(len(rows), len(columns))
        for i, row in enumerate(rows):
            own = {*self.examples[row].captions, *self.examples[row].statements}
            for t, text in enumerate(columns):
                match[i, t] = float(text in own)
        return columns, match

    def _pick(self, example: Example, rng: np.random.Generator) -> str:
        short = bool(example.statements) and rng.random() < self.settings.statement_share
        options = example.statements if short else example.captions
        return options[int(rng.integers(len(options)))]
