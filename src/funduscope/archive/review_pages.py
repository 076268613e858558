"""The pages of `review`: what a threshold removes, and what waits for a person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from funduscope import pages, stats, store
from funduscope.archive import contact_sheet, gradability
from funduscope.archive.calibration import Calibration, Shares
from funduscope.archive.contact_sheet import count_rows
from funduscope.archive.gradability import Removed
from funduscope.archive.settings import ReviewSettings
from funduscope.pages import Bars, Column, Section, Table, Words

if TYPE_CHECKING:
    import polars as pl

_KINDS: Final = {"site": "site_id", "camera": "camera"}
_BESIDE: Final = (0.3, 0.4, 0.5, 0.6, 0.7)  # further thresholds of the tables
_LONGEST_TABLE: Final = 60
_LINES: Final = 200  # of the queue, on the page
_LEAST: Final = 20  # photographs of a group with a curve of its own
_CURVES: Final = 3  # beside the one of all
_NEAR: Final = 12


def write_quality(
    corpus: store.Corpus,
    images: pl.DataFrame,
    out: Path,
    threshold: float,
    settings: ReviewSettings,
    *,
    calibration: Calibration | None,
) -> None:
    """Write the page about a threshold.

    Args:
        corpus: whose photographs are shown.
        images: its photographs that have a mark.
        out: the file.
        threshold: the one whose effect is shown.
        settings: language, threshold in use.
        calibration: where the threshold was chosen from labels.
    """
    words = Words(settings.language)
    unjudged = corpus.images.height - images.height
    sections = [
        Section(
            words("review.at", threshold=_at(threshold)),
            _effect(images, threshold, unjudged, words),
        ),
        Section(words("review.curve"), _curves(images, threshold, words)),
        *(
            Section(words(f"review.{kind}"), _groups(images, kind, threshold, words))
            for kind in _KINDS
        ),
        Section(words("review.near"), _near(corpus, images, threshold, words)),
    ]
    if calibration is None:
        sections.append(Section(words("review.next"), [words("review.how")]))
    else:
        told = _calibration(calibration, settings, words)
        sections.insert(0, Section(words("review.calibration"), told))
    pages.render_report(
        sections,
        title=words("review.quality_title"),
        lead=words("review.quality_lead"),
        language=settings.language,
        out=out,
        made={"corpus": corpus.id},
    )


def write_queue(
    corpus: store.Corpus, waiting: pl.DataFrame, gone: pl.DataFrame, out: Path, language: str
) -> None:
    """Write the page of the review queue.

    Args:
        corpus: whose ledger it is.
        waiting: lines in review, in the order of the page.
        gone: lines rejected for good.
        out: the file.
        language: `en` or `zh`.
    """
    words = Words(language)
    found = count_rows(waiting, "item", "code")
    if not found:
        sections = [Section(words("review.queue_counts"), [words("review.queue_empty")])]
    else:
        shown = [_line(row, words) for row in waiting.head(_LINES).iter_rows(named=True)]
        said = words("review.queue_lines_caption", count=len(shown), all=waiting.height)
        names = ("item", "reason", "locator", "detail")
        columns = [Column(words(f"ingest.{name}")) for name in names]
        sections = [
            Section(
                words("review.queue_counts"),
                [
                    Bars(
                        [
                            (f"{words.reason(code)} · {words(f'items.{item}')}", count)
                            for (item, code), count in found
                        ],
                        words("review.queue_caption"),
                    )
                ],
            ),
            Section(words("review.queue_do"), [_remedies([code for (_, code), _ in found], words)]),
            Section(words("review.queue_lines"), [Table(columns, shown, said)]),
        ]
    if gone.height:
        lost = [(words.reason(code), count) for (code,), count in count_rows(gone, "code")]
        bars = Bars(lost, words("review.queue_rejected_caption"))
        sections.append(Section(words("review.queue_rejected"), [bars]))
    pages.render_report(
        sections,
        title=words("review.queue_title"),
        lead=words("review.queue_lead"),
        language=language,
        out=out,
        made={"corpus": corpus.id},
    )


def _line(row: dict[str, str], words: Words) -> tuple[str, str, str, str]:
    return words(f"items.{row['item']}"), words.reason(row["code"]), row["locator"], row["detail"]


def _remedies(codes: list[str], words: Words) -> Table:
    columns = [Column(words("ingest.reason")), Column(words("ingest.remedy"))]
    return Table(
        columns, [(words.reason(code), words.remedy(code)) for code in dict.fromkeys(codes)]
    )


def _effect(
    images: pl.DataFrame, threshold: float, unjudged: int, words: Words
) -> list[pages.Block]:
    [whole] = gradability.removal(images, None, (threshold,))
    facts = [
        (f"{whole.photographs:,}", words("review.photographs")),
        (f"{whole.removed[0]:,}", words("review.removed")),
        (f"{100 * whole.share:.1f}", words("review.removed_share")),
        (f"{whole.patients_lost:,}", words("review.patients_lost")),
    ]
    if unjudged:
        facts.append((f"{unjudged:,}", words("review.unjudged")))
    poor = images.filter(images["ungradable_reason"].is_not_null())
    why = [(words.reason(code), count) for (code,), count in count_rows(poor, "ungradable_reason")]
    blocks: list[pages.Block] = [pages.Facts(facts)]
    return [*blocks, Bars(why, words("review.why"))] if why else blocks


def _curves(images: pl.DataFrame, threshold: float, words: Words) -> list[pages.Block]:
    """The share removed at every threshold: of all, and of the groups that lose most."""
    grid = (threshold, *gradability.GRID)
    [whole] = gradability.removal(images, None, grid)
    blocks: list[pages.Block] = []
    for kind, column in _KINDS.items():
        groups = [
            group
            for group in gradability.removal(images, column, grid)
            if group.photographs >= _LEAST
        ]
        if kind != "site" and len(groups) < 2:
            continue
        lines, said = [(words("review.all"), whole)], words("review.curve_one")
        if len(groups) > 1:
            lines += [(_name(group, words), group) for group in groups[:_CURVES]]
            plural = words(f"review.{kind}")
            said = words("review.curve_caption", kind=plural, threshold=_at(threshold))
        blocks.append(
            pages.LearningCurve(
                [pages.Series(name, gradability.GRID, _percent(one)) for name, one in lines],
                words("review.threshold"),
                words("review.removed_share"),
                said,
            )
        )
    return blocks


def _percent(group: Removed) -> list[float]:
    return [100 * count / group.photographs for count in group.removed[1:]]


def _groups(images: pl.DataFrame, kind: str, threshold: float, words: Words) -> list[pages.Block]:
    beside = [at for at in _BESIDE if at != threshold]
    groups = gradability.removal(images, _KINDS[kind], (threshold, *beside))
    columns = [
        Column(words(f"ingest.{kind}")),
        Column(words("review.photographs")),
        Column(words("review.removed")),
        Column(words("review.removed_share"), 1),
        Column(words("review.patients_lost")),
        *(Column(words("review.removed_at", threshold=_at(at)), 1) for at in beside),
    ]
    rows: list[list[str | float | None]] = [
        [
            _name(group, words),
            group.photographs,
            group.removed[0],
            100 * group.share,
            group.patients_lost,
            *(100 * count / group.photographs for count in group.removed[1:]),
        ]
        for group in groups
    ]
    said = words("review.table_caption", kind=words(f"review.{kind}"), threshold=_at(threshold))
    if len(rows) > _LONGEST_TABLE:
        said += " " + words("ingest.left_out", count=len(rows) - _LONGEST_TABLE)
    return [Table(columns, rows[:_LONGEST_TABLE], said)]


def _name(group: Removed, words: Words) -> str:
    return group.name if group.name is not None else words("values.none")


def _near(
    corpus: store.Corpus, images: pl.DataFrame, threshold: float, words: Words
) -> list[pages.Block]:
    blocks: list[pages.Block] = []
    sides = zip(("below", "above"), gradability.around(images, threshold, _NEAR), strict=True)
    columns = ("image_id", "gradability", "ungradable_reason", "camera")
    for side, ids in sides:
        rows = images.filter(images["image_id"].is_in(ids)).select(columns).rows()
        captions = {
            name: [
                pages.Caption(text, words.language)
                for text in (
                    words("review.mark", mark=f"{mark:.3f}"),
                    words.reason(reason) if reason else "",
                    camera or "",
                )
                if text
            ]
            for name, mark, reason, camera in rows
        }
        if ids:
            sheet = contact_sheet.photos(corpus, ids, captions)
            blocks.append(pages.ContactSheet(sheet, words(f"review.{side}_caption")))
    return blocks


def _calibration(found: Calibration, settings: ReviewSettings, words: Words) -> list[pages.Block]:
    facts = [
        (_at(found.threshold), words("review.chosen")),
        (f"{found.labeled:,}", words("review.labeled")),
        (f"{found.called_gradable:,}", words("review.called_gradable")),
    ]
    before = words("review.before", threshold=_at(settings.gradable_from))
    fresh = words("review.fresh")
    rows: list[list[str | float | None]] = [
        [words("review.threshold"), found.threshold, found.low, found.high],
        *_shares(found.chosen, "", words),
        [f"{words('review.sensitivity')}, {fresh}", found.fresh[0], None, None],
        [f"{words('review.specificity')}, {fresh}", found.fresh[1], None, None],
        *_shares(found.in_use, f"{before}: ", words),
    ]
    columns = [
        Column(""),
        *(Column(words(f"review.{name}"), 3) for name in ("value", "low", "high")),
    ]
    said = words("review.chosen_caption", keep=f"{100 * settings.keep:g}")
    return [
        pages.Facts(facts),
        Table(columns, rows, f"{said} {words('review.weights')}"),
        words("review.wired", built_in=_at(ReviewSettings().gradable_from)),
    ]


def _shares(shares: Shares, before: str, words: Words) -> list[list[str | float | None]]:
    def row(name: str, one: stats.Interval) -> list[str | float | None]:
        return [f"{before}{words(f'review.{name}')}", one.value, one.low, one.high]

    return [row("sensitivity", shares.sensitivity), row("specificity", shares.specificity)]


def _at(threshold: float) -> str:
    return f"{threshold:.2f}"
