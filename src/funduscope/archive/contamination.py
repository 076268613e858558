"""Photographs of an archive that are also in a benchmark: a score on that benchmark is no proof."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from funduscope import inputs, store
from funduscope.archive import duplicates, frames
from funduscope.archive.frames import SIDE, Thumbs


@dataclass(frozen=True, order=True)
class Shared:
    """A photograph that both corpora hold; `mirrored`: the other way round."""

    image_id: str
    corpus_id: str
    benchmark_image_id: str
    correlation: float
    mirrored: bool

    @property
    def said(self) -> str:
        """The pair in words, for the ledger."""
        other = f"{self.benchmark_image_id} of corpus {self.corpus_id}"
        how = ", mirrored" if self.mirrored else ""
        return f"shows the same picture as {other} ({self.correlation:.2f}{how})"


def check(
    image_ids: Sequence[str], thumbs: Thumbs, benchmarks: Sequence[str | Path]
) -> tuple[list[Shared], dict[str, dict[str, int]]]:
    """Compare the photographs of an archive with benchmark corpora.

    Args:
        image_ids, thumbs: of the archive; (N, SIDE, SIDE) uint8, of the field of view
            (`frames.thumb`), may be a memory map.
        benchmarks: folders of finished corpora; their thumbnails are made from their pixels and
            lie in a temporary file.

    Returns:
        One row a pair, sorted; of each benchmark, by its corpus id: `seen` photographs, how many of
        them are `shared`, and how many of `ours` they are.

    Raises:
        DataError: a folder is no finished corpus, or a photograph in it cannot be read.
    """
    assert len(image_ids) == len(thumbs)
    rows: list[Shared] = []
    counts: dict[str, dict[str, int]] = {}
    for folder in benchmarks:
        corpus: store.Corpus = store.Corpus.open(folder)
        with tempfile.TemporaryDirectory() as place:
            names, theirs = thumbs_of(corpus, Path(place) / "thumbs")
            copies = duplicates.between(thumbs, theirs)
            del theirs  # before its file goes
        found = [
            Shared(image_ids[c.first], corpus.id, names[c.second], round(c.score, 4), c.mirrored)
            for c in copies
        ]
        rows += found
        counts[corpus.id] = {
            "seen": len(names),
            "shared": len({row.benchmark_image_id for row in found}),
            "ours": len({row.image_id for row in found}),
        }
    return sorted(rows), counts


def thumbs_of(corpus: store.Corpus, file: Path) -> tuple[list[str], Thumbs]:
    """The names of a corpus' photographs and their thumbnails, written to `file`, mapped.

    The circle is found anew: what ingest wrote down is rounded, and a benchmark may be older.
    """
    names = []
    with file.open("wb") as stream:
        for name, data in corpus.pixels():
            rgb = inputs.decode(data, name=name)
            stream.write(frames.thumb(rgb, inputs.find_field(rgb)).tobytes())
            names.append(name)
    if not names:
        return names, np.zeros((0, SIDE, SIDE), np.uint8)
    return names, np.memmap(file, np.uint8, "r").reshape(-1, SIDE, SIDE)
