"""Zero-shot on real photographs: docs/results/zeroshot.md from one command.

    python benchmarks/zeroshot.py BUNDLE WITHHELD_BUNDLE CORPORA --why "first release"

BUNDLE is the released bundle, WITHHELD_BUNDLE one that was trained without any patient whose text
names pathologic myopia or glaucoma, CORPORA the folder with the corpora odir, palm, eyepacs_subset
and unam_cfp made by `ingest`. Test patients and outside sites are scored once a released bundle;
every scoring adds its rows to docs/results/zeroshot_log.csv.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from funduscope import evaluate, findings, model, store
from funduscope.evaluate import ZeroshotSettings
from funduscope.pretrain import PretrainSettings
from funduscope.pretrain.examples import read_examples

RESULTS = Path(__file__).parents[1] / "docs" / "results"
WITHHELD = ("pathologic_myopia", "glaucoma")
PROMPT_SETS = ("plain", "paraphrase")
SITES = ("odir", "palm", "eyepacs_subset", "unam_cfp")

# task -> column of the released bundle, and the set's name in the table
TASKS = {
    "odir7": ("a", "odir test"),
    "eyepacs": ("b", "eyepacs_subset, all"),
    "unam_dr": ("b", "unam_cfp, graded"),
    "palm": ("b", "palm test"),
}
# What a first afternoon's plain script reached with plain prompts: EfficientNet-Lite0, frozen
# MiniLM with a small head, 224 px, 8 epochs, InfoNCE with same-text positives, English, one seed.
FIRST_AFTERNOON = {
    ("odir7", "diabetic_retinopathy"): 0.647,
    ("odir7", "glaucoma"): 0.939,
    ("odir7", "cataract"): 0.957,
    ("odir7", "pathologic_myopia"): 0.995,
    ("odir7", "amd"): 0.869,
    ("odir7", "erm"): 0.706,
    ("odir7", "hypertensive_retinopathy"): 0.696,
    ("eyepacs", "diabetic_retinopathy"): 0.652,
    ("eyepacs", "referable_dr"): 0.729,
    ("unam_dr", "diabetic_retinopathy"): 0.519,
    ("palm", "pathologic_myopia"): 0.989,
}
MEANS = {"odir test, mean of seven": ("odir7",), "outside, mean of three": ("eyepacs", "unam_dr")}
NAMES = {"referable_dr": "ICDR >= 2", ("eyepacs", "diabetic_retinopathy"): "any DR"}

Row = Mapping[str, Any]


def main() -> None:
    """Score both bundles, write the page and the log."""
    options = _options()
    corpora = [options.corpora / site for site in SITES]
    bundles = [store.Bundle.open(path) for path in (options.bundle, options.withheld)]
    tables = []
    for bundle, suite in zip(bundles, ("first", "withheld"), strict=True):
        made = evaluate.zeroshot(
            bundle.path,
            corpora,
            options.work / suite,
            ZeroshotSettings(suite=suite, prompt_sets=PROMPT_SETS),
            force=True,
        )
        tables.append(made.metrics.to_dicts())
    identities = [bundle.id for bundle in bundles]
    prompts = {name: findings.prompt_bank(name).hash[:12] for name in PROMPT_SETS}
    text = page(tables[0], tables[1], identities, prompts, neighbors(bundles[1], corpora[0]))
    options.out.write_text(text, encoding="utf-8", newline="\n")
    _log(RESULTS / "zeroshot_log.csv", identities, options.why)
    print(text)


def neighbors(bundle: store.Bundle, corpus: Path) -> str:
    """For each withheld finding, the trained statements nearest to its name.

    A score rises where a photograph lies nearer to the name than to "normal fundus": what the
    text tower places beside a name it never met decides which photographs those are.
    """
    loaded = model.load(bundle.path)
    settings = PretrainSettings.model_validate(bundle.spec["recipe"])
    examples = read_examples([store.Corpus.open(corpus)], settings)
    said = examples.texts.gather(sorted(set(examples.statements.items.tolist())))
    trained = [text for text in said if text.isascii()]
    rows = model.embed_texts(loaded, trained)
    bank = findings.prompt_bank("plain")
    heads = (
        "withheld finding",
        "nearest of the English statements of odir it was trained on (cosine)",
    )
    lines = [_line(heads), "|---|---|"]
    for code in WITHHELD:
        name = bank.texts(code, "en", "positive")[0]
        cosine = rows @ model.embed_texts(loaded, [name])[0]
        best = cosine.argsort()[::-1][:5]
        lines.append(_line((name, "; ".join(f"{trained[i]} ({cosine[i]:.2f})" for i in best))))
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("withheld", type=Path)
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--why", required=True, help="why test patients are scored now")
    parser.add_argument("--work", type=Path, default=Path("out/zeroshot"))
    parser.add_argument("--out", type=Path, default=RESULTS / "zeroshot.md")
    return parser.parse_args()


def page(
    released: Sequence[Row],
    withheld: Sequence[Row],
    identities: Sequence[str],
    prompts: Mapping[str, str],
    near: str,
) -> str:
    """The page as Markdown from the metrics of both evaluations."""
    parts = [HEAD.format(*identities, banks=", ".join(f"{k} {v}" for k, v in prompts.items()))]
    parts += [_means(released), _findings(released, withheld), FOOT, NEAR, near]
    return "\n\n".join(parts) + "\n"


def _means(released: Sequence[Row]) -> str:
    heads = ("mean AUROC", "plain", "paraphrase", "first afternoon", "first afternoon beaten")
    lines = [_line(heads), "|" + "---|" * len(heads)]
    for name, tasks in MEANS.items():
        cells = []
        for prompt_set in PROMPT_SETS:
            rows = [r for r in released if r["task"] in tasks and _prompt_set(r) == prompt_set]
            cells.append(_mean([row["value"] for row in rows]))
        before = [value for (task, _), value in FIRST_AFTERNOON.items() if task in tasks]
        beaten = "yes" if cells[0] > _mean(before) else "NO"
        lines.append(_line((name, *cells, _mean(before), beaten)))
    return "\n".join(lines)


def _findings(released: Sequence[Row], withheld: Sequence[Row]) -> str:
    heads = ("set", "finding", "eyes (positive)", "prompts", "(a) in-domain", "(b) new site")
    heads += ("(c) withheld finding", "first afternoon")
    lines = [_line(heads), "|" + "---|" * len(heads)]
    for row in sorted(released, key=_order):
        task, finding, prompt_set = row["task"], row["finding"], _prompt_set(row)
        column, name = TASKS[task]
        hidden = [
            other
            for other in withheld
            if (other["task"].split("_")[0] == task.removesuffix("7"))
            and other["finding"] == finding
            and _prompt_set(other) == prompt_set
        ]
        shown = NAMES.get((task, finding), NAMES.get(finding, findings.vocabulary()[finding].en))
        before = FIRST_AFTERNOON.get((task, finding))
        lines.append(
            _line(
                (
                    name,
                    shown,
                    f"{row['n_units']} ({row['n_positive']})",
                    prompt_set,
                    _figure(row) if column == "a" else "",
                    _figure(row) if column == "b" else "",
                    _figure(hidden[0]) if hidden else "",
                    f"{before:.3f}" if before is not None and prompt_set == "plain" else "",
                )
            )
        )
    return "\n".join(lines)


def _order(row: Row) -> tuple[int, int, int]:
    keys = list(FIRST_AFTERNOON)
    at = keys.index((row["task"], row["finding"]))
    return list(TASKS).index(row["task"]), at, PROMPT_SETS.index(_prompt_set(row))


def _prompt_set(row: Row) -> str:
    return str(row["method"].split("/")[1])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _mean(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{sum(known) / len(known):.3f}" if len(known) == len(values) > 0 else "-"


def _figure(row: Row) -> str:
    if row["value"] is None:
        return str(row["reason"])
    if row["ci_low"] is None:
        return f"{row['value']:.3f} ({row['reason']})"
    mark = " *" if row["ci_method"] == "images independent" else ""
    return f"{row['value']:.3f} ({row['ci_low']:.3f}-{row['ci_high']:.3f}){mark}"


def _log(path: Path, identities: Sequence[str], why: str) -> None:
    today = datetime.now(UTC).date().isoformat()
    fresh = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        if fresh:
            writer.writerow(("bundle_id", "date", "sets", "why"))
        writer.writerow(
            (identities[0], today, "odir test; eyepacs_subset; unam_cfp; palm test", why)
        )
        writer.writerow((identities[1], today, "odir test; palm test", f"withheld findings: {why}"))


HEAD = """# Zero-shot on real photographs

Made by `python benchmarks/zeroshot.py` (see its first lines). Released bundle {0}; withheld bundle
{1}, trained without any patient whose text names pathologic myopia or glaucoma. Prompt sets (hash):
{banks}.

AUROC with 95% intervals from 2,000 bootstrap samples of patients; an asterisk marks sets without
patient numbers, where photographs are taken as independent. Every labeled photograph counts,
whether the program would have refused it or not; eyes with a doubt about the finding are left out.
Recipe, epoch, prompts and seed were chosen on `odir` val; nothing was chosen on the eyes below.
Each scoring is a row of `zeroshot_log.csv`.

The columns are different claims and are never averaged together: (a) other patients of the training
site; (b) a new site, the finding named in training texts; (c) the finding never named in training.
The prompt set `paraphrase` was fixed before training and uses phrasings that never occur in
training texts."""

FOOT = """`palm` stands apart from the means because it is nearly saturated. "First afternoon" is
what a plain script of one afternoon reached with plain prompts and one seed; it has no
column (c)."""

NEAR = """## Why a withheld finding can fall below chance
Photographs are drawn to a withheld name only through trained words that the text tower places near
it. Where those describe eyes that look different, the score ranks the wrong way round."""


if __name__ == "__main__":
    main()
