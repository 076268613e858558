"""Scores of images brought together to eyes and patients, by one fixed rule.

Aggregation `v1`: an eye is the mean over its gradable images, or over all when none is gradable;
a patient is the maximum over eyes. Nothing is ever left out: an image that was refused still
counts, so that a metric cannot improve by refusing the hard ones.

Arrays: N images, U units, F findings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from funduscope.errors import DataError

AGGREGATION: Final = "v1"
_EYES: Final = ("OD", "OS", "unknown")


@dataclass(frozen=True, slots=True)
class Units:
    """Eyes or patients with their scores.

    Attributes:
        unit: what a row is, as in the column `unit` of the table `scores`.
        unit_ids: (U,) in order of first appearance; an eye is `patient/OD`, a patient its id.
        patient_ids: (U,) whose they are.
        scores: (U, F).
        unit_of: (N,) which row each image went to, for carrying labels along.
    """

    unit: Literal["eye", "patient"]
    unit_ids: tuple[str, ...]
    patient_ids: tuple[str, ...]
    scores: NDArray[np.float64]
    unit_of: NDArray[np.intp]


def to_eyes(
    scores: ArrayLike,
    *,
    image_ids: Sequence[str],
    patient_ids: Sequence[str],
    eyes: Sequence[str],
    gradable: Sequence[bool | None],
) -> Units:
    """Eye scores from image scores (N, F).

    Images whose eye is unknown stay apart, each as an eye of its own (`patient/unknown/image`):
    nothing says that two of them show the same eye. `gradable` None (not judged) counts as
    gradable: nothing speaks against the image.

    Raises:
        DataError: lists of different lengths, an eye other than OD, OS and unknown, a score that
            is not finite.
    """
    values = _checked(scores, len(image_ids), place="scoring.to_eyes")
    for name, column in (("patient_ids", patient_ids), ("eyes", eyes), ("gradable", gradable)):
        if len(column) != len(image_ids):
            raise DataError(
                f"{len(column)} {name} for {len(image_ids)} image_ids",
                place="scoring.to_eyes",
                rule="one of each for each image",
                remedy="pass columns of the same table",
                code="bad_shape",
            )
    keys = []
    for image, patient, eye in zip(image_ids, patient_ids, eyes, strict=True):
        if eye not in _EYES:
            raise DataError(
                eye,
                place=f"scoring.to_eyes, image {image}",
                rule="an eye is OD, OS or unknown",
                remedy="map the source's words in its TOML",
                code="bad_eye",
            )
        keys.append(f"{patient}/{eye}/{image}" if eye == "unknown" else f"{patient}/{eye}")
    unit_of, first = _number(keys)
    usable = np.array([mark is not False for mark in gradable], dtype=np.float64)
    usable_in_unit = np.bincount(unit_of, weights=usable, minlength=len(first))
    weights = np.where(usable_in_unit[unit_of] > 0, usable, 1.0)
    totals = np.zeros((len(first), values.shape[1]))
    np.add.at(totals, unit_of, values * weights[:, None])
    counted = np.bincount(unit_of, weights=weights, minlength=len(first))
    return Units(
        unit="eye",
        unit_ids=tuple(keys[i] for i in first),
        patient_ids=tuple(patient_ids[i] for i in first),
        scores=totals / counted[:, None],
        unit_of=unit_of,
    )


def to_patients(eyes: Units) -> Units:
    """Patient scores: the maximum over the patient's eyes, for presence of disease."""
    eye_to_patient, first = _number(eyes.patient_ids)
    highest = np.full((len(first), eyes.scores.shape[1]), -np.inf)
    np.maximum.at(highest, eye_to_patient, eyes.scores)
    names = tuple(eyes.patient_ids[i] for i in first)
    return Units(
        unit="patient",
        unit_ids=names,
        patient_ids=names,
        scores=highest,
        unit_of=eye_to_patient[eyes.unit_of],
    )


def _checked(scores: ArrayLike, images: int, *, place: str) -> NDArray[np.float64]:
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 2 or values.shape[0] != images:
        raise DataError(
            f"scores of shape {values.shape} for {images} images",
            place=place,
            rule="scores are (N, F): images x findings",
            remedy="pass one row of scores for each image",
            code="bad_shape",
        )
    if not np.isfinite(values).all():
        at = int(np.argwhere(~np.isfinite(values))[0][0])
        raise DataError(
            f"a score that is not finite in row {at}",
            place=place,
            rule="every image has a score, refused or not",
            remedy="score every image; mark refused ones in the column refused",
            code="bad_score",
        )
    return values


def _number(keys: Sequence[str]) -> tuple[NDArray[np.intp], list[int]]:
    """Number of each key in order of first appearance, and where each appears first."""
    numbers: dict[str, int] = {}
    first: list[int] = []
    for at, key in enumerate(keys):
        if key not in numbers:
            numbers[key] = len(numbers)
            first.append(at)
    return np.array([numbers[key] for key in keys], dtype=np.intp), first
