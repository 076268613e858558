"""What training reads of corpora: photographs of the split, by eye, and what is said of each eye.

Everything is columns: arrays, and lists as offsets and items; no Python object a photograph. Only
`images`, `pairs`, `reports` and `assertions` are opened; `labels` never is. Letters of shapes:
N photographs, E eyes, T distinct texts, F findings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from funduscope import store
from funduscope.errors import DataError
from funduscope.findings import mirrored, vocabulary
from funduscope.pretrain import control
from funduscope.pretrain.settings import PretrainSettings
from funduscope.pretrain.shards import Shards, list_shards
from funduscope.pretrain.statements import Sayings, said_of_captions, withheld

if TYPE_CHECKING:
    import polars as pl

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]

SIDES = ("OD", "OS", "unknown")
LANGUAGES = ("en", "zh", "mixed")


@dataclass(frozen=True)
class Lists:
    """A list of numbers for each of many rows, stored as one array.

    Attributes:
        starts: int64 (rows + 1); row r holds items[starts[r]:starts[r + 1]].
        items: int32.
        values: float32, one an item; empty where items stand for themselves.
    """

    starts: npt.NDArray[np.int64]
    items: Ints
    values: Floats

    def __getitem__(self, row: int) -> Ints:
        return self.items[self.starts[row] : self.starts[row + 1]]

    def many(self, rows: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Where in `items` those of several rows lie, and for each the place of its row."""
        counts = self.starts[rows + 1] - self.starts[rows]
        owner = np.repeat(np.arange(len(rows)), counts)
        begin = self.starts[rows] - (np.cumsum(counts) - counts)
        return np.repeat(begin, counts) + np.arange(len(owner)), owner

    def dense(self, rows: npt.NDArray[Any], width: int) -> Floats:
        """The values of several rows as float32 (rows, width); 0 where nothing is listed."""
        made = np.zeros((len(rows), width), np.float32)
        at, owner = self.many(rows)
        made[owner, self.items[at]] = self.values[at]
        return made


@dataclass(frozen=True)
class Examples:
    """All training photographs that have a caption, eye by eye.

    Attributes:
        shards: the pixel files, and in which block (row group) and row each photograph lies.
        image_id: (N) names of the photographs; those of one eye follow each other.
        block_N, row_N: block of the photograph, and row in it.
        field_N4: center x, y and radius of the field of view, stored width, px; NaN: no field.
        first_E: int64 (E + 1); photographs of eye e are first_E[e] .. first_E[e + 1] - 1.
        patient_E, exam_E, site_E: numbers of patient, examination, site; by name over all corpora
            but for examinations.
        side_E: 0 OD, 1 OS, 2 unknown; each photograph of an unknown eye is an eye by itself.
        words_E: the row of `captions`, `statements` and `said` that speaks of the eye: its own
            number, unless captions are permuted.
        captions: whole captions, as numbers of texts, never empty.
        statements: single statements true of the eye, as numbers of texts.
        said: findings said of the eye, as numbers of codes of the vocabulary: 1 present, 0.5
            uncertain, -1 absent.
        texts: (T) distinct texts, sorted.
        language_T: number in LANGUAGES.
        mirror_T: the text that is true where a photograph is mirrored; most often the same.
        said_T: findings said by the text, as `said`.
        patients: names, by number.
    """

    shards: Shards
    image_id: pl.Series
    block_N: Ints
    row_N: Ints
    field_N4: Floats
    first_E: npt.NDArray[np.int64]
    patient_E: Ints
    exam_E: Ints
    site_E: Ints
    side_E: Ints
    words_E: Ints
    captions: Lists
    statements: Lists
    said: Lists
    texts: pl.Series
    language_T: Ints
    mirror_T: Ints
    said_T: Lists
    patients: pl.Series

    def __len__(self) -> int:
        return len(self.block_N)


def read_examples(corpora: Sequence[store.Corpus], settings: PretrainSettings) -> Examples:
    """The training photographs of all corpora that have a caption, in a fixed order.

    Raises:
        DataError: no photograph with a caption in the training split, nothing to contrast, or a
            corpus read with another vocabulary.
    """
    for corpus in corpora:
        _check_vocabulary(corpus)
    made = _joined([_tables(c, n, settings) for n, c in enumerate(corpora)], corpora)
    _check_contrast(made, corpora)
    if settings.permute_captions:
        words = control.permuted(made.patient_E, made.site_E, made.statements, settings.seed)
        made = replace(made, words_E=words)
    return made


def _check_vocabulary(corpus: store.Corpus) -> None:
    words = vocabulary()
    read = corpus.manifest.extra.get("vocabulary")
    if read == {"version": words.version, "hash": words.hash}:
        return
    version = f"version {read['version']} ({read['hash'][:12]})" if read else "none recorded"
    raise DataError(
        f"vocabulary: {version}",
        place=str(corpus.path / "manifest.json"),
        rule="reports and training share one vocabulary; "
        f"installed: version {words.version} ({words.hash[:12]})",
        remedy="make the corpus again with this version: funduscope ingest ARCHIVE OUT",
        code="other_vocabulary",
    )


def _tables(
    corpus: store.Corpus, number: int, settings: PretrainSettings
) -> dict[str, pl.DataFrame]:
    """Photographs by eye, whole captions, statements, findings said of eyes and of captions."""
    import polars as pl

    pairs = corpus.pairs.filter(
        pl.col("caption_language").is_in(list(settings.languages)),
        pl.col("caption_source").is_in(list(settings.captions)),
    )
    images = corpus.images.filter(pl.col("split") == "train", pl.col("modality") == "cfp")
    images = images.filter(~pl.col("patient_id").is_in(withheld(corpus, settings.withhold)))
    images = images.join(pairs.select("image_id").unique(), on="image_id", how="semi")
    alone = pl.col("eye") == "unknown"  # nobody knows whether two of them show the same eye
    eye = pl.when(alone).then("image_id").otherwise(pl.col("exam_id") + "/" + pl.col("eye"))
    photos = images.with_columns(
        (pl.lit(f"{number}/") + eye).alias("key"),
        (pl.lit(f"{number}/") + pl.col("exam_id")).alias("exam_id"),
        pl.lit(number).alias("corpus"),
    )
    photos = photos.sort(pl.col("image_id").min().over("key"), "image_id")
    whole = pairs.join(photos.select("image_id", "key"), on="image_id").select(
        "key", "report_id", "eye", text="caption", language="caption_language",
        source="caption_source",
    )  # fmt: skip
    told = whole.select("key", "report_id", "eye").unique()
    sayings = Sayings(corpus.assertions)
    said = sayings.said(told)
    return {
        "photos": photos,
        "captions": whole.select("key", "text", "language").unique(),
        "statements": sayings.statements(told),
        "said": said.group_by("key", "finding").agg(pl.col("value").max()),
        "said_statements": sayings.said_of_statements,
        "said_captions": said_of_captions(whole, said),
    }


def _joined(parts: Sequence[dict[str, pl.DataFrame]], corpora: Sequence[store.Corpus]) -> Examples:
    """The tables of all corpora as columns."""
    import polars as pl

    of = {name: pl.concat([part[name] for part in parts]) for name in parts[0]}
    photos = of["photos"].with_columns(eye_number=pl.col("key").rle_id())
    eyes = photos.unique("key", keep="first", maintain_order=True)
    keys = eyes.select("key", row="eye_number")
    # One caption may come from two corpora: it says what it says in both.
    says = pl.concat([of["said_captions"], of["said_statements"]])
    says = says.group_by("text", "finding").agg(pl.col("value").min())
    texts = _texts(pl.concat([of["captions"], of["statements"]]))
    says = pl.concat([says, _mirrored(says, texts)])
    number = texts.select("text", item="number")
    count = photos.group_by("eye_number").len().sort("eye_number")["len"].to_numpy()
    shards, block, row = list_shards([c.path for c in corpora], photos)
    patients = photos["patient_id"].unique().sort()

    def words(name: str) -> Lists:
        return _lists(of[name].join(keys, on="key").join(number, on="text"), eyes.height)

    return Examples(
        shards=shards,
        image_id=photos["image_id"],
        block_N=block,
        row_N=row,
        field_N4=photos.select("fov_x_px", "fov_y_px", "fov_radius_px", "width_px")
        .fill_null(float("nan"))
        .cast(pl.Float32)
        .to_numpy(),
        first_E=np.concatenate([[0], np.cumsum(count)]).astype(np.int64),
        patient_E=_numbers(eyes["patient_id"]),
        exam_E=_numbers(eyes["exam_id"]),
        site_E=_numbers(eyes["site_id"]),
        side_E=_places(eyes["eye"], SIDES),
        words_E=np.arange(eyes.height, dtype=np.int32),
        captions=words("captions"),
        statements=words("statements"),
        said=_lists(_coded(of["said"]).join(keys, on="key"), eyes.height),
        texts=texts["text"],
        language_T=_places(texts["language"], LANGUAGES),
        mirror_T=texts["mirror"].to_numpy().astype(np.int32),
        said_T=_lists(_coded(says).join(number.rename({"item": "row"}), on="text"), texts.height),
        patients=patients,
    )


def _texts(told: pl.DataFrame) -> pl.DataFrame:
    """Distinct texts and their mirrored forms, sorted: text, language, number, mirror."""
    import polars as pl

    once = told.group_by("text").agg(pl.col("language").min())
    turned = pl.Series("turned", [mirrored(text) for text in once["text"]], dtype=pl.String)
    once = once.with_columns(turned)
    other = once.filter(pl.col("turned") != pl.col("text")).select(
        text="turned", language="language", turned="turned"
    )
    table = pl.concat([once, other]).unique("text", keep="first", maintain_order=True)
    table = table.sort("text").with_row_index("number")
    numbers = table.select(turned="text", mirror="number")
    return table.join(numbers, on="turned", maintain_order="left")


def _mirrored(says: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
    """A mirrored text says the findings of the text, where it is not itself said of an eye."""
    import polars as pl

    moved = texts.filter(pl.col("turned") != pl.col("text")).select("text", "turned")
    made = says.join(moved, on="text").select(pl.col("turned").alias("text"), "finding", "value")
    return made.join(says, on="text", how="anti").unique(["text", "finding"])


def _coded(said: pl.DataFrame) -> pl.DataFrame:
    """Codes of findings as their numbers in the vocabulary (`item`)."""
    import polars as pl

    codes = vocabulary().codes
    numbers = pl.DataFrame({"finding": codes, "item": range(len(codes))})
    return said.join(numbers, on="finding")


def _lists(listed: pl.DataFrame, rows: int) -> Lists:
    """A table of row, item, value as lists; without values a set of items for each row."""
    listed = listed.sort("row", "item")
    starts = np.zeros(rows + 1, np.int64)
    np.cumsum(np.bincount(listed["row"].to_numpy(), minlength=rows), out=starts[1:])
    values = listed["value"].to_numpy() if "value" in listed.columns else np.empty(0)
    return Lists(starts, listed["item"].to_numpy().astype(np.int32), values.astype(np.float32))


def _numbers(names: pl.Series) -> Ints:
    """Each name's place among all of them, sorted."""
    return (names.rank("dense").to_numpy() - 1).astype(np.int32)


def _places(words: pl.Series, order: Sequence[str]) -> Ints:
    """Each word's place in `order`."""
    return words.replace_strict(order, list(range(len(order)))).to_numpy().astype(np.int32)


def _check_contrast(examples: Examples, corpora: Sequence[store.Corpus]) -> None:
    place = ", ".join(str(c.path) for c in corpora)
    remedy = "ingest an archive with reports of several findings, or check `captions`, "
    remedy += "`languages` and `withhold`"
    same = "two eyes at least, with different captions: training tells one from the other"
    if not len(examples):
        value, code = "no photograph with a caption", "no_examples"
        rule = "training reads photographs of the split 'train' that have a caption"
    elif len(examples.first_E) == 2:
        value, code, rule = "nothing to contrast: one eye with a caption", "one_pair", same
    elif _all_same(examples.captions):
        text = examples.texts[int(examples.captions[0][0])]
        value, code = f"nothing to contrast: all captions say {text!r}", "one_caption"
        rule = same
    else:
        return
    raise DataError(value, place=place, rule=rule, remedy=remedy, code=code)


def _all_same(lists: Lists) -> bool:
    first = lists[0]
    counts = np.diff(lists.starts)
    return bool(
        (counts == len(first)).all() and (lists.items.reshape(-1, len(first)) == first).all()
    )
