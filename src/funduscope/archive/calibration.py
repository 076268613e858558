"""A site's own gradability threshold, from photographs that its people have judged."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from funduscope import stats
from funduscope.archive.gradability import BINS, below, bins
from funduscope.errors import DataError

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]
_GRID: Final = np.round(np.arange(101) * 0.01, 2)
_DRAWS: Final = 4000
_METHOD: Final = "beta by part of the scale"
_LEAST: Final = 20  # labels; below that an interval says nothing
_YES, _NO = "1", "0"


@dataclass(frozen=True)
class Labels:
    """Photographs that people have judged.

    Attributes:
        marks: (N,) gradability as the corpus has it.
        gradable: (N,) what people say.
        patients: (N,) whose they are.
        weights: (N,) how many photographs of the corpus each stands for.
    """

    marks: NDArray[np.float32]
    gradable: NDArray[np.bool_]
    patients: Sequence[str]
    weights: Floats


@dataclass(frozen=True)
class Shares:
    """How well a threshold agrees with people: of the gradable, how many stay (sensitivity); of
    the others, how many go (specificity)."""

    sensitivity: stats.Interval
    specificity: stats.Interval


@dataclass(frozen=True)
class Calibration:
    """A threshold and what it does.

    Attributes:
        threshold: the chosen one; `low` and `high`: 95% of those chosen on resampled patients.
        chosen: on the labels that it was chosen on.
        in_use: of the threshold that was in use before, on the same labels.
        fresh: (sensitivity, specificity) expected on photographs that had no part in the choice.
        labeled: labels read; `called_gradable`: how many of them said so.
    """

    threshold: float
    low: float
    high: float
    chosen: Shares
    in_use: Shares
    fresh: tuple[float | None, float | None]
    labeled: int
    called_gradable: int


def read_labels(path: Path, images: pl.DataFrame) -> Labels:
    """Read a CSV with the columns image_id and gradable (1 or 0; empty: not judged).

    Args:
        path: UTF-8 or GB18030, separated by comma, semicolon or tab, as spreadsheets save it.
        images: photographs of the corpus that have a mark.

    Raises:
        DataError: no such columns, another word than 1 or 0, a photograph that the corpus does not
            have, one that is judged both ways, or too few of either kind.
    """
    said = _read(path)
    found = images.filter(images["image_id"].is_in(list(said))).sort("image_id")
    unknown = sorted(set(said) - set(found["image_id"].to_list()))
    if unknown:
        raise _fault(path, f"{len(unknown)} photographs such as {unknown[0]!r}", "ids of CORPUS")
    gradable = np.array([said[name] for name in found["image_id"].to_list()], dtype=np.bool_)
    least = min(int(gradable.sum()), int((~gradable).sum()))
    if len(gradable) < _LEAST or least == 0:
        raise _fault(
            path,
            f"{len(gradable)} labels, {int(gradable.sum())} of them gradable",
            f"at least {_LEAST} labels, both kinds among them",
        )
    marks = found["gradability"].to_numpy()
    weights = _weights(marks, images["gradability"].to_numpy())
    return Labels(marks, gradable, found["patient_id"].to_list(), weights)


def calibrate(
    labels: Labels, *, keep: float, in_use: float, seed: int, replicates: int = 1000
) -> Calibration:
    """Choose the threshold that removes most of what people call useless and keeps the share
    `keep` of what they call gradable.

    Intervals of shares hold for this threshold. How far the threshold itself can be trusted, and
    what it does to photographs that had no part in its choice, comes from choosing it again on
    resampled patients (those left out of a sample are fresh to it).
    """
    kept, gone = _curves(labels, labels.weights[None, :])
    [at] = _choose(kept, gone, keep)
    threshold = float(_GRID[at])
    patients, owner = np.unique(np.array(labels.patients), return_inverse=True)
    draws = np.random.default_rng(seed).multinomial(
        len(patients), np.full(len(patients), 1 / len(patients)), size=replicates
    )
    drawn = draws[:, owner] * labels.weights
    both = (drawn @ labels.gradable > 0) & (drawn @ ~labels.gradable > 0)
    drawn, fresh = drawn[both], (draws[both][:, owner] == 0) * labels.weights
    again = _choose(*_curves(labels, drawn), keep)
    low, high = np.quantile(_GRID[again], [0.025, 0.975], method="nearest")
    return Calibration(
        threshold=threshold,
        low=float(low),
        high=float(high),
        chosen=_shares(labels, threshold, seed),
        in_use=_shares(labels, in_use, seed),
        fresh=_fresh(labels, fresh, again),
        labeled=len(labels.gradable),
        called_gradable=int(labels.gradable.sum()),
    )


def _read(path: Path) -> dict[str, bool]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise _fault(path, "no such file", "a CSV file of labels") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030", "replace")
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    missing = {"image_id", "gradable"} - set(rows.fieldnames or ())
    if missing:
        raise _fault(path, f"no column {' or '.join(sorted(missing))}", "image_id and gradable")
    said: dict[str, bool] = {}
    for row in rows:
        word, name = (row["gradable"] or "").strip(), (row["image_id"] or "").strip()
        if not word:
            continue
        if word not in (_YES, _NO):
            raise _fault(path, repr(word), "1, 0 or nothing", rows.line_num)
        if said.setdefault(name, word == _YES) != (word == _YES):
            raise _fault(path, f"{name} both ways", "one label a photograph", rows.line_num)
    return said


def _weights(marks: NDArray[np.float32], all_marks: NDArray[np.float32]) -> Floats:
    """How many photographs of the corpus each labeled one stands for.

    Those of one part of the scale share that part's photographs; a part without labels is counted
    to the nearest part that has some.
    """
    there = bins(marks)
    labeled = np.bincount(there, minlength=BINS)
    used = np.flatnonzero(labeled)
    nearest = used[np.abs(np.arange(BINS)[:, None] - used).argmin(axis=1)]
    stands_for = np.bincount(nearest[bins(all_marks)], minlength=BINS)
    weights: Floats = (stands_for / np.maximum(labeled, 1))[there].astype(np.float64)
    return weights


def _curves(labels: Labels, weights: Floats) -> tuple[Floats, Floats]:
    """Sensitivity and specificity at each threshold of the grid, (R, T) for (R, N) weights."""
    under = np.stack([below(labels.marks, float(at)) for at in _GRID], axis=1)
    good, bad = weights * labels.gradable, weights * ~labels.gradable
    with np.errstate(invalid="ignore"):
        return (
            (good @ ~under) / good.sum(axis=1, keepdims=True),
            (bad @ under) / bad.sum(axis=1, keepdims=True),
        )


def _choose(kept: Floats, gone: Floats, keep: float) -> NDArray[np.intp]:
    """The place in the grid for each row: among those that keep enough, the one that removes most,
    then keeps most; the middle of several that do the same."""
    close = 1e-9
    gone = np.where(kept >= keep - close, gone, -1.0)
    best = gone >= gone.max(axis=1, keepdims=True) - close
    kept = np.where(best, kept, -1.0)
    best &= kept >= kept.max(axis=1, keepdims=True) - close
    first = best.argmax(axis=1)
    last = best.shape[1] - 1 - best[:, ::-1].argmax(axis=1)
    middle: NDArray[np.intp] = (first + last) // 2
    return middle


def _shares(labels: Labels, threshold: float, seed: int) -> Shares:
    """Both shares, and how far they could be otherwise.

    Whether a photograph stays follows from its mark; what is uncertain is how many are gradable
    in each part of the scale. Each part, cut at the threshold, draws its rate from the beta
    distribution of its labels (Jeffreys' prior), counting patients and not photographs.
    """
    stays = ~below(labels.marks, threshold)
    parts, part = np.unique(2 * bins(labels.marks) + stays, return_inverse=True)
    photographs = np.bincount(part, weights=labels.weights)
    rate = np.bincount(part, weights=labels.gradable) / np.bincount(part)
    owners = {(int(one), patient) for one, patient in zip(part, labels.patients, strict=True)}
    patients = np.bincount([one for one, _ in owners], minlength=len(parts))
    drawn = np.random.default_rng(seed).beta(
        rate * patients + 0.5, (1 - rate) * patients + 0.5, size=(_DRAWS, len(parts))
    )
    above = parts % 2 == 1
    return Shares(
        _share(rate * photographs, drawn * photographs, above),
        _share((1 - rate) * photographs, (1 - drawn) * photographs, ~above),
    )


def _share(seen: Floats, drawn: Floats, hit: NDArray[np.bool_]) -> stats.Interval:
    """The share of the parts `hit` in what was seen, and its 95% interval from what was drawn."""
    value = float(seen[hit].sum() / seen.sum())
    low, high = np.quantile(drawn[:, hit].sum(axis=1) / drawn.sum(axis=1), [0.025, 0.975])
    return stats.Interval(value, min(value, float(low)), max(value, float(high)), _METHOD)


def _fresh(
    labels: Labels, weights: Floats, at: NDArray[np.intp]
) -> tuple[float | None, float | None]:
    """Mean shares over the samples, each on the photographs left out of it."""
    kept, gone = _curves(labels, weights)
    rows = np.arange(len(at))
    means = []
    for shares in (kept[rows, at], gone[rows, at]):
        known = shares[~np.isnan(shares)]
        means.append(float(known.mean()) if known.size else None)
    return means[0], means[1]


def _fault(path: Path, value: str, rule: str, line: int | None = None) -> DataError:
    return DataError(
        value,
        place=f"{path}, line {line}" if line else str(path),
        rule=f"labels: {rule}",
        remedy="fill in the to_label.csv that `funduscope review quality CORPUS OUT` writes: "
        "1 for gradable, 0 for not; label more photographs if there are too few of a kind",
        code="bad_labels",
    )
