"""The training loop: batches, steps, averaged weights, checkpoints that resume bit for bit."""

from __future__ import annotations

import contextlib
import copy
import ctypes
import io
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from funduscope import store
from funduscope.config import Progress
from funduscope.errors import DataError
from funduscope.inputs import standardize
from funduscope.inputs.text import Tokenizer
from funduscope.model import DualEncoder
from funduscope.pretrain.augment import augment
from funduscope.pretrain.loader import Loader
from funduscope.pretrain.objectives import infonce, recall_at_1
from funduscope.pretrain.plan import Batch, Plan
from funduscope.pretrain.settings import PretrainSettings

_MALLOPT = {"M_MMAP_MAX": (-4, 0), "M_TRIM_THRESHOLD": (-1, 2**31 - 1), "M_TOP_PAD": (-2, 2**29)}


def keep_freed_memory() -> None:
    """Let glibc keep what torch frees: each step asks for the same large blocks again.

    Without it every block is mapped anew and its pages are cleared again; measured on two cores,
    a step at 160 px took 1.8 times as long.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        for option, value in _MALLOPT.values():
            libc.mallopt(option, value)


class Trainer:
    """One run: the encoder being trained, its average, the optimizer, the log.

    Attributes:
        encoder: weights of the current step.
        average: exponential moving average of the weights, batch statistics included; released.
        log: rows of the table `log`.
    """

    def __init__(
        self,
        encoder: DualEncoder,
        tokenizer: Tokenizer,
        plan: Plan,
        settings: PretrainSettings,
    ) -> None:
        self.encoder = encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(encoder).eval().requires_grad_(False)
        self.settings = settings
        self.step = 0
        self.seconds = 0.0
        self.log: list[dict[str, Any]] = []
        self._tokenizer = tokenizer
        self._plan = plan
        self._features: dict[str, Tensor] = {}
        groups = parameter_groups(self.encoder, settings)
        self._peaks = [group["lr"] for group in groups]
        self._optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98))

    def run(self, folder: Path, progress: Progress) -> None:
        """Train to the last step, leaving a checkpoint in `folder` every so often."""
        last = self.settings.steps
        size = max(self.settings.model.image_size, self.settings.train_size * 5 // 4)
        self.encoder.train()
        progress.start("training", last)
        progress.advance(self.step)
        begun = time.monotonic() - self.seconds
        with contextlib.closing(iter(Loader(self._plan, size, start=self.step))) as batches:
            while self.step < last:
                waiting = time.monotonic()
                batch, crops = next(batches)
                row = self._one_step(batch, crops, waiting)
                self.seconds = time.monotonic() - begun
                if self.step % self.settings.log_every == 0 or self.step == last:
                    self.log.append({**row, "seconds": self.seconds})
                if self.step % self.settings.checkpoint_every == 0 or self.step == last:
                    self.save(folder / "checkpoint.pt")
                progress.advance()
        progress.done()

    def _one_step(self, batch: Batch, crops: Tensor, begun: float) -> dict[str, Any]:
        waited = time.monotonic() - begun
        rate = self._schedule()
        rng = np.random.default_rng([self.settings.seed, 12, self.step])
        # For what torch draws itself: the tower drops whole blocks at random while it trains.
        torch.manual_seed(int(rng.integers(2**62)))
        match_IT = torch.from_numpy(batch.match_BET[:, 0]).float()
        image_B3SS = self._photographs(crops, torch.from_numpy(batch.flip_BE[:, 0]), rng)
        texts = batch.texts
        image_BD, _ = self.encoder.encode_image(image_B3SS)
        text_TD = self.encoder.project_text(self._text_features(texts))
        logits_IT = self.encoder.scale * image_BD @ text_TD.T
        loss = infonce(logits_IT, match_IT)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise DataError(
                f"loss {value}",
                place=f"training step {self.step}",
                rule="the loss stays finite",
                remedy="lower learning_rate, or resume from the last checkpoint with a lower one",
                code="loss_not_finite",
            )
        self._optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.encoder.parameters(), 1.0)
        self._optimizer.step()
        self.step += 1
        self._update_average()
        return {
            "step": self.step,
            "images": self.step * self.settings.batch,
            "loss": value,
            "temperature": float(self.encoder.scale.detach()),
            "learning_rate": rate,
            "recall_at_1": recall_at_1(logits_IT.detach(), match_IT),
            "data_wait": waited / (time.monotonic() - begun),
        }

    def _schedule(self) -> float:
        s = self.settings
        factor = 0.5 * (1 + math.cos(math.pi * self.step / s.steps))
        factor *= min(1.0, (self.step + 1) / max(1, s.warmup))
        for group, peak in zip(self._optimizer.param_groups, self._peaks, strict=True):
            group["lr"] = peak * factor
        return s.learning_rate * factor

    def _photographs(self, crops: Tensor, flip: Tensor, rng: np.random.Generator) -> Tensor:
        settings = self.settings
        changed = augment(crops, settings.train_size, settings.augment, flip, rng)
        read = torch.from_numpy(standardize(changed.numpy(), settings.model.image_spec))
        return read.contiguous(memory_format=torch.channels_last)

    def _text_features(self, texts: list[str]) -> Tensor:
        if not self.encoder.text.frozen:
            return self._encode(texts)
        fresh = [t for t in texts if t not in self._features]
        if fresh:
            with torch.no_grad():
                self._features.update(zip(fresh, self._encode(fresh), strict=True))
        return torch.stack([self._features[t] for t in texts])

    def _encode(self, texts: list[str]) -> Tensor:
        ids, mask = self._tokenizer(texts)
        features: Tensor = self.encoder.text(torch.from_numpy(ids), torch.from_numpy(mask))
        return features

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.settings.ema, self.step / (self.step + 9))
        old = self.average.state_dict().values()
        for mean, new in zip(old, self.encoder.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(new, 1 - decay)
            else:
                mean.copy_(new)

    def save(self, path: Path) -> None:
        """Write a checkpoint, atomically."""
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "log": self.log,
            "encoder": self.encoder.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }
        stream = io.BytesIO()
        torch.save(state, stream)
        store.write_bytes(path, stream.getvalue())

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint."""
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.step, self.seconds, self.log = state["step"], state["seconds"], state["log"]
        self.encoder.load_state_dict(state["encoder"])
        self.average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])


def parameter_groups(encoder: DualEncoder, settings: PretrainSettings) -> list[dict[str, Any]]:
    """Image tower and the rest at their own rates; only matrices decay."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in encoder.named_parameters():
        if not parameter.requires_grad:
            continue
        image = name.startswith("image.")
        rate = settings.learning_rate if image else settings.head_rate
        decay = settings.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((rate, decay), []).append(parameter)
    return [{"params": g, "lr": r, "weight_decay": d} for (r, d), g in groups.items()]
