"""Photographs and texts -> unit vectors, with torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from funduscope.inputs import prepare
from funduscope.model.bundle import Loaded

Vectors = npt.NDArray[np.float32]


def embed_images(
    loaded: Loaded, photographs: Iterable[tuple[str, bytes]], *, batch: int = 32
) -> Iterator[tuple[list[str], Vectors]]:
    """Encoded photographs, as (name, bytes), in batches -> names and unit rows (N, D).

    Raises:
        DataError: a photograph that cannot be read (a corpus holds none).
    """
    rest = iter(photographs)
    while group := list(islice(rest, batch)):
        names = [name for name, _ in group]
        images = [prepare(data, loaded.image_spec, name=name).image for name, data in group]
        stacked = torch.from_numpy(np.stack(images)).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            rows, _ = loaded.encoder.encode_image(stacked)
        yield names, _numpy(rows)


def embed_texts(loaded: Loaded, texts: Sequence[str], *, batch: int = 64) -> Vectors:
    """Texts -> unit rows (N, D)."""
    made: list[Vectors] = []
    for start in range(0, len(texts), batch):
        ids, mask = loaded.tokenizer(texts[start : start + batch])
        with torch.inference_mode():
            rows = loaded.encoder.encode_text(torch.from_numpy(ids), torch.from_numpy(mask))
        made.append(_numpy(rows))
    return np.concatenate(made)


def _numpy(tensor: Any) -> Vectors:
    return np.asarray(tensor.numpy(), dtype=np.float32)
