"""Settings of `export`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from funduscope.config import Settings


class ExportSettings(Settings):
    """What goes into a package and how closely it must agree with torch."""

    prompts: Literal["plain", "paraphrase"] = Field(
        default="plain", description="prompt bank whose vectors go into the package"
    )
    findings: tuple[str, ...] = Field(
        default=(),
        description="codes the package answers for; empty: all with phrasings of their own",
    )
    languages: tuple[Literal["zh", "en"], ...] = Field(
        default=("en", "zh"),
        min_length=1,
        description="languages of the prompts; a score uses the mean direction over them",
    )
    parity_limit: float = Field(
        default=1e-3,
        gt=0,
        le=1e-3,
        description="largest difference of a score between torch and onnxruntime",
    )
    parity_images: int = Field(
        default=32,
        ge=0,
        description="photographs of the reference corpus on which parity is checked as well",
    )
    reference_points: int = Field(
        default=1001,
        ge=11,
        description="scores of validation eyes are kept as at most so many quantiles a finding",
    )
