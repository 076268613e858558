"""Which photographs and captions make each batch: a pure function of the tables and the seed.

Block shuffle: the blocks (row groups) of the pixel files are put in random order every epoch and
cut into windows that fit into memory; within a window photographs are drawn at random. Letters of
shapes: B units of a batch, E slots of a unit (2 for `patient`, else 1), T distinct texts of the
batch, F findings, U all units.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from funduscope.errors import ConfigError, DataError
from funduscope.findings import vocabulary
from funduscope.pretrain.examples import Examples
from funduscope.pretrain.said import implied
from funduscope.pretrain.settings import PretrainSettings

# The rarest findings are drawn at most this many times as often as the commonest.
_LARGEST_RATIO = 12.0
# Findings stated of fewer eyes are not asked by name: nothing could be learned of them.
_ASKED_FROM = 10
_MIB = 2**20

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Batch:
    """One step: photographs, texts, and what is true of what. The same on every rank.

    Units are sorted by the block of their photographs, so that a slice of them touches few blocks.

    Attributes:
        step: number of the batch, from 0.
        window: number of its window; no other batch outside it reads the same blocks this epoch,
            but for what was left over.
        rows_BE: rows of the photographs in `Examples`, -1 where the eye is missing.
        flip_BE: the photograph is to be mirrored. It then shows the other eye: both eyes of a unit
            are mirrored together and change slots, and sides named in their texts are exchanged.
        texts: the distinct texts, sorted.
        text_BE: the text drawn for each slot, -1 where the eye is missing.
        match_BET: the text is true of the eye in the slot.
        said_BEF: findings said of the eye in the slot and what follows from them: 1 present, 0.5
            uncertain, -1 absent, 0 silent; columns are the codes of the vocabulary.
        said_TF: the same of the texts.
        names: a name of each finding asked of every eye, and last one of `normal`; empty unless
            the loss `named` is on.
        codes_K: int64, which findings these are (without `normal`), as numbers of codes.
    """

    step: int
    window: int
    rows_BE: Ints
    flip_BE: Bools
    texts: list[str]
    text_BE: Ints
    match_BET: Bools
    said_BEF: Floats
    said_TF: Floats
    names: Sequence[str] = ()
    codes_K: Ints = field(default_factory=lambda: np.empty(0, np.int64))


@dataclass(frozen=True)
class Epoch:
    """The units of each batch of an epoch, the window of each batch, and how many items were cut:
    of patients with more items than batches, and what did not fill the last batch."""

    units_KB: npt.NDArray[np.int32]
    window_K: Ints
    cut: int


class Plan:
    """All batches of a run.

    Attributes:
        examples: the photographs and texts.
        slots_UE: int32, the eyes of each unit (-1: none). For the objective `patient` a unit is an
            examination with the slots OD, OS, or an unknown eye alone; else it is an eye.
        expected_U: float64, how often each unit is drawn in an epoch, on average.

    Raises:
        ConfigError: `batch` is larger than the number of patients.
        DataError: objective `patient` without a photograph whose eye is known.
    """

    def __init__(self, examples: Examples, settings: PretrainSettings) -> None:
        self.examples = examples
        self.settings = settings
        paired = settings.objective == "patient"
        if paired and (examples.side_E == 2).all():
            raise _eyes_unknown(len(examples))
        self.slots_UE = _units(examples) if paired else np.arange(_eyes(examples))[:, None]
        first = self.slots_UE.max(1)
        self._patient_U = examples.patient_E[first]
        self._block_U = examples.block_N[examples.first_E[first]]
        patients = len(np.unique(self._patient_U))
        if settings.batch > patients:
            raise ConfigError(
                f"batch = {settings.batch}",
                place=f"a training split of {patients} patients",
                rule="no patient stands twice in a batch",
                remedy=f"set batch to {patients} or less",
            )
        self.expected_U = _expected(examples, self.slots_UE, settings.temper)
        self._asked_K = _asked(examples)

    def batches(self, start: int = 0) -> Iterator[Batch]:
        """The batches from number `start` on, endless; earlier ones are not built."""
        step, number = 0, 0
        while True:
            epoch = self.epoch(number)
            for at in range(max(0, start - step), len(epoch.units_KB)):
                yield self._batch(step + at, int(epoch.window_K[at]), epoch.units_KB[at])
            step += len(epoch.units_KB)
            number += 1

    def epoch(self, number: int) -> Epoch:
        """Deal out one epoch: every unit as often as expected, up to chance below one."""
        rng = np.random.default_rng([self.settings.seed, 13, number])
        made: list[npt.NDArray[Any]] = []
        window_K: list[int] = []
        rest = np.empty(0, np.int64)
        windows = self._windows(rng)
        for window, units in enumerate(windows):
            rest = np.concatenate([rest, self._draw(units, rng)])
            dealt, rest = self._deal(rest, rng)
            made.append(dealt)
            window_K += [number * len(windows) + window] * len(dealt)
        if not window_K:  # too few patients were drawn: one unit of each that was not
            others = rng.permutation(len(self.slots_UE))
            others = others[~np.isin(self._patient_U[others], self._patient_U[rest])]
            _, once = np.unique(self._patient_U[others], return_index=True)
            dealt, rest = self._deal(np.concatenate([rest, others[once]]), rng)
            made, window_K = [dealt], [number * len(windows)] * len(dealt)
        units_KB = np.concatenate(made).astype(np.int32)
        return Epoch(units_KB, np.array(window_K, np.int64), len(rest))

    def _windows(self, rng: np.random.Generator) -> list[Ints]:
        """The units of each window, those of one block together in random order.

        Windows are about equally large; none holds more than `window_mib` of encoded bytes, or
        than two blocks where these are larger. What does not fill a batch goes to the next one.
        """
        size_K = self.examples.shards.bytes_K
        order = rng.permutation(len(size_K))
        middle = np.cumsum(size_K[order]) - size_K[order] / 2
        largest = size_K.max()
        count = -(-size_K.sum() // max(self.settings.window_mib * _MIB - largest, largest))
        place_K = np.empty(len(order), np.int64)
        place_K[order] = np.arange(len(order))
        window_K = np.empty(len(order), np.int64)
        window_K[order] = (middle / size_K.sum() * count).astype(np.int64)
        units = rng.permutation(len(self._block_U))
        units = units[np.argsort(place_K[self._block_U[units]], kind="stable")]
        cuts = np.searchsorted(window_K[self._block_U[units]], np.arange(1, count))
        return np.split(units, cuts)

    def _draw(self, units: Ints, rng: np.random.Generator) -> Ints:
        """Units of a window, each as often as expected, by systematic rounding."""
        total = np.floor(np.cumsum(self.expected_U[units]) + rng.random())
        return np.repeat(units, np.diff(total, prepend=0.0).astype(np.int64))

    def _deal(self, items: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Items -> batches (K, B) without a patient twice, and the items left over.

        Sorted by shuffled patient and dealt in turn, the items of a patient come into different
        batches as long as they are not more than the batches.
        """
        size = self.settings.batch
        patient = self._patient_U[items]
        nth = _occurrence(patient)
        count = len(items) // size
        while count > (fits := int((nth < count).sum()) // size):
            count = fits
        kept = items[nth < count]
        taken = kept[: count * size]
        rest = np.concatenate([items[nth >= count], kept[count * size :]])
        if not count:
            return np.empty((0, size), np.int64), rest
        names, number = np.unique(self._patient_U[taken], return_inverse=True)
        turn = np.argsort(rng.permutation(len(names))[number], kind="stable")
        dealt = taken[turn].reshape(size, count).T
        blocks = np.argsort(self._block_U[dealt], axis=1, kind="stable")
        return np.take_along_axis(dealt, blocks, axis=1), rest

    def _batch(self, step: int, window: int, units_B: npt.NDArray[np.int32]) -> Batch:
        made, seen = self.settings, self.examples
        rng = np.random.default_rng([made.seed, 11, step])
        eyes_BE = self.slots_UE[units_B].astype(np.int64)
        flip_B = (rng.random(len(units_B)) < 0.5) & made.augment.flip
        eyes_BE = np.where(flip_B[:, None], eyes_BE[:, ::-1], eyes_BE)
        there_BE = eyes_BE >= 0
        flip_BE = flip_B[:, None] & there_BE
        eyes, flip = eyes_BE[there_BE], flip_BE[there_BE]  # one entry a photograph
        rows_BE = np.full(eyes_BE.shape, -1)
        first, after = seen.first_E[eyes], seen.first_E[eyes + 1]
        rows_BE[there_BE] = first + (rng.random(len(eyes)) * (after - first)).astype(np.int64)
        words = seen.words_E[eyes]
        drawn = self._texts(words, rng)
        drawn = np.where(flip, seen.mirror_T[drawn], drawn)
        numbers, column = np.unique(drawn, return_inverse=True)
        text_BE = np.full(eyes_BE.shape, -1)
        text_BE[there_BE] = column
        match_BET = np.zeros((*eyes_BE.shape, len(numbers)), bool)
        match_BET[there_BE] = self._match(words, flip, numbers)
        findings = len(vocabulary())
        said_BEF = np.zeros((*eyes_BE.shape, findings), np.float32)
        said_BEF[there_BE] = implied(seen.said.dense(words, findings))
        return Batch(
            step=step,
            window=window,
            rows_BE=rows_BE,
            flip_BE=flip_BE,
            texts=seen.texts.gather(numbers).to_list(),
            text_BE=text_BE,
            match_BET=match_BET,
            said_BEF=said_BEF,
            said_TF=implied(seen.said_T.dense(numbers, findings)),
            names=self._names(rng),
            codes_K=self._asked_K,
        )

    def _names(self, rng: np.random.Generator) -> list[str]:
        """One name of each finding asked, in either language, and one of `normal`."""
        if not self.settings.named:
            return []
        words = vocabulary()
        codes = [words.codes[k] for k in self._asked_K]
        drawn = []
        for code in [*codes, "normal"]:
            names = words[code].names(("en", "zh")[int(rng.integers(2))])
            drawn.append(names[int(rng.integers(len(names)))])
        return drawn

    def _texts(self, words: npt.NDArray[Any], rng: np.random.Generator) -> Ints:
        """A text for each eye: whole or a statement, then a language, then one of its forms."""
        seen = self.examples
        short, language, form = rng.random((3, len(words)))
        drawn = np.empty(len(words), np.int64)
        for at, row in enumerate(words):
            statements = seen.statements[row]
            if short[at] < self.settings.statement_share and len(statements):
                options = statements
            else:
                options = seen.captions[row]
            spoken = seen.language_T[options]
            spoken_once = np.unique(spoken)
            options = options[spoken == spoken_once[int(language[at] * len(spoken_once))]]
            drawn[at] = options[int(form[at] * len(options))]
        return drawn

    def _match(self, words: npt.NDArray[Any], flip: Bools, numbers: Ints) -> Bools:
        """Which texts are whole captions or statements of which eye, mirrored if it is."""
        seen = self.examples
        match = np.zeros((len(words), len(numbers)), bool)
        for lists in (seen.captions, seen.statements):
            at, owner = lists.many(words)
            text = lists.items[at]
            text = np.where(flip[owner], seen.mirror_T[text], text)
            column = np.searchsorted(numbers, text).clip(max=len(numbers) - 1)
            found = numbers[column] == text
            match[owner[found], column[found]] = True
        return match


def _eyes(examples: Examples) -> int:
    return len(examples.first_E) - 1


def _units(examples: Examples) -> npt.NDArray[np.int32]:
    """Examinations with the slots OD, OS; an unknown eye alone in the first slot."""
    known = np.flatnonzero(examples.side_E < 2)
    exams, number = np.unique(examples.exam_E[known], return_inverse=True)
    both = np.full((len(exams), 2), -1)
    both[number, examples.side_E[known]] = known
    alone = np.flatnonzero(examples.side_E == 2)
    one = np.stack([alone, np.full(len(alone), -1)], 1)
    return np.concatenate([both, one]).astype(np.int32)


def _expected(
    examples: Examples, slots_UE: npt.NDArray[Any], temper: float
) -> npt.NDArray[np.float64]:
    """(frequency of the findings stated of the unit's rarer eye)^-temper, with mean 1.

    Eyes of which the same findings are stated are counted together: by its rarest finding alone an
    odd eye would be drawn as often as its oddest word, and common diseases would be displaced.
    """
    said, rows = examples.said, examples.words_E
    at, owner = said.many(rows)
    stated = said.values[at] > 0
    # A set of findings is told by the sum of a random number for each of them.
    mark_F = np.random.default_rng(0).integers(2**62, size=len(vocabulary()), dtype=np.uint64)
    sets = np.zeros(len(rows), np.uint64)
    np.add.at(sets, owner[stated], mark_F[said.items[at[stated]]])
    _, which, counts = np.unique(sets, return_inverse=True, return_counts=True)
    often = counts[which] / len(rows)
    often = np.append(often, 1.0)  # a missing eye
    weight = often[slots_UE].min(1) ** -temper
    weight = np.minimum(weight, weight.min() * _LARGEST_RATIO)
    result: npt.NDArray[np.float64] = weight / weight.mean()
    return result


def _asked(examples: Examples) -> Ints:
    """Findings stated of at least `_ASKED_FROM` eyes, but for `normal`, as numbers of codes.

    A finding is stated by its narrower ones as well.
    """
    words = vocabulary()
    at, _ = examples.said.many(examples.words_E)
    stated = np.bincount(
        examples.said.items[at[examples.said.values[at] == 1]], minlength=len(words)
    )
    often = stated.copy()
    for number, code in enumerate(words.codes):
        for broader in words.ancestors(code):
            often[words.codes.index(broader)] += stated[number]
    often[words.codes.index("normal")] = 0
    return np.flatnonzero(often >= _ASKED_FROM)


def _occurrence(names: npt.NDArray[Any]) -> Ints:
    """For each item how many of its name come before it."""
    order = np.argsort(names, kind="stable")
    ranked = names[order]
    begins = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))
    counts = np.diff(np.append(begins, len(names)))
    nth = np.empty(len(names), np.int64)
    nth[order] = np.arange(len(names)) - np.repeat(begins, counts)
    return nth


def _eyes_unknown(count: int) -> DataError:
    return DataError(
        f"the eye of all {count} photographs is unknown",
        place="objective = patient",
        rule="the objective `patient` compares right and left eyes with their report",
        remedy="choose the objective infonce, sigmoid or findings, or tell ingest where the "
        "archive names the eye",
        code="eye_unknown",
    )
