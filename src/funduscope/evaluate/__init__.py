"""Stage `evaluate`: a bundle or package and labeled corpora become vectors, scores and metrics."""

from __future__ import annotations

from funduscope.evaluate.benchmark import zeroshot
from funduscope.evaluate.embedding import embed
from funduscope.evaluate.settings import EmbedSettings, ZeroshotSettings

__all__ = ["EmbedSettings", "ZeroshotSettings", "embed", "zeroshot"]
