"""The training loop: steps over ranks and parts, averaged weights, checkpoints, an early stop."""

from __future__ import annotations

import ctypes
import math
import sys
import time
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from funduscope import store, tables
from funduscope.config import Progress
from funduscope.errors import DataError
from funduscope.inputs.text import Tokenizer
from funduscope.model import DualEncoder, Loaded
from funduscope.pretrain import checkpoint, health
from funduscope.pretrain.contrast import Compared, Contrast
from funduscope.pretrain.loader import Loader
from funduscope.pretrain.normalization import freeze
from funduscope.pretrain.optimizer import head_groups, tower_groups
from funduscope.pretrain.plan import Batch
from funduscope.pretrain.settings import PretrainSettings
from funduscope.pretrain.towers import Share

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
    """One run on one rank: the towers, what contrasts them, the average of the weights, the log.

    Everything random in step s is drawn from (seed, s), so a resumed run goes on exactly.

    Attributes:
        encoder: weights of the current step.
        log: rows of the table `log`.
        step: optimizer steps done.
    """

    def __init__(
        self,
        encoder: DualEncoder,
        tokenizer: Tokenizer,
        settings: PretrainSettings,
        accelerator: Accelerator,
        teacher: Loaded | None = None,
    ) -> None:
        self.encoder = encoder
        self.settings = settings
        self.accelerator = accelerator
        self.step = 0
        self.seconds = 0.0
        self.log: list[dict[str, Any]] = []
        self._losses: list[float] = []
        self.share = Share(encoder, tokenizer, settings, accelerator, teacher)
        self.contrast = Contrast(encoder, settings).to(accelerator.device)
        self._average = {name: t.clone() for name, t in moving(encoder)}
        groups = tower_groups(self.share.towers, encoder, settings)
        self._optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98)) if groups else None
        if self._optimizer is not None:
            self.share.towers, self._optimizer = accelerator.prepare(
                self.share.towers, self._optimizer
            )
        self._heads = torch.optim.AdamW(head_groups(self.contrast, settings), betas=(0.9, 0.98))

    def run(self, loader: Loader, folder: Path, progress: Progress) -> None:
        """Train to the last step, leaving a checkpoint and the log in `folder` every so often."""
        s = self.settings
        self.encoder.train()
        if s.normalization == "frozen":
            freeze(self.encoder)
        progress.start("training", s.steps)
        progress.advance(self.step)
        begun = time.monotonic() - self.seconds
        self._names = loader.plan.examples.image_id
        with closing(iter(loader)) as batches:
            while self.step < s.steps:
                row = self._one_step(batches, folder)
                self.seconds = time.monotonic() - begun
                if self.step % s.log_every == 0 or self.step == s.steps:
                    self.log.append({**row, "seconds": self.seconds})
                if self.step % s.checkpoint_every == 0 or self.step == s.steps:
                    self.save(folder)
                progress.advance()
        progress.done()

    def _one_step(self, batches: Iterator[tuple[Batch, Tensor]], folder: Path) -> dict[str, Any]:
        s = self.settings
        begun, waited, done = time.monotonic(), 0.0, []
        rate = self._schedule()
        for micro in range(s.accumulation):
            asked = time.monotonic()
            batch, crops = next(batches)
            waited += time.monotonic() - asked
            done.append(self.backward(batch, crops, last=micro == s.accumulation - 1))
            self._refuse_jump(float(done[-1].loss), batch, folder)
        norm = self._clip()
        if not math.isfinite(norm):
            raise self._stopped(f"gradient norm {norm}", batch, folder)
        for optimizer in filter(None, (self._optimizer, self._heads)):
            optimizer.step()
            optimizer.zero_grad()
        self.step += 1
        self._update_average()
        took = time.monotonic() - begun
        pairs = s.batch * s.accumulation
        return {
            "step": self.step,
            "images": self.step * pairs,
            "loss": float(np.mean([float(d.loss) for d in done])),
            "learning_rate": rate,
            "gradient_norm": norm,
            "data_wait": waited / took,
            "pairs_per_second": pairs / took,
            **done[-1].health,
        }

    def backward(self, batch: Batch, crops: Tensor, *, last: bool = True) -> Compared:
        """Add the gradients of one global batch, of which this rank holds `crops`.

        The loss is computed on the features of all ranks, everywhere alike; each rank pushes its
        own rows of the gradient back. DDP then takes the mean over ranks, hence the factor.
        """
        parts = self.share.parts(batch, crops)
        once = len(parts) == 1
        outputs = [self.share.features(part, graph=once) for part in parts]
        gathered = self.share.gather(batch, parts, outputs)
        image_BEC = gathered.image_BEC.requires_grad_()
        text_TW = gathered.text_TW.requires_grad_()
        compared = self.contrast(image_BEC, text_TW, batch, gathered.teacher, gathered.names_KW)
        torch.autograd.backward(compared.loss / self.settings.accumulation)
        assert image_BEC.grad is not None
        assert text_TW.grad is not None
        pulls = image_BEC.grad, text_TW.grad
        ranks = self.accelerator.num_processes
        for k, part in enumerate(parts if self._optimizer is not None else ()):
            final = last and k == len(parts) - 1
            quiet = self.accelerator.no_sync(self.share.towers)
            with nullcontext() if final else quiet:
                out = outputs[k] if once else self.share.features(part, graph=True)
                pull = self.share.pull(part, out, batch, *pulls)
                self.accelerator.backward(pull * ranks)
        return Compared(compared.loss.detach(), compared.health)

    def _clip(self) -> float:
        """Bound the gradient; its norm before that (the towers' and the heads' together)."""
        heads = nn.utils.clip_grad_norm_(self.contrast.parameters(), self.settings.clip)
        towers: Any = 0.0
        if self._optimizer is not None:
            trained = [p for p in self.share.towers.parameters() if p.requires_grad]
            towers = self.accelerator.clip_grad_norm_(trained, self.settings.clip)
        return math.hypot(float(heads), float(towers or 0.0))

    def _schedule(self) -> float:
        s = self.settings
        factor = 0.5 * (1 + math.cos(math.pi * self.step / s.steps))
        factor *= min(1.0, (self.step + 1) / max(1, s.warmup))
        for optimizer in filter(None, (self._optimizer, self._heads)):
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * factor
        return s.learning_rate * factor

    def _refuse_jump(self, loss: float, batch: Batch, folder: Path) -> None:
        if not math.isfinite(loss) or health.is_spike(self._losses, loss):
            raise self._stopped(f"loss {loss:.4g}", batch, folder)
        self._losses = [*self._losses[-101:], loss]

    def _stopped(self, value: str, batch: Batch, folder: Path) -> DataError:
        """The error that ends a run gone wrong, with its batch saved beside the checkpoint."""
        file = folder / "stopped_batch.json"
        if self.accelerator.is_main_process:
            rows = batch.rows_BE[batch.rows_BE >= 0]
            images = self._names.gather(rows).to_list()
            told = {"step": self.step + 1, "value": value, "texts": batch.texts}
            store.write_json(file, {**told, "images": images})
        recent = ", ".join(f"{x:.3g}" for x in self._losses[-3:])
        return DataError(
            f"{value} after {recent or 'no step'}",
            place=f"training step {self.step + 1}; its batch is in {file}",
            rule="loss and gradient stay finite, and the loss does not jump",
            remedy="look at that batch; begin anew with a lower learning_rate or a longer warmup",
            code="training_stopped",
        )

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.settings.ema, self.step / (self.step + 9))
        for name, new in moving(self.encoder):
            self._average[name].lerp_(new, 1 - decay)

    def save(self, folder: Path) -> None:
        """Write the checkpoint and the log so far."""
        heads = {"model": self.contrast.state_dict(), "optimizer": self._heads.state_dict()}
        rest = {"step": self.step, "seconds": self.seconds, "log": self.log, "heads": heads}
        rest |= {"losses": self._losses, "average": self._average}
        checkpoint.save(folder, self.accelerator, self.share.towers, self._optimizer, rest)
        if self.accelerator.is_main_process:
            tables.write(tables.LOG, tables.frame(tables.LOG, self.log), folder / "log.parquet")

    def restore(self, folder: Path) -> None:
        """Go on from the checkpoint in `folder`, if there is one."""
        rest = checkpoint.restore(folder, self.share.towers, self._optimizer)
        if rest is None:
            return
        self.step, self.seconds, self.log = rest["step"], rest["seconds"], rest["log"]
        self._losses = rest["losses"]
        self.contrast.load_state_dict(rest["heads"]["model"])
        self._heads.load_state_dict(rest["heads"]["optimizer"])
        for name, tensor in rest["average"].items():
            self._average[name].copy_(tensor)

    @torch.no_grad()
    def release(self) -> DualEncoder:
        """The encoder with its averaged weights, on the CPU; the run is over."""
        now = dict(moving(self.encoder))
        for name, mean in self._average.items():
            now[name].copy_(mean)
        return self.encoder.to("cpu").eval()


def moving(encoder: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The tensors of an encoder that training changes: parameters that train, statistics."""
    for name, parameter in encoder.named_parameters():
        if parameter.requires_grad:
            yield name, parameter.detach()
    for name, buffer in encoder.named_buffers():
        if buffer.is_floating_point():
            yield name, buffer
