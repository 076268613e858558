"""`report.html` of a run: counts of what was read, put on a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from funduscope import store
from funduscope.pages import run_page


def write_page(
    out: Path,
    corpora: Sequence[store.Corpus],
    image_ids: Sequence[str],
    settings: Mapping[str, Any],
    log: Sequence[Mapping[str, Any]],
    bundle: str,
) -> None:
    """Write the page of a run to the file `out`.

    Args:
        out: the file.
        corpora: what was read.
        image_ids: the photographs trained on.
        settings: the recipe, as `PretrainSettings.model_dump` gives it, with the page's language.
        log: rows of the table `log`.
        bundle: id of the bundle.
    """
    facts = {
        **caption_counts(corpora, image_ids, settings),
        "settings": settings,
        "corpora": [corpus.id for corpus in corpora],
        "bundle": bundle,
    }
    out.write_text(
        run_page(facts, log, language=settings["report_language"]), encoding="utf-8", newline="\n"
    )


def caption_counts(
    corpora: Sequence[store.Corpus], image_ids: Sequence[str], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """How many photographs and patients, and different captions by language and source."""
    import polars as pl

    used = pl.DataFrame({"image_id": sorted(set(image_ids))}, schema={"image_id": pl.String})
    patients = pl.concat([c.images.select("image_id", "patient_id") for c in corpora])
    patients = patients.join(used, on="image_id", how="semi").unique("image_id")
    pairs = pl.concat([c.pairs for c in corpora]).filter(
        pl.col("caption_language").is_in(list(settings["languages"])),
        pl.col("caption_source").is_in(list(settings["captions"])),
    )
    counted = (
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
        "captions": counted.to_dicts(),
    }
