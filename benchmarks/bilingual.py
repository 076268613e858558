"""How far Chinese prompts agree with English ones, on the photographs of `val` only.

    python benchmarks/bilingual.py BUNDLE CORPUS [--task odir7]
    python benchmarks/bilingual.py BUNDLE CORPUS --fresh 400

The first scores a bundle as it is. The second teaches a new text tower Chinese (400 steps, by the
bundle's model settings) and fits only the two projections again, on the photographs of `train`
as the bundle's image tower sees them: minutes instead of a training run, for choosing how to teach.

Printed for each prompt set: AUROC by language, mean over the task's targets; and over ALL codes of
the vocabulary, labeled or not, the cosine of the English and the Chinese score direction (words for
minus words against) and the rank correlation of English and Chinese scores over the photographs.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from funduscope.pretrain.sampling import Sampler
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch.nn import functional

from funduscope import findings, model, scoring, stats, store
from funduscope.evaluate import tasks as benchmarks
from funduscope.evaluate.embedding import image_ids
from funduscope.inputs import prepare
from funduscope.model import ModelSettings, bilingual, text_tower
from funduscope.pretrain import PretrainSettings
from funduscope.pretrain.examples import read_examples
from funduscope.pretrain.objectives import infonce

BANKS, LANGUAGES = ("plain", "paraphrase"), ("en", "zh", "both")
Rows = NDArray[np.float32]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--task", default="odir7")
    parser.add_argument("--fresh", type=int, metavar="STEPS", help="teach a new text tower")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    loaded = model.load(options.bundle)
    corpus = store.Corpus.open(options.corpus)
    names = image_ids(corpus, "val")
    if options.fresh is not None:
        loaded = refit(loaded, corpus, options.fresh, options.seed)
    with torch.inference_mode():
        images = loaded.encoder.project_image(torch.from_numpy(pooled(loaded, corpus, names)))
    print("| prompts | " + " | ".join(LANGUAGES) + " | zh - en | cosine | rank correlation |")
    print("|---" * 7 + "|")
    for bank in BANKS:
        print(line(loaded, bank, images.numpy(), truths(corpus, names, options.task)))


def pooled(loaded: model.Loaded, corpus: store.Corpus, names: Sequence[str]) -> Rows:
    """Features of the image tower for these photographs, (N, C)."""
    found = {}
    for name, data in corpus.pixels(names):
        image = torch.from_numpy(prepare(data, loaded.image_spec, name=name).image)
        with torch.inference_mode():
            found[name] = loaded.encoder.image_features(image[None])[0].numpy()
    return np.stack([found[name] for name in names])


def truths(corpus: store.Corpus, names: list[str], task: str) -> dict[str, list[float | None]]:
    """For each target whether each photograph is positive, negative or left out."""
    labels = benchmarks.labels_of(corpus)
    inside = {name: labels[name] for name in names if name in labels}
    found = {}
    for target in benchmarks.named_tasks([task], None)[0].targets:
        truth = benchmarks.truth_of(target, inside)
        found[target.name] = [truth.get(name) for name in names]
    return found


def line(
    loaded: model.Loaded, name: str, images: Rows, truth: dict[str, list[float | None]]
) -> str:
    """One row of the table."""
    directions = score_directions(loaded, findings.prompt_bank(name))
    scores = {language: images @ rows.T for language, rows in directions.items()}
    codes = findings.vocabulary().codes
    mean = {}
    for language in LANGUAGES:
        values = []
        for code, said in truth.items():
            at = [i for i, value in enumerate(said) if value is not None]
            labels = np.array([said[i] for i in at])
            values.append(stats.auroc(labels, scores[language][at, codes.index(code)]))
        mean[language] = float(np.mean(values))
    one, other = directions["en"], directions["zh"]
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    cosine = float(((one * other).sum(1) / lengths).mean())
    ranks = [spearmanr(scores["en"][:, i], scores["zh"][:, i]).statistic for i in range(len(codes))]
    shown = " | ".join(f"{mean[language]:.3f}" for language in LANGUAGES)
    difference = mean["zh"] - mean["en"]
    return f"| {name} | {shown} | {difference:+.3f} | {cosine:.3f} | {np.mean(ranks):.3f} |"


def score_directions(loaded: model.Loaded, bank: findings.PromptBank) -> dict[str, Rows]:
    """Words for minus words against each finding, by language, (F, D)."""
    sides: dict[str, list[Rows]] = {}
    for language in ("en", "zh"):
        sides[language] = [
            np.stack(
                [
                    scoring.ensemble(model.embed_texts(loaded, bank.texts(code, language, side)))
                    for code in findings.vocabulary().codes
                ]
            )
            for side in ("positive", "negative")
        ]
    sides["both"] = [
        np.stack([scoring.ensemble(np.stack(pair)) for pair in zip(en, zh, strict=True)])
        for en, zh in zip(sides["en"], sides["zh"], strict=True)
    ]
    return {language: ahead - against for language, (ahead, against) in sides.items()}


def refit(loaded: model.Loaded, corpus: store.Corpus, steps: int, seed: int) -> model.Loaded:
    """The bundle with a newly taught text tower, and projections fitted again."""
    recipe: dict[str, Any] = dict(loaded.spec["recipe"])
    settings = PretrainSettings(seed=seed, languages=tuple(recipe["languages"]))
    tower, tokenizer = text_tower.build(ModelSettings(**recipe["model"]))
    pairs = bilingual.phrase_pairs(seed)
    explained = bilingual.teach_chinese(
        tower, tokenizer, pairs, steps=steps, seed=seed, progress=None
    )
    print(f"{steps} steps: {explained:.3f} of the English features' spread explained\n")
    loaded.encoder.text = tower.eval()
    examples = read_examples([corpus], settings)
    features = torch.from_numpy(pooled(loaded, corpus, [e.image_id for e in examples]))
    sampler = Sampler(examples, settings)
    texts = sorted({t for e in examples for t in (*e.captions, *e.statements)}, key=len)
    read: dict[str, torch.Tensor] = {}
    for start in range(0, len(texts), 64):
        ids, mask = tokenizer(texts[start : start + 64])
        with torch.no_grad():
            rows = tower(torch.from_numpy(ids), torch.from_numpy(mask))
        read.update(zip(texts[start : start + 64], rows, strict=True))
    torch.manual_seed(seed)
    encoder = loaded.encoder
    heads = (encoder.image_projection, encoder.text_projection)
    for head in heads:
        head.reset_parameters()
    parameters = [head.weight for head in heads]
    optimizer = torch.optim.AdamW(parameters, lr=settings.head_rate, weight_decay=0.05)
    for step in range(settings.steps):
        rng = sampler.rng(step)
        rows = sampler.rows(rng)
        said, match = sampler.texts(rows, rng)
        image = encoder.project_image(features[rows])
        text = functional.normalize(heads[1](torch.stack([read[t] for t in said])), dim=-1)
        loss = infonce(encoder.scale.detach() * image @ text.T, match)
        optimizer.zero_grad()
        torch.autograd.backward(loss, inputs=parameters)
        for group in optimizer.param_groups:
            group["lr"] = settings.head_rate * (1 - step / settings.steps)
        optimizer.step()
    return replace(loaded, tokenizer=tokenizer)


if __name__ == "__main__":
    main()
