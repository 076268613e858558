"""Looking at a corpus before it is trained on: `review quality`, `review reports`."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from funduscope.cli import options
from funduscope.cli.screen import Screen
from funduscope.cli.stages import Corpus, Out, stage


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
    config: options.ConfigFile = None,
    set_: options.SetWords = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """List the photographs, reports and records that wait for a person, counted by reason.

    Makes OUT/: report.html, queue.csv (in review), rejected.csv, manifest.json.
    """
    archive_stage = stage("archive", "archive")
    screen = Screen(quiet=quiet, as_json=json)
    chosen = options.settings(archive_stage.ReviewSettings, config, set_)
    found = archive_stage.review_reports(corpus, out, chosen, force=force)
    rows = [(item, code, count) for (item, code), count in found.counts.items()]
    counts = [{"item": item, "code": code, "lines": count} for item, code, count in rows]
    screen.data({"kind": "queue", "path": str(found.path), "review": counts})
    screen.table("in review", ("item", "code", "lines"), rows)
    if not rows:
        screen.say("nothing waits for a person")
    screen.say(f"look at {found.path / 'report.html'}")
