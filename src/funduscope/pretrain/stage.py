"""The stage: corpora -> run folder with log, checkpoint and `bundle/`."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from accelerate import Accelerator

from funduscope import store, tables
from funduscope.config import Progress, Quiet
from funduscope.inputs.text import Tokenizer
from funduscope.model import Loaded
from funduscope.pretrain import parents, ranks, release
from funduscope.pretrain.engine import Trainer, keep_freed_memory
from funduscope.pretrain.examples import read_examples
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
    licence = release.terms(settings.licence)
    opened = [store.Corpus.open(path) for path in corpora]
    accelerator = ranks.join(settings)
    start, teacher = parents.opened(settings)
    plan = Plan(read_examples(opened, settings), settings)
    out = Path(out)
    with ranks.first_creates(
        accelerator,
        out,
        kind="run",
        config=settings.model_dump(mode="json"),
        seed=settings.seed,
        inputs=[{"kind": "corpus", "id": c.id, "path": str(c.path)} for c in opened],
        resume=resume,
        force=force,
    ) as output:
        shown = progress if progress is not None and output is not None else Quiet()
        with ranks.threads(settings.threads):
            trainer, tokenizer = _train(plan, start, teacher, accelerator, out, shown)
        encoder = trainer.release()
        if output is not None:
            read = release.counted(opened, plan.examples, settings)
            tables.write(tables.LOG, tables.frame(tables.LOG, trainer.log), out / "log.parquet")
            bundle = release.bundle(
                encoder, tokenizer, settings, read, out / "bundle", opened, start, licence
            )
            release.page(out / "report.html", settings, read, opened, trainer.log, bundle.id)
            shutil.rmtree(out / WORK)
            output.counts.update({name: read[name] for name in ("photographs", "patients")})
            for kind in read["captions"]:
                name = f"captions {kind['language']} {kind['source']}"
                output.counts[name] = kind["captions"]
            output.extra["bundle_id"] = bundle.id
    return store.Bundle.open(out)


def _train(
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
    encoder.image.check_size(settings.train_size, place="train_size")
    encoder.image.train_blocks(settings.model.train_image, place="model.train_image")
    encoder.text.train_blocks(settings.model.text_trained, place="model.train_text")
    encoder.to(accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    trainer = Trainer(encoder, tokenizer, settings, accelerator, teacher)
    trainer.restore(work)
    size = max(settings.model.image_size, settings.train_size * 5 // 4)
    loader = Loader(
        plan,
        size,
        start=trainer.step * settings.accumulation,
        rank=accelerator.process_index,
        world=accelerator.num_processes,
    )
    trainer.run(loader, work, progress)
    return trainer, tokenizer
