"""The settings of `ingest` and `review`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from funduscope import findings, inputs
from funduscope.config import Settings


class IngestSettings(Settings):
    """How an archive becomes a corpus; what the archive looks like, its `archive.toml` says."""

    max_side: int = Field(
        default=1024, ge=64, le=16384, description="longest stored side of a photograph, px"
    )
    jpeg_quality: int = Field(
        default=95, ge=50, le=100, description="JPEG quality of photographs that had to be changed"
    )
    seed: int = Field(default=0, ge=0, description="seed of the patient splits")
    val_share: float = Field(
        default=0.1, ge=0, le=1, description="part of the patients that goes to val"
    )
    test_share: float = Field(
        default=0.2, ge=0, le=1, description="part of the patients that goes to test"
    )
    captions: tuple[findings.CaptionForm, ...] = Field(
        default=("as_written", "en", "zh"),
        description="captions made of a report: as_written; rendered from its findings: en, zh "
        "(en_full, zh_full: with all denials; en_short, zh_short: what is present, nothing else)",
    )
    modality: Literal["cfp", "uwf", "oct", "ffa", "faf", "external", "other"] | None = Field(
        default=None, description="kind of picture (cfp, oct, ...), over what archive.toml says"
    )
    keep_refused: bool | None = Field(
        default=None,
        description="keep pictures that are no fundus photographs, marked so; over archive.toml",
    )
    gradable_from: float = Field(
        default=inputs.GRADABLE_FROM,
        ge=0,
        le=1,
        description="a photograph counts as gradable from here on; a source's own goes before it",
    )
    ocr: Literal["none", "tesseract"] = Field(
        default="none",
        description="who reads what looks like text in a photograph, for the ledger; it goes to "
        "review either way",
    )
    max_failed: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="part of the photographs that may be rejected before the run fails at its end",
    )
    max_damaged: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="part of the photographs that may be damaged files before the command, though "
        "finished, ends with exit code 3",
    )
    exams_per_part: int = Field(
        default=256, ge=1, le=100_000, description="examinations in one file under pixels/"
    )
    workers: int = Field(
        default=2, ge=1, le=256, description="processes that read photographs; 1: none beside ours"
    )
    language: Literal["en", "zh"] = Field(default="en", description="language of report.html")
    key_file: Path | None = Field(
        default=None,
        description="secret key of the pseudonyms, made on first use; "
        "default: identity/key in the folder that holds OUT",
    )

    @model_validator(mode="after")
    def _shares(self) -> IngestSettings:
        if self.val_share + self.test_share > 1:
            raise ValueError("val_share + test_share is more than 1")
        return self


class ReviewSettings(Settings):
    """What a person is shown of a corpus, and how a site chooses its own threshold."""

    language: Literal["en", "zh"] = Field(default="en", description="language of the pages")
    gradable_from: float = Field(
        default=inputs.GRADABLE_FROM,
        ge=0,
        le=1,
        description="threshold whose effect is shown: a photograph counts as gradable from here on",
    )
    to_label: int = Field(
        default=50,
        ge=20,
        le=500,
        description="photographs to be labeled for a threshold of one's own",
    )
    keep: float = Field(
        default=0.95,
        gt=0,
        le=1,
        description="part of what people call gradable that a threshold of one's own must keep",
    )
    to_mark: int = Field(
        default=100, ge=1, le=500, description="reports (distinct texts) on mark.html"
    )
    seed: int = Field(
        default=0, ge=0, description="seed of the reports drawn and of resampling for intervals"
    )
