"""What a run leaves: the bundle with its facts, its terms and its card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from funduscope import store
from funduscope.errors import ConfigError
from funduscope.inputs.text import Tokenizer
from funduscope.model import DualEncoder, Loaded, save
from funduscope.pages import run_page
from funduscope.pretrain.examples import Examples
from funduscope.pretrain.settings import PretrainSettings

_LANGUAGES = {"en": "English", "zh": "Chinese", "mixed": "mixed"}
_SOURCES = {"report": "of the reports' own words", "rendered": "rendered from their findings"}


def counted(
    corpora: Sequence[store.Corpus], examples: Examples, settings: PretrainSettings
) -> dict[str, Any]:
    """How many photographs and patients, and different captions by language and source."""
    import polars as pl

    used = pl.DataFrame({"image_id": examples.image_id.unique()})
    patients = pl.concat([c.images.select("image_id", "patient_id") for c in corpora])
    patients = patients.join(used, on="image_id", how="semi").unique("image_id")
    pairs = pl.concat([c.pairs for c in corpora]).filter(
        pl.col("caption_language").is_in(list(settings.languages)),
        pl.col("caption_source").is_in(list(settings.captions)),
    )
    kinds = (
        pairs.join(patients, on="image_id")
        .group_by(language="caption_language", source="caption_source")
        .agg(
            photographs=pl.col("image_id").n_unique(),
            patients=pl.col("patient_id").n_unique(),
            captions=pl.col("caption").n_unique(),
        )
        .sort("language", "source")
    )
    return {
        "photographs": patients.height,
        "patients": patients["patient_id"].n_unique(),
        "captions": kinds.to_dicts(),
    }


def page(
    out: Path,
    settings: PretrainSettings,
    trained_on: Mapping[str, Any],
    corpora: Sequence[store.Corpus],
    log: Sequence[Mapping[str, Any]],
    bundle_id: str,
) -> None:
    """Write the report page of the run to the file `out`."""
    facts = {
        **trained_on,
        "settings": settings.model_dump(mode="json"),
        "corpora": [corpus.id for corpus in corpora],
        "bundle": bundle_id,
    }
    html = run_page(facts, log, language=settings.report_language)
    out.write_text(html, encoding="utf-8", newline="\n")


def bundle(
    encoder: DualEncoder,
    tokenizer: Tokenizer,
    settings: PretrainSettings,
    trained_on: Mapping[str, Any],
    folder: Path,
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
        "recipe": _recipe(settings),
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


def _recipe(settings: PretrainSettings) -> dict[str, Any]:
    """The settings without places on this machine: a folder is told by its last name."""
    recipe = settings.model_dump(mode="json", exclude={"licence"})
    for name in ("start", "teacher"):
        recipe[name] = recipe[name] and Path(recipe[name]).name
    for name in ("image_tower", "text_tower"):
        kind, colon, folder = recipe["model"][name].partition(":")
        recipe["model"][name] = kind + colon + Path(folder).name
    return recipe


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
- Trained on {trained_on["photographs"]} photographs of {trained_on["patients"]} patients and the
  texts of their reports; no label was read. Distinct captions:
{_captions_of(trained_on["captions"])}
- Withheld findings (patients whose report names them were left out):
  {", ".join(settings.withhold) or "nothing"}.
- Objective {settings.objective}, {settings.steps} steps of {settings.batch}, seed {settings.seed};
  the released weights are the moving average at the last step.
- Terms: see LICENSE. Scores are not probabilities; performance outside the training sites is lower.
"""


def _captions_of(kinds: Sequence[Mapping[str, Any]]) -> str:
    """Where the captions of each language come from: rendered ones no doctor wrote."""
    return "\n".join(
        f"- {_LANGUAGES[kind['language']]} captions {_SOURCES[kind['source']]}: {kind['captions']}."
        for kind in kinds
    )
