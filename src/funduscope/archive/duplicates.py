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

from funduscope.archive import alignment, candidates, fingerprints, frames
from funduscope.archive.fingerprints import MIRRORED, Prints
from funduscope.archive.frames import Thumbs

MAX_BITS = 9
"""Hashes of copies differ in at most this many of 64 bits; that only proposes a pair."""

MIN_PATCH = 0.7
"""Correlation of the patches in the middle, not aligned; below it a proposed pair is dropped.

99% of the copies planted in `odir` train and val reach it that hashes propose. Strangers in all of
`odir` were counted when it was raised from 0.45.
"""

MIN_CORRELATION = 0.65
"""Of the fine structure of both pictures, aligned; confirms a pair.

`benchmarks/duplicates.py` prints what copies planted in `odir` and `eyepacs_subset` reach, and what
pairs of strangers reach that hashes and patches propose. Set below what 99% of the found copies
reach; raised once from 0.6, after pairs of strangers in all of `odir` were looked at.
"""

Relation = Literal["exact", "near", "across_patients", "across_eyes"]

# Where a picture without a sure circle may lie in another's frame: scales of the box of what it
# shows, and shifts in cells of the patch.
_SCALES = tuple(float(0.955**step) for step in range(9))
_SHIFTS = (-2, -1, 0, 1, 2)
VIEWS = len(_SCALES) * len(_SHIFTS) ** 2
"""Views of each picture without a sure circle."""
_MIN_VIEW = 0.6  # as MIN_PATCH, where views lie half a step off
GROUP = 1 << 17
"""Views that are sought at once."""

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
    """Pictures without a sure circle, as they would look inside the frames of others.

    Attributes:
        of: which picture each view is of, (V,).
        placed: scale, down, right of each: where its thumbnail then lies, (V, 3).
    """

    of: npt.NDArray[np.intp]
    placed: npt.NDArray[np.float64]
    hashes: npt.NDArray[np.uint64]
    patches: npt.NDArray[np.int8]


def copies(thumbs: Thumbs) -> list[Copy]:
    """Pairs of photographs that show the same picture, mirrored ones among them.

    Args:
        thumbs: the fields of view (`frames.thumb`), uint8 (N, SIDE, SIDE); may be a memory map.

    Returns:
        Sorted; each pair once.
    """
    prints = fingerprints.prints(thumbs)
    found: _Found = {}
    for flip in (False, True):
        for hashes in (prints.hashes, prints.inner):
            for pairs in candidates.within(hashes, MAX_BITS, MIRRORED if flip else 0):
                _confirm(found, thumbs, thumbs, _likely(prints, prints, pairs, flip), flip)
    for flip, some in _through_views(thumbs, prints, prints):
        new = [(pair, place) for pair, place in some if (min(pair), max(pair)) not in found]
        _confirm(found, thumbs, thumbs, [x for x in new if x[0][0] != x[0][1]], flip)
    best: _Found = {}
    for (one, other), value in found.items():
        pair = (min(one, other), max(one, other))
        best[pair] = max(value, best.get(pair, value))
    return _sorted(best)


def between(first: Thumbs, second: Thumbs) -> list[Copy]:
    """Copies between two sets of photographs; `first` and `second` count within each set."""
    ours, theirs = fingerprints.prints(first), fingerprints.prints(second)
    found: _Found = {}
    for flip in (False, True):
        turned = np.uint64(MIRRORED if flip else 0)
        for left, right in ((ours.hashes, theirs.hashes), (ours.inner, theirs.inner)):
            for pairs in candidates.between(left ^ turned, right, MAX_BITS):
                _confirm(found, first, second, _likely(ours, theirs, pairs, flip), flip)
    for flip, some in _through_views(second, theirs, ours):
        _confirm(found, first, second, some, flip)
    back: _Found = {}
    for flip, some in _through_views(first, ours, theirs):
        _confirm(back, second, first, some, flip)
    for (other, one), value in back.items():
        found[one, other] = max(value, found.get((one, other), value))
    return _sorted(found)


def _sorted(found: _Found) -> list[Copy]:
    return sorted(Copy(*pair, *value) for pair, value in found.items())


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
) -> Iterator[_Placed]:
    """Proposed pairs whose patches resemble each other, each in its frame."""
    for start in range(0, len(pairs), _BATCH):
        some = pairs[start : start + _BATCH]
        alike = _alike(first.patches[some[:, 0]], second.patches[some[:, 1]], flip)
        for one, other in some[alike >= MIN_PATCH].tolist():
            yield (one, other), _FRAMED


def _alike(
    first: npt.NDArray[np.int8], second: npt.NDArray[np.int8], flip: bool
) -> npt.NDArray[np.float32]:
    """Correlations of patches, row by row."""
    other = fingerprints.mirrored(second) if flip else second
    product = np.einsum("np,np->n", first.astype(np.float32), other.astype(np.float32))
    scores: npt.NDArray[np.float32] = product / np.float32(fingerprints.SCALE**2)
    return scores


def _confirm(
    found: _Found,
    first: Thumbs,
    second: Thumbs,
    proposed: Iterable[_Placed],
    flip: bool,
) -> None:
    """Align each pair that is not found yet; what agrees is added with its score."""
    for pair, (scale, down, right) in proposed:
        if pair in found:
            continue
        theirs = second[pair[1]]
        if (scale, down, right) == _FRAMED:
            theirs = frames.framed(theirs)
        if flip:
            theirs, right = theirs[:, ::-1], -right
        score = alignment.agreement(frames.framed(first[pair[0]]), theirs, scale, down, right)
        if score >= MIN_CORRELATION:
            found[pair] = score, flip


# Score and mirroring of pairs; a pair and where the second one's thumbnail lies (scale, down,
# right) in the first one's frame.
_Found = dict[tuple[int, int], tuple[float, bool]]
_Placed = tuple[tuple[int, int], tuple[float, float, float]]
_FRAMED = (1.0, 0.0, 0.0)


def _through_views(
    thumbs: Thumbs, prints: Prints, others: Prints
) -> Iterator[tuple[bool, list[_Placed]]]:
    """Proposals for pictures without a sure circle: (mirrored, [((other, picture), placing)])."""
    rows = np.flatnonzero(~prints.sure)
    step = max(1, GROUP // VIEWS)
    for start in range(0, len(rows), step):
        views = _views(thumbs, rows[start : start + step])
        for flip in (False, True):
            turned = views.hashes ^ np.uint64(MIRRORED if flip else 0)
            best: dict[tuple[int, int], tuple[float, int]] = {}
            for pairs in candidates.between(turned, others.hashes, MAX_BITS):
                for some in np.array_split(pairs, -(-len(pairs) // _BATCH)):
                    alike = _alike(others.patches[some[:, 1]], views.patches[some[:, 0]], flip)
                    for place in np.flatnonzero(alike >= _MIN_VIEW):
                        view, other = (int(x) for x in some[place])
                        pair = (other, int(views.of[view]))
                        best[pair] = max((float(alike[place]), view), best.get(pair, (0.0, view)))
            placed: list[_Placed] = [
                (pair, (float(scale), float(down), float(right)))
                for pair, (_, view) in sorted(best.items())
                for scale, down, right in [views.placed[view]]
            ]
            yield flip, placed


def _views(thumbs: Thumbs, rows: npt.NDArray[np.intp]) -> _Views:
    """The box of each of these pictures at all scales and shifts."""
    moves = [(down, right) for down in _SHIFTS for right in _SHIFTS]
    # Cut further up and left: the picture then lies further down and right.
    back = [(-down, -right) for down, right in moves]
    cell = fingerprints.CELL
    hashes, patches, placed = [], [], []
    for row in rows:
        scale, down, right = frames.box(thumbs[row])
        sized = [(scale * more, down * more, right * more) for more in _SCALES]
        scaled = np.stack([frames.warped(thumbs[row], *place) for place in sized])
        units = fingerprints.patches_at(fingerprints.detail(scaled)[0], back)
        hashes.append(fingerprints.hashes_of(units))
        patches.append(fingerprints.packed(units))
        placed += [(s, d + cell * m, r + cell * n) for s, d, r in sized for m, n in moves]
    return _Views(
        np.repeat(rows, VIEWS),
        np.array(placed, np.float64),
        np.concatenate(hashes),
        np.concatenate(patches),
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
