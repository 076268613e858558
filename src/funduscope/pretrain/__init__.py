"""Stage: a corpus of photographs and captions -> a bundle. Reads no label."""

from funduscope.pretrain.settings import PretrainSettings
from funduscope.pretrain.stage import pretrain

__all__ = ["PretrainSettings", "pretrain"]
