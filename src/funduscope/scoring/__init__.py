"""From unit vectors to answers: prompts to scores, images to eyes to patients, and heat maps.

Base install only (numpy, Pillow): training-side evaluation and the clinic share these lines.
"""

from __future__ import annotations

from funduscope.scoring.activation import activation_map, enlarge
from funduscope.scoring.aggregate import AGGREGATION, Units, to_eyes, to_patients
from funduscope.scoring.percentile import percentile
from funduscope.scoring.zeroshot import ensemble, zero_shot

__all__ = [
    "AGGREGATION",
    "Units",
    "activation_map",
    "enlarge",
    "ensemble",
    "percentile",
    "to_eyes",
    "to_patients",
    "zero_shot",
]
