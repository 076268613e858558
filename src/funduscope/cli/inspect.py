"""Looking at what exists: `show`, `check`, `config`."""

from __future__ import annotations

import difflib
import importlib
import json as json_module
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from funduscope import store
from funduscope.cli import options, prompts, reading
from funduscope.cli.readings import check_frozen, frozen_of, show_review
from funduscope.cli.runs import show_run, show_unfinished
from funduscope.cli.screen import Screen
from funduscope.cli.stages import show_metrics
from funduscope.cli.words import show_vocabulary
from funduscope.config import Settings, describe
from funduscope.errors import BundleError, ConfigError, DataError, missing_extra

Thing = Annotated[
    Path, typer.Argument(metavar="THING", help="A folder that a stage made, or one of its files.")
]
Shown = Annotated[
    str,
    typer.Argument(
        metavar="THING",
        help="A folder that a stage made, one of its tables, a report as a text file (- reads "
        "standard input), or the word vocabulary or prompts.",
    ),
]
Finding = Annotated[
    str | None,
    typer.Argument(
        metavar="[FINDING]",
        help="With vocabulary or prompts: a code; with vocabulary also a name or synonym.",
        show_default=False,
    ),
]


def show(
    thing: Shown,
    finding: Finding = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Show a corpus, run, bundle, embeddings, evaluation, package, or one table of them; how a
    report is read; the vocabulary of findings; the prompt bank.

    A report's text is printed with what was read from it marked by status, and every assertion
    with its rules.
    """
    screen = Screen(quiet=quiet, as_json=json)
    if thing == "vocabulary":
        show_vocabulary(screen, finding)
    elif prompts.meant(Path(thing)):
        prompts.show(screen, finding)
    elif finding is not None:
        raise _unknown(
            "thing with a FINDING", thing, ["vocabulary", "prompts"], "show THING FINDING"
        )
    elif thing == "-" or (Path(thing).is_file() and Path(thing).suffix != ".parquet"):
        reading.show_report(screen, thing)
    else:
        _show_made(screen, Path(thing))


def _show_made(screen: Screen, thing: Path) -> None:
    """What a stage made: a folder, or a table of one."""
    if not thing.exists():
        near = difflib.get_close_matches(str(thing), ["vocabulary", "prompts"], cutoff=0.7)
        raise DataError(
            "no such file or folder",
            place=str(thing),
            rule="a folder that a stage made, one of its tables, a report, vocabulary or prompts",
            remedy=f"did you mean '{near[0]}'?" if near else "correct the path",
            code="missing",
        )
    if thing.suffix == ".parquet":
        _show_table(screen, thing)
        return
    if (thing / "bundle.json").is_file():
        _show_bundle(screen, store.Bundle.open(thing))
        return
    begun = store.unfinished(thing)
    if begun is not None and begun[0]["kind"] == "run":
        show_unfinished(screen, thing, *begun)
        return
    manifest = _manifest(thing)
    screen.data({"path": str(thing), **_json_of(thing)})
    screen.say(f"{manifest.kind} {manifest.id}")
    made = manifest.made
    screen.say(f"made {made['started_at']} in {made['seconds']} s: {made['command']}")
    for item in manifest.inputs:
        screen.say(f"from {item.get('kind')} {item.get('id', item.get('path', ''))}")
    SHOWN.get(manifest.kind, _show_counts)(screen, thing, manifest)


def _show_counts(screen: Screen, _thing: Path, manifest: store.Manifest) -> None:
    screen.table("", ("count", "number"), [(k, str(v)) for k, v in manifest.counts.items()])
    files = [(name, fact["bytes"]) for name, fact in manifest.files.items()]
    screen.table("", ("file", "bytes"), files)


def _show_corpus(screen: Screen, thing: Path, manifest: store.Manifest) -> None:
    corpus = store.Corpus.open(thing)
    columns = ("seen", "kept", "rejected", "review")
    rows = [
        (name, *(fact.get(c) for c in columns))
        for name, fact in manifest.counts.items()
        if isinstance(fact, Mapping)
    ]
    screen.table("", ("", *columns), rows)
    images = corpus.images
    for column in ("site_id", "split", "eye", "modality"):
        found = Counter(images[column].to_list())
        screen.say(f"{column}: " + ", ".join(f"{k} {n}" for k, n in sorted(found.items())))
    screen.say(f"patients: {images['patient_id'].n_unique()}")
    ungradable = Counter(v for v in images["ungradable_reason"].to_list() if v)
    screen.say("ungradable: " + (", ".join(f"{k} {n}" for k, n in ungradable.items()) or "none"))
    present = corpus.assertions.filter(corpus.assertions["status"] == "present")
    _show_common(screen, "findings in reports", Counter(present["finding"].to_list()))
    _show_common(screen, "labels", Counter(corpus.labels["finding"].to_list()))
    _show_rejects(screen, corpus.rejects)
    show_review(screen, corpus)


def _show_common(screen: Screen, title: str, found: Counter[str]) -> None:
    screen.table(title, ("finding", "rows"), found.most_common(20))


def _show_rejects(screen: Screen, rejects: Any) -> None:
    found = Counter(rejects.select("severity", "item", "code").iter_rows())
    rows = [(*key, count) for key, count in sorted(found.items())]
    screen.table("rejected and in review", ("severity", "item", "code", "rows"), rows)


def _show_evaluation(screen: Screen, thing: Path, _manifest: store.Manifest) -> None:
    show_metrics(screen, store.Evaluation.open(thing).metrics.to_dicts())


def _show_bundle(screen: Screen, bundle: store.Bundle) -> None:
    screen.data({"kind": "bundle", "path": str(bundle.path), **bundle.spec})
    rows = [(k, v if isinstance(v, str) else json_module.dumps(v)) for k, v in bundle.spec.items()]
    screen.table(f"bundle {bundle.id}", ("", ""), rows)


def _show_package(screen: Screen, thing: Path, _manifest: store.Manifest) -> None:
    from funduscope.runtime import Package

    package = Package.open(thing)
    words = package.prompts
    rows = [
        ("input", f"{package.image_spec.size} px"),
        ("findings", ", ".join(words.findings)),
        ("languages", ", ".join(words.languages)),
        ("prompt bank", " ".join(str(value) for value in words.bank_record.values())),
        ("percentiles", "none" if package.reference is None else f"{package.reference.eyes} eyes"),
    ]
    screen.table("", ("", ""), rows)


SHOWN: dict[str, Callable[[Screen, Path, store.Manifest], None]] = {
    "corpus": _show_corpus,
    "run": show_run,
    "evaluation": _show_evaluation,
    "package": _show_package,
}


def _show_table(screen: Screen, path: Path) -> None:
    from funduscope import tables

    table = tables.TABLES.get(path.stem)
    if table is None:
        raise _unknown("table", path.stem, list(tables.TABLES), str(path))
    if (path.parent / store.STATE).is_file():
        _manifest(path.parent)  # refuses it, with the command that finishes it
    data = tables.read(table, path)
    screen.data({"table": table.name, "rows": data.height, "head": data.head(20).to_dicts()})
    if table is tables.REJECTS:
        _show_rejects(screen, data)
    screen.table(f"{table.name}: {data.height} rows", data.columns, data.head(20).rows())


def check(thing: Thing, quiet: options.Quiet = False, json: options.Json = False) -> None:
    """Prove that a folder is whole: every hash, every table, and that no record was lost.

    `check prompts` looks for faults of the prompt bank; `check BUNDLE` also says what the
    bundle's text tower makes of it. A frozen set of readings (a file, or beside a corpus) is read
    again; if a reading changed since, the changes are listed and the exit code is 3.
    """
    screen = Screen(quiet=quiet, as_json=json)
    if prompts.meant(thing):
        prompts.check(screen)
        return
    if thing.suffix == ".json" and thing.is_file():
        check_frozen(screen, thing)
        return
    sets = []
    if (thing / "bundle.json").is_file():
        done = _check_bundle(thing)
    else:
        manifest = _manifest(thing)
        done = [f"{store.verify(thing)} files are as they were written"]
        done += _check_tables(thing, manifest)
        done += CHECKED.get(manifest.kind, _check_nothing)(thing)
        sets = frozen_of(thing, manifest)
    screen.data({"path": str(thing), "whole": True, "checked": done})
    for line in done:
        screen.say(f"ok: {line}")
    for path in sets:
        check_frozen(screen, path)


def _check_tables(thing: Path, manifest: store.Manifest) -> list[str]:
    from funduscope import tables

    done = []
    for name in manifest.files:
        table = tables.TABLES.get(Path(name).stem)
        if table is not None and name == f"{table.name}.parquet":
            done.append(f"{name}: {tables.read(table, thing / name).height} rows of the right form")
    return done


def _check_nothing(_thing: Path) -> list[str]:
    return []


def _check_corpus(thing: Path) -> list[str]:
    corpus = store.Corpus.open(thing)
    done = []
    for name, kept in (("images", corpus.images), ("reports", corpus.reports)):
        counts = corpus.manifest.counts[name]
        parts = [counts[word] for word in ("kept", "rejected", "review")]
        if counts["seen"] != sum(parts) or counts["kept"] != kept.height:
            raise DataError(
                f"{name}: seen {counts['seen']}, kept {parts[0]} ({kept.height} rows), rejected "
                f"{parts[1]}, review {parts[2]}",
                place=str(thing),
                rule="records seen = kept + rejected + review, and every kept one has its row",
                remedy="ingest the archive again; report this if it returns",
                code="lost_records",
            )
        done.append(f"{name}: {counts['seen']} seen = {parts[0]} + {parts[1]} + {parts[2]}")
    stored = sorted(name for name, _ in corpus.pixels())
    if stored != sorted(corpus.images["image_id"].to_list()):
        raise DataError(
            f"{len(stored)} photographs stored, {corpus.images.height} listed",
            place=str(thing / "pixels"),
            rule="each row of images has its bytes once",
            remedy="ingest the archive again; report this if it returns",
            code="lost_pixels",
        )
    return [*done, f"pixels: {len(stored)} photographs"]


def _check_run(thing: Path) -> list[str]:
    return _check_bundle(store.Bundle.open(thing).path)


def _check_bundle(folder: Path) -> list[str]:
    bundle = store.Bundle.open(folder)
    loaded = prompts.load(bundle.path)
    for name in ("LICENSE", "card.md"):
        if not (bundle.path / name).is_file():
            raise BundleError(
                "missing",
                place=str(bundle.path / name),
                rule="a bundle carries the terms of its training data and its card",
                remedy="take the whole bundle from where it was made",
            )
    return [f"bundle {bundle.id}: every tensor fits", *prompts.lines_of_bundle(loaded)]


def _check_package(thing: Path) -> list[str]:
    from funduscope.deploy.predictor import Predictor

    predictor = Predictor(thing)
    return [f"package {predictor.package.id}: its self-test photographs score as they must"]


CHECKED: dict[str, Callable[[Path], list[str]]] = {
    "corpus": _check_corpus,
    "run": _check_run,
    "package": _check_package,
}

STAGES = {
    "review": ("archive", "ReviewSettings", "archive"),
    "pretrain": ("pretrain", "PretrainSettings", "train"),
    "embed": ("evaluate", "EmbedSettings", "archive"),
    "zeroshot": ("evaluate", "ZeroshotSettings", "archive"),
    "export": ("deploy", "ExportSettings", "train"),
    "demo": ("cli.demo", "DemoSettings", "archive"),
}


def config(
    stage: Annotated[
        str, typer.Argument(metavar="STAGE", help=f"One of: ingest, {', '.join(STAGES)}.")
    ],
) -> None:
    """Print the settings of a command as TOML, each with its meaning and default.

    `config ingest` prints the form of archive.toml, and ingest's settings as comments.
    """
    screen = Screen(quiet=False, as_json=False)
    if stage == "ingest":
        from funduscope.archive import description
        from funduscope.archive.settings import IngestSettings

        screen.say("# Settings of ingest, to be given by --set KEY=VALUE:")
        for line in describe(IngestSettings).splitlines():
            screen.say(f"#   {line}".rstrip())
        screen.say("\n" + description.schema())
        return
    if stage not in STAGES:
        raise _unknown("stage", stage, ["ingest", *STAGES], "config STAGE")
    room, name, extra = STAGES[stage]
    try:
        model: type[Settings] = getattr(importlib.import_module(f"funduscope.{room}"), name)
    except ModuleNotFoundError as error:
        raise missing_extra(error.name or room, extra) from None
    screen.say(describe(model))


def _manifest(thing: Path) -> store.Manifest:
    """The manifest of a folder of whatever kind; unfinished and foreign folders are refused."""
    kind = str(_json_of(thing).get("kind", "corpus"))
    return store.read_manifest(thing, kind)


def _json_of(thing: Path) -> dict[str, Any]:
    try:
        found = json_module.loads((thing / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _unknown(what: str, name: str, known: list[str], place: str) -> ConfigError:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f"did you mean '{near[0]}'?" if near else "choose one of these"
    return ConfigError(name, place=place, rule=f"a {what}: {', '.join(known)}", remedy=hint)
