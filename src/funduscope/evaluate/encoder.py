"""One face for the two things that can embed: a bundle (torch) and a package (onnxruntime).

Arrays: N images, F findings, D embedding dimensions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from funduscope import inputs, scoring
from funduscope.errors import ConfigError, missing_extra
from funduscope.evaluate.settings import Language
from funduscope.findings import PromptBank, bank_of, prompt_bank, vocabulary
from funduscope.store import Bundle

if TYPE_CHECKING:
    from funduscope.model import Loaded
    from funduscope.runtime import Package

Vectors = NDArray[np.float32]
_BATCH = 16


class Encoder(Protocol):
    """What evaluation asks of a model."""

    kind: str
    id: str
    scale: float
    findings: tuple[str, ...]

    def images(self, named: Iterable[tuple[str, bytes]]) -> Iterator[tuple[list[str], Vectors]]:
        """Photographs (image_id, encoded bytes) as batches of ids and unit rows (B, D)."""

    def directions(
        self, codes: Sequence[str], bank: PromptBank, language: Language
    ) -> tuple[Vectors, Vectors]:
        """Unit rows (F, D) of the words for and against each finding."""


def open_encoder(path: Path) -> Encoder:
    """Open a bundle (or the run folder that holds one) or a package.

    Raises:
        BundleError: neither, or damaged.
        ConfigError: the library that runs it is not installed.
    """
    if _is_package(path):
        from funduscope.runtime import Package

        return PackageEncoder(Package.open(path))
    bundle = Bundle.open(path)
    try:
        from funduscope import model
    except ImportError as error:
        raise missing_extra(error.name or "torch", "train") from None
    return BundleEncoder(bundle.id, model.load(bundle.path))


def _is_package(path: Path) -> bool:
    try:
        manifest: Any = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.get("kind") == "package"


def bank_for(encoder: Encoder, name: str) -> PromptBank:
    """The prompt bank of that name with which a model can score.

    A bundle takes the newest, or the version named (`plain@1`). A package holds one, embedded when
    it was exported: `plain` is then that one, whatever its version.

    Raises:
        ConfigError: no bank of that name.
    """
    asked = prompt_bank(name)
    if isinstance(encoder, PackageEncoder) and "@" not in name:
        return bank_of(asked.name, encoder.bank_hash) or asked
    return asked


def languages(language: Language) -> tuple[Literal["en", "zh"], ...]:
    """The languages whose prompts are averaged."""
    return ("en", "zh") if language == "both" else (language,)


def batches(
    named: Iterable[tuple[str, bytes]], size: int = _BATCH
) -> Iterator[list[tuple[str, bytes]]]:
    """Photographs in lists of at most `size`."""
    walk = iter(named)
    while batch := list(islice(walk, size)):
        yield batch


class BundleEncoder:
    """A bundle, by torch."""

    kind = "bundle"

    def __init__(self, identity: str, loaded: Loaded) -> None:
        self.id = identity
        self._loaded = loaded
        self.scale = float(loaded.encoder.scale.detach())
        self.findings = vocabulary().codes

    def images(self, named: Iterable[tuple[str, bytes]]) -> Iterator[tuple[list[str], Vectors]]:
        """See `Encoder.images`."""
        from funduscope import model

        yield from model.embed_images(self._loaded, named)

    def directions(
        self, codes: Sequence[str], bank: PromptBank, language: Language
    ) -> tuple[Vectors, Vectors]:
        """See `Encoder.directions`: phrasings, then languages, weigh equally."""
        from funduscope import model

        def rows(polarity: Literal["positive", "negative"]) -> Vectors:
            made = []
            for code in codes:
                spoken = [
                    scoring.ensemble(
                        model.embed_texts(self._loaded, bank.texts(code, tongue, polarity))
                    )
                    for tongue in languages(language)
                ]
                made.append(scoring.ensemble(np.stack(spoken)))
            return np.stack(made).astype(np.float32)

        return rows("positive"), rows("negative")


class PackageEncoder:
    """A package, by onnxruntime; its prompts were embedded when it was exported."""

    kind = "package"

    def __init__(self, package: Package) -> None:
        self._package = package
        self.id = package.id
        self.scale = package.scale
        self.findings = package.prompts.findings
        self.bank_hash = package.prompts.bank_hash

    def images(self, named: Iterable[tuple[str, bytes]]) -> Iterator[tuple[list[str], Vectors]]:
        """See `Encoder.images`."""
        spec = self._package.image_spec
        for batch in batches(named):
            ready = [inputs.prepare(data, spec, name=name).image for name, data in batch]
            vectors, _ = self._package.embed(np.stack(ready))
            yield [name for name, _ in batch], vectors

    def directions(
        self, codes: Sequence[str], bank: PromptBank, language: Language
    ) -> tuple[Vectors, Vectors]:
        """See `Encoder.directions`.

        Raises:
            ConfigError: the package holds other prompts than those asked for.
        """
        prompts = self._package.prompts
        if prompts.bank_hash != bank.hash:
            raise ConfigError(
                f"prompt set '{bank.name}', version {bank.version} ({bank.hash[:12]})",
                place=f"package {self.id}",
                rule=f"a package scores with the prompts it was exported with "
                f"({prompts.bank_hash[:12]})",
                remedy="choose that prompt set, or score the bundle",
            )
        return prompts.directions(codes, languages(language))
