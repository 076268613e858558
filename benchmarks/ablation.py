"""Objectives compared, run by run; the command goes on where it stopped.

    python benchmarks/ablation.py CORPORA WORK                  # train and score what is missing
    python benchmarks/ablation.py CORPORA WORK --page FILE.md   # only print the page

Four objectives, and beside the first of them `named` and the noise on texts, by three seeds on the
same towers, photographs and steps; scored on the validation patients of `odir`, the only eyes on which choices
are made. CORPORA holds the corpora odir and csdi made by `ingest`. Each run is one row of
WORK/runs.parquet. The Chinese rows are taught once a seed, so that the runs of a seed begin from
the same bits.
"""

from __future__ import annotations

import argparse
import io
import itertools
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from funduscope import evaluate, pretrain, stats, store
from funduscope.evaluate import ZeroshotSettings
from funduscope.evaluate.tasks import named_tasks
from funduscope.pretrain import PretrainSettings

OBJECTIVES: Mapping[str, Mapping[str, Any]] = {
    "infonce": {"objective": "infonce"},
    "sigmoid": {"objective": "sigmoid"},
    "patient": {"objective": "patient"},
    "findings": {"objective": "findings"},
    "infonce + named": {"objective": "infonce", "named": 4.0},
    "infonce + named + noise": {"objective": "infonce", "named": 4.0, "text_noise": 1.0},
}
SEEDS = (0, 1, 2)
SETTINGS: Mapping[str, Any] = {
    "train_size": 128,
    "steps": 250,
    "batch": 64,
    "named": 0.0,
    "text_noise": 0.0,
    "ema": 0.98,
    "warmup": 25,
    "device": "cpu",
}
PROMPT_SETS = ("plain", "paraphrase")
REPLICATES = 1000


def main() -> None:
    """Run what is missing, or print the page of what is there."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("corpora", type=Path)
    asked.add_argument("work", type=Path)
    asked.add_argument("--page", type=Path, help="only print the page of the runs so far")
    given = asked.parse_args()
    if given.page is None:
        for seed, objective in itertools.product(SEEDS, OBJECTIVES):
            run(given.corpora, given.work, objective, seed)
        return
    made = page(pl.read_parquet(given.work / "runs.parquet"), given.work)
    given.page.write_text(made, encoding="utf-8")
    print(made)


def settings_of(objective: str, seed: int, start: Path | None) -> PretrainSettings:
    """The recipe of a run."""
    chosen = {**SETTINGS, **OBJECTIVES[objective], "seed": seed}
    return PretrainSettings.model_validate({**chosen, "start": start and str(start)})


def beginning(corpora: Path, work: Path, seed: int) -> Path:
    """A bundle whose text tower has been taught and whose image tower is as it is shipped."""
    out = work / f"beginning-{seed}"
    if not (out / "manifest.json").exists():
        chosen = settings_of("infonce", seed, None).model_dump()
        chosen |= {"steps": 1, "model": {"train_image": "frozen"}, "train_size": 64}
        pretrain.pretrain(
            _corpora(corpora), out, PretrainSettings.model_validate(chosen), force=True
        )
    return out


def run(corpora: Path, work: Path, objective: str, seed: int) -> None:
    """Train and score one run, unless its row is there."""
    table = work / "runs.parquet"
    done = pl.read_parquet(table) if table.exists() else pl.DataFrame()
    if done.height and done.filter(objective=objective, seed=seed).height:
        return
    out = _folder(work, objective, seed)
    start = beginning(corpora, work, seed)
    resume = (out / store.STATE).exists()
    begun = time.monotonic()
    if not (out / "manifest.json").exists():
        chosen = settings_of(objective, seed, start)
        pretrain.pretrain(_corpora(corpora), out, chosen, resume=resume)
    seconds = time.monotonic() - begun
    row = {**SETTINGS, **OBJECTIVES[objective], "objective": objective, "seed": seed}
    row["seconds"] = seconds
    row["resumed"] = resume
    for language in ("both", "en", "zh"):
        row |= dict(_scored(corpora, out, language))
    done = pl.concat([done, pl.DataFrame([row])]) if done.height else pl.DataFrame([row])
    stream = io.BytesIO()
    done.write_parquet(stream)
    store.write_bytes(table, stream.getvalue())
    print(f"{objective} {seed}: {row['both plain']:.3f} in {seconds:.0f} s", flush=True)


def _folder(work: Path, objective: str, seed: int) -> Path:
    return work / f"{objective.replace(' + ', '-')}-{seed}"


def _corpora(folder: Path) -> list[Path]:
    return [folder / "odir", folder / "csdi"]


def _scored(corpora: Path, out: Path, language: str) -> Iterator[tuple[str, float]]:
    """Mean AUROC of the seven on odir val by prompt set, and each finding's with `both`."""
    folder = out.parent / f"{out.name}-{language}"
    chosen = ZeroshotSettings.model_validate(
        {"tasks": ("odir7",), "split": "val", "prompt_sets": PROMPT_SETS, "language": language}
    )
    shutil.rmtree(folder, ignore_errors=True)
    made = evaluate.zeroshot(out, [corpora / "odir"], folder, chosen)
    rows = made.metrics.filter(subgroup="all").to_dicts()
    for prompt_set in PROMPT_SETS:
        of = {r["finding"]: r["value"] for r in rows if r["method"].split("/")[1] == prompt_set}
        yield f"{language} {prompt_set}", float(np.mean(list(of.values())))
        if language == "both" and prompt_set == "plain":
            yield from of.items()


def page(runs: pl.DataFrame, work: Path) -> str:
    """The table of objectives with intervals, and each one's difference from infonce."""
    drawn = resampled(runs, work)
    names = [target.name for target in named_tasks(["odir7"], None)[0].targets]
    heads = ("objective", "runs", "mean of seven", *names, "paraphrase", "zh - en")
    heads += ("less infonce (paired over patients)", "seconds a run")
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for objective in OBJECTIVES:
        some = runs.filter(objective=objective)
        if not some.height:
            continue
        low, high = np.quantile(drawn[objective], [0.025, 0.975])
        mean = some["both plain"].mean()
        spread = some["both plain"].std() or 0.0
        cells = [objective, str(some.height)]
        cells.append(f"{mean:.3f} ({low:.3f}-{high:.3f}), seeds ±{spread:.3f}")
        cells += [f"{some[name].mean():.3f}" for name in names]
        cells.append(f"{some['both paraphrase'].mean():.3f}")
        cells.append(f"{(some['zh plain'] - some['en plain']).mean():+.3f}")
        cells.append(_difference(objective, runs, drawn))
        cells.append(f"{some['seconds'].median():.0f}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _difference(
    objective: str, runs: pl.DataFrame, drawn: Mapping[str, np.ndarray[Any, Any]]
) -> str:
    if objective == "infonce" or "infonce" not in drawn:
        return ""
    both = [runs.filter(objective=o)["both plain"].mean() for o in (objective, "infonce")]
    low, high = np.quantile(drawn[objective] - drawn["infonce"], [0.025, 0.975])
    return f"{both[0] - both[1]:+.3f} ({low:+.3f} to {high:+.3f})"


def resampled(runs: pl.DataFrame, work: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Mean over seeds and findings of each objective in the same samples of patients."""
    keys = runs.select("objective", "seed").rows()
    wide = [_scores(Path(f"{_folder(work, *key)}-both")) for key in keys]
    labels = wide[0].select("^label_.*$").to_numpy()
    scores = [table.select("^score_.*$").to_numpy() for table in wide]
    patients = wide[0]["patient_id"]
    found = stats.paired_aurocs(labels, np.stack(scores), patients, n=REPLICATES, seed=0)
    mean = np.nanmean(found[:, :, 1:], axis=1)
    own = {o: [at for at, key in enumerate(keys) if key[0] == o] for o, _ in keys}
    return {objective: mean[rows].mean(0) for objective, rows in own.items()}


def _scores(folder: Path) -> pl.DataFrame:
    """A row an eye: score_FINDING and label_FINDING with plain prompts."""
    found = store.Evaluation.open(folder).scores.filter(prompt_set="plain")
    return found.pivot("finding", index=("unit_id", "patient_id"), values=("score", "label")).sort(
        "unit_id"
    )


if __name__ == "__main__":
    main()
