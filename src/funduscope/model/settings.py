"""What a model is made of."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from funduscope.config import Settings
from funduscope.inputs import ImageSpec


class ModelSettings(Settings):
    """The towers and the space they share."""

    image_tower: Literal["efficientnet_lite0"] = Field(
        "efficientnet_lite0", description="image tower, from ImageNet weights"
    )
    image_size: int = Field(224, ge=64, le=1024, description="side of the input photograph, px")
    light: Literal["camera", "local"] = Field(
        "local",
        description="camera: brightness as stored; local: contrast to the surroundings, without "
        "the camera's light",
    )
    text_tower: Literal["minilm", "tiny"] = Field(
        "minilm",
        description="minilm: frozen MiniLM-L6, Chinese token rows taught from the vocabulary; "
        "tiny: two layers from scratch, for tests and the demo",
    )
    text_length: int = Field(64, ge=8, le=512, description="longest caption, tokens")
    dim: int = Field(256, ge=16, le=2048, description="dimensions of the shared space")
    english_rows: int = Field(
        8500, ge=1000, description="most frequent English token rows kept of MiniLM"
    )
    alignment_steps: int = Field(
        300, ge=0, description="steps that teach the Chinese token rows (minilm only)"
    )

    @property
    def image_spec(self) -> ImageSpec:
        """How photographs are read for these towers."""
        return ImageSpec(size=self.image_size, light=self.light)
