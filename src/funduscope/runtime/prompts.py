"""The words of a package, already embedded: for and against each finding, in each language.

Arrays: F findings, L languages, D embedding dimensions, C channels of the feature map.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from funduscope import findings, scoring
from funduscope.errors import BundleError, DataError

Floats = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Prompts:
    """What `prompts.npz` holds.

    Attributes:
        findings: F codes; rows of `positive` and columns of all scores.
        languages: L words of `zh`, `en`; a score uses the mean direction over them.
        positive: float32 (F, L, D) unit rows, the words for each finding.
        negative: float32 (F, L, D) unit rows, the words against it.
        projection: float32 (C, D), the linear map from feature map to embedding.
        scale: how steeply a difference of cosines becomes a score.
        bank: name of the prompt bank.
        bank_hash: its hash, so that scores can be compared.
        bank_version: its version; None for a bank that this library does not know.
    """

    findings: tuple[str, ...]
    languages: tuple[str, ...]
    positive: Floats
    negative: Floats
    projection: Floats
    scale: float
    bank: str
    bank_hash: str
    bank_version: int | None = None

    def directions(self, codes: Sequence[str], languages: Sequence[str]) -> tuple[Floats, Floats]:
        """Unit rows (F, D) of the words for and against findings; languages weigh equally.

        Raises:
            DataError: a finding or a language that the package does not hold.
        """
        rows = [_position(code, self.findings, "finding") for code in codes]
        columns = [_position(word, self.languages, "language") for word in languages]
        positive, negative = (
            np.stack([scoring.ensemble(spoken) for spoken in words[np.ix_(rows, columns)]])
            for words in (self.positive, self.negative)
        )
        return positive, negative

    @property
    def bank_record(self) -> dict[str, str | int | None]:
        """What an answer says of its prompts: name, version and hash of the bank."""
        return {"name": self.bank, "version": self.bank_version, "hash": self.bank_hash}

    @cached_property
    def _all(self) -> tuple[Floats, Floats]:
        return self.directions(self.findings, self.languages)

    def scores(self, embedding_ND: npt.ArrayLike) -> Scores:  # noqa: N803
        """Zero-shot scores (N, F) in 0..1 of image embeddings (N, D)."""
        return scoring.zero_shot(embedding_ND, *self._all, self.scale)

    def activation(self, feature_map: npt.ArrayLike, finding: str) -> Scores:
        """Each cell's share (h, w) of the evidence for a finding; feature_map is (C, h, w).

        Raises:
            DataError: a finding that the package does not hold.
        """
        positive, negative = self.directions([finding], self.languages)
        return scoring.activation_map(feature_map, self.projection, (positive - negative)[0])

    def write(self, path: Path) -> None:
        """Write `prompts.npz` (plain arrays, no pickled objects)."""
        version = [] if self.bank_version is None else [self.bank_version]
        with path.open("wb") as stream:
            np.savez(
                stream,
                findings=_words(self.findings),
                languages=_words(self.languages),
                positive=self.positive.astype(np.float32),
                negative=self.negative.astype(np.float32),
                projection=self.projection.astype(np.float32),
                scale=np.float64(self.scale),
                bank=np.array(self.bank),
                bank_hash=np.array(self.bank_hash),
                bank_version=np.array(version, dtype=np.int64),
            )

    @classmethod
    def read(cls, path: Path) -> Prompts:
        """Read `prompts.npz`; anything that does not fit together is a BundleError."""
        try:
            with np.load(path, allow_pickle=False) as data:
                prompts = cls(
                    findings=tuple(data["findings"].tolist()),
                    languages=tuple(data["languages"].tolist()),
                    positive=data["positive"],
                    negative=data["negative"],
                    projection=data["projection"],
                    scale=float(data["scale"]),
                    bank=str(data["bank"]),
                    bank_hash=str(data["bank_hash"]),
                    bank_version=_version(data),
                )
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise _misfit(path, str(error)) from error
        shape = (len(prompts.findings), len(prompts.languages), prompts.dim)
        for words in (prompts.positive, prompts.negative):
            if words.shape != shape or 0 in shape:
                raise _misfit(path, f"vectors {words.shape} for {shape}")
        if prompts.projection.ndim != 2 or prompts.projection.shape[1] != prompts.dim:
            raise _misfit(path, f"projection {prompts.projection.shape}, dimension {prompts.dim}")
        return prompts

    @property
    def dim(self) -> int:
        """Length D of a vector."""
        return int(self.positive.shape[-1])


def _version(data: Mapping[str, npt.NDArray[np.generic]]) -> int | None:
    """As written; packages from before banks had versions are known by their hash."""
    if "bank_version" in data:
        return next((int(number) for number in data["bank_version"].tolist()), None)
    known = findings.bank_of(str(data["bank"]), str(data["bank_hash"]))
    return None if known is None else known.version


def _words(words: Sequence[str]) -> npt.NDArray[np.str_]:
    return np.array(words, dtype=np.str_)


def _position(word: str, known: Sequence[str], what: str) -> int:
    if word not in known:
        raise DataError(
            word,
            place=f"{what}s of the package",
            rule=f"one of {', '.join(known)}",
            remedy=f"name one of them, or export a package with this {what}",
            code=f"unknown_{what}",
        )
    return known.index(word)


def _misfit(path: Path, value: str) -> BundleError:
    return BundleError(
        value,
        place=str(path),
        rule="findings F, languages L, positive and negative (F, L, D), projection (C, D), scale",
        remedy="export the package again",
    )
