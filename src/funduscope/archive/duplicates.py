"""The same photograph twice: byte for byte, or re-encoded, resized, cropped, mirrored.

Hashes propose (`candidates`), a small patch sorts most strangers out, and a pair counts when the
fine structure of both fields agrees after alignment (`alignment`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from funduscope.archive import alignment, candidates, fingerprints
from funduscope.archive.fingerprints import MIRRORED, Prints, Thumbs

MAX_BITS = 8
"""Hashes of copies differ in at most this many of 64 bits; that only proposes a pair."""

MIN_PATCH = 0.45
"""Correlation of the patches in the middle, not aligned; below it a proposed pair is dropped."""

MIN_CORRELATION = 0.65
"""Of the fine structure of both fields, aligned; confirms a pair.

`benchmarks/duplicates.py` prints what copies planted in `odir` and `eyepacs_subset` reach, and what
pairs of strangers reach that hashes and patches propose. Set below what 99% of the found copies
reach; raised once from 0.6, after pairs of strangers in all of `odir` were looked at.
"""

Relation = Literal["exact", "near", "across_patients", "across_eyes"]

# Where a picture may lie in another's circle: without a circle of its own (it was cut down to the
# inner part), and with one that was fitted to what a cut has left of the rim. Scales, and shifts
# in cells of the patch.
_ANYWHERE = (
    tuple(float(0.955**step) for step in range(14)),
    (-4, -3, -2, -1, 0, 1, 2, 3, 4),
)
_NEARBY = ((0.8, 0.86, 0.93, 1.0, 1.07), (-3, -2, -1, 0, 1, 2, 3))
_GROUP = 1 << 15
_BATCH = 1 << 14


@dataclass(frozen=True, order=True)
class Copy:
    """Two photographs that show the same picture; `first` < `second` are their numbers."""

    first: int
    second: int
    score: float
    mirrored: bool


@dataclass(frozen=True)
class _Views:
    """Pictures whose circle is in doubt, as they would look inside the circles of others.

    Attributes:
        of: which picture each view is of, (V,); scale, down, right: how it was placed.
    """

    of: npt.NDArray[np.intp]
    placed: npt.NDArray[np.float64]
    hashes: npt.NDArray[np.uint64]
    patches: npt.NDArray[np.int8]


def near(hashes: npt.NDArray[np.uint64], thumbs: Thumbs) -> list[tuple[int, int, float]]:
    """Pairs of photographs that show the same picture, mirrored ones among them.

    Returns:
        (i, j, correlation) with i < j, sorted; see `copies`.
    """
    return [(copy.first, copy.second, copy.score) for copy in copies(thumbs, hashes)]


def copies(thumbs: Thumbs, hashes: npt.NDArray[np.uint64] | None = None) -> list[Copy]:
    """Pairs of photographs that show the same picture.

    Args:
        thumbs: green channel of the fields of view, uint8 (N, SIDE, SIDE); may be a memory map.
        hashes: perceptual hashes (`inputs.phash`), (N,), which propose further pairs.

    Returns:
        Sorted; each pair once.
    """
    prints = fingerprints.prints(thumbs)
    # Score and mirroring of each pair: the best of what was proposed.
    found: dict[tuple[int, int], tuple[float, bool]] = {}
    for flip in (False, True):
        for pairs in candidates.within(prints.hashes, MAX_BITS, MIRRORED if flip else 0):
            likely = _likely(prints, prints, pairs, flip)
            _confirm(found, thumbs, thumbs, [(pair, (1.0, 0.0, 0.0)) for pair in likely], flip)
    if hashes is not None:
        for pairs in candidates.within(hashes, MAX_BITS):
            likely = _likely(prints, prints, pairs, False)
            _confirm(found, thumbs, thumbs, [(pair, (1.0, 0.0, 0.0)) for pair in likely], False)
    for flip, some in _through_views(thumbs, prints, prints):
        ordered = [(pair, placed) for pair, placed in some if pair[0] != pair[1]]
        _confirm(found, thumbs, thumbs, ordered, flip)
    best: dict[tuple[int, int], tuple[float, bool]] = {}
    for (one, other), value in found.items():
        pair = (min(one, other), max(one, other))
        best[pair] = max(value, best.get(pair, value))
    return sorted(
        Copy(one, other, score, flip)
        for (one, other), (score, flip) in best.items()
        if score >= MIN_CORRELATION
    )


def between(first: Thumbs, second: Thumbs) -> list[Copy]:
    """Copies between two sets of photographs; `first` and `second` count within each set."""
    ours, theirs = fingerprints.prints(first), fingerprints.prints(second)
    found: dict[tuple[int, int], tuple[float, bool]] = {}
    for flip in (False, True):
        turned = ours.hashes ^ np.uint64(MIRRORED if flip else 0)
        for pairs in candidates.between(turned, theirs.hashes, MAX_BITS):
            likely = _likely(ours, theirs, pairs, flip)
            _confirm(found, first, second, [(pair, (1.0, 0.0, 0.0)) for pair in likely], flip)
    for flip, some in _through_views(second, theirs, ours):
        _confirm(found, first, second, some, flip)
    back: dict[tuple[int, int], tuple[float, bool]] = {}
    for flip, some in _through_views(first, ours, theirs):
        _confirm(back, second, first, some, flip)
    for (other, one), value in back.items():
        found[one, other] = max(value, found.get((one, other), value))
    return sorted(
        Copy(one, other, score, flip)
        for (one, other), (score, flip) in found.items()
        if score >= MIN_CORRELATION
    )


def relation(
    copy: Copy, patients: Sequence[str], eyes: Sequence[str], files: Sequence[str | None]
) -> Relation:
    """What a pair of copies means, most serious first.

    Args:
        patients, eyes, files: of all photographs: pseudonym, OD, OS or unknown, hash of the file.
    """
    one, other = copy.first, copy.second
    if patients[one] != patients[other]:
        return "across_patients"
    if {eyes[one], eyes[other]} == {"OD", "OS"}:
        return "across_eyes"
    return "exact" if files[one] is not None and files[one] == files[other] else "near"


def _likely(
    first: Prints, second: Prints, pairs: npt.NDArray[np.intp], flip: bool
) -> list[tuple[int, int]]:
    """Proposed pairs whose patches resemble each other."""
    kept: list[tuple[int, int]] = []
    for start in range(0, len(pairs), _BATCH):
        some = pairs[start : start + _BATCH]
        patches = second.patches[some[:, 1]]
        alike = _alike(first.patches[some[:, 0]], patches, flip)
        kept += [(int(i), int(j)) for i, j in some[alike >= MIN_PATCH]]
    return kept


def _alike(
    first: npt.NDArray[np.int8], second: npt.NDArray[np.int8], flip: bool
) -> npt.NDArray[np.float32]:
    """Correlations of patches, row by row."""
    other = fingerprints.mirrored(second) if flip else second
    product = np.einsum("np,np->n", first.astype(np.float32), other.astype(np.float32))
    scores: npt.NDArray[np.float32] = product / np.float32(fingerprints.SCALE**2)
    return scores


def _confirm(
    found: dict[tuple[int, int], tuple[float, bool]],
    first: Thumbs,
    second: Thumbs,
    proposed: Iterable[tuple[tuple[int, int], tuple[float, float, float]]],
    flip: bool,
) -> None:
    """Align each pair and keep its best correlation; what is sure already is not tried again."""
    for (one, other), (scale, down, right) in proposed:
        if found.get((one, other), (0.0, flip))[0] >= MIN_CORRELATION:
            continue
        theirs = second[other][:, ::-1] if flip else second[other]
        score = alignment.agreement(first[one], theirs, scale, down, -right if flip else right)
        found[one, other] = max((score, flip), found.get((one, other), (score, flip)))


_Placed = tuple[tuple[int, int], tuple[float, float, float]]


def _through_views(
    thumbs: Thumbs, prints: Prints, others: Prints
) -> Iterator[tuple[bool, list[_Placed]]]:
    """Proposals for pictures with a doubtful circle: (mirrored, [((other, picture), placing)])."""
    for views in _all_views(thumbs, prints):
        for flip in (False, True):
            turned = views.hashes ^ np.uint64(MIRRORED if flip else 0)
            best: dict[tuple[int, int], tuple[float, int]] = {}
            for pairs in candidates.between(turned, others.hashes, MAX_BITS):
                ours = views.patches[pairs[:, 0]]
                alike = _alike(others.patches[pairs[:, 1]], ours, flip)
                for place in np.flatnonzero(alike >= MIN_PATCH):
                    view, other = (int(x) for x in pairs[place])
                    pair = (other, int(views.of[view]))
                    best[pair] = max((float(alike[place]), view), best.get(pair, (0.0, view)))
            placed = [
                (pair, (float(scale), float(down), float(right)))
                for pair, (_, view) in sorted(best.items())
                for scale, down, right in [views.placed[view]]
            ]
            yield flip, placed


def _all_views(thumbs: Thumbs, prints: Prints) -> Iterator[_Views]:
    """Views of all pictures whose circle is in doubt, group by group."""
    for doubtful, (scales, shifts) in (
        (prints.fieldless, _ANYWHERE),
        (prints.cut & ~prints.fieldless, _NEARBY),
    ):
        rows = np.flatnonzero(doubtful)
        step = max(1, _GROUP // (len(scales) * len(shifts) ** 2))
        for start in range(0, len(rows), step):
            yield _views(thumbs, rows[start : start + step], scales, shifts)


def _views(
    thumbs: Thumbs, rows: npt.NDArray[np.intp], scales: Sequence[float], shifts: Sequence[int]
) -> _Views:
    """Each of these pictures at all scales and shifts."""
    moves = [(down, right) for down in shifts for right in shifts]
    patches = []
    for row in rows:
        thumb = np.asarray(thumbs[row])
        scaled = np.stack([alignment.warped(thumb, scale) for scale in scales])
        # Cut further up and left: the picture then lies further down and right.
        back = [(-down, -right) for down, right in moves]
        patches.append(fingerprints.patches_at(fingerprints.detail(scaled)[0], back))
    units = np.concatenate(patches)
    px = fingerprints.CELL
    placed = [(scale, px * down, px * right) for scale in scales for down, right in moves]
    return _Views(
        np.repeat(rows, len(placed)),
        np.tile(np.array(placed, np.float64), (len(rows), 1)),
        fingerprints.hashes_of(units),
        fingerprints.packed(units),
    )


class Clusters:
    """Things joined pairwise into clusters; each cluster is named by its smallest member."""

    def __init__(self) -> None:
        self._parent: dict[Hashable, str] = {}

    def join(self, first: str, second: str) -> None:
        """Put two things (and all that hangs on them) into one cluster."""
        low, high = sorted((self.of(first), self.of(second)))
        self._parent[high] = low

    def of(self, thing: str) -> str:
        """The name of the thing's cluster; itself if it was never joined."""
        while (above := self._parent.get(thing, thing)) != thing:
            thing = above
        return thing

    def join_all(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Join each pair."""
        for first, second in pairs:
            self.join(first, second)
