"""The stage: corpora -> run folder with log, checkpoint and `bundle/`."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from funduscope import store, tables
from funduscope.config import Progress, Quiet
from funduscope.errors import ConfigError
from funduscope.findings import vocabulary
from funduscope.inputs.text import Tokenizer
from funduscope.model import DualEncoder, Loaded, save
from funduscope.pretrain import parents, ranks
from funduscope.pretrain.engine import Trainer, keep_freed_memory
from funduscope.pretrain.examples import Examples, read_examples
from funduscope.pretrain.loader import Loader
from funduscope.pretrain.normalization import normalized
from funduscope.pretrain.plan import Plan
from funduscope.pretrain.settings import PretrainSettings

WORK = "work"


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

    Started by `accelerate launch` (or torchrun), every process calls this; the first one writes.

    Args:
        corpora: finished corpus folders.
        out: run folder to make: `log.parquet`, `report.html`, `bundle/`, `manifest.json`.
        settings: the recipe.
        resume: go on with an interrupted run of the same settings.
        force: replace an existing run.
        progress: told of each step.

    Returns:
        The bundle, in `out/bundle`.
    """
    settings = settings or PretrainSettings()
    licence = _licence(settings.licence)
    opened = [store.Corpus.open(path) for path in corpora]
    accelerator = ranks.join(settings)
    start, teacher = parents.opened(settings)
    plan = Plan(read_examples(opened, settings), settings)
    out = Path(out)
    inputs = [{"kind": "corpus", "id": c.id, "path": str(c.path)} for c in opened]
    with ranks.first_creates(
        accelerator,
        out,
        kind="run",
        config=settings.model_dump(mode="json"),
        seed=settings.seed,
        inputs=inputs,
        resume=resume,
        force=force,
    ) as output:
        shown = progress if progress is not None and output is not None else Quiet()
        with ranks.threads(settings.threads):
            trainer, tokenizer = _train(opened, plan, start, teacher, accelerator, out, shown)
        encoder = trainer.release()
        if output is not None:
            tables.write(tables.LOG, tables.frame(tables.LOG, trainer.log), out / "log.parquet")
            bundle = _release(encoder, tokenizer, plan.examples, opened, settings, start, licence, out)
            shutil.rmtree(out / WORK)
            output.counts.update(plan.examples.counts())
            output.extra["bundle_id"] = bundle.id
    return store.Bundle.open(out)


def _train(
    corpora: Sequence[store.Corpus],
    plan: Plan,
    start: Loaded | None,
    teacher: Loaded | None,
    accelerator: Accelerator,
    out: Path,
    progress: Progress,
) -> tuple[Trainer, Tokenizer]:
    settings = plan.settings
    keep_freed_memory()
    work = out / WORK
    work.mkdir(exist_ok=True)
    torch.manual_seed(settings.seed)
    encoder, tokenizer = parents.beginning(settings, start, work, accelerator, progress)
    encoder = normalized(
        encoder,
        settings,
        ranks=accelerator.num_processes,
        device=accelerator.device.type,
    )
    encoder.image.train_blocks(settings.model.train_image, place="model.train_image")
    encoder.text.train_blocks(settings.model.text_trained, place="model.train_text")
    encoder.to(accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    trainer = Trainer(encoder, tokenizer, settings, accelerator, teacher)
    trainer.restore(work)
    loader = Loader(
        corpora,
        plan,
        start=trainer.step * settings.accumulation,
        rank=accelerator.process_index,
        ranks=accelerator.num_processes,
    )
    trainer.run(loader, work, progress)
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
