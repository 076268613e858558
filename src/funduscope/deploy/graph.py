"""The image tower as an ONNX graph. Needs torch; nothing else in this room does.

torch's exporter by `torch.export` folds batch norms and paddings into the convolutions and
constants: EfficientNet-Lite0 becomes 49 Conv, 34 Clip and 9 Add nodes that onnxruntime fuses when
it loads. (The older tracing exporter leaves 17 Pad subgraphs behind.) The graph is not optimized
further here: onnxruntime's last step chooses a memory layout for the processor it runs on, and
must do so in the clinic.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from funduscope import store
from funduscope.runtime.tower import INPUT, OUTPUTS, Floats

OPSET = 20


class Encoder(Protocol):
    """What is asked of an encoder here."""

    def encode_image(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, S, S) -> embedding (N, D), feature map (N, C, h, w)."""


class ImageTower(nn.Module):
    """The image half of an encoder, as one function of the photographs."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, S, S) -> embedding (N, D), feature map (N, C, h, w)."""
        embedding, feature_map = self.encoder.encode_image(image)
        return embedding, feature_map


def write_tower(encoder: Encoder, size: int, path: Path) -> None:
    """Write the image tower of an encoder (in evaluation mode, float32) for `size` px input.

    The file holds no paths and no source lines of the machine that made it.
    """
    tower = ImageTower(encoder).eval()
    example = torch.zeros(2, 3, size, size)
    with _quiet():
        program = torch.onnx.export(
            tower,
            (example,),
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_shapes=({0: torch.export.Dim("N")},),
        )
    assert program is not None
    model = program.model_proto
    graph = model.graph
    for item in (graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        del item.metadata_props[:]
        item.doc_string = ""
    del graph.value_info[:]
    store.write_bytes(path, model.SerializeToString(deterministic=True))


def run_torch(encoder: Encoder, image_N3SS: Floats) -> tuple[Floats, Floats]:  # noqa: N803
    """Embeddings (N, D) and feature maps (N, C, h, w) by torch, as `runtime.Tower.embed`."""
    with torch.inference_mode():
        embedding, feature_map = ImageTower(encoder).eval()(torch.from_numpy(image_N3SS))
    return np.asarray(embedding.numpy()), np.asarray(feature_map.numpy())


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what torch's exporter says of itself and of torchvision, which is not used."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", r"`isinstance\(treespec, LeafSpec\)`", category=FutureWarning
            )
            yield
    finally:
        log.setLevel(level)
