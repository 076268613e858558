"""What a gradability threshold would remove from a corpus, and which photographs show it best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

GRID: Final = tuple(round(0.02 * step, 2) for step in range(51))
"""Thresholds of the curves."""
BINS: Final = 10
"""Equal parts of the scale that photographs to be labeled are spread over."""


@dataclass(frozen=True)
class Removed:
    """What a threshold takes from a group of photographs.

    Attributes:
        name: site or camera; None where the corpus names none.
        photographs: in the group, with a mark.
        removed: how many of them lie below each of the thresholds asked for.
        patients_lost: patients with photographs in the group of which all lie below the first one.
    """

    name: str | None
    photographs: int
    removed: tuple[int, ...]
    patients_lost: int

    @property
    def share(self) -> float:
        """Part removed at the first threshold."""
        return self.removed[0] / self.photographs


def below(marks: NDArray[np.float32], threshold: float) -> NDArray[np.bool_]:
    """Which marks fall below a threshold; compared as they are stored, in 32 bits."""
    return marks < np.float32(threshold)


def judged(images: pl.DataFrame) -> pl.DataFrame:
    """The photographs that have a mark."""
    return images.filter(images["gradability"].is_not_null())


def removal(images: pl.DataFrame, column: str | None, thresholds: Sequence[float]) -> list[Removed]:
    """What thresholds take from each group of photographs, those that lose most first.

    Args:
        images: photographs with marks.
        column: `site_id` or `camera`; None for all in one group.
        thresholds: the first one decides the order and the patients lost.
    """
    groups = [((None,), images)] if column is None else list(images.group_by(column))
    made = []
    for (name,), rows in groups:
        if not rows.height:
            continue
        marks = rows["gradability"].to_numpy()
        best = rows.select("patient_id", "gradability").group_by("patient_id").max()
        made.append(
            Removed(
                name=None if name is None else str(name),
                photographs=rows.height,
                removed=tuple(int(below(marks, at).sum()) for at in thresholds),
                patients_lost=int(below(best["gradability"].to_numpy(), thresholds[0]).sum()),
            )
        )
    return sorted(made, key=lambda one: (-one.share, -one.photographs, one.name or ""))


def around(images: pl.DataFrame, threshold: float, count: int) -> tuple[list[str], list[str]]:
    """Image ids of the photographs nearest to a threshold: below it, and from it on."""
    marks = images["gradability"].to_numpy()
    ids = images["image_id"].to_list()
    under = below(marks, threshold)
    near = np.abs(marks.astype(np.float64) - threshold)
    order = sorted(range(len(ids)), key=lambda at: (near[at], ids[at]))
    return (
        [ids[at] for at in order if under[at]][:count],
        [ids[at] for at in order if not under[at]][:count],
    )


def bins(marks: NDArray[np.float32]) -> NDArray[np.intp]:
    """The part of the scale, 0 to BINS - 1, that each mark lies in."""
    return np.minimum((marks * BINS).astype(np.intp), BINS - 1)


def to_label(images: pl.DataFrame, count: int) -> list[str]:
    """Photographs for a person to judge, in an order that says nothing of their marks.

    Spread over the whole scale, and in each part of it over sites and cameras; one a patient as
    long as there are enough patients. Image ids are hashes, so that their order needs no seed.
    """
    import polars as pl

    seen = images.select("image_id", "patient_id", "site_id", pl.col("camera").fill_null(""))
    seen = seen.with_columns(pl.Series("part", bins(images["gradability"].to_numpy())))
    group = pl.col("image_id").rank("ordinal").over("part", "site_id", "camera")
    seen = seen.with_columns(group.alias("round")).sort("part", "round", "site_id", "camera")
    turn = pl.int_range(pl.len()).over("part").alias("turn")
    queue = seen.with_columns(turn).sort("turn", "part").select("image_id", "patient_id").rows()
    chosen: list[str] = []
    patients: set[str] = set()
    for image_id, patient in queue:
        if len(chosen) < count and patient not in patients:
            chosen.append(image_id)
            patients.add(patient)
    taken = set(chosen)
    rest = [image_id for image_id, _ in queue if image_id not in taken]
    return sorted(chosen + rest[: count - len(chosen)])
