"""Is it a fundus photograph, and can a reader grade it?

First the pixels must look like a fundus photograph at all (`fundus_net`). Then five plain
measurements inside the field of view each give a mark from 0 to 1; the lowest is the gradability,
and the photograph is gradable from 0.5 on. The ends of the scales were set on `odir` train and
val and on the four grades of cataract of `csdi`; see `docs/results/refusals.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from funduscope.inputs.crop import disk
from funduscope.inputs.features import SIDE, Look
from funduscope.inputs.field import Field
from funduscope.inputs.fundus_net import fundus_score, threshold

# reason -> (value that earns 0, value that earns 1)
_SCALES: dict[str, tuple[float, float]] = {
    # Share of the circle's area that the picture shows.
    "coverage": (0.3, 0.7),
    # Upper quartile over the field of the brightest channel, 0..255: of the part that got light.
    "dark": (9.0, 48.0),
    # Share of the field with green above 235, where nothing can be seen any more.
    "bright": (0.6, 0.1),
    # Share of the field that is dark while the rest is lit (lids, lashes, a small pupil).
    "occluded": (0.95, 0.25),
    # Strength of thin dark lines, as a logarithm; see `_clarity`.
    "blur": (-5.9, -3.5),
}
GRADABLE_FROM = 0.5
"""Gradability from which a photograph counts as gradable."""
# Neighboring pixels less alike than this know nothing of each other: no lens ever drew it.
_NOISE = 0.5
# Share of the radius inside which sharpness is measured: where the whole picture is out of focus,
# its smeared rim reaches far in and would pass for a vessel.
_INNER = 0.75


@dataclass(frozen=True)
class Quality:
    """What a look at the pixels says before any model is asked.

    Attributes:
        is_fundus: it looks like a fundus photograph (of whatever quality).
        gradable: a reader could work with it.
        gradability: 0 (useless) .. 1 (good).
        reason: why not gradable: blur, dark, bright, occluded, coverage, not_fundus; else None.
    """

    is_fundus: bool
    gradable: bool
    gradability: float
    reason: str | None


def assess(seen: Look, *, gradable_from: float = GRADABLE_FROM) -> Quality:
    """Judge one photograph by a `look` at it; it is gradable from that mark (0..1) on.

    A poor fundus photograph is not gradable but is_fundus; another picture is neither.
    """
    if seen.likeness < _NOISE or fundus_score(seen.square) < threshold():
        return Quality(is_fundus=False, gradable=False, gradability=0.0, reason="not_fundus")
    return _graded(seen, gradable_from)


def featureless(seen: Look, field: Field | None) -> Quality | None:
    """Judge what `assess` refused once more, where something else says that it is of an eye.

    A dense cataract or a lost focus leaves an even disk, as many other things do: no pixel tells
    them apart. Where a record vouches for the eye, a whole round field of view with nothing sharp
    in it is a photograph that cannot be graded.

    Args:
        seen: the look at the picture.
        field: the circle found in it.

    Returns:
        Its quality, not gradable; None if the picture is not so.
    """
    if seen.likeness < _NOISE or field is None or field.clipped:
        return None
    if _mark("blur", measure(seen)["blur"]) >= GRADABLE_FROM:
        return None
    return replace(_graded(seen, GRADABLE_FROM), gradability=0.0)


def _graded(seen: Look, gradable_from: float) -> Quality:
    marks = {reason: _mark(reason, value) for reason, value in measure(seen).items()}
    worst = min(marks, key=lambda reason: marks[reason])
    gradable = marks[worst] >= gradable_from
    return Quality(
        is_fundus=True,
        gradable=gradable,
        gradability=marks[worst],
        reason=None if gradable else worst,
    )


def _mark(reason: str, value: float) -> float:
    none, full = _SCALES[reason]
    return float(np.clip((value - none) / (full - none), 0, 1))


def measure(seen: Look) -> dict[str, float]:
    """The five measurements, named by the reason that a bad value gives."""
    if seen.inside.sum() < 100:
        return {"coverage": 0.0}
    red, green, blue = (seen.square[..., channel] for channel in range(3))
    brightest = np.sort(np.maximum(np.maximum(red, green), blue)[seen.inside])
    lit, light = (int(brightest[int(part * len(brightest))]) for part in (0.75, 0.9))
    return {
        "coverage": seen.share,
        "dark": lit,
        "bright": float((green[seen.inside] > 235).mean()),
        "occluded": float((brightest < min(30.0, 0.4 * light)).mean()),
        "blur": _clarity(seen),
    }


def _clarity(seen: Look) -> float:
    """Strength of the strongest 5% of dark ridges, less where they are spots and not lines.

    Vessels give long thin lines, noise gives spots. Medians on `csdi`: minimal cataract -2.9,
    mild -3.2, moderate -4.0, severe -4.9.
    """
    inner = seen.inside & disk(SIDE, _INNER)
    if inner.sum() < 100:  # only a rim is seen
        return -np.inf
    dark, shape = (plane[inner] for plane in seen.ridges)
    edge = np.partition(dark, int(0.95 * len(dark)))[int(0.95 * len(dark))]
    line = float(shape[dark >= edge].mean())
    return float(np.log(edge + 1e-3)) + 6 * (line - 0.8)
