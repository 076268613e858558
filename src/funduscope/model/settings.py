"""What a model is made of."""

from __future__ import annotations

import difflib
from typing import Any, Literal

from pydantic import Field, field_validator

from funduscope.config import Settings
from funduscope.inputs import ImageSpec
from funduscope.model.pretrained import PREFIX, normalization

EFFICIENTNETS = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")
TEXT_TOWERS = ("minilm", "tiny")

Trained = Literal["full", "frozen"] | int


class ModelSettings(Settings):
    """The towers and the space they share."""

    image_tower: str = Field(
        "efficientnet_lite0",
        description="image tower: efficientnet_lite0, 1 or 2, from ImageNet weights, or "
        "transformers:FOLDER_OR_ID, a vision transformer",
    )
    image_size: int = Field(224, ge=64, le=1024, description="side of the input photograph, px")
    light: Literal["camera", "local"] = Field(
        "local",
        description="camera: brightness as stored; local: contrast to the surroundings, without "
        "the camera's light",
    )
    text_tower: str = Field(
        "minilm",
        description="minilm: MiniLM-L6, Chinese token rows taught from the vocabulary; tiny: two "
        "layers from scratch, for tests and the demo; or transformers:FOLDER_OR_ID",
    )
    text_length: int = Field(64, ge=8, le=512, description="longest caption, tokens")
    dim: int = Field(256, ge=16, le=2048, description="dimensions of the shared space")
    train_image: Trained = Field(
        "full", description="what of the image tower trains: full, frozen, or its last n blocks"
    )
    train_text: Trained | None = Field(
        None,
        description="what of the text tower trains, likewise; not given: frozen for minilm, full "
        "for others",
    )
    english_rows: int = Field(
        8500, ge=1000, description="most frequent English token rows kept of MiniLM"
    )
    alignment_steps: int = Field(
        500, ge=0, description="steps that teach the Chinese token rows (minilm only)"
    )

    @field_validator("image_tower", "text_tower")
    @classmethod
    def _known(cls, name: str, info: Any) -> str:
        known = EFFICIENTNETS if info.field_name == "image_tower" else TEXT_TOWERS
        if name in known or (name.startswith(PREFIX) and name != PREFIX):
            return name
        near = difflib.get_close_matches(name, [*known, PREFIX], n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise ValueError(f"{hint}known: {', '.join(known)}, {PREFIX}FOLDER_OR_ID")

    @property
    def text_trained(self) -> Trained:
        """`train_text`, or what it is where none is given."""
        if self.train_text is None:
            return "frozen" if self.text_tower == "minilm" else "full"
        return self.train_text

    @property
    def image_spec(self) -> ImageSpec:
        """How photographs are read for these towers.

        Raises:
            ConfigError: the folder of a vision transformer does not say how its photographs are
                normalized, and `light` is camera.
        """
        spec = ImageSpec(size=self.image_size, light=self.light)
        if self.light == "local" or not self.image_tower.startswith(PREFIX):
            return spec
        mean, std = normalization(self.image_tower, "model.image_tower")
        return ImageSpec(size=self.image_size, light=self.light, mean=mean, std=std)
