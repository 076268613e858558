"""Stage: what of a corpus a person should look at: the gradability threshold, the review queue."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from funduscope import pages, store
from funduscope.archive import (
    calibration,
    contact_sheet,
    gradability,
    review_marks,
    review_pages,
)
from funduscope.archive.calibration import Calibration
from funduscope.archive.contact_sheet import count_rows
from funduscope.archive.marking_sample import Sample
from funduscope.archive.settings import ReviewSettings
from funduscope.config import Progress, Quiet
from funduscope.errors import DataError

if TYPE_CHECKING:
    import polars as pl

LEDGER: Final = ("locator", "item", "step", "code", "detail", "severity")
_GROUPS: Final = ("all", "site", "camera")


@dataclass(frozen=True)
class QualityReview:
    """What a gradability threshold does to a corpus.

    Attributes:
        path: folder with report.html, removed.csv and, without labels, to_label.csv and
            to_label.html, with labels, threshold.toml.
        threshold: the one whose effect is shown: as set, or chosen from the labels.
        photographs: with a mark; `removed` of them lie below the threshold, and `patients_lost`
            patients would have no photograph left.
        calibration: of the site's own threshold; None without labels.
    """

    path: Path
    threshold: float
    photographs: int
    removed: int
    patients_lost: int
    calibration: Calibration | None


@dataclass(frozen=True)
class QueueReview:
    """What waits for a person.

    Attributes:
        path: folder with report.html, queue.csv, rejected.csv and, of a corpus with reports,
            mark.html and sample.csv.
        counts: (item, code) -> lines in review.
        rejected: (item, code) -> lines rejected for good.
        sample: the reports on mark.html; None without reports.
    """

    path: Path
    counts: dict[tuple[str, str], int]
    rejected: dict[tuple[str, str], int]
    sample: Sample | None


def review_quality(
    corpus: str | Path,
    out: str | Path,
    settings: ReviewSettings | None = None,
    *,
    labels: str | Path | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> QualityReview:
    """Show what a gradability threshold removes, by site and camera; choose one from labels.

    Args:
        corpus: a finished corpus.
        out: new folder.
        settings: threshold, language; the defaults if None.
        labels: CSV with the columns image_id and gradable (1 or 0), of photographs of the corpus.
        force: begin anew where `out` is taken.
        progress: told about each page.

    Raises:
        DataError: no photograph with a mark; labels that cannot be used.
        ConfigError: matplotlib missing, which draws the curves (extra `stats`).
    """
    settings, progress = settings or ReviewSettings(), progress or Quiet()
    opened, out = store.Corpus.open(corpus), Path(out)
    images = gradability.judged(opened.images)
    if not images.height:
        raise _nothing_judged(corpus)
    chosen = None if labels is None else _chosen(Path(labels), images, settings)
    threshold = settings.gradable_from if chosen is None else chosen.threshold
    made_from = [_input(opened, corpus)]
    if labels is not None:
        digest = store.sha256_file(Path(labels))[:32]
        made_from.append({"kind": "labels", "id": digest, "path": str(labels)})
    with store.create(
        out,
        kind="quality",
        config=settings.model_dump(mode="json"),
        seed=settings.seed,
        inputs=made_from,
        force=force,
    ) as output:
        progress.start("pages", 2)
        [whole] = gradability.removal(images, None, (threshold,))
        _write_removed(out / "removed.csv", images, threshold)
        review_pages.write_quality(
            opened, images, out / "report.html", threshold, settings, calibration=chosen
        )
        progress.advance()
        if chosen is None:
            _write_to_label(opened, images, out, settings)
        else:
            _write_threshold(out / "threshold.toml", opened, chosen, settings)
        progress.done()
        output.counts.update(photographs=whole.photographs, removed=whole.removed[0])
    return QualityReview(
        out, threshold, whole.photographs, whole.removed[0], whole.patients_lost, chosen
    )


def review_reports(
    corpus: str | Path,
    out: str | Path,
    settings: ReviewSettings | None = None,
    *,
    force: bool = False,
) -> QueueReview:
    """List what of a corpus waits for a person, with counts by code and what to do about each.

    Beside the list stands mark.html, on which people mark what was read in a sample of reports.

    Args:
        corpus: a finished corpus.
        out: new folder.
        settings: language, size and seed of the sample; the defaults if None.
        force: begin anew where `out` is taken.
    """
    settings = settings or ReviewSettings()
    opened, out = store.Corpus.open(corpus), Path(out)
    rejects = opened.rejects.select(LEDGER).sort("item", "code", "locator", "detail")
    waiting = rejects.filter(rejects["severity"] == "review")
    gone = rejects.filter(rejects["severity"] == "rejected")
    with store.create(
        out,
        kind="queue",
        config=settings.model_dump(mode="json", include={"language", "to_mark", "seed"}),
        seed=settings.seed,
        inputs=[_input(opened, corpus)],
        force=force,
    ) as output:
        store.write_csv(out / "queue.csv", LEDGER, waiting.rows())
        store.write_csv(out / "rejected.csv", LEDGER, gone.rows())
        review_pages.write_queue(opened, waiting, gone, out / "report.html", settings.language)
        sample = review_marks.write_marking(opened, out, settings)
        to_mark = 0 if sample is None else len(sample.reports)
        output.counts.update(review=waiting.height, rejected=gone.height, to_mark=to_mark)
    return QueueReview(
        out,
        {(item, code): count for (item, code), count in count_rows(waiting, "item", "code")},
        {(item, code): count for (item, code), count in count_rows(gone, "item", "code")},
        sample,
    )


def _chosen(labels: Path, images: pl.DataFrame, settings: ReviewSettings) -> Calibration:
    said = calibration.read_labels(labels, images)
    return calibration.calibrate(
        said, keep=settings.keep, in_use=settings.gradable_from, seed=settings.seed
    )


def _input(opened: store.Corpus, path: str | Path) -> dict[str, Any]:
    return {"kind": "corpus", "id": opened.id, "path": str(path)}


def _write_removed(path: Path, images: pl.DataFrame, threshold: float) -> None:
    """removed.csv: what each threshold of the curves takes from each site and camera."""
    rows = []
    grid = (threshold, *(at for at in gradability.GRID if at != threshold))
    for kind, column in zip(_GROUPS, (None, "site_id", "camera"), strict=True):
        for group in gradability.removal(images, column, grid):
            rows += [
                (
                    kind,
                    group.name,
                    at,
                    group.photographs,
                    count,
                    round(count / group.photographs, 4),
                )
                for at, count in sorted(zip(grid, group.removed, strict=True))
            ]
    columns = ("by", "name", "threshold", "photographs", "removed", "share")
    store.write_csv(path, columns, rows)


def _write_to_label(
    opened: store.Corpus, images: pl.DataFrame, out: Path, settings: ReviewSettings
) -> None:
    """to_label.csv and to_label.html: photographs to be judged, without the program's opinion."""
    words = pages.Words(settings.language)
    chosen = gradability.to_label(images, settings.to_label)
    rows = [(number, image_id, None) for number, image_id in enumerate(chosen, start=1)]
    store.write_csv(out / "to_label.csv", ("number", "image_id", "gradable"), rows)
    captions = {name: [pages.Caption(f"{number}", "en")] for number, name, _ in rows}
    sheet = pages.ContactSheet(
        contact_sheet.photos(opened, chosen, captions, large=True), large=True
    )
    pages.render_report(
        [pages.Section(words("review.label_section", count=len(chosen)), [sheet])],
        title=words("review.label_title"),
        language=settings.language,
        lead=words("review.label_lead"),
        out=out / "to_label.html",
    )


def _write_threshold(
    path: Path, opened: store.Corpus, chosen: Calibration, settings: ReviewSettings
) -> None:
    """threshold.toml: the chosen threshold as settings, with what it rests on."""
    shares = asdict(chosen.chosen)
    lines = [
        f"# Made by `funduscope review quality` from {chosen.labeled} labeled photographs of the "
        f"corpus {opened.id};",
        f"# {chosen.called_gradable} of them were called gradable. 95% of thresholds chosen on "
        f"resampled patients: {chosen.low:.2f} to {chosen.high:.2f}.",
        *(
            f"# {name}: {one['value']:.3f} ({one['low']:.3f} to {one['high']:.3f})"
            for name, one in shares.items()
        ),
        "# For `ingest --set`, or its source in archive.toml; `predict` does not read it.",
        f"gradable_from = {chosen.threshold:.2f}",
        f"keep = {settings.keep}",
    ]
    store.write_bytes(path, ("\n".join(lines) + "\n").encode())


def _nothing_judged(corpus: str | Path) -> DataError:
    return DataError(
        "no photograph with a gradability",
        place=f"{corpus}, images.parquet",
        rule="ingest gives each photograph a mark from 0 to 1",
        remedy="ingest the archive again with this version",
        code="not_judged",
    )
