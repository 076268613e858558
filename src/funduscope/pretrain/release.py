"""What a run leaves: the bundle with its facts, its terms and its card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from funduscope import store
from funduscope.errors import ConfigError
from funduscope.inputs.text import Tokenizer
from funduscope.model import DualEncoder, Loaded, save
from funduscope.pretrain.examples import Examples
from funduscope.pretrain.settings import PretrainSettings

_LANGUAGES = {"en": "English", "zh": "Chinese", "mixed": "mixed"}
_SOURCES = {"report": "of the reports' own words", "rendered": "rendered from their findings"}


def counts(
    examples: Examples, corpora: Sequence[store.Corpus], settings: PretrainSettings
) -> dict[str, Any]:
    """Photographs, patients and distinct captions read, the captions also by language and source."""
    import polars as pl

    read = pl.concat(
        [
            corpus.pairs.filter(
                pl.col("image_id").is_in(examples.image_id.implode()),
                pl.col("caption_language").is_in(list(settings.languages)),
                pl.col("caption_source").is_in(list(settings.captions)),
            )
            for corpus in corpora
        ]
    )
    kinds = read.group_by("caption_language", "caption_source").agg(pl.col("caption").n_unique())
    return {
        "images": len(examples),
        "patients": len(examples.patients),
        "captions": read["caption"].n_unique(),
        "captions_by_kind": {
            f"{language} {source}": count for language, source, count in sorted(kinds.rows())
        },
    }


def bundle(
    encoder: DualEncoder,
    tokenizer: Tokenizer,
    settings: PretrainSettings,
    trained_on: Mapping[str, Any],
    folder: Path,
    *,
    corpora: Sequence[store.Corpus],
    parent: Loaded | None,
    licence: str,
) -> store.Bundle:
    """Write the bundle of a finished run; returns it opened."""
    facts: dict[str, Any] = {
        "corpora": [c.id for c in corpora],
        "trained_on": dict(trained_on),
        "withheld": list(settings.withhold),
        "contamination": {"checked_against": []},
        "recipe": settings.model_dump(mode="json", exclude={"licence"}),
        "licence": licence.splitlines()[0],
        "parent": None if parent is None else parent.id,
    }
    return save(
        folder,
        encoder,
        tokenizer,
        settings.model.image_spec,
        text_length=settings.model.text_length,
        facts=facts,
        card=_card(trained_on, settings, parent),
        licence=licence + "\n",
    )


def terms(words: str) -> str:
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


def _card(trained_on: Mapping[str, Any], settings: PretrainSettings, parent: Loaded | None) -> str:
    model = settings.model
    beginning = "from the weights they are shipped with" if parent is None else f"of {parent.id}"
    return f"""# Model card

Bundle `{{id}}`, made by funduscope. **Research software. Not a medical device; not for diagnosis.**

- Towers: {model.image_tower} at {model.image_size} px, {model.text_tower} for Chinese and English,
  {beginning}.
- Trained on {trained_on["images"]} photographs of {trained_on["patients"]} patients with
  {trained_on["captions"]} distinct captions taken from report texts; no label was read.
{_captions_of(trained_on["captions_by_kind"])}
- Withheld findings (patients whose report names them were left out):
  {", ".join(settings.withhold) or "nothing"}.
- Objective {settings.objective}, {settings.steps} steps of {settings.batch}, seed {settings.seed};
  the released weights are the moving average at the last step.
- Terms: see LICENSE. Scores are not probabilities; performance outside the training sites is lower.
"""


def _captions_of(kinds: Mapping[str, int]) -> str:
    """Where the captions of each language come from: which were rendered, not written by doctors."""
    lines = []
    for kind, count in kinds.items():
        language, source = kind.split()
        lines.append(f"- {_LANGUAGES[language]} captions {_SOURCES[source]}: {count}.")
    return "\n".join(lines)
