"""The two towers in torch: made, trained by `pretrain`, saved as a bundle, loaded strictly."""

from funduscope.model.bundle import Loaded, load, save
from funduscope.model.dual_encoder import DualEncoder
from funduscope.model.embedding import embed_images, embed_texts
from funduscope.model.settings import ModelSettings

__all__ = [
    "DualEncoder",
    "Loaded",
    "ModelSettings",
    "embed_images",
    "embed_texts",
    "load",
    "save",
]
