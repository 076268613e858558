"""A package on disk, opened and checked: embeddings and feature maps by onnxruntime, no torch."""

from __future__ import annotations

from funduscope.runtime.package import (
    CALIBRATION,
    IMAGE_SPEC,
    IMAGE_TOWER,
    PARITY,
    PROMPTS,
    SELF_TEST,
    Package,
    Reference,
)
from funduscope.runtime.prompts import Prompts
from funduscope.runtime.tower import Tower

__all__ = [
    "CALIBRATION",
    "IMAGE_SPEC",
    "IMAGE_TOWER",
    "PARITY",
    "PROMPTS",
    "SELF_TEST",
    "Package",
    "Prompts",
    "Reference",
    "Tower",
]
