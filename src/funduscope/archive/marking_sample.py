"""Reports drawn for people to mark: distinct texts, in strata, with what each stands for.

Texts with very many copies are taken for certain. Each other text belongs to the stratum of its
rarest trait (status, language, site, finding, or nothing read), so that rare traits are drawn
although few texts have them. Places go to strata by the square root of their size (Bankier, The
American Statistician 1988; 42: 174-177), at least one each; within a stratum all texts have the
same chance. The weight of a text is the number of reports of the corpus that it stands for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from funduscope import store

if TYPE_CHECKING:
    import polars as pl

LONGEST: Final = 8_000  # characters; longer texts are not shown to a person
REPEATED: Final = "repeated"
NOTHING: Final = "nothing read"
_CERTAIN: Final = 2  # a text with this many places' share of all reports is taken for certain


class Reading(NamedTuple):
    """One row of the table `assertions`, without report and rule."""

    eye: str
    finding: str
    status: str
    temporality: str
    experiencer: str
    grade: str | None
    start_char: int
    end_char: int


@dataclass(frozen=True)
class Drawn:
    """A text to be marked.

    Attributes:
        text_id: SHA-256 of the text, in hex.
        text: with identity removed, as in the corpus.
        language: zh, en or mixed.
        copies: reports of the corpus with this very text.
        stratum: what it was drawn as.
        weight: reports of the corpus that it stands for.
        readings: what the program reads in it, in text order.
    """

    text_id: str
    text: str
    language: str
    copies: int
    stratum: str
    weight: float
    readings: tuple[Reading, ...]


@dataclass(frozen=True)
class Sample:
    """What was drawn of a corpus.

    Attributes:
        id: of the drawn texts with their weights; marks name it.
        corpus: id of the corpus.
        seed: of the draw.
        reports: in the (random) order in which they are shown.
        texts: distinct texts of the corpus; `too_long` of them had no chance.
        unseen: traits of the corpus that no drawn text has.
    """

    id: str
    corpus: str
    seed: int
    reports: tuple[Drawn, ...]
    texts: int
    too_long: int
    unseen: tuple[str, ...]


def draw(corpus: store.Corpus, count: int, seed: int) -> Sample:
    """Draw `count` distinct texts of a corpus (all, if it has no more), the same for a seed."""
    texts = _texts(corpus)
    short = texts.filter(texts["text"].str.len_chars() <= LONGEST)
    traits = _traits(corpus, short)
    generator = np.random.default_rng(seed)
    chosen = _choose(short, traits, count, generator)
    by_id = {row["text_sha256"]: row for row in short.iter_rows(named=True)}
    said = readings(corpus, [by_id[name]["report_id"] for name in chosen])
    drawn = []
    for name in generator.permutation(sorted(chosen)).tolist():
        row, (stratum, inverse) = by_id[name], chosen[name]
        weight = round(row["copies"] * inverse, 6)
        one = said.get(row["report_id"], ())
        drawn.append(Drawn(name, row["text"], row["language"], row["copies"], stratum, weight, one))
    kept = [one.text_id for one in drawn]
    seen = set(traits.filter(traits["text_sha256"].is_in(kept))["trait"].to_list())
    unseen = sorted(set(traits["trait"].to_list()) - seen)
    body = [corpus.id, [(one.text_id, one.weight) for one in drawn]]
    identity = hashlib.sha256(json.dumps(body).encode()).hexdigest()[:16]
    left = texts.height - short.height
    return Sample(identity, corpus.id, seed, tuple(drawn), texts.height, left, tuple(unseen))


def readings(corpus: store.Corpus, report_ids: Sequence[str]) -> dict[str, tuple[Reading, ...]]:
    """Report id -> what the corpus says that it states, in text order."""
    table = corpus.assertions
    rows = table.filter(table["report_id"].is_in(list(report_ids))).select(
        "report_id", *Reading._fields
    )
    found: dict[str, list[Reading]] = {}
    for report_id, *fields in rows.iter_rows():
        found.setdefault(report_id, []).append(Reading(*fields))
    return {
        name: tuple(sorted(some, key=lambda one: (one.start_char, one.eye, one.finding)))
        for name, some in found.items()
    }


def _texts(corpus: store.Corpus) -> pl.DataFrame:
    """One row a distinct text: its first report, language, number of copies."""
    import polars as pl

    return (
        corpus.reports.sort("report_id")
        .group_by("text_sha256")
        .agg(
            pl.col("report_id").first(),
            pl.col("text").first(),
            pl.col("language").first(),
            pl.len().alias("copies"),
        )
        .sort("text_sha256")
    )


def _traits(corpus: store.Corpus, texts: pl.DataFrame) -> pl.DataFrame:
    """Pairs (text_sha256, trait), each once."""
    import polars as pl

    first = texts.select("text_sha256", "report_id")
    said = corpus.assertions.join(first, on="report_id", how="inner")
    silent = first.join(said.select("report_id"), on="report_id", how="anti")
    among = corpus.reports.join(first.select("text_sha256"), on="text_sha256", how="semi")
    parts = [
        frame.select(
            "text_sha256", pl.concat_str(pl.lit(f"{kind} "), pl.col(column)).alias("trait")
        )
        for frame, kind, column in (
            (among, "language", "language"),
            (among, "site", "site_id"),
            (said, "status", "status"),
            (said, "finding", "finding"),
        )
    ]
    parts.append(silent.select("text_sha256", pl.lit(NOTHING).alias("trait")))
    return pl.concat(parts).unique().sort("text_sha256", "trait")


def _choose(
    texts: pl.DataFrame, traits: pl.DataFrame, count: int, generator: np.random.Generator
) -> dict[str, tuple[str, float]]:
    """Text id -> (its stratum, one over its chance of being drawn)."""
    import polars as pl

    least = max(_CERTAIN * texts["copies"].sum() / count, 2) if count else 0
    many = texts.filter(pl.col("copies") >= least)["text_sha256"].to_list()
    chosen = dict.fromkeys(many, (REPEATED, 1.0))
    sizes = traits.group_by("trait").len()
    rarest = (
        traits.filter(~pl.col("text_sha256").is_in(many))
        .join(sizes, on="trait")
        .sort("text_sha256", "len", "trait")
        .group_by("text_sha256", maintain_order=True)
        .first()
    )
    strata: dict[str, list[str]] = {}
    for name, trait in rarest.select("text_sha256", "trait").iter_rows():
        strata.setdefault(trait, []).append(name)
    places = count - len(chosen)
    joined = _joined(strata, max(1, places // 2))
    shares = allocate([len(names) for _, names in joined], places)
    for (stratum, names), share in zip(joined, shares, strict=True):
        for at in generator.choice(len(names), size=share, replace=False).tolist():
            chosen[names[at]] = (stratum, len(names) / share)
    return chosen


def _joined(strata: dict[str, list[str]], most: int) -> list[tuple[str, list[str]]]:
    """Strata, the smallest put together until there are no more than `most`."""
    left = sorted(strata.items(), key=lambda item: (len(item[1]), item[0]))
    while len(left) > most:
        (one, some), (two, more), *rest = left
        pool = (f"{one}; {two}", sorted([*some, *more]))
        left = sorted([*rest, pool], key=lambda item: (len(item[1]), item[0]))
    return left


def allocate(sizes: Sequence[int], places: int) -> list[int]:
    """How many of each stratum to draw: one each, the rest by the square root of their sizes.

    No stratum gives more than it has. With fewer places than strata the first strata go without.
    """
    shares = [0] * len(sizes)
    for _ in range(min(places, sum(sizes))):
        open_ = [at for at, size in enumerate(sizes) if shares[at] < size]
        best = max(open_, key=lambda at: (shares[at] == 0, sizes[at] ** 0.5 / (shares[at] + 1), at))
        shares[best] += 1
    return shares
