"""The report page of the demo: funnel, contact sheet, ROC curves, one heat map, timings."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funduscope import findings, inputs, pages, scoring, stats
from funduscope.cli import doctor
from funduscope.pages import Section

if TYPE_CHECKING:
    from funduscope.cli.demo import Made

_PHOTOS = 12
_SIDE = 480  # px, of the photograph under the heat map


def write(made: Made, path: Path) -> None:
    """Write the page to `path`; it needs no other file."""
    sections = [
        Section("What came in and what was kept", [_funnel(made)]),
        Section("Held-out photographs and their captions", [_contact_sheet(made)]),
        Section("Zero-shot on held-out patients", [_intro(made), _curves(made)]),
        Section("One photograph through the package", [_heat_map(made), _answer(made)]),
        Section("How long it took", [_timings(made)]),
    ]
    pages.render_report(
        sections,
        title="funduscope demo",
        language="en",
        out=path,
        lead="Everything on this page was drawn by a program: no patient, no clinical meaning. It "
        "shows that the whole line runs and learns.",
        made={
            "corpus": made.corpus.id,
            "bundle": made.bundle.id,
            "package": made.answer.package_id,
            "seed": str(made.settings.seed),
        },
    )


def _funnel(made: Made) -> pages.Funnel:
    counts = made.corpus.manifest.counts
    rejects = list(made.corpus.rejects.select("item", "code").iter_rows())
    rows = []
    for item, name in (("image", "images"), ("report", "reports")):
        reasons = Counter(code for kind, code in rejects if kind == item)
        parts = {word: counts[name][word] for word in ("seen", "kept", "rejected", "review")}
        rows.append(
            pages.FunnelRow(
                name="photographs" if item == "image" else name, **parts, reasons=reasons
            )
        )
    return pages.Funnel(rows)


def _contact_sheet(made: Made) -> pages.ContactSheet:
    captions: dict[str, dict[str, str]] = {}
    columns = ("image_id", "caption", "caption_language")
    for image_id, caption, language in made.corpus.pairs.select(columns).iter_rows():
        captions.setdefault(image_id, {}).setdefault(language, caption)
    images = made.corpus.images
    held_out = [i for i in images.filter(images["split"] == "test")["image_id"] if i in captions]
    chosen = held_out[:: max(1, len(held_out) // _PHOTOS)][:_PHOTOS]
    pixels = dict(made.corpus.pixels(chosen))
    photos = [
        pages.Photo(
            inputs.decode(pixels[name], name=name),
            [
                pages.Caption(text, "zh" if language == "zh" else "en")
                for language, text in captions[name].items()
            ],
        )
        for name in chosen
    ]
    return pages.ContactSheet(photos, "What the text tower reads of each eye.")


def _intro(made: Made) -> pages.Facts:
    values = [value for value in made.evaluation.metrics["value"].to_list() if value is not None]
    scores = made.evaluation.scores
    return pages.Facts(
        [
            (f"{sum(values) / len(values):.3f}", "mean AUROC"),
            (str(len(values)), "findings"),
            (str(scores["unit_id"].n_unique()), "photographs"),
            (str(scores["patient_id"].n_unique()), "patients"),
        ]
    )


def _curves(made: Made) -> pages.RocPanels:
    plots = []
    scores = made.evaluation.scores.filter(made.evaluation.scores["label"].is_not_null())
    for row in made.evaluation.metrics.iter_rows(named=True):
        if row["value"] is None:
            continue
        rows = scores.filter(scores["finding"] == row["finding"])
        curve = stats.roc_curve(
            rows["label"].to_numpy(),
            rows["score"].to_numpy(),
            rows["patient_id"].to_list(),
            n=500,
            seed=made.settings.seed,
        )
        plots.append(
            pages.RocPlot(
                name=_name(row["finding"]),
                fpr=curve.fpr,
                tpr=curve.tpr,
                grid=curve.grid,
                low=curve.low,
                high=curve.high,
                value=row["value"],
                ci_low=row["ci_low"],
                ci_high=row["ci_high"],
                positives=row["n_positive"],
                units=row["n_units"],
            )
        )
    return pages.RocPanels(
        plots,
        "Each finding against all other eyes; the truth is what the eye's own report says. No "
        "label was read in training. Bands and intervals: 95%, patients resampled.",
    )


def _heat_map(made: Made) -> pages.HeatMap:
    (_, data), *_ = made.corpus.pixels([made.photograph])
    shown = made.predictor.activation(data, made.finding, name=made.photograph)
    rgb = inputs.decode(data, name=made.photograph)
    crop = inputs.crop_field(rgb, inputs.find_field(rgb), _SIDE)  # the tower's square, larger
    return pages.HeatMap(
        rgb=crop,
        shares=scoring.enlarge(shown.cells, (_SIDE, _SIDE)),
        finding=_name(made.finding),
        caption="Where the score comes from: an exact share for each cell of the image tower.",
    )


def _answer(made: Made) -> pages.Table:
    rows: list[list[Any]] = [
        [_name(found.finding), found.score, found.percentile]
        for found in sorted(made.answer.findings, key=lambda f: -(f.percentile or 0.0))[:12]
    ]
    columns = [pages.Column("finding"), pages.Column("score", 3), pages.Column("percentile", 0)]
    return pages.Table(columns, rows, "The package's answer: the twelve highest percentiles.")


def _timings(made: Made) -> pages.Timings:
    machine = doctor.examine_machine()
    caption = f"{machine['processor']}, {machine['threads']}, {machine['instructions']}"
    return pages.Timings(list(made.seconds.items()), caption)


def _name(code: str) -> str:
    return findings.vocabulary()[code].en
