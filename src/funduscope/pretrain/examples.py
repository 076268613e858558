"""What training reads of a corpus: photographs of the split, each with its captions.

Only `images`, `pairs` and `assertions` are opened; `labels` never is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from funduscope import store
from funduscope.errors import DataError
from funduscope.findings import Assertion, captions, vocabulary
from funduscope.pretrain.settings import PretrainSettings

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Example:
    """One photograph: whole captions (of its eye), and single statements true of it."""

    image_id: str
    patient_id: str
    site_id: str
    captions: tuple[str, ...]
    statements: tuple[str, ...]


def read_examples(corpora: Sequence[store.Corpus], settings: PretrainSettings) -> list[Example]:
    """The training photographs of all corpora that have a caption, in a fixed order.

    Raises:
        DataError: no photograph with a caption in the training split.
    """
    examples = [e for corpus in corpora for e in _of_corpus(corpus, settings)]
    if settings.permute_captions:
        examples = permuted(examples, settings.seed)
    if not examples:
        raise DataError(
            "no photograph with a caption",
            place=", ".join(str(c.path) for c in corpora),
            rule="training reads photographs of the split 'train' that have a caption",
            remedy="ingest an archive with reports, or check captions, languages and withhold",
            code="no_examples",
        )
    return examples


def _of_corpus(corpus: store.Corpus, settings: PretrainSettings) -> list[Example]:
    import polars as pl

    images = corpus.images.filter(pl.col("split") == "train", pl.col("modality") == "cfp")
    images = images.filter(~pl.col("patient_id").is_in(withheld(corpus, settings.withhold)))
    pairs = corpus.pairs.filter(
        pl.col("caption_language").is_in(list(settings.languages)),
        pl.col("caption_source").is_in(list(settings.captions)),
    )
    whole: dict[str, list[str]] = defaultdict(list)
    reports: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in pairs.iter_rows(named=True):
        whole[row["image_id"]].append(row["caption"])
        reports[row["image_id"]].add((row["report_id"], row["eye"]))
    said = _statements_by_eye(corpus.assertions)
    made = []
    for row in images.sort("image_id").iter_rows(named=True):
        name = row["image_id"]
        if name not in whole:
            continue
        single = [s for key in sorted(reports[name]) for s in said.get(key, ())]
        made.append(
            Example(
                name,
                row["patient_id"],
                row["site_id"],
                tuple(dict.fromkeys(whole[name])),
                tuple(dict.fromkeys(single)),
            )
        )
    return made


def withheld(corpus: store.Corpus, findings: Sequence[str]) -> list[str]:
    """Patients with a report that names one of the findings, or a narrower one, in any status."""
    import polars as pl

    words = vocabulary()
    codes = [c for c in words.codes if {c, *words.ancestors(c)} & set(findings)]
    named = corpus.assertions.filter(pl.col("finding").is_in(codes))["report_id"].unique()
    rows = corpus.reports.filter(pl.col("report_id").is_in(named.to_list()))
    return sorted(rows["patient_id"].unique().to_list())


def _statements_by_eye(assertions: pl.DataFrame) -> dict[tuple[str, str], list[str]]:
    """Per report and eye: each finding stated or doubted, and the broader names of those stated.

    Denied findings make no statement: a photograph whose report is silent on them is no
    counterexample, so they would be wrong negatives.
    """
    words = vocabulary()
    made: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in assertions.iter_rows(named=True):
        if row["status"] == "absent" or row["experiencer"] == "family":
            continue
        key = (row["report_id"], row["eye"])
        fields = {k: v for k, v in row.items() if k != "report_id"}
        one = Assertion(**{**fields, "eye": "OD"})
        for language in ("en", "zh"):
            made[key] += [c.text for c in captions("", [one], "OD", language=language)]
            if row["status"] == "present":
                for code in words.ancestors(row["finding"]):
                    made[key].append(getattr(words[code], language))
    for report, eye in list(made):
        if eye != "unknown":
            made[report, "unknown"] += made[report, eye]
    return made


def permuted(examples: Sequence[Example], seed: int) -> list[Example]:
    """The control: within a site, each patient's photographs get another patient's captions.

    Raises:
        DataError: a site with one patient only: nobody can lend the captions.
    """
    rng = np.random.default_rng([seed, 7])
    by_site: dict[str, dict[str, list[Example]]] = defaultdict(lambda: defaultdict(list))
    for e in examples:
        by_site[e.site_id][e.patient_id].append(e)
    lender: dict[str, Example] = {}
    for site in sorted(by_site):
        patients = [by_site[site][name] for name in sorted(by_site[site])]
        for taker, giver in enumerate(_givers(patients, rng)):
            for i, e in enumerate(patients[taker]):
                lender[e.image_id] = patients[giver][i % len(patients[giver])]
    return [
        replace(e, captions=lender[e.image_id].captions, statements=lender[e.image_id].statements)
        for e in examples
    ]


def _givers(patients: Sequence[Sequence[Example]], rng: np.random.Generator) -> list[int]:
    """For each patient another one; of 2,000 random orders the most balanced.

    Diseases come together, so the words of patients lie along few directions, above all "how much
    is wrong"; with a few hundred patients one random order keeps enough of it by chance that a
    model ranks held-out eyes by it, or the other way round. Balanced: the first two principal
    components of the giver's words correlate least with the taker's.
    """
    said = [{text for e in patient for text in e.statements} for patient in patients]
    words = sorted(set().union(*said))
    count = len(patients)
    if count < 2:
        raise DataError(
            f"one patient at the site {patients[0][0].site_id}",
            place="permute_captions",
            rule="captions are permuted between patients of a site",
            remedy="leave that site's corpus out of the control",
            code="one_patient",
        )
    table = np.array([[word in some for word in words] for some in said], dtype=float)
    axes, _, _ = np.linalg.svd(table - table.mean(0), full_matrices=False)
    axes = axes[:, :2]  # unit columns: products of two of them are correlations
    best: tuple[float, list[int]] | None = None
    for _ in range(2000):
        order = rng.permutation(count)
        givers = np.empty(count, dtype=int)
        givers[order] = np.roll(order, 1)
        kept = float(np.square(axes.T @ axes[givers]).sum())
        if best is None or kept < best[0]:
            best = kept, givers.tolist()
    assert best is not None
    return best[1]
