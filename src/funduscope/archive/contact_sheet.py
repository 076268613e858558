"""Photographs of a corpus for people to look at: which ones, with which words below them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from funduscope import inputs, pages, store

if TYPE_CHECKING:
    import polars as pl

_SMALL: Final = 320  # px; shorter sides need not be decoded in full
_LARGE: Final = 640
_LONGEST_CAPTION: Final = 160  # characters


def count_rows(table: pl.DataFrame, *columns: str) -> list[tuple[tuple[Any, ...], int]]:
    """How often each combination of values occurs; most frequent first, then by name."""
    counted = table.group_by(columns).len(name="rows")
    found = [(tuple(row[:-1]), row[-1]) for row in counted.rows()]
    return sorted(found, key=lambda item: (-item[1], [str(value) for value in item[0]]))


def spread(corpus: store.Corpus, count: int) -> list[str]:
    """At most `count` photographs, those with captions first, taken from all sites in turn.

    Image ids are hashes, so their order is as good as drawing lots and needs no seed.
    """
    import polars as pl

    captioned = pl.col("image_id").is_in(corpus.pairs["image_id"].unique().to_list())
    turn = pl.col("image_id").rank("ordinal").over("captioned", "site_id").alias("turn")
    chosen = (
        corpus.images.select("image_id", "site_id", captioned.alias("captioned"))
        .with_columns(turn)
        .sort("captioned", "turn", "site_id", descending=[True, False, False])
    )
    return chosen["image_id"].head(count).to_list()


def noted(corpus: store.Corpus, count: int) -> dict[str, list[str]]:
    """At most `count` kept photographs with a line in the ledger, and the codes of their lines."""
    notes = corpus.rejects.select("locator", "code").unique()
    places = corpus.images.select("image_id", "source")
    joined = places.join(notes, left_on="source", right_on="locator").sort("code", "image_id")
    found: dict[str, list[str]] = {}
    for image_id, code in joined.select("image_id", "code").rows():
        if image_id in found or len(found) < count:
            found.setdefault(image_id, []).append(code)
    return found


def captions(
    corpus: store.Corpus, image_ids: Sequence[str], language: str
) -> dict[str, list[pages.Caption]]:
    """What the text tower reads of each photograph: as written, then rendered in `language`."""
    pairs = corpus.pairs.filter(corpus.pairs["image_id"].is_in(list(image_ids)))
    found: dict[str, list[pages.Caption]] = {}
    columns = ("caption_source", "image_id", "caption", "caption_language")
    for source, image_id, text, tongue in pairs.select(columns).sort(columns).rows():
        if source == "report" or tongue == language:
            shown = text if len(text) <= _LONGEST_CAPTION else text[:_LONGEST_CAPTION] + "…"
            caption = pages.Caption(shown, "zh" if tongue == "zh" else "en")
            found.setdefault(image_id, []).append(caption)
    return found


def photos(
    corpus: store.Corpus,
    image_ids: Sequence[str],
    captions: Mapping[str, Sequence[pages.Caption]],
    *,
    large: bool = False,
) -> list[pages.Photo]:
    """The photographs themselves, in the order asked for."""
    side = _LARGE if large else _SMALL
    decoded = {
        name: inputs.decode(data, name=name, min_side=side)
        for name, data in corpus.pixels(image_ids)
    }
    return [pages.Photo(decoded[name], captions.get(name, ())) for name in image_ids]
