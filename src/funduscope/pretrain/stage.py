"""The stage: corpora -> run folder with log, checkpoint and `bundle/`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from funduscope import store, tables
from funduscope.config import Progress, Quiet
from funduscope.errors import ConfigError
from funduscope.inputs.text import Tokenizer
from funduscope.model import DualEncoder, image_tower, save, text_tower
from funduscope.model.bilingual import phrase_pairs, teach_chinese
from funduscope.pretrain.crops import make_crops
from funduscope.pretrain.engine import Trainer, keep_freed_memory
from funduscope.pretrain.examples import Example, read_examples
from funduscope.pretrain.sampling import Sampler
from funduscope.pretrain.settings import PretrainSettings


def pretrain(
    corpora: Sequence[Path | str],
    out: Path | str,
    settings: PretrainSettings | None = None,
    *,
    resume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> store.Bundle:
    """Train a dual encoder on the photographs and captions of corpora; labels are never read.

    Args:
        corpora: finished corpus folders.
        out: run folder to make: `log.parquet`, `bundle/`, `manifest.json`.
        settings: the recipe.
        resume: go on with an interrupted run of the same settings.
        force: replace an existing run.
        progress: told of each step.

    Returns:
        The bundle, in `out/bundle`.
    """
    settings = settings or PretrainSettings()
    licence = _licence(settings.licence)
    shown = progress or Quiet()
    opened = [store.Corpus.open(path) for path in corpora]
    examples = read_examples(opened, settings)
    sampler = Sampler(examples, settings)
    out = Path(out)
    inputs = [{"kind": "corpus", "id": c.id, "path": str(c.path)} for c in opened]
    with store.create(
        out,
        kind="run",
        config=settings.model_dump(mode="json"),
        seed=settings.seed,
        inputs=inputs,
        resume=resume,
        force=force,
    ) as output:
        threads = torch.get_num_threads()
        torch.set_num_threads(settings.threads or os.cpu_count() or 1)
        try:
            trainer, tokenizer = _train(opened, examples, sampler, settings, out, shown)
        finally:
            torch.set_num_threads(threads)
        tables.write(tables.LOG, tables.frame(tables.LOG, trainer.log), out / "log.parquet")
        bundle = _release(
            trainer.average, tokenizer, examples, opened, settings, licence, out / "bundle"
        )
        shutil.rmtree(out / "work")
        output.counts.update(_counts(examples))
        output.extra["bundle_id"] = bundle.id
    return bundle


def _train(
    corpora: Sequence[store.Corpus],
    examples: Sequence[Example],
    sampler: Sampler,
    settings: PretrainSettings,
    out: Path,
    progress: Progress,
) -> tuple[Trainer, Tokenizer]:
    keep_freed_memory()
    work = out / "work"
    work.mkdir(exist_ok=True)
    names = [e.image_id for e in examples]
    size = max(settings.model.image_size, settings.train_size * 5 // 4)
    crops = make_crops(corpora, names, size, work / "crops.npy", progress)
    torch.manual_seed(settings.seed)
    text, tokenizer = text_tower.build(settings.model)
    image = image_tower.build(settings.model)
    encoder = DualEncoder(image, text, settings.model.dim)
    checkpoint = work / "checkpoint.pt"
    if settings.model.text_tower == "minilm" and not checkpoint.exists():
        steps, seed = settings.model.alignment_steps, settings.seed
        pairs = phrase_pairs(seed)
        teach_chinese(text, tokenizer, pairs, steps=steps, seed=seed, progress=progress)
    trainer = Trainer(encoder, tokenizer, sampler, crops, settings)
    if checkpoint.exists():
        trainer.restore(checkpoint)
    trainer.run(work, progress)
    return trainer, tokenizer


def _counts(examples: Sequence[Example]) -> dict[str, Any]:
    return {
        "images": len(examples),
        "patients": len({e.patient_id for e in examples}),
        "captions": len({c for e in examples for c in e.captions}),
    }


def _release(
    encoder: DualEncoder,
    tokenizer: Tokenizer,
    examples: Sequence[Example],
    corpora: Sequence[store.Corpus],
    settings: PretrainSettings,
    licence: str,
    folder: Path,
) -> store.Bundle:
    counts = _counts(examples)
    facts: dict[str, Any] = {
        "corpora": [c.id for c in corpora],
        "trained_on": counts,
        "withheld": list(settings.withhold),
        "contamination": {"checked_against": []},
        "recipe": settings.model_dump(mode="json", exclude={"licence"}),
        "licence": licence.splitlines()[0],
        "parent": None,
    }
    return save(
        folder,
        encoder,
        tokenizer,
        settings.model.image_spec,
        text_length=settings.model.text_length,
        facts=facts,
        card=_card(counts, settings),
        licence=licence + "\n",
    )


def _licence(words: str) -> str:
    """The terms: the setting itself, or the file that it names."""
    if words.endswith((".md", ".txt", "LICENSE")):
        try:
            words = Path(words).read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                words,
                place="licence",
                rule="the text of the terms, or the path of a readable file",
                remedy="correct the path, or give the text itself",
            ) from error
    return words.strip() or "Terms of the training corpus apply."


def _card(counts: dict[str, Any], settings: PretrainSettings) -> str:
    withheld = ", ".join(settings.withhold) or "nothing"
    return f"""# Model card

Bundle `{{id}}`, made by funduscope. **Research software. Not a medical device; not for diagnosis.**

- Image tower: {settings.model.image_tower}, {settings.model.image_size} px, from ImageNet weights.
- Text tower: {settings.model.text_tower}, Chinese and English.
- Trained on {counts["images"]} photographs of {counts["patients"]} patients with
  {counts["captions"]} distinct captions taken from report texts; no label was read.
- Withheld findings (patients whose report names them were left out): {withheld}.
- {settings.steps} steps of {settings.batch} photographs, seed {settings.seed}; the released weights
  are the moving average at the last step.
- Terms: see LICENSE. Scores are not probabilities; performance outside the training sites is lower.
"""
