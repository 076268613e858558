"""What reading a photograph costs one core, as training reads it; for scale.py."""

from __future__ import annotations

import io
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from speed import photographs

from funduscope import inputs
from funduscope.pretrain.augment import augment
from funduscope.pretrain.settings import PretrainSettings

STORED = 1024  # px, longest side of a photograph in a corpus


def stored_photographs(folder: Path) -> list[bytes]:
    """Drawn photographs as a corpus stores them."""
    stored = []
    for path in photographs(folder, 6):
        with Image.open(path) as image:
            small = image.convert("RGB")
            small.thumbnail((STORED, STORED), Image.Resampling.LANCZOS)
            stream = io.BytesIO()
            small.save(stream, "JPEG", quality=95)
            stored.append(stream.getvalue())
    return stored


def read_seconds(stored: list[bytes], size: int) -> float:
    """One stored photograph to a tensor, by one core: decoded, cropped, augmented, normalized."""
    settings = PretrainSettings()
    spec = settings.model.image_spec
    crop = size * 5 // 4  # a margin for rotation and zoom
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    found = []
    for _ in range(4):
        begun = time.perf_counter()
        crops = []
        for at, data in enumerate(stored):
            rgb = inputs.decode(data, name=str(at), min_side=crop)
            crops.append(inputs.crop_field(rgb, inputs.find_field(rgb), crop))
        stacked = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 255
        changed = augment(stacked, size, settings.augment, rng)
        inputs.standardize(changed.numpy(), spec)
        found.append((time.perf_counter() - begun) / len(stored))
    return statistics.median(found[1:])
