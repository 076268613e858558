"""A bundle becomes a package: one folder that answers on a CPU without torch.

Arrays: N images, F findings, D embedding dimensions, C channels, h x w cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from funduscope import config, inputs, runtime, scoring, store
from funduscope.deploy import selftest
from funduscope.deploy.settings import ExportSettings
from funduscope.errors import BundleError, ConfigError, DataError, ParityError, missing_extra
from funduscope.findings import PromptBank, prompt_bank
from funduscope.runtime.prompts import Floats, Scores
from funduscope.runtime.tower import BATCH

if TYPE_CHECKING:
    from funduscope.model import Loaded


def export(
    bundle: Path | str,
    out: Path | str,
    settings: ExportSettings | None = None,
    *,
    corpus: Path | str | None = None,
    force: bool = False,
    progress: config.Progress | None = None,
) -> runtime.Package:
    """Make a package of format 1 from a bundle and check that both give the same scores.

    Args:
        bundle: the bundle, or the run folder that holds it.
        out: the new folder.
        settings: prompts, languages, limits.
        corpus: whose validation photographs the percentiles are counted against (the training
            corpus, as a rule); labels are not read. None: answers carry no percentile.
        force: replace what is in `out`.
        progress: told of each step.

    Raises:
        ConfigError: torch or another library of the extra `train` is not installed.
        BundleError: the bundle is damaged, or names no license.
        DataError: the corpus has no validation photographs, or `out` is taken.
        ParityError: torch and onnxruntime disagree; the folder stays unfinished.
    """
    settings = settings or ExportSettings()
    progress = progress or config.Quiet()
    opened = store.Bundle.open(bundle)
    archive = None if corpus is None else store.Corpus.open(corpus)
    loaded = _load(opened)
    sources = [{"kind": "bundle", "id": opened.id}]
    if archive is not None:
        sources.append({"kind": "corpus", "id": archive.id})
    with store.create(
        Path(out),
        kind="package",
        config=settings.model_dump(mode="json"),
        seed=0,
        inputs=sources,
        force=force,
    ) as output:
        output.extra["signature"] = None  # unsigned: this version cannot sign
        work = _Export(output.path, loaded, settings, progress)
        output.extra["prompt_bank"] = work.bank.record(work.findings)
        license_text = _license(opened)
        work.write_model()
        work.write_selftest()
        work.write_reference(archive)
        work.write_parity()
        store.write_bytes(output.path / "LICENSE", license_text.encode())
        store.write_bytes(output.path / "card.md", work.card(opened, archive).encode())
    return runtime.Package.open(Path(out))


def _load(bundle: store.Bundle) -> Loaded:
    try:
        from funduscope import model
    except ImportError as error:
        raise missing_extra(error.name or "torch", "train") from error
    loaded = model.load(bundle.path)
    loaded.encoder.eval()
    return loaded


@dataclass
class _Difference:
    """Largest differences seen so far between torch and onnxruntime."""

    images: int = 0
    score: float = 0.0
    embedding: float = 0.0
    map_mean: float = 0.0

    def to_dict(self, limit: float) -> dict[str, Any]:
        from importlib.metadata import version

        return {
            "images": self.images,
            "largest_score_difference": self.score,
            "largest_embedding_difference": self.embedding,
            "largest_projected_map_difference": self.map_mean,
            "limit": limit,
            "torch": version("torch"),
            "onnxruntime": version("onnxruntime"),
        }


class _Export:
    """The steps of one export, in the order in which `export` calls them."""

    def __init__(
        self, path: Path, loaded: Loaded, settings: ExportSettings, progress: config.Progress
    ) -> None:
        self.path = path
        self.loaded = loaded
        self.spec: inputs.ImageSpec = loaded.image_spec
        self.settings = settings
        self.progress = progress
        self.bank: PromptBank = prompt_bank(settings.prompts)
        self.findings = settings.findings or self.bank.written
        unknown = set(self.findings) - set(self.bank.findings)
        if unknown:
            raise ConfigError(
                ", ".join(sorted(unknown)),
                place="findings",
                rule="finding codes of the vocabulary",
                remedy="see `funduscope show vocabulary`",
            )
        self.difference = _Difference()

    def write_model(self) -> None:
        """Graph, image specification and prompts; opens the tower that was written."""
        from funduscope.deploy import graph

        self.progress.start("graph and prompts", len(self.findings) + 1)
        graph.write_tower(self.loaded.encoder, self.spec.size, self.path / runtime.IMAGE_TOWER)
        self.progress.advance()
        store.write_json(self.path / runtime.IMAGE_SPEC, self.spec.model_dump(mode="json"))
        self.prompts = self._embed_prompts()
        self.prompts.write(self.path / runtime.PROMPTS)
        self.tower = runtime.Tower(self.path / runtime.IMAGE_TOWER)
        self.progress.done()

    def _embed_prompts(self) -> runtime.Prompts:
        from funduscope import model

        words: dict[Literal["positive", "negative"], list[list[Floats]]]
        words = {"positive": [], "negative": []}
        for finding in self.findings:
            for polarity, rows in words.items():
                texts = (
                    self.bank.texts(finding, language, polarity)
                    for language in self.settings.languages
                )
                rows.append(
                    [scoring.ensemble(model.embed_texts(self.loaded, some)) for some in texts]
                )
            self.progress.advance()
        weight = self.loaded.encoder.image_projection.weight  # (D, C)
        return runtime.Prompts(
            findings=self.findings,
            languages=self.settings.languages,
            positive=np.array(words["positive"], dtype=np.float32),
            negative=np.array(words["negative"], dtype=np.float32),
            projection=weight.detach().float().numpy().T.copy(),
            scale=self.loaded.encoder.scale.item(),
            bank=self.bank.name,
            bank_hash=self.bank.hash,
            bank_version=self.bank.version,
        )

    def write_selftest(self) -> None:
        """Draw the self-test photographs; what they must score is what torch says."""
        folder = self.path / runtime.SELF_TEST
        folder.mkdir(exist_ok=True)
        expected = {}
        for name, data in selftest.draw().items():
            store.write_bytes(folder / name, data)
            image = inputs.prepare(data, self.spec, name=name).image
            scores = self._compare(image[None])[0]
            expected[name] = dict(zip(self.prompts.findings, scores.tolist(), strict=True))
        store.write_json(folder / "expected.json", expected)

    def write_reference(self, corpus: store.Corpus | None) -> None:
        """Scores of the corpus' validation eyes; parity is checked on the first of them too."""
        found = None if corpus is None else self._reference(corpus)
        content = {"format": 1, "calibrators": {}, "reference": found}
        store.write_json(self.path / runtime.CALIBRATION, content)

    def _reference(self, corpus: store.Corpus) -> dict[str, Any]:
        images = corpus.images
        images = images.filter(images["split"] == "val").sort("image_id")
        if images.is_empty():
            raise DataError(
                "no photograph in the split val",
                place=str(corpus.path),
                rule="percentiles are counted among validation eyes",
                remedy="give the corpus the bundle was trained on, or none",
                code="no_validation",
            )
        wanted: list[str] = images["image_id"].to_list()
        self.progress.start("validation photographs", len(wanted))
        scores: dict[str, Scores] = {}
        for batch in _batches(corpus.pixels(wanted)):
            ready = [inputs.prepare(data, self.spec, name=name).image for name, data in batch]
            rows = self.prompts.scores(self.tower.embed(ready)[0])
            scores.update(zip((name for name, _ in batch), rows, strict=True))
            checked = self.settings.parity_images - len(scores) + len(batch)
            if checked > 0:
                self._compare(np.stack(ready[:checked]))
            self.progress.advance(len(batch))
        self.progress.done()
        eyes = scoring.to_eyes(
            np.stack([scores[name] for name in wanted]),
            image_ids=wanted,
            patient_ids=images["patient_id"].to_list(),
            eyes=images["eye"].to_list(),
            gradable=images["gradable"].to_list(),
        )
        kept = _quantiles(eyes.scores, self.settings.reference_points)
        columns = zip(self.prompts.findings, kept.T.tolist(), strict=True)
        return {
            "corpus": corpus.id,
            "split": "val",
            "aggregation": scoring.AGGREGATION,
            "eyes": len(eyes.scores),
            "scores": {code: [round(value, 7) for value in rows] for code, rows in columns},
        }

    def _compare(self, images: Floats) -> Scores:
        """Scores (N, F) by torch; remembers how far onnxruntime is from them."""
        from funduscope.deploy import graph

        right, right_map = graph.run_torch(self.loaded.encoder, images)
        found, found_map = self.tower.embed(images)
        scores = self.prompts.scores(right)
        projected = found_map.mean(axis=(2, 3)) @ self.prompts.projection
        projected /= np.linalg.norm(projected, axis=1, keepdims=True)
        past = self.difference
        self.difference = _Difference(
            past.images + len(images),
            max(past.score, _largest(self.prompts.scores(found) - scores)),
            max(past.embedding, _largest(found - right)),
            max(past.map_mean, _largest(projected - right)),
        )
        assert found_map.shape == right_map.shape
        return scores

    def write_parity(self) -> None:
        """Write `parity.json`; refuse scores, or activation maps, that differ too much."""
        facts = self.difference.to_dict(self.settings.parity_limit)
        store.write_json(self.path / runtime.PARITY, facts)
        for name in ("largest_score_difference", "largest_projected_map_difference"):
            if not facts[name] <= self.settings.parity_limit:
                raise ParityError(
                    f"{name} {facts[name]:.3g}",
                    place=f"{self.path}, {facts['images']} photographs",
                    rule=f"torch and onnxruntime agree within {self.settings.parity_limit:g}",
                    remedy="report it with the versions in parity.json; the package is not usable",
                )

    def card(self, bundle: store.Bundle, corpus: store.Corpus | None) -> str:
        """The bundle's card and a section about the package."""
        counted = "none (no percentiles)" if corpus is None else f"validation eyes of {corpus.id}"
        lines = [
            (bundle.path / "card.md").read_text(encoding="utf-8").rstrip(),
            "",
            "## This package",
            "",
            f"- made from bundle `{bundle.id}`; format 1; unsigned",
            f"- {len(self.prompts.findings)} findings; prompts `{self.bank.name}`, "
            f"version {self.bank.version} (`{self.bank.hash[:12]}`) "
            f"in {', '.join(self.prompts.languages)}",
            f"- reference of the percentiles: {counted}",
            f"- largest difference of a score between torch and onnxruntime: "
            f"{self.difference.score:.1e} ({self.difference.images} photographs)",
            "- a score ranks photographs and is no probability: no labels have calibrated it",
            "",
        ]
        return "\n".join(lines)


def _license(bundle: store.Bundle) -> str:
    file = bundle.path / "LICENSE"
    if not file.is_file():
        raise BundleError(
            "no license",
            place=str(file),
            rule="weights come with the terms of their use",
            remedy="put the LICENSE file of the bundle beside its bundle.json",
        )
    return file.read_text(encoding="utf-8")


def _batches(items: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    walk = iter(items)
    while batch := list(islice(walk, BATCH)):
        yield batch


def _quantiles(scores: Scores, points: int) -> Scores:
    """Rising scores of each column: all of them, or `points` evenly spaced quantiles."""
    if len(scores) <= points:
        return np.sort(scores, axis=0)
    return np.quantile(scores, np.linspace(0, 1, points), axis=0)


def _largest(difference: Floats | Scores) -> float:
    return float(np.abs(difference).max())
