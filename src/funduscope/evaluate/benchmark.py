"""`zeroshot`: words against photographs, scored on labels that the model has never read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from funduscope import findings, scoring, stats, store, tables
from funduscope.config import Progress, Quiet
from funduscope.errors import DataError
from funduscope.evaluate import tasks as benchmarks
from funduscope.evaluate.embedding import embed_corpus, image_ids
from funduscope.evaluate.encoder import Encoder, Vectors, bank_for, open_encoder
from funduscope.evaluate.settings import ZeroshotSettings
from funduscope.evaluate.tasks import Label, Task
from funduscope.store import Corpus, Evaluation

PROTOCOL = "zero_shot"
Row = dict[str, Any]
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """One task on the photographs it asks for."""

    task: Task
    corpus: Corpus
    ids: list[str]
    truth: Mapping[str, Mapping[str, float]]  # target name -> image_id -> 1 or 0


def zeroshot(
    model: Path | str,
    corpora: Sequence[Path | str],
    out: Path | str,
    settings: ZeroshotSettings | None = None,
    *,
    force: bool = False,
    progress: Progress | None = None,
) -> Evaluation:
    """Score labeled corpora by text alone and say how sure each figure is.

    Every labeled photograph counts, whether the clinic would have refused it or not (column
    `refused`). AUROC carries a 95% interval over resampled patients; where a corpus knows no
    patients, photographs are resampled and `ci_method` says so.

    Args:
        model: a bundle, the run folder that holds one, or a package.
        corpora: corpus folders made by `ingest`.
        out: new folder for the tables `scores` and `metrics`.
        settings: tasks, prompts, split, truth.
        force: begin anew where `out` is taken.
        progress: told of every batch.

    Raises:
        ConfigError: an unknown task, suite or prompt set.
        DataError: no task fits these corpora; a folder is unfinished, taken or of another kind.
        BundleError: the model is damaged.
    """
    chosen = settings or ZeroshotSettings()
    opened = [Corpus.open(path) for path in corpora]
    for name in chosen.prompt_sets:
        findings.prompt_bank(name)  # an unknown one is refused before anything is opened
    encoder = open_encoder(Path(model))
    banks = {name: bank_for(encoder, name) for name in chosen.prompt_sets}
    runs = plan(opened, chosen, encoder.findings)
    sources = [{"kind": encoder.kind, "id": encoder.id, "path": str(model)}]
    sources += [{"kind": "corpus", "id": c.id, "path": str(c.path)} for c in opened]
    with store.create(
        Path(out),
        kind="evaluation",
        config=chosen.model_dump(mode="json"),
        seed=chosen.seed,
        inputs=sources,
        force=force,
    ) as output:
        scores, metrics = score_runs(encoder, runs, banks, chosen, progress or Quiet())
        for table, rows in ((tables.SCORES, scores), (tables.METRICS, metrics)):
            tables.write(table, tables.frame(table, rows), output.path / f"{table.name}.parquet")
        output.counts.update(scores=len(scores), metrics=len(metrics))
        output.extra.update(
            model=encoder.id,
            protocol=PROTOCOL,
            benchmark_version=benchmarks.task_file().version,
            prompts={name: bank.hash for name, bank in banks.items()},
            prompt_banks=_records(banks, encoder, runs),
        )
    made: Evaluation = Evaluation.open(out)
    return made


def _records(
    banks: Mapping[str, findings.PromptBank], encoder: Encoder, runs: Sequence[Run]
) -> dict[str, Any]:
    """What each prompt set was; of phrasings embedded earlier the package's own manifest tells."""
    own = encoder.kind == "bundle"
    codes = {target.name for run in runs for target in run.task.targets} if own else ()
    return {name: bank.record(codes) for name, bank in banks.items()}


def plan(
    corpora: Sequence[Corpus], settings: ZeroshotSettings, known: Collection[str]
) -> list[Run]:
    """Which task runs on which photographs of which corpus, with what truth.

    Without named tasks, only the findings `known` to the model are asked for.

    Raises:
        DataError: a named task finds no corpus of its site, or no task has enough labels.
    """
    asked = benchmarks.named_tasks(settings.tasks, settings.suite)
    runs = []
    for corpus in corpora:
        by_reports = settings.truth == "reports"
        labels = benchmarks.reports_of(corpus) if by_reports else benchmarks.labels_of(corpus)
        if asked:
            sites = set(corpus.images["site_id"].unique())
            fitting = [t for t in asked if t.site is None or t.site in sites]
            runs += [_run(task, corpus, labels, settings) for task in fitting]
            continue
        ids = image_ids(corpus, settings.split or "test")
        targets = benchmarks.every_finding(
            {name: labels[name] for name in ids if name in labels},
            known,
            minimum=settings.minimum,
            complete=by_reports,
        )
        if targets:
            task = Task(name=corpus.path.name, about="every finding", targets=targets)
            runs.append(_run(task, corpus, labels, settings))
    lost = {task.name for task in asked} - {run.task.name for run in runs}
    if lost or not runs:
        raise _nothing_to_score(corpora, lost, settings)
    return runs


def _nothing_to_score(
    corpora: Sequence[Corpus], lost: Iterable[str], settings: ZeroshotSettings
) -> DataError:
    names = ", ".join(sorted(lost))
    return DataError(
        f"no corpus for {names}" if names else f"no finding has enough {settings.truth}",
        place=", ".join(str(corpus.path) for corpus in corpora),
        rule="a named task needs a corpus of its site"
        if names
        else f"{settings.minimum} positives and {settings.minimum} negatives of a finding",
        remedy="give that corpus too, or leave the task out"
        if names
        else "try --set truth=reports (an archive without labels) or --set split=all",
        code="nothing_to_score",
    )


def _run(
    task: Task, corpus: Corpus, labels: Mapping[str, Sequence[Label]], settings: ZeroshotSettings
) -> Run:
    wanted = image_ids(corpus, settings.split or task.split)
    inside = {name: labels[name] for name in wanted if name in labels}
    truth = {target.name: benchmarks.truth_of(target, inside) for target in task.targets}
    scored = {name for values in truth.values() for name in values}
    return Run(task, corpus, [name for name in wanted if name in scored], truth)


def score_runs(
    encoder: Encoder,
    runs: Sequence[Run],
    banks: Mapping[str, findings.PromptBank],
    settings: ZeroshotSettings,
    progress: Progress,
) -> tuple[list[Row], list[Row]]:
    """Rows of `scores` and `metrics`; each corpus is embedded once for all tasks and prompts.

    banks: by the name they were asked for, which becomes `prompt_set`.
    """
    vectors = _embed_all(encoder, runs, progress)
    scores: list[Row] = []
    metrics: list[Row] = []
    for name, bank in banks.items():
        codes = list(dict.fromkeys(t.name for run in runs for t in run.task.targets))
        ahead, against = encoder.directions(codes, bank, settings.language)
        for run in runs:
            images = np.stack([vectors[run.corpus.id][name] for name in run.ids])
            rows = [codes.index(target.name) for target in run.task.targets]
            values = scoring.zero_shot(images, ahead[rows], against[rows], encoder.scale)
            scores += _score_rows(run, values, name)
            method = f"{PROTOCOL}/{name}/{settings.language}"
            metrics += _metric_rows(run, values, method, settings)
    return scores, metrics


def _embed_all(
    encoder: Encoder, runs: Sequence[Run], progress: Progress
) -> dict[str, dict[str, Vectors]]:
    vectors: dict[str, dict[str, Vectors]] = {}
    for corpus in {run.corpus.id: run.corpus for run in runs}.values():
        wanted = {name for run in runs if run.corpus is corpus for name in run.ids}
        ids = [name for name in image_ids(corpus, "all") if name in wanted]
        rows = embed_corpus(encoder, corpus, ids, progress)
        vectors[corpus.id] = dict(zip(ids, rows, strict=True))
    return vectors


def _facts(run: Run) -> dict[str, Row]:
    columns = ("image_id", "patient_id", "patient_id_source", "site_id", "gradable")
    chosen = run.corpus.images.select(*columns, "ungradable_reason")
    return {row["image_id"]: row for row in chosen.iter_rows(named=True)}


def _score_rows(run: Run, values: Scores, prompt_set: str) -> Iterator[Row]:
    facts = _facts(run)
    for column, target in enumerate(run.task.targets):
        truth = run.truth[target.name]
        for at, name in enumerate(run.ids):
            fact = facts[name]
            reason = fact["ungradable_reason"]
            yield {
                "task": run.task.name,
                "finding": target.name,
                "unit": "image",
                "unit_id": name,
                "patient_id": fact["patient_id"],
                "site_id": fact["site_id"],
                "score": float(values[at, column]),
                "label": truth.get(name),
                "method": PROTOCOL,
                "prompt_set": prompt_set,
                "refused": reason if reason == "not_fundus" else None,
            }


def _metric_rows(
    run: Run, values: Scores, method: str, settings: ZeroshotSettings
) -> Iterator[Row]:
    facts = _facts(run)
    for column, target in enumerate(run.task.targets):
        truth = run.truth[target.name]
        at = [i for i, name in enumerate(run.ids) if name in truth]
        names = [run.ids[i] for i in at]
        patients = [facts[name]["patient_id"] for name in names]
        labels = np.array([truth[name] for name in names])
        interval = stats.cluster_bootstrap(
            labels,
            values[at, column],
            patients,
            n=settings.bootstrap,
            seed=settings.seed,
            patients_are_images=any(facts[n]["patient_id_source"] == "image" for n in names),
        )
        yield {
            "task": run.task.name,
            "finding": target.name,
            "unit": "image",
            "subgroup": "all",
            "metric": "auroc",
            "value": interval.value,
            "ci_low": interval.low,
            "ci_high": interval.high,
            "ci_method": interval.method,
            "n_units": len(names),
            "n_positive": int(labels.sum()),
            "n_patients": len(set(patients)),
            "method": method,
            "seeds": 1,
            "selected_on": "val",
            "reason": interval.reason,
        }
