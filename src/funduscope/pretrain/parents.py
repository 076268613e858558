"""What a run begins from: towers as they are shipped, a bundle to continue, a teacher."""

from __future__ import annotations

from pathlib import Path

from accelerate import Accelerator
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes

from funduscope import store
from funduscope.config import Progress
from funduscope.errors import ConfigError
from funduscope.findings import vocabulary
from funduscope.inputs.text import Tokenizer
from funduscope.model import DualEncoder, Loaded, image_tower, load, text_tower
from funduscope.model.bilingual import phrase_pairs, teach_chinese
from funduscope.pretrain.settings import PretrainSettings

FILE = "beginning.safetensors"


def opened(settings: PretrainSettings) -> tuple[Loaded | None, Loaded | None]:
    """The bundle to continue from and the teacher, checked; None where not asked for."""
    start = load(settings.start) if settings.start else None
    teacher = load(settings.teacher) if settings.teacher else None
    if start is not None:
        _check_continued(start, settings)
    return start, teacher


def _check_continued(start: Loaded, settings: PretrainSettings) -> None:
    """A bundle goes on learning from what it was made for: the same words, the same pictures."""
    words = vocabulary()
    installed = {"version": words.version, "hash": words.hash}
    pairs = (
        ("vocabulary", start.spec.get("vocabulary"), installed),
        ("image spec", start.image_spec, settings.model.image_spec),
    )
    for what, theirs, ours in pairs:
        if theirs != ours:
            raise ConfigError(
                f"{what} {theirs}",
                place=f"the bundle {settings.start}, to be continued with {what} {ours}",
                rule="a bundle continues on the vocabulary and image spec it was made with",
                remedy="give a bundle of this version, or set model.* as in its bundle.json",
            )


def beginning(
    settings: PretrainSettings,
    start: Loaded | None,
    work: Path,
    accelerator: Accelerator,
    progress: Progress,
) -> tuple[DualEncoder, Tokenizer]:
    """The encoder at step 0 and its tokenizer.

    The first rank keeps it in `work`, and all ranks begin from that file: with the same bits, and
    resuming needs neither teaching nor the files that the towers came from.
    """
    if start is not None:
        encoder, tokenizer = start.encoder, start.tokenizer
    else:
        text, tokenizer = text_tower.build(settings.model)
        encoder = DualEncoder(image_tower.build(settings.model), text, settings.model.dim)
    file = work / FILE
    if accelerator.is_main_process and not file.exists():
        if start is None and settings.model.text_tower == "minilm":
            steps, seed = settings.model.alignment_steps, settings.seed
            pairs = phrase_pairs(seed)
            teach_chinese(encoder.text, tokenizer, pairs, steps=steps, seed=seed, progress=progress)
        whole = {name: tensor.contiguous() for name, tensor in encoder.state_dict().items()}
        store.write_bytes(file, to_bytes(whole))
    accelerator.wait_for_everyone()
    encoder.load_state_dict(load_file(file))
    return encoder, tokenizer
