"""Settings of pre-training; the defaults are the recipe of the shipped `mini`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from funduscope.config import Settings
from funduscope.model import ModelSettings


class AugmentSettings(Settings):
    """How far a training photograph may be changed; each change is drawn uniformly."""

    rotation: float = Field(20.0, ge=0, le=180, description="largest rotation, degrees")
    zoom: tuple[float, float] = Field(
        (0.8, 1.08), description="side of the window read, as a share of the picture"
    )
    shift: float = Field(0.06, ge=0, le=0.5, description="largest shift, share of half the side")
    flip: bool = Field(True, description="mirror half of the pictures (captions name no side)")
    gamma: float = Field(0.35, ge=0, description="largest |log| of the gamma")
    gain: float = Field(0.2, ge=0, description="largest |log| of the brightness gain")
    tint: float = Field(0.25, ge=0, description="largest |log| of the gain of each channel")
    saturation: tuple[float, float] = Field((0.5, 1.4), description="range of the saturation")
    contrast: tuple[float, float] = Field((0.7, 1.35), description="range of the contrast")
    mix: float = Field(0.05, ge=0, description="spread of what each channel takes of the others")
    gray: float = Field(0.05, ge=0, le=1, description="share of pictures without color")
    shade: float = Field(0.2, ge=0, description="largest |log| of uneven light over the picture")
    bars: float = Field(0.3, ge=0, le=1, description="share cut by bars above and below")
    sharpen: float = Field(0.3, ge=0, le=1, description="share of pictures sharpened")
    blur: float = Field(0.4, ge=0, le=1, description="share of pictures blurred or coarsened")
    grain: float = Field(0.015, ge=0, description="largest spread of noise, in 0.3 of the pictures")


class PretrainSettings(Settings):
    """The recipe: what is read, how a batch is drawn, how long, how fast."""

    seed: int = Field(0, ge=0, description="seed of everything random")
    model: ModelSettings = Field(default_factory=lambda: ModelSettings(), description="the towers")
    augment: AugmentSettings = Field(
        default_factory=lambda: AugmentSettings(), description="changes to training photographs"
    )
    train_size: int = Field(192, ge=32, le=1024, description="side of training photographs, px")
    steps: int = Field(400, ge=1, description="optimizer steps")
    batch: int = Field(64, ge=2, description="photographs a step, each of another patient")
    learning_rate: float = Field(6e-4, gt=0, description="peak rate of the image tower")
    head_rate: float = Field(1.2e-3, gt=0, description="peak rate of projections and tiny tower")
    weight_decay: float = Field(0.05, ge=0, description="AdamW's, on matrices only")
    warmup: int = Field(40, ge=0, description="steps of linear warm-up; cosine to zero follows")
    ema: float = Field(0.995, ge=0, lt=1, description="decay of the averaged weights, released")
    temper: float = Field(
        0.5, ge=0, le=1, description="draw a photograph with (frequency of its caption)^-temper"
    )
    languages: tuple[str, ...] = Field(
        ("en", "zh", "mixed"), description="languages of the captions read"
    )
    captions: tuple[Literal["report", "rendered"], ...] = Field(
        ("report", "rendered"),
        description="captions read: of the report's own words, rendered from its findings",
    )
    statement_share: float = Field(
        0.5,
        ge=0,
        le=1,
        description="share of captions cut down to one statement or its broader name",
    )
    withhold: tuple[str, ...] = Field(
        (), description="findings: patients whose report names one of them are left out"
    )
    permute_captions: bool = Field(
        False, description="control: captions exchanged between patients within a site"
    )
    threads: int = Field(0, ge=0, description="CPU threads (0: all)")
    checkpoint_every: int = Field(50, ge=1, description="steps between checkpoints")
    log_every: int = Field(10, ge=1, description="steps between rows of the log")
    report_language: Literal["en", "zh"] = Field("en", description="language of report.html")
    licence: str = Field(
        "Terms of the training corpus apply. Research use only.",
        description="text of the bundle's LICENSE file, or the path of one",
    )
