"""Who and what is in a corpus, counted: sites, cameras, people, eyes, texts, splits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from funduscope import findings, pages, store, tables
from funduscope.archive.contact_sheet import count_rows
from funduscope.pages import Bars, Column, Table, Words

if TYPE_CHECKING:
    import polars as pl

_LONGEST_TABLE: Final = 40  # rows; an archive may have hundreds of sites
_OLDEST: Final = 90  # ages are capped there
_CAPTION_EDGES: Final = (0, 10, 20, 40, 80, 160, 320)  # characters
_MANY: Final = 5  # visits or photographs: so many or more


def sites(corpus: store.Corpus, words: Words) -> Table:
    """Photographs, patients, examinations, reports and gradable share of each site."""
    reported = dict(corpus.reports.group_by("site_id").len().rows())
    rows = [
        [name, photos, patients, exams, reported.get(name, 0), gradable]
        for name, photos, patients, exams, gradable in _grouped(
            corpus.images, "site_id", "patient_id", "exam_id"
        )
    ]
    names = ("site", "kept_photographs", "patients", "exams", "kept_reports", "gradable")
    return _table(rows, names, words, "ingest.sites_caption")


def cameras(corpus: store.Corpus, words: Words) -> Table:
    """Photographs, sites and gradable share of each camera."""
    rows = [
        [name or words("values.none"), photos, where, gradable]
        for name, photos, where, gradable in _grouped(corpus.images, "camera", "site_id")
    ]
    names = ("camera", "kept_photographs", "sites", "gradable")
    return _table(rows, names, words, "ingest.cameras_caption")


def people(corpus: store.Corpus, words: Words) -> list[pages.Block]:
    """Ages and sexes of the patients, visits of each."""
    import polars as pl

    patients = corpus.images.group_by("patient_id").agg(
        pl.col("age_years").min(),
        pl.col("sex").drop_nulls().first(),
        pl.col("exam_id").n_unique().alias("visits"),
    )
    decades = [(f"{low}–{low + 9}", low, low + 9) for low in range(0, _OLDEST, 10)]
    ages = _histogram(
        patients["age_years"].drop_nulls().to_list(), [*decades, (f"{_OLDEST}+", _OLDEST, None)]
    )
    ages.append((words("values.none"), patients["age_years"].null_count()))
    return [
        Bars(ages, words("ingest.ages_caption")),
        _values(patients, "sex", ("female", "male", None), words),
        Bars(_up_to_many(patients["visits"].to_list()), words("ingest.visits_caption")),
    ]


def pictures(corpus: store.Corpus, words: Words) -> list[pages.Block]:
    """Eyes, fields, kinds of pictures, photographs of an eye, and whether they can be graded."""
    images = corpus.images
    known = images.filter(images["eye"] != "unknown")
    an_eye = known.group_by("exam_id", "eye").len()["len"].to_list()
    closed = {column.name: column.values for column in tables.IMAGES.columns}
    reasons = [
        (words.reason(reason) if reason else words("values.gradable"), count)
        for (reason,), count in count_rows(images, "ungradable_reason")
    ]
    return [
        *(
            _values(images, name, closed[name], words)
            for name in ("eye", "eye_source", "field", "modality")
        ),
        Bars(_up_to_many(an_eye), words("ingest.an_eye_caption")),
        Bars(reasons, words("ingest.gradable_caption")),
    ]


def reports(corpus: store.Corpus, words: Words) -> list[pages.Block]:
    """Languages of the reports, lengths of the captions, findings that they name."""
    lengths = corpus.pairs["caption"].str.len_chars().to_list()
    bins: list[tuple[str, int, int | None]] = [
        (f"{low}–{high - 1}", low, high - 1) for low, high in pairwise(_CAPTION_EDGES)
    ]
    bins.append((f"{_CAPTION_EDGES[-1]}+", _CAPTION_EDGES[-1], None))
    return [
        _values(corpus.reports, "language", ("zh", "en", "mixed"), words),
        Bars(_histogram(lengths, bins), words("ingest.lengths_caption")),
        _captions(corpus, words),
        _findings(corpus, words),
    ]


def splits(corpus: store.Corpus, words: Words) -> Table:
    """Patients, photographs and captions of each split."""
    paired = corpus.pairs.join(corpus.images.select("image_id", "split"), on="image_id")
    captions = dict(paired.group_by("split").len().rows())
    found = {row[0]: row for row in _grouped(corpus.images, "split", "patient_id")}
    rows = [
        [words(f"values.{name}"), found[name][2], found[name][1], captions.get(name, 0)]
        for name in tables.SPLITS
        if name in found
    ]
    names = ("split", "patients", "kept_photographs", "captions")
    return _table(rows, names, words, "ingest.splits_caption")


def _captions(corpus: store.Corpus, words: Words) -> Table:
    import polars as pl

    length = pl.col("caption").str.len_chars()
    rows = (
        corpus.pairs.group_by("caption_source", "caption_language")
        .agg(
            pl.len(),
            length.median().alias("median"),
            length.quantile(0.9, interpolation="higher").alias("p90"),
            length.max().alias("longest"),
        )
        .sort("caption_source", "caption_language")
        .rows()
    )
    shown = [
        [f"{words(f'values.{source}')} · {words(f'values.{tongue}')}", *figures]
        for source, tongue, *figures in rows
    ]
    names = ("caption_kind", "captions", "median", "p90", "longest")
    return _table(shown, names, words, "ingest.captions_caption", digits={"median": 0, "p90": 0})


def _findings(corpus: store.Corpus, words: Words) -> Table:
    """Reports that state each finding, of the patient's eyes now."""
    said = corpus.assertions
    said = said.filter((said["temporality"] == "current") & (said["experiencer"] == "patient"))
    said = said.select("report_id", "finding", "status").unique()
    counts: dict[str, dict[str, int]] = {}
    for (code, status), count in count_rows(said, "finding", "status"):
        counts.setdefault(code, {})[status] = count
    known = findings.vocabulary()
    statuses = ("present", "uncertain", "absent")
    rows = [
        [getattr(known[code], words.language) if code in known else code]
        + [found.get(status, 0) for status in statuses]
        for code, found in sorted(
            counts.items(), key=lambda item: (-item[1].get("present", 0), item[0])
        )
    ]
    return _table(rows, ("finding", *statuses), words, "ingest.findings_caption")


def _grouped(images: pl.DataFrame, column: str, *distinct: str) -> list[tuple[Any, ...]]:
    """Rows of (value, photographs, distinct values of each of those columns, gradable in %)."""
    import polars as pl

    made = images.group_by(column).agg(
        pl.len(),
        *(pl.col(name).n_unique() for name in distinct),
        (100 * pl.col("gradable").mean()).alias("gradable"),
    )
    return made.sort(pl.col("len"), pl.col(column), descending=[True, False]).rows()


def _table(
    rows: Sequence[Sequence[Any]],
    names: Sequence[str],
    words: Words,
    caption: str,
    *,
    digits: dict[str, int] | None = None,
) -> Table:
    """A table whose first column names things; one that is too long says how many are left out."""
    places = {"gradable": 1} | (digits or {})
    columns = [Column(words(f"ingest.{name}"), places.get(name)) for name in names]
    said = words(caption)
    if len(rows) > _LONGEST_TABLE:
        said += " " + words("ingest.left_out", count=len(rows) - _LONGEST_TABLE)
    return Table(columns, rows[:_LONGEST_TABLE], said)


def _values(table: pl.DataFrame, column: str, order: Iterable[str | None], words: Words) -> Bars:
    """How often each value of a column with a closed set of values occurs; zeros left out."""
    counts = {value: count for (value,), count in count_rows(table, column)}
    items = [
        (words(f"values.{value or 'none'}"), counts[value]) for value in order if value in counts
    ]
    return Bars(items, words(f"ingest.{column}_caption"))


def _histogram(
    values: Sequence[int], bins: Sequence[tuple[str, int, int | None]]
) -> list[tuple[str, int]]:
    """Counts of whole numbers in bins (name, lowest, highest; no highest is open)."""
    return [
        (name, sum(low <= value and (high is None or value <= high) for value in values))
        for name, low, high in bins
    ]


def _up_to_many(values: Sequence[int]) -> list[tuple[str, int]]:
    few: list[tuple[str, int, int | None]] = [(str(n), n, n) for n in range(1, _MANY)]
    return _histogram(values, [*few, (f"{_MANY}+", _MANY, None)])
