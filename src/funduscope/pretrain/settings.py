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
    flip: bool = Field(True, description="mirror half of the pictures: the other eye")
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
    """The recipe: what is read, what is compared, how long, how fast."""

    seed: int = Field(0, ge=0, description="seed of everything random")
    model: ModelSettings = Field(default_factory=lambda: ModelSettings(), description="the towers")
    augment: AugmentSettings = Field(
        default_factory=lambda: AugmentSettings(), description="changes to training photographs"
    )
    start: str | None = Field(
        None, description="bundle to continue from; its towers replace those of [model]"
    )
    objective: Literal["infonce", "sigmoid", "patient", "findings"] = Field(
        "infonce", description="the loss: see docs/explanation/objectives.md"
    )
    soft: float = Field(
        0.3, ge=0, lt=1, description="findings: share of the target given to like reports"
    )
    repel: float = Field(
        1.0, ge=0, description="findings: extra weight of reports that contradict each other"
    )
    named: float = Field(
        4.0, ge=0, description="weight of asking every finding's name of every eye"
    )
    silent: float = Field(
        0.2, ge=0, le=1, description="named: weight of findings that a report does not mention"
    )
    text_noise: float = Field(
        1.0, ge=0, description="noise on features of texts, in standard deviations of the batch's"
    )
    masked: float = Field(
        0.0, ge=0, description="weight of the masked-image loss (patch towers only)"
    )
    masked_share: float = Field(0.6, gt=0, lt=1, description="share of patches masked")
    teacher: str | None = Field(None, description="bundle whose similarities are learned as well")
    distill: float = Field(1.0, ge=0, description="weight of the teacher's similarities")
    normalization: Literal["batch", "frozen", "synchronized"] = Field(
        "batch",
        description="batch normalization by the statistics of a pass, by the stored ones, or by "
        "those of all GPUs",
    )
    train_size: int = Field(224, ge=32, le=1024, description="side of training photographs, px")
    steps: int = Field(350, ge=1, description="optimizer steps")
    batch: int = Field(64, ge=2, description="eyes (patient: exams) contrasted with one another")
    learning_rate: float = Field(6e-4, gt=0, description="peak rate of the image tower")
    text_rate: float = Field(1.2e-3, gt=0, description="peak rate of a text tower that trains")
    head_rate: float = Field(1.2e-3, gt=0, description="peak rate of projections and scale")
    layer_decay: float = Field(
        1.0, gt=0, le=1, description="rate of a block: this, to the power of the blocks above it"
    )
    weight_decay: float = Field(0.05, ge=0, description="AdamW's, on matrices only")
    clip: float = Field(1.0, gt=0, description="largest norm of the gradient")
    warmup: int = Field(40, ge=0, description="steps of linear warm-up; cosine to zero follows")
    ema: float = Field(0.99, ge=0, lt=1, description="decay of the averaged weights, released")
    temper: float = Field(
        0.5, ge=0, le=1, description="draw an eye with (frequency of its findings)^-temper"
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
    # How the steps are computed; nothing below changes what is learned, but for rounding.
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="auto: a GPU where torch sees one, else the CPU"
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="of the towers' arithmetic; bfloat16 where it was measured faster"
    )
    chunk: int = Field(
        0, ge=0, description="photographs in one pass through the towers (0: all of a rank's)"
    )
    accumulation: int = Field(
        1, ge=1, description="batches an optimizer step, each contrasted by itself"
    )
    threads: int = Field(0, ge=0, description="CPU threads (0: all)")
    workers: int = Field(1, ge=0, description="processes that read photographs (0: none)")
    loader_timeout_s: float = Field(
        300.0, gt=0, description="seconds without a batch after which the run stops"
    )
    window_mib: int = Field(
        2048, ge=1, description="encoded photographs shuffled with one another, MiB"
    )
    checkpoint_every: int = Field(50, ge=1, description="steps between checkpoints")
    log_every: int = Field(10, ge=1, description="steps between rows of the log")
    report_language: Literal["en", "zh"] = Field("en", description="language of report.html")
    licence: str = Field(
        "Terms of the training corpus apply. Research use only.",
        description="text of the bundle's LICENSE file, or the path of one",
    )
