"""A package folder (format 1): verified first, then opened.

manifest.json      files with their sha256, what it was made from; signature (null: unsigned)
image_tower.onnx   image -> embedding, feature_map
image_spec.json    how a photograph becomes the tower's input
prompts.npz        findings x languages x polarities, embedded; projection, scale, bank hash
calibration.json   calibrators (none without labels), scores of validation eyes
selftest/          photographs that nobody owns, with the scores they must get
parity.json        largest difference between torch and onnxruntime at export
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from funduscope import config, inputs, scoring, store
from funduscope.errors import BundleError
from funduscope.runtime.prompts import Prompts, Scores
from funduscope.runtime.tower import Floats, Tower

IMAGE_TOWER = "image_tower.onnx"
IMAGE_SPEC = "image_spec.json"
PROMPTS = "prompts.npz"
CALIBRATION = "calibration.json"
SELF_TEST = "selftest"
PARITY = "parity.json"
CALIBRATION_FORMAT = 1


@dataclass(frozen=True)
class Reference:
    """Scores of validation eyes, without labels: what a percentile is counted against.

    Attributes:
        corpus: id of the corpus they come from.
        eyes: how many there were.
        scores: (F, R), for each finding of the package the scores of validation eyes, or evenly
            spaced quantiles of them.
    """

    corpus: str
    eyes: int
    scores: Scores

    def percentiles(self, scores: npt.ArrayLike) -> Scores:
        """Percentage of validation eyes below each score, 0..100; (F,) both."""
        return scoring.percentile(scores, self.scores)


class Package:
    """An opened package.

    Attributes:
        path: the folder.
        id: identity of its content.
        tower: the image tower.
        image_spec: how photographs are prepared for it.
        prompts: the findings it scores.
        reference: scores of validation eyes; None when it was exported without a corpus.
    """

    def __init__(self, path: Path, manifest: store.Manifest, *, threads: int | None) -> None:
        self.path = path
        self.id = manifest.id
        self.tower = Tower(path / IMAGE_TOWER, threads=threads)
        self.prompts = Prompts.read(path / PROMPTS)
        self.image_spec = config.build(
            inputs.ImageSpec, _read_json(path / IMAGE_SPEC), place=str(path / IMAGE_SPEC)
        )
        self.reference = _reference(path / CALIBRATION, self.prompts)
        fits = self.tower.size == self.image_spec.size and self.tower.dim == self.prompts.dim
        if not fits:
            raise BundleError(
                f"tower {self.tower.size} px, {self.tower.dim} dimensions; "
                f"specification {self.image_spec.size} px; prompts {self.prompts.dim} dimensions",
                place=str(path),
                rule="image tower, image specification and prompts are of one export",
                remedy="export the package again",
            )

    @classmethod
    def open(cls, path: Path | str, *, threads: int | None = None) -> Package:
        """Verify every file against the manifest, then open.

        Args:
            path: the package folder.
            threads: of onnxruntime; None: every physical core.

        Raises:
            DataError: no package there, an unfinished one, or another format.
            BundleError: a file is missing or was changed (it is named), or does not fit.
        """
        folder = Path(path)
        manifest = store.read_manifest(folder, "package")
        _check_manifest(folder / "manifest.json", manifest)
        store.verify(folder)
        return cls(folder, manifest, threads=threads)

    def embed(self, image_N3SS: npt.ArrayLike) -> tuple[Floats, Floats]:  # noqa: N803
        """Embeddings (N, D), unit rows, and feature maps (N, C, h, w); see `Tower.embed`."""
        return self.tower.embed(image_N3SS)

    @property
    def scale(self) -> float:
        """How steeply a difference of cosines becomes a score."""
        return self.prompts.scale

    def self_test(self) -> list[tuple[str, bytes, Scores]]:
        """The self-test photographs: name, bytes, expected scores (F,) in order of `findings`."""
        expected = _read_json(self.path / SELF_TEST / "expected.json")
        return [
            (
                name,
                (self.path / SELF_TEST / name).read_bytes(),
                np.array([scores[code] for code in self.prompts.findings]),
            )
            for name, scores in sorted(expected.items())
        ]


def _check_manifest(file: Path, manifest: store.Manifest) -> None:
    """The id is the hash of everything in the manifest but `made`: a changed byte shows."""
    names = ("kind", "format", "config", "seed", "inputs", "counts", "files", "extra")
    body = {name: getattr(manifest, name) for name in names}
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32]
    missing = {IMAGE_TOWER, IMAGE_SPEC, PROMPTS, CALIBRATION} - manifest.files.keys()
    if digest != manifest.id or missing:
        raise BundleError(
            f"does not list {', '.join(sorted(missing))}" if missing else "changed",
            place=str(file),
            rule="the manifest's id is the hash of its content, and it lists every file",
            remedy="copy the folder again from where it was made",
        )


def _read_json(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


def _reference(path: Path, prompts: Prompts) -> Reference | None:
    data = _read_json(path)
    if data["format"] != CALIBRATION_FORMAT or data["calibrators"]:
        raise BundleError(
            f"format {data['format']}, {len(data['calibrators'])} calibrators",
            place=str(path),
            rule=f"format {CALIBRATION_FORMAT}; this version knows no calibrators",
            remedy="open the package with the version that exported it, or a newer one",
        )
    found = data["reference"]
    if found is None:
        return None
    scores = np.array([found["scores"][code] for code in prompts.findings])
    return Reference(found["corpus"], found["eyes"], scores)
