"""The commands that run a stage: ingest, pretrain, embed, zeroshot, export."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from funduscope.cli import options
from funduscope.cli.screen import Screen
from funduscope.errors import missing_extra

Model = Annotated[
    Path, typer.Argument(metavar="BUNDLE|PACKAGE", help="Bundle, run folder or package.")
]
Bundle = Annotated[Path, typer.Argument(metavar="BUNDLE", help="Bundle, or its run folder.")]
Corpus = Annotated[Path, typer.Argument(metavar="CORPUS", help="A corpus made by ingest.")]
Corpora = Annotated[list[Path], typer.Argument(metavar="CORPUS...", help="Corpora made by ingest.")]
Benchmarks = Annotated[
    list[Path] | None,
    typer.Option(
        "--benchmark",
        metavar="CORPUS",
        help="A finished corpus: photographs that the archive shares with it are listed; may "
        "repeat.",
    ),
]
Out = Annotated[Path, typer.Argument(metavar="OUT", help="New folder for the result.")]


def ingest(
    archive: Annotated[Path, typer.Argument(metavar="ARCHIVE", help="Folder of the archive.")],
    out: Out,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="archive.toml: what the archive looks like."),
    ] = None,
    draft: Annotated[
        bool,
        typer.Option(
            "--draft", help="Only look: write OUT/archive.toml with guesses, OUT/samples.html."
        ),
    ] = False,
    benchmark: Benchmarks = None,
    set_: options.SetWords = None,
    seed: options.Seed = None,
    resume: options.Resume = False,
    force: options.Force = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Read a foreign archive into a de-identified corpus.

    Makes OUT/: manifest.json, images, reports, assertions, pairs, labels and rejects as Parquet,
    pixels/, report.html. Secrets (the key of the pseudonyms, places of rejected files) go beside
    OUT, never into it. With --draft nothing is read in: the folder is looked at and described.
    """
    archive_stage = stage("archive", "archive")
    screen = Screen(quiet=quiet, as_json=json)
    if draft:
        _draft(archive_stage, archive, out, screen)
        return
    chosen = options.settings(archive_stage.IngestSettings, None, set_, seed)
    with screen.progress() as progress:
        corpus = archive_stage.ingest(
            archive,
            out,
            chosen,
            config_path=config,
            benchmarks=benchmark or (),
            resume=resume,
            force=force,
            progress=progress,
        )
    counts = corpus.manifest.counts
    screen.data({"kind": "corpus", "path": str(out), "id": corpus.id, "counts": counts})
    columns = ("seen", "kept", "rejected", "review")
    rows = [(name, *(counts[name][c] for c in columns)) for name in ("images", "reports")]
    screen.table("", ("", *columns), rows)
    name = shlex.quote(str(out))
    screen.next(
        f"funduscope show {name}",
        f"funduscope pretrain {name} run/",
    )
    told = archive_stage.damaged(corpus, chosen)
    if told is not None:
        raise told


def _draft(archive_stage: Any, archive: Path, out: Path, screen: Screen) -> None:
    made = archive_stage.draft(archive, out)
    said = {"description": str(made.description), "samples": str(made.samples), "open": made.open}
    screen.data({"kind": "draft", **said})
    screen.say(f"{made.description}: {len(made.sources)} sources, {len(made.open)} open questions")
    for line in made.open:
        screen.say(f"  ? {line}")
    screen.say(f"confirm it by {made.samples} (it shows patients: it stays at the site)")
    place = shlex.quote(str(archive))
    screen.next(f"funduscope ingest {place} corpus/ --config {shlex.quote(str(made.description))}")


def pretrain(
    corpora: Corpora,
    out: Out,
    config: options.ConfigFile = None,
    set_: options.SetWords = None,
    seed: options.Seed = None,
    resume: options.Resume = False,
    force: options.Force = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Train an image-text model on the photographs and reports of corpora; no label is read.

    Makes OUT/: bundle/ (weights, tokenizer, card), log.parquet, checkpoints, manifest.json.
    """
    pretrain_stage = stage("pretrain", "train")
    screen = Screen(quiet=quiet, as_json=json)
    chosen = options.settings(pretrain_stage.PretrainSettings, config, set_, seed)
    with screen.progress() as progress:
        bundle = pretrain_stage.pretrain(
            corpora, out, chosen, resume=resume, force=force, progress=progress
        )
    screen.data({"kind": "run", "path": str(out), "bundle": str(bundle.path), "id": bundle.id})
    name, corpus = shlex.quote(str(out)), shlex.quote(str(corpora[0]))
    screen.say(f"bundle {bundle.id} in {bundle.path}")
    screen.next(
        f"funduscope zeroshot {name} {corpus} evaluation/ --set split=val",
        f"funduscope export {name} package/",
    )


def embed(
    model: Model,
    corpus: Corpus,
    out: Out,
    config: options.ConfigFile = None,
    set_: options.SetWords = None,
    seed: options.Seed = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Turn the photographs of a corpus into unit vectors.

    Makes OUT/: vectors.npy (float32, one unit row a photograph), rows.parquet, manifest.json.
    """
    evaluate_stage = stage("evaluate", "archive")
    screen = Screen(quiet=quiet, as_json=json)
    chosen = options.settings(evaluate_stage.EmbedSettings, config, set_, seed)
    with screen.progress() as progress:
        made = evaluate_stage.embed(model, corpus, out, chosen, force=force, progress=progress)
    shape = list(made.vectors.shape)
    screen.data({"kind": "embeddings", "path": str(out), "id": made.id, "shape": shape})
    screen.say(f"{shape[0]} vectors of length {shape[1]} in {out}")
    screen.next(f"funduscope show {shlex.quote(str(out))}")


def zeroshot(
    model: Model,
    corpora: Corpora,
    out: Out,
    suite: Annotated[
        str | None, typer.Option("--suite", metavar="NAME", help="A named list of tasks.")
    ] = None,
    config: options.ConfigFile = None,
    set_: options.SetWords = None,
    seed: options.Seed = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Score labeled corpora by words alone, with 95% intervals over patients.

    Makes OUT/: scores.parquet (one row a photograph and finding), metrics.parquet (AUROC),
    manifest.json (model, prompts and their hash, benchmark version).
    """
    evaluate_stage = stage("evaluate", "archive")
    screen = Screen(quiet=quiet, as_json=json)
    words = [*(set_ or ()), *([f"suite={suite}"] if suite else ())]
    chosen = options.settings(evaluate_stage.ZeroshotSettings, config, words, seed)
    with screen.progress() as progress:
        made = evaluate_stage.zeroshot(model, corpora, out, chosen, force=force, progress=progress)
    metrics = made.metrics.to_dicts()
    screen.data({"kind": "evaluation", "path": str(out), "id": made.id, "metrics": metrics})
    show_metrics(screen, metrics)
    screen.next(f"funduscope show {shlex.quote(str(out))}")


def export(
    bundle: Bundle,
    out: Out,
    corpus: Annotated[
        Path | None,
        typer.Option(
            "--corpus",
            metavar="CORPUS",
            help="Its validation eyes become the reference of the percentiles.",
        ),
    ] = None,
    config: options.ConfigFile = None,
    set_: options.SetWords = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Make a package that predicts on a CPU without torch, and prove that it agrees with torch.

    Makes OUT/: image_tower.onnx, image_spec.json, prompts.npz, calibration.json, selftest/,
    parity.json, card.md, LICENSE, manifest.json.
    """
    deploy_stage = stage("deploy", "train")
    screen = Screen(quiet=quiet, as_json=json)
    chosen = options.settings(deploy_stage.ExportSettings, config, set_)
    with screen.progress() as progress:
        package = deploy_stage.export(
            bundle, out, chosen, corpus=corpus, force=force, progress=progress
        )
    screen.data({"kind": "package", "path": str(out), "id": package.id})
    screen.say(f"package {package.id} in {out}")
    screen.next(f"funduscope predict photo.jpg --package {shlex.quote(str(out))}")


def stage(name: str, extra: str) -> Any:
    """A stage room, imported when its command runs.

    Raises:
        ConfigError: a library is missing; the error names the extra that holds it.
    """
    import importlib

    try:
        return importlib.import_module(f"funduscope.{name}")
    except ModuleNotFoundError as error:
        raise missing_extra(error.name or name, extra) from None


def show_metrics(screen: Screen, metrics: list[dict[str, Any]]) -> None:
    """Figures by task and method, with the mean over the findings of a task."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in metrics:
        if row["subgroup"] == "all":
            groups.setdefault((row["task"], row["method"]), []).append(row)
    for (task, method), rows in groups.items():
        lines: list[tuple[object, ...]] = [
            (
                row["finding"],
                row["metric"],
                row["value"],
                row["ci_low"],
                row["ci_high"],
                row["n_positive"],
                row["n_units"],
                row["reason"] or "",
            )
            for row in rows
        ]
        values = [row["value"] for row in rows if row["value"] is not None]
        if len(values) > 1:
            lines.append(("mean", "", sum(values) / len(values), None, None, None, None, ""))
        title = f"{task} · {method} · {rows[0]['ci_method']}"
        columns = ("finding", "metric", "value", "95% low", "high", "positive", "units", "")
        screen.table(title, columns, lines)
