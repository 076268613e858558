"""`report.html`: what became of an archive, told from the tables of its corpus alone.

Nothing on the page comes from the archive itself, so it holds no more than the corpus does: places
are pseudonyms, captions are texts without identity, photographs are the stored ones. The same
tables give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from funduscope import pages, store
from funduscope.archive import census, contact_sheet
from funduscope.archive.contact_sheet import count_rows
from funduscope.pages import Column, Section, Words

ITEMS: Final = {"image": "images", "report": "reports"}
"""Item of the ledger -> its name in the counts of the manifest."""

_COPIES: Final = (
    "exact_duplicate",
    "near_duplicate",
    "duplicate_across_patients",
    "duplicate_other_eye",
    "same_person",
    "in_benchmark",
)
_SHARED: Final = ("seen", "shared", "ours")
_LARGEST: Final = 3
_EXAMPLES: Final = 3  # locators shown for each reason
_PHOTOS: Final = 12


def write_report(
    corpus: store.Corpus,
    out: Path,
    language: str,
    *,
    timings: Sequence[tuple[str, float]] = (),
) -> None:
    """Write the page to the file `out`.

    Args:
        corpus: finished, or `unfinished(...)` while ingest is still writing it.
        out: the file; may lie inside the corpus.
        language: `en` or `zh`.
        timings: (step, seconds); left out of a page that is part of a corpus, since two equal runs
            take different times.

    Raises:
        ConfigError: a language without words.
        DataError: counts that do not add up, or a reason missing in the ledger.
    """
    words = Words(language)
    sections = [
        Section(words("ingest.funnel"), [_facts(corpus, words), funnel(corpus, words)]),
        Section(words("ingest.fix"), _losses(corpus, words)),
        Section(words("ingest.reasons"), [*reasons(corpus, words), *_examples(corpus, words)]),
        Section(words("ingest.photographs"), [_sheet(corpus, words), *_noted(corpus, words)]),
        Section(
            words("ingest.where"), [census.sites(corpus, words), census.cameras(corpus, words)]
        ),
        Section(words("ingest.who"), [*census.people(corpus, words)]),
        Section(words("ingest.what"), [*census.pictures(corpus, words)]),
        Section(words("ingest.reports"), [*census.reports(corpus, words)]),
        Section(words("ingest.copies"), _copies(corpus, words)),
        Section(words("ingest.splits"), [census.splits(corpus, words)]),
    ]
    if timings:
        sections.append(Section(words("ingest.timings"), [pages.Timings(timings)]))
    pages.render_report(
        sections,
        title=words("ingest.title"),
        language=language,
        out=out,
        lead=words("ingest.lead"),
    )


def unfinished(path: Path, counts: Mapping[str, Any]) -> store.Corpus:
    """A corpus whose tables are written and whose manifest is not, to be reported on.

    Args:
        path: its folder.
        counts: as they will stand in the manifest.
    """
    manifest = store.Manifest(
        kind="corpus",
        format=1,
        id="",
        made={},
        config={},
        seed=0,
        inputs=(),
        counts=counts,
        files={},
    )
    return store.Corpus(path, manifest)


def funnel(corpus: store.Corpus, words: Words) -> pages.Funnel:
    """Seen = kept + rejected + review, for photographs and reports, with the reasons."""
    rows = []
    for item, name in ITEMS.items():
        found = count_rows(corpus.rejects.filter(corpus.rejects["item"] == item), "code")
        counts = corpus.manifest.counts[name]
        rows.append(
            pages.FunnelRow(
                name=words(f"ingest.{name}"),
                seen=counts["seen"],
                kept=counts["kept"],
                rejected=counts["rejected"],
                review=counts["review"],
                reasons={code: count for (code,), count in found},
            )
        )
    return pages.Funnel(rows)


def reasons(corpus: store.Corpus, words: Words) -> list[pages.Block]:
    """Each reason with its count, its share of what was seen, and what to do at the source."""
    rows = []
    for (item, code, severity), count in count_rows(corpus.rejects, "item", "code", "severity"):
        seen = corpus.manifest.counts[ITEMS[item]]["seen"] if item in ITEMS else 0
        rows.append(
            (
                words.reason(code),
                words(f"items.{item}"),
                words(f"funnel.{severity}" if item in ITEMS else "ingest.noted"),
                count,
                100 * count / seen if seen else None,
                words.remedy(code),
            )
        )
    if not rows:
        return [words("ingest.nothing_lost")]
    columns = [
        Column(words("ingest.reason")),
        Column(words("ingest.item")),
        Column(words("ingest.ended")),
        Column(words("ingest.count")),
        Column(words("ingest.share"), 1),
        Column(words("ingest.remedy")),
    ]
    return [pages.Table(columns, rows, words("ingest.reasons_caption"))]


def _facts(corpus: store.Corpus, words: Words) -> pages.Facts:
    images = corpus.images
    figures = {
        "kept_photographs": images.height,
        "patients": images["patient_id"].n_unique(),
        "sites": images["site_id"].n_unique(),
        "kept_reports": corpus.reports.height,
        "captions": corpus.pairs.height,
    }
    return pages.Facts([(f"{n:,}", words(f"ingest.{name}")) for name, n in figures.items()])


def _losses(corpus: store.Corpus, words: Words) -> list[pages.Block]:
    """The largest losses as sentences, largest first."""
    said: list[pages.Block] = []
    lost = corpus.rejects.filter(corpus.rejects["item"].is_in(list(ITEMS)))
    for place, ((item, code), count) in enumerate(count_rows(lost, "item", "code"), start=1):
        if place > _LARGEST:
            break
        seen = corpus.manifest.counts[ITEMS[item]]["seen"]
        said.append(
            words(
                "ingest.loss",
                place=place,
                count=f"{count:,}",
                seen=f"{seen:,}",
                items=words(f"items.{item}"),
                share=f"{100 * count / max(seen, 1):.1f}",
                reason=words.reason(code),
                remedy=words.remedy(code) or words("ingest.look"),
            )
        )
    return said or [words("ingest.nothing_lost")]


def _examples(corpus: store.Corpus, words: Words) -> list[pages.Block]:
    """A few places of each reason, by pseudonym: where a person begins to look."""
    shown: dict[tuple[str, str], list[tuple[str, str]]] = {}
    columns = ("item", "code", "locator", "detail")
    for item, code, locator, detail in corpus.rejects.select(columns).unique().sort(columns).rows():
        shown.setdefault((item, code), []).append((locator, detail))
    rows = [
        (words.reason(code), words(f"items.{item}"), locator, detail)
        for (item, code), places in shown.items()
        for locator, detail in places[:_EXAMPLES]
    ]
    if not rows:
        return []
    names = ("reason", "item", "locator", "detail")
    columns_shown = [Column(words(f"ingest.{name}")) for name in names]
    return [pages.Table(columns_shown, rows, words("ingest.examples_caption"))]


def _sheet(corpus: store.Corpus, words: Words) -> pages.ContactSheet:
    chosen = contact_sheet.spread(corpus, _PHOTOS)
    captions = contact_sheet.captions(corpus, chosen, words.language)
    return pages.ContactSheet(
        contact_sheet.photos(corpus, chosen, captions), words("ingest.sheet_caption")
    )


def _noted(corpus: store.Corpus, words: Words) -> list[pages.Block]:
    """Photographs that are kept and that a person should look at all the same.

    Photographs in review are not in the corpus (nobody knows yet what they carry), so they are
    not shown; these went through the same blanking as all that is kept.
    """
    found = contact_sheet.noted(corpus, _PHOTOS)
    if not found:
        return []
    captions = {
        name: [pages.Caption(words.reason(code), words.language) for code in codes]
        for name, codes in found.items()
    }
    sheet = contact_sheet.photos(corpus, list(found), captions)
    return [pages.ContactSheet(sheet, words("ingest.noted_caption"))]


def _copies(corpus: store.Corpus, words: Words) -> list[pages.Block]:
    counts = {code: count for (code,), count in count_rows(corpus.rejects, "code")}
    items = [(words.reason(code), counts.get(code, 0)) for code in _COPIES]
    elsewhere = corpus.images.group_by("patient_id").n_unique().filter(_several_sites()).height
    items.append((words("ingest.several_sites"), elsewhere))
    shared = corpus.manifest.counts.get("benchmarks", {})
    rows = [(name, *(count[part] for part in _SHARED)) for name, count in shared.items()]
    names = ("benchmark", "of_benchmark", "shared", "shared_ours")
    table = pages.Table(
        [Column(words(f"ingest.{name}")) for name in names], rows, words("ingest.shared_caption")
    )
    return [pages.Bars(items, words("ingest.copies_caption")), *([table] if rows else [])]


def _several_sites() -> Any:
    import polars as pl

    return pl.col("site_id") > 1
