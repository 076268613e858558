"""stub"""
from __future__ import annotations
from dataclasses import dataclass
import numpy as np
from typing import Any

@dataclass(frozen=True)
class Batch:
    step: int
    rows_BE: Any
    flip_BE: Any
    texts: list[str]
    text_BE: Any
    match_BET: Any
    said_BEF: Any
    said_TF: Any

class Plan: ...
