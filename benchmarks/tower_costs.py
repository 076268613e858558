"""What a tower costs: time, kept memory, arithmetic, parameters; for choose.py and scale.py.

Weights are random: neither time nor memory depends on them. A tower is made by the same code that
opens bundles.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from funduscope.pretrain.engine import keep_freed_memory

VIT_S = {"hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 6}
TINY_BERT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
IMAGE_TOWERS: Mapping[str, Mapping[str, Any]] = {
    "EfficientNet-Lite0": {"name": "efficientnet_lite0"},
    "EfficientNet-Lite1": {"name": "efficientnet_lite1"},
    "EfficientNet-Lite2": {"name": "efficientnet_lite2"},
    "ViT-S/16": {
        "name": "transformers",
        "config": {"model_type": "vit", **VIT_S, "intermediate_size": 1536, "patch_size": 16},
    },
    "DINOv2-S/14": {
        "name": "transformers",
        "config": {"model_type": "dinov2", **VIT_S, "mlp_ratio": 4, "patch_size": 14},
    },
}
TEXT_TOWERS: Mapping[str, Mapping[str, Any]] = {
    "MiniLM-L6": {
        "hidden_size": 384,
        "num_hidden_layers": 6,
        "num_attention_heads": 12,
        "intermediate_size": 1536,
        "vocab_size": 13_000,  # after pruning, with the Chinese characters
    },
    "BERT-base (Chinese RoBERTa alike)": {"vocab_size": 21_128},
}


def load_words(load: float) -> str:
    """The load before a run, and what it means for the figures."""
    busy = " **The machine was busy: times are too long. Print this page again.**"
    return f"load average before the run: {load:.2f} (0 is idle){busy if load > 0.7 else ''}"


@dataclass(frozen=True)
class Cost:
    """Of one tower at one size and one number of threads; each figure is of one photograph or text.

    Attributes:
        name: the tower.
        size: side of the photograph, px; tokens of a text.
        threads: of the CPU.
        parameters: how many.
        width: channels of the features.
        infer_ms: forward pass, milliseconds.
        train_ms: forward and backward pass, milliseconds.
        kept_mib: memory that the backward pass needs of the forward pass.
        gflops: of the forward pass; a multiplication with its addition counts two.
    """

    name: str
    size: int
    threads: int
    parameters: int
    width: int
    infer_ms: float
    train_ms: float
    kept_mib: float
    gflops: float


def image_cost(name: str, size: int, *, threads: int, batch: int = 8, rounds: int = 3) -> Cost:
    """Build an image tower and measure it; the size must suit its patches."""
    from funduscope.model.image_tower import from_spec

    tower = from_spec(IMAGE_TOWERS[name])
    images = torch.rand(batch, 3, size, size).contiguous(memory_format=torch.channels_last)
    tower = tower.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return _cost(name, size, tower, (images,), threads, rounds)


def text_cost(name: str, tokens: int, *, threads: int, batch: int = 16, rounds: int = 3) -> Cost:
    """Build a text tower and measure it."""
    from funduscope.model.text_tower import from_spec

    tower = from_spec({"config": {**TEXT_TOWERS[name], **TINY_BERT}})
    ids = torch.randint(5, 1000, (batch, tokens))
    return _cost(name, tokens, tower, (ids, torch.ones_like(ids)), threads, rounds)


def _cost(
    name: str, size: int, tower: Any, given: tuple[Tensor, ...], threads: int, rounds: int
) -> Cost:
    keep_freed_memory()
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        count = len(given[0])
        tower.eval()
        with torch.inference_mode():
            infer = _seconds(lambda: tower(*given), rounds)
            # attention in plain products: the counter does not know the fused kernel of the CPU
            with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as flops:
                tower(*(x[:1] for x in given))
        tower.train()
        kept = kept_bytes(tower, given)
        train = _seconds(lambda: torch.autograd.backward(tower(*given).square().mean()), rounds)
    finally:
        torch.set_num_threads(before)
    return Cost(
        name=name,
        size=size,
        threads=threads,
        parameters=sum(p.numel() for p in tower.parameters()),
        width=tower.width,
        infer_ms=1000 * infer / count,
        train_ms=1000 * train / count,
        kept_mib=kept / count / 2**20,
        gflops=flops.get_total_flops() / 1e9,
    )


def _seconds(once: Callable[[], object], rounds: int) -> float:
    """Median over rounds, after one that warms up."""
    once()
    found = []
    for _ in range(rounds):
        begun = time.perf_counter()
        once()
        found.append(time.perf_counter() - begun)
    return statistics.median(found)


def kept_bytes(tower: nn.Module, given: tuple[Tensor, ...]) -> int:
    """Bytes that a forward pass keeps for the backward pass, weights not counted.

    Tensors that share memory count once; what the arithmetic itself needs for a moment is not in.
    """
    weights = {p.untyped_storage().data_ptr() for p in tower.parameters()}
    kept: dict[int, tuple[int, Tensor]] = {}  # holding them, so that no address is used again

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        out = tower(*given)
    del out
    return sum(size for size, _ in kept.values())
