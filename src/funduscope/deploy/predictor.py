"""One photograph in, one answer out: no torch, nothing beyond the base install."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from funduscope import inputs, runtime
from funduscope.errors import BundleError, DataError, ParityError

Eye = Literal["OD", "OS", "unknown"]
EYES: Final = ("OD", "OS", "unknown")
NOT_FUNDUS: Final = "not_fundus"
# The processor here is not the one of the export: its rounding differs, but not by this much.
SELF_TEST_LIMIT: Final = 1e-3
MINI: Final = Path("bundles", "mini", "package")


@dataclass(frozen=True)
class FindingScore:
    """The answer for one finding.

    Attributes:
        finding: its code.
        score: 0..1; ranks photographs, is no probability.
        percentile: part of the validation eyes that score lower, 0..100; None when the package
            was exported without a reference corpus.
    """

    finding: str
    score: float
    percentile: float | None


@dataclass(frozen=True)
class Answer:
    """What is said of one photograph.

    Attributes:
        image: the name it was given under.
        eye: OD, OS or unknown, as given.
        gradable: a reader could work with it.
        refused: it is no fundus photograph; there are no findings then.
        reason: why it is not gradable, or `not_fundus`; None for a gradable photograph.
        findings: in the package's order. They are given for an ungradable photograph as well
            (haze is how a cataract shows); whoever displays them shows the reason first.
        package_id: which package answered.
        prompt_bank: name, version and hash of the prompt bank whose words it was scored with.
    """

    image: str
    eye: Eye
    gradable: bool
    refused: bool
    reason: str | None
    findings: tuple[FindingScore, ...]
    package_id: str
    prompt_bank: Mapping[str, str | int | None] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data, in the form of `predict --json`."""
        return {
            "image": self.image,
            "eye": self.eye,
            "gradable": self.gradable,
            "refused": self.refused,
            "reason": self.reason,
            "findings": [
                {"finding": f.finding, "score": f.score, "percentile": f.percentile}
                for f in self.findings
            ],
            "package_id": self.package_id,
            "prompt_bank": None if self.prompt_bank is None else dict(self.prompt_bank),
        }

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False)


@dataclass(frozen=True)
class Activation:
    """Where a score comes from.

    Attributes:
        crop: uint8 (S, S, 3), the photograph as the tower saw it.
        cells: float (h, w) over the same square; above zero speaks for the finding, below against.
    """

    crop: inputs.Photo
    cells: npt.NDArray[np.float64]


class Predictor:
    """Answers for photographs with one package; checks itself when it starts.

    Attributes:
        package: the opened package.
    """

    def __init__(self, package: Path | str | None = None, *, threads: int | None = None) -> None:
        """Open a package (None: the one that ships) and score its self-test photographs.

        Raises:
            DataError, BundleError: no such package, or a changed one; see `Package.open`.
            ParityError: this machine scores the self-test photographs differently.
        """
        folder = Path(package) if package is not None else shipped_package()
        self.package = runtime.Package.open(folder, threads=threads)
        # The matrices of `inputs` are small: a second BLAS thread gains nothing, and waiting it
        # keeps a core from the tower.
        self._blas = ThreadpoolController().select(user_api="blas")
        self._check()

    def predict(
        self, image: Path | str | bytes, eye: str = "unknown", *, name: str | None = None
    ) -> Answer:
        """Score one photograph.

        Args:
            image: a file, or the bytes of one.
            eye: OD, OS or unknown; copied into the answer.
            name: what to call the photograph; by default its path.

        Raises:
            DataError: the file is missing or is no readable image, or the eye is another word.
        """
        side = _eye(eye)
        data, name = _read(image, name)
        with self._blas.limit(limits=1):
            prepared = inputs.prepare(data, self.package.image_spec, name=name)
            refused = not prepared.quality.is_fundus
            findings = () if refused else self._findings(prepared.image)
        return Answer(
            image=name,
            eye=side,
            gradable=prepared.quality.gradable and not refused,
            refused=refused,
            reason=NOT_FUNDUS if refused else prepared.quality.reason,
            findings=findings,
            package_id=self.package.id,
            prompt_bank=self.package.prompts.bank_record,
        )

    def activation(
        self, image: Path | str | bytes, finding: str, *, name: str | None = None
    ) -> Activation:
        """Where in the photograph the score of `finding` comes from.

        Raises:
            DataError: the file is missing or is no readable image, or a finding that the package
                does not score.
        """
        data, name = _read(image, name)
        prepared = inputs.prepare(data, self.package.image_spec, name=name)
        _, feature_map = self.package.embed(prepared.image[None])
        return Activation(prepared.crop, self.package.prompts.activation(feature_map[0], finding))

    def _findings(self, image: inputs.Pixels) -> tuple[FindingScore, ...]:
        embedding, _ = self.package.embed(image[None])
        scores = self.package.prompts.scores(embedding)[0]
        reference = self.package.reference
        findings = self.package.prompts.findings
        ranks = reference.percentiles(scores).tolist() if reference else [None] * len(findings)
        rows = zip(findings, scores.tolist(), ranks, strict=True)
        return tuple(FindingScore(code, score, rank) for code, score, rank in rows)

    def _check(self) -> None:
        for name, data, expected in self.package.self_test():
            prepared = inputs.prepare(data, self.package.image_spec, name=name)
            embedding, _ = self.package.embed(prepared.image[None])
            worst = float(np.abs(self.package.prompts.scores(embedding)[0] - expected).max())
            if not worst <= SELF_TEST_LIMIT:
                raise ParityError(
                    f"a score differs by {worst:.2g}",
                    place=f"self-test photograph {name} of {self.package.path}",
                    rule=f"scores on this machine are those of the export within {SELF_TEST_LIMIT}",
                    remedy="do not use these answers; install the onnxruntime, Pillow and "
                    "simplejpeg of requirements/constraints.txt and report the processor",
                )


def shipped_package() -> Path:
    """The package of the model that ships, in the installed library or the source checkout.

    Raises:
        BundleError: neither is there.
    """
    library = Path(__file__).resolve().parents[1]
    places = (library / MINI, library.parents[1] / MINI)
    for place in places:
        if place.is_dir():
            return place
    raise BundleError(
        "the model that ships is not installed",
        place=" or ".join(str(place) for place in places),
        rule=f"without --package the package {MINI.as_posix()} is used",
        remedy="name a package that `funduscope export` made (--package FOLDER), or work from a "
        "complete source checkout",
    )


def _eye(word: str) -> Eye:
    for eye in EYES:
        if word == eye:
            return eye
    raise DataError(
        word,
        place="eye",
        rule="OD (the patient's right), OS (left) or unknown",
        remedy="name the eye by one of these words",
        code="bad_eye",
    )


def _read(image: Path | str | bytes, name: str | None) -> tuple[bytes, str]:
    if isinstance(image, bytes):
        return image, name or "photograph"
    path = Path(image)
    try:
        return path.read_bytes(), name or str(path)
    except OSError as error:
        raise DataError(
            error.strerror or str(error),
            place=str(path),
            rule="a readable image file",
            remedy="check the path and the permissions",
            code="unreadable",
        ) from error
