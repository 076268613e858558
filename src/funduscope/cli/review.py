"""Looking at a corpus before it is trained on: `review quality`, `review reports`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from funduscope.cli import options
from funduscope.cli.screen import Screen
from funduscope.cli.stages import Corpus, Out, stage
from funduscope.errors import ConfigError

_NAMED: Final = 12  # traits that the sample does not reach


def quality(
    corpus: Corpus,
    out: Out,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels",
            metavar="FILE",
            help="CSV with image_id and gradable (1 or 0): choose the site's own threshold.",
        ),
    ] = None,
    config: options.ConfigFile = None,
    set_: options.SetWords = None,
    seed: options.Seed = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Show what a gradability threshold would remove, by site and camera; set one of your own.

    Makes OUT/: report.html, removed.csv; without --labels to_label.csv and to_label.html (50
    photographs to be judged), with --labels threshold.toml; manifest.json.
    """
    archive_stage = stage("archive", "archive")
    screen = Screen(quiet=quiet, as_json=json)
    chosen = options.settings(archive_stage.ReviewSettings, config, set_, seed)
    with screen.progress() as progress:
        found = archive_stage.review_quality(
            corpus, out, chosen, labels=labels, force=force, progress=progress
        )
    screen.data({"kind": "quality", **asdict(found)})
    screen.say(
        f"threshold {found.threshold:.2f} removes {found.removed} of {found.photographs} "
        f"photographs and all those of {found.patients_lost} patients"
    )
    screen.say(f"look at {found.path / 'report.html'}")
    if found.calibration is None:
        copy = shlex.quote(str(found.path / "to_label.csv"))
        words = f"funduscope review quality {shlex.quote(str(corpus))} NEW --labels labels.csv"
        screen.say(f"judge the photographs of {found.path / 'to_label.html'} in a copy of {copy}")
        screen.next(words)
        return
    rows = [
        (name, one.value, one.low, one.high)
        for name, one in (
            ("gradable ones that stay", found.calibration.chosen.sensitivity),
            ("useless ones that go", found.calibration.chosen.specificity),
        )
    ]
    title = f"threshold {found.threshold:.2f} on {found.calibration.labeled} labels"
    screen.table(title, ("", "share", "95% low", "high"), rows)
    screen.say("one of several sites: write gradable_from into its source in archive.toml instead")
    screen.next(f"funduscope ingest ARCHIVE NEW --set gradable_from={found.threshold:.2f}")


def reports(
    corpus: Corpus,
    out: Out,
    marks: Annotated[
        list[Path] | None,
        typer.Option(
            "--marks",
            metavar="FILE",
            help="File that mark.html saved, one a reader (may repeat): precision and recall.",
        ),
    ] = None,
    freeze: Annotated[
        bool,
        typer.Option("--freeze", help="Keep what --marks judged; `check` compares later readings."),
    ] = False,
    config: options.ConfigFile = None,
    set_: options.SetWords = None,
    seed: options.Seed = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """List what waits for a person; have people mark, offline, how a sample of reports was read.

    Makes OUT/: report.html, queue.csv (in review), rejected.csv, mark.html (the page to mark on),
    sample.csv; with --marks report.html, figures.csv, marks.csv, with --freeze frozen.json;
    manifest.json. The figures and the frozen set are also kept in reviews/ beside CORPUS.
    """
    archive_stage = stage("archive", "archive")
    screen = Screen(quiet=quiet, as_json=json)
    chosen = options.settings(archive_stage.ReviewSettings, config, set_, seed)
    if marks:
        made = archive_stage.review_marks(
            corpus, out, chosen, files=marks, freeze=freeze, force=force
        )
        _say_marks(screen, made)
        return
    if freeze:
        raise ConfigError(
            "--freeze without --marks",
            place="funduscope review reports",
            rule="what people judged is frozen",
            remedy="add --marks FILE with a file that mark.html saved",
        )
    found = archive_stage.review_reports(corpus, out, chosen, force=force)
    rows = [(item, code, count) for (item, code), count in found.counts.items()]
    counts = [{"item": item, "code": code, "lines": count} for item, code, count in rows]
    told: dict[str, Any] = {"kind": "queue", "path": str(found.path), "review": counts}
    if found.sample is not None:
        told["to_mark"] = len(found.sample.reports)
        told["unseen"] = list(found.sample.unseen)
    screen.data(told)
    screen.table("in review", ("item", "code", "lines"), rows)
    if not rows:
        screen.say("nothing waits for a person")
    screen.say(f"look at {found.path / 'report.html'}")
    if found.sample is not None:
        _say_sample(screen, found.sample, found.path, shlex.quote(str(corpus)))


def _say_sample(screen: Screen, sample: Any, path: Path, corpus: str) -> None:
    screen.say(
        f"{len(sample.reports)} of {sample.texts} distinct reports can be marked right or wrong "
        f"on {path / 'mark.html'}"
    )
    if sample.too_long:
        screen.say(f"{sample.too_long} reports are too long for the page and had no chance")
    if sample.unseen:
        more = len(sample.unseen) - _NAMED
        rest = f" and {more} more" if more > 0 else ""
        screen.say(f"not in the sample: {', '.join(sample.unseen[:_NAMED])}{rest}")
    screen.next(f"funduscope review reports {corpus} NEW --marks marks_R1_....json")


def _say_marks(screen: Screen, made: Any) -> None:
    screen.data({"kind": "validation", **asdict(made)})
    screen.say(f"{made.reports} of {made.shown} reports finished by {', '.join(made.readers)}")
    show_figures(screen, [asdict(one) for one in made.figures])
    for pair in made.agreement:
        same = "-" if pair.same is None else f"{pair.same:.3f}"
        screen.say(
            f"{' and '.join(pair.readers)}: {pair.readings} readings in {pair.reports} reports, "
            f"same answer {same}, kappa {_interval(asdict(pair.kappa))}"
        )
    screen.say(f"each finding: {made.path / 'report.html'}; kept beside the corpus: {made.kept}")
    if made.frozen is not None:
        screen.say("frozen: after an upgrade, see what is read differently")
        screen.next(f"funduscope check {shlex.quote(str(made.frozen))}")


def show_figures(screen: Screen, figures: Sequence[Mapping[str, Any]]) -> None:
    """Precision and recall with their intervals, of everything and by status."""
    rows = [
        (
            one["name"] or "all readings",
            *(_interval(one[name]) for name in ("precision", "recall")),
            *(one[name] for name in ("right", "wrong", "missed")),
        )
        for one in figures
        if one["by"] != "finding" and one["right"] + one["wrong"] + one["missed"]
    ]
    columns = ("", "precision (95%)", "recall (95%)", "right", "wrong", "missed")
    screen.table("reading of reports", columns, rows)


def _interval(one: Mapping[str, Any]) -> str:
    if one["value"] is None:
        return "-"
    ends = "" if one["low"] is None else f" ({one['low']:.3f}-{one['high']:.3f})"
    return f"{one['value']:.3f}{ends}"
