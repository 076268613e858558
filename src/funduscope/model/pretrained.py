"""Parts of `transformers` models, from a local folder or a hub id: loaded whole or not at all.

A composite folder (SigLIP, CLIP, ChineseCLIP) holds a vision and a text part. A folder never
touches the network; code that a folder brings along is never run.
"""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from funduscope.errors import ConfigError, missing_extra

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import nn
    from transformers import PretrainedConfig, PreTrainedModel

PREFIX = "transformers:"
# What a model of another kind than is asked for raises when it is tried.
MISFITS = (AttributeError, IndexError, RuntimeError, StopIteration, TypeError, ValueError)
Part = Literal["vision", "text"]
# What is made of the last hidden state for the task a model was trained for: not used here.
_HEADS = ("pooler", "head")
# No network, no code of the folder's own.
_ALONE: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
# Of the machine a folder was on, and of the library, not of the tower.
_PRIVATE = ("_name_or_path", "transformers_version", "architectures", "dtype", "torch_dtype")


def folder_of(name: str, place: str) -> Path:
    """The local folder of `transformers:FOLDER_OR_ID`; a hub id is downloaded or found in cache.

    Args:
        name: the setting.
        place: its name, for the error.

    Raises:
        ConfigError: neither a folder with a config.json nor a model that can be had.
    """
    source = name.removeprefix(PREFIX)
    folder = Path(source).expanduser()
    if not folder.is_dir():
        folder = _download(source, place)
    if not (folder / "config.json").is_file():
        raise _refused(name, place, f"no config.json in {folder}")
    return folder


def _download(source: str, place: str) -> Path:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError
    except ImportError as error:
        raise missing_extra(error.name or "huggingface_hub", "train") from None
    if source.startswith(("/", ".", "~")) or source.count("/") > 1:
        raise _refused(PREFIX + source, place, "no such folder")
    patterns = ["*.json", "*.txt", "*.model", "*.safetensors", "*.bin"]
    try:
        return Path(snapshot_download(source, allow_patterns=patterns))
    except (OSError, ValueError, HFValidationError) as error:
        said = f"no such folder, and as a hub id: {type(error).__name__}"
        raise _refused(PREFIX + source, place, said) from error


def _refused(name: str, place: str, why: str) -> ConfigError:
    return ConfigError(
        f"{name}: {why}",
        place=place,
        rule=f"{PREFIX}FOLDER with config.json and weights as `save_pretrained` writes them, or "
        f"{PREFIX}ID of a model on the hub",
        remedy="correct the path, or download the model where there is a network and name its "
        "folder",
    )


def load_part(name: str, part: Part, place: str) -> PreTrainedModel:
    """The vision or text part of a model with its weights, float32, without heads.

    Raises:
        ConfigError: no such model, one without that part, or weights that do not fit its
            config.json (a tensor missing, too many, of another shape).
    """
    folder = folder_of(name, place)
    config = _read_config(folder, name, place)
    composite = hasattr(config, "vision_config") and hasattr(config, "text_config")
    whole = _load_whole(folder, config, name, place)
    found = getattr(whole, f"{part}_model", None) if composite else whole
    if found is None:
        raise _refused(name, place, f"a model of the type {config.model_type} without {part} part")
    return _without_heads(found)


def empty_part(config: Mapping[str, Any]) -> PreTrainedModel:
    """The same part without weights, from the plain data of `plain_config`."""
    from transformers import AutoConfig

    return _without_heads(_class_of(AutoConfig.for_model(**config))(AutoConfig.for_model(**config)))


def plain_config(model: PreTrainedModel) -> dict[str, Any]:
    """The configuration of a part as plain data, without paths and versions."""
    data: dict[str, Any] = json.loads(model.config.to_json_string(use_diff=False))
    return {key: value for key, value in data.items() if key not in _PRIVATE}


def layers(model: PreTrainedModel) -> list[nn.Module]:
    """The blocks of a part, from input to output; StopIteration where it has none."""
    from torch import nn

    count = model.config.num_hidden_layers
    lists = (m for m in model.modules() if isinstance(m, nn.ModuleList) and len(m) == count)
    return list(next(lists))


def _class_of(config: PretrainedConfig) -> Any:
    import transformers

    return getattr(transformers, type(config).__name__.removesuffix("Config") + "Model")


def _without_heads(model: PreTrainedModel) -> PreTrainedModel:
    from torch import nn

    for name in _HEADS:
        if getattr(model, name, None) is not None:
            setattr(model, name, nn.Identity())
    return model


def _read_config(folder: Path, name: str, place: str) -> PretrainedConfig:
    try:
        from transformers import AutoConfig
    except ImportError:
        raise missing_extra("transformers", "train") from None
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(folder, **_ALONE)
    except (OSError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise _refused(name, place, f"config.json cannot be read: {first}") from error
    return config


def _load_whole(folder: Path, config: PretrainedConfig, name: str, place: str) -> PreTrainedModel:
    import torch
    from safetensors import SafetensorError

    model: PreTrainedModel
    try:
        with _quiet():
            model, found = _class_of(config).from_pretrained(
                folder,
                config=config,
                output_loading_info=True,
                local_files_only=True,
                dtype=torch.float32,
            )
    except (AttributeError, OSError, RuntimeError, ValueError, SafetensorError) as error:
        first = str(error).splitlines()[0]
        raise _refused(name, place, f"the weights do not fit or cannot be read: {first}") from error
    own = {child for child, _ in model.named_children()}
    missing = [f"missing tensor '{k}'" for k in sorted(found["missing_keys"]) if not _is_head(k)]
    unknown = [
        f"tensor '{k}' that config.json does not ask for"
        for k in sorted(found["unexpected_keys"])
        if k.removeprefix(f"{model.base_model_prefix}.").split(".")[0] in own and not _is_head(k)
    ]
    if wrong := [*missing, *unknown]:
        raise _refused(name, place, "; ".join(wrong[:3]))
    return model


def _is_head(tensor: str) -> bool:
    """Whether it is a head's, or a counter that older versions of the library stored."""
    parts = tensor.split(".")
    return bool(set(parts) & {*_HEADS, "position_ids"})


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the library's own report of what it loaded: the error here says it."""
    from transformers.utils import logging as module

    library: Any = module
    level = library.get_verbosity()
    bar = library.is_progress_bar_enabled()
    library.set_verbosity(logging.CRITICAL)
    library.disable_progress_bar()
    try:
        yield
    finally:
        library.set_verbosity(level)
        if bar:
            library.enable_progress_bar()


Channels = tuple[float, float, float]


@functools.cache
def normalization(name: str, place: str) -> tuple[Channels, Channels]:
    """Mean and standard deviation of each channel on the scale 0..1, from the folder.

    Raises:
        ConfigError: no such folder, or no file in it that says so.
    """
    folder = folder_of(name, place)
    found: dict[str, Any] = {}
    for file in ("preprocessor_config.json", "processor_config.json"):
        if (folder / file).is_file():
            found = json.loads((folder / file).read_text(encoding="utf-8"))
            found = found.get("image_processor", found)
            break
    if found.get("do_normalize") is False:
        return (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    mean, std = (_channels(found.get(key)) for key in ("image_mean", "image_std"))
    if mean is None or std is None:
        raise ConfigError(
            f"{name}: no image_mean and image_std of three channels",
            place=str(folder / "preprocessor_config.json"),
            rule="photographs are normalized as the tower was trained to read them",
            remedy="copy preprocessor_config.json of the model into its folder, or set light "
            "= local, which needs none",
        )
    return mean, std


def _channels(values: object) -> Channels | None:
    if not (isinstance(values, list) and len(values) == 3):
        return None
    if not all(isinstance(value, int | float) for value in values):
        return None
    red, green, blue = values
    return red, green, blue


def load_tokenizer(name: str, place: str, config: PretrainedConfig) -> Tokenizer:
    """The tokenizer of a text model of this configuration; it pads with the model's token.

    `tokenizer.json` is taken as it is; from other files (`vocab.txt`, a sentencepiece model) it is
    made as the model's family does.

    Raises:
        ConfigError: none to be had, or one of another model.
    """
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    folder = folder_of(name, place)
    whole = (folder / "tokenizer.json").is_file()
    kind = PreTrainedTokenizerFast if whole else AutoTokenizer
    try:
        read = kind.from_pretrained(folder, **_ALONE)
    except (OSError, ValueError, ImportError) as error:
        first = str(error).splitlines()[0]
        raise _no_tokenizer(name, folder, f"cannot be read: {first}") from error
    tokenizer: Tokenizer = read.backend_tokenizer
    size = tokenizer.get_vocab_size()
    if not len(read.all_special_tokens) < size <= config.vocab_size:
        raise _no_tokenizer(name, folder, f"{size} tokens for {config.vocab_size} rows of weights")
    row = config.pad_token_id if read.pad_token_id is None else read.pad_token_id
    if row is None:
        raise _no_tokenizer(name, folder, "no token for padding")
    tokenizer.enable_padding(pad_id=row, pad_token=tokenizer.id_to_token(row))
    return tokenizer


def _no_tokenizer(name: str, folder: Path, why: str) -> ConfigError:
    return ConfigError(
        f"{name}: tokenizer: {why}",
        place=str(folder),
        rule="tokenizer.json, vocab.txt or another vocabulary that fits the weights",
        remedy="copy the tokenizer's files of the same model into the folder",
    )
