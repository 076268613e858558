"""Settings of `embed` and `zeroshot`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from funduscope.config import Settings

Split = Literal["train", "val", "test", "all"]
Language = Literal["en", "zh", "both"]


class EmbedSettings(Settings):
    """What `embed` turns into vectors."""

    split: Split = Field(default="all", description="the patients whose photographs are embedded")
    seed: int = Field(default=0, ge=0, description="recorded; embedding draws nothing at random")


class ZeroshotSettings(Settings):
    """What `zeroshot` scores, with which prompts, against which truth."""

    suite: str | None = Field(
        default=None, description="named list of tasks (see evaluate/data/tasks.toml)"
    )
    tasks: tuple[str, ...] = Field(
        default=(),
        description="tasks by name; empty, without a suite: every finding that has enough labels",
    )
    split: Split | None = Field(
        default=None,
        description="patients to score; not given: the split each task names (else test)",
    )
    truth: Literal["labels", "reports"] = Field(
        default="labels",
        description="labels: the table labels; reports: what each eye's own report says of it",
    )
    prompt_sets: tuple[str, ...] = Field(
        default=("plain",),
        min_length=1,
        description="prompt sets, each scored on its own; plain@1: version 1 of plain",
    )
    language: Language = Field(
        default="both", description="language of the prompts; both: the mean of the two"
    )
    minimum: int = Field(
        default=5,
        ge=2,
        description="without named tasks: positives and negatives a finding must have",
    )
    bootstrap: int = Field(default=2000, ge=100, description="replicates of an interval")
    seed: int = Field(default=0, ge=0, description="of the bootstrap")
