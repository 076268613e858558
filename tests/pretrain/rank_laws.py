"""One rank of the laws of `test_ranks.py`: loss and gradients of fixed batches, for each objective.

    python rank_laws.py OUT CHUNK...

Everything is float64, normalization is frozen, nothing is dropped and photographs are not changed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import torch

from funduscope.model import DualEncoder, ModelSettings, text_tower
from funduscope.model.image_tower import ImageTower
from funduscope.pretrain import PretrainSettings, ranks
from funduscope.pretrain.engine import Trainer
from funduscope.pretrain.normalization import freeze
from funduscope.pretrain.plan import Batch
from funduscope.pretrain.settings import AugmentSettings

OBJECTIVES = ("infonce", "sigmoid", "patient", "findings")
UNITS, SIDE, FINDINGS = 12, 32, 5
STILL = {name: 0.0 for name in AugmentSettings.model_fields if name not in ("flip",)}
STILL |= {"flip": False, "zoom": (1, 1), "saturation": (1, 1), "contrast": (1, 1)}


class Patches(ImageTower):
    """Two convolutions with frozen normalization between them."""

    width, patch = 6, 8

    def __init__(self) -> None:
        super().__init__()
        self.spec = {}
        self.blocks = [torch.nn.Conv2d(3, 5, 8, 8), torch.nn.Conv2d(5, 6, 1)]
        self.body = torch.nn.Sequential(
            self.blocks[0], torch.nn.BatchNorm2d(5), torch.nn.Tanh(), self.blocks[1]
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.body(image)


def settings(objective: str, chunk: int, masked: float) -> PretrainSettings:
    model = ModelSettings(text_tower="tiny", dim=16, english_rows=1000, light="camera")
    return PretrainSettings(
        model=model,
        augment=AugmentSettings(**STILL),
        objective=objective,
        batch=UNITS,
        chunk=chunk,
        train_size=SIDE,
        normalization="frozen",
        device="cpu",
        masked=masked,
    )


def batch(objective: str) -> tuple[Batch, np.ndarray]:
    """Twelve units, some with one eye, five texts of which photographs share some."""
    rng = np.random.default_rng(3)
    eyes = 2 if objective == "patient" else 1
    rows = np.arange(UNITS * eyes).reshape(UNITS, eyes)
    if eyes == 2:
        rows[[1, 7], 1] = -1
        rows[4, 0] = -1
    texts = ["cataract", "drusen", "glaucoma", "normal fundus", "正常眼底"]
    own = rng.integers(5, size=rows.shape)
    own[rows < 0] = -1
    match = (own[..., None] == np.arange(5)) & (rows >= 0)[..., None]
    match[..., 4] |= match[..., 3]
    match[..., 3] |= match[..., 4]
    said_t = rng.choice([-1.0, 0.0, 0.5, 1.0], size=(5, FINDINGS)).astype(np.float32)
    said = np.where((rows >= 0)[..., None], said_t[own], 0)
    crops = rng.integers(256, size=(int((rows >= 0).sum()), SIDE, SIDE, 3), dtype=np.uint8)
    made = Batch(0, 0, rows, np.zeros(rows.shape, bool), texts, own, match, said, said_t)
    return made, crops


def gradients(objective: str, chunk: int, masked: float = 0.0) -> dict[str, torch.Tensor]:
    """Loss and gradient of every parameter after one backward pass of this rank."""
    chosen = settings(objective, chunk, masked)
    accelerator = ranks.join(chosen)
    torch.manual_seed(0)
    text, tokenizer = text_tower.build(chosen.model)
    encoder = DualEncoder(Patches(), text, 16).double()
    trainer = Trainer(encoder, tokenizer, chosen, accelerator)
    trainer.share.towers.double()
    trainer.contrast.double()
    encoder.train()
    freeze(encoder)
    made, crops = batch(objective)
    per, rank = UNITS // accelerator.num_processes, accelerator.process_index
    there = made.rows_BE >= 0
    first = int(there[: rank * per].sum())
    mine = crops[first : first + int(there[rank * per : (rank + 1) * per].sum())]
    compared = trainer.backward(made, torch.from_numpy(mine))
    found = {"loss": compared.loss}
    for name, parameter in [*encoder.named_parameters(), *trainer.contrast.named_parameters()]:
        if parameter.grad is not None:
            found[name] = parameter.grad
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    made = {c: {o: gradients(o, int(c)) for o in OBJECTIVES} for c in sys.argv[2:]}
    if os.environ["RANK"] == "0":
        torch.save(made, Path(sys.argv[1]))
