"""From a bundle to a clinic: export a CPU package, predict with it (no torch)."""

from __future__ import annotations

from funduscope.deploy.export import export
from funduscope.deploy.predictor import Activation, Answer, FindingScore, Predictor
from funduscope.deploy.settings import ExportSettings

__all__ = ["Activation", "Answer", "ExportSettings", "FindingScore", "Predictor", "export"]
