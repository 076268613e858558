"""The towers at work: one rank's share of a batch, part by part, to pooled features and back.

With more than one part the towers run twice, first without a graph, then with one, and the
gradient of the features is pushed back part by part (GradCache: Gao et al., RepL4NLP 2021). Both
passes draw the same random numbers, so a batch of any size needs the memory of one part.

Shapes: B units of the batch, E eyes a unit, n photographs and t texts of a part, T distinct texts,
S side in px, C and W features, D dimensions of a teacher.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn import functional

from funduscope.inputs import ImageSpec
from funduscope.inputs.text import Tokenizer
from funduscope.model import DualEncoder, Loaded
from funduscope.pretrain.augment import augment
from funduscope.pretrain.masked import MaskedImage, draw_mask, head_for
from funduscope.pretrain.normalization import batch_norms
from funduscope.pretrain.plan import Batch
from funduscope.pretrain.settings import PretrainSettings
from funduscope.pretrain.standard import standardize

Places = np.ndarray[tuple[int], np.dtype[np.int64]]

_MOST_TEXTS = 200_000  # features of a frozen text tower kept in memory: 300 MB of 384 floats


@dataclass(frozen=True)
class Part:
    """What goes through the towers at once, on this rank.

    Attributes:
        slots: where its photographs stand among the rank's places (units x eyes).
        crops: uint8 (n, S', S', 3).
        flip: which of them are mirrored.
        texts: the texts read (none where the text tower is frozen).
        rows: where those stand among the rank's texts.
        seed: of everything random.
    """

    slots: Places
    crops: Tensor
    flip: np.ndarray[tuple[int], np.dtype[np.bool_]]
    texts: Sequence[str]
    rows: Places
    seed: tuple[int, ...]


@dataclass(frozen=True)
class Features:
    """Pooled features of a part, and its masked-image loss where asked."""

    image_nC: Tensor
    text_tW: Tensor | None
    masked: Tensor | None


@dataclass(frozen=True)
class Gathered:
    """Features of the whole batch, without a graph, the same on every rank."""

    image_BEC: Tensor
    text_TW: Tensor
    teacher: tuple[Tensor, Tensor] | None
    names_KW: Tensor | None


class Towers(nn.Module):
    """The towers that train, behind one `forward`, as DDP and FSDP need it."""

    def __init__(self, encoder: DualEncoder, masked: MaskedImage | None) -> None:
        super().__init__()
        self.image = None if encoder.image.frozen else encoder.image
        self.text = None if encoder.text.frozen else encoder.text
        self.masked = masked

    def forward(
        self,
        image_n3SS: Tensor | None,
        tokens: tuple[Tensor, Tensor] | None,
        hidden_nhw: Tensor | None,
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """Pooled features (n, C), text features (t, W), masked loss; None for what is not asked."""
        pooled = text = lost = None
        if image_n3SS is not None and self.image is not None:
            pooled = self.image(image_n3SS).mean((2, 3))
            if hidden_nhw is not None and self.masked is not None:
                map_nChw = self.image(self.masked.hide(image_n3SS, hidden_nhw))
                lost = self.masked(map_nChw, image_n3SS, hidden_nhw)
        if tokens is not None and self.text is not None:
            text = self.text(*tokens)
        return pooled, text, lost


class Share:
    """One rank's share of the work on each batch.

    Attributes:
        towers: the towers that train; the trainer wraps them for several ranks.
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
        self.teacher = teacher
        masked = head_for(encoder.image, encoder.image.width) if settings.masked else None
        self._patch = masked.patch if masked else 0
        self.towers: nn.Module = Towers(encoder, masked)
        self._tokenizer = tokenizer
        self._read: dict[str, Tensor] = {}
        self._taught: dict[str, Tensor] = {}

    def parts(self, batch: Batch, crops_nSS3: Tensor) -> list[Part]:
        """This rank's rows of a batch, cut into passes of at most `chunk` photographs."""
        s, a = self.settings, self.accelerator
        mine = s.batch // a.num_processes
        own = slice(a.process_index * mine, (a.process_index + 1) * mine)
        there_BE = batch.rows_BE[own] >= 0
        eyes = there_BE.shape[1]
        count = min(mine, -(-mine * eyes // s.chunk)) if s.chunk else 1
        texts = [] if self.encoder.text.frozen else self._own_texts(batch)
        # The last pass, after which ranks meet, has texts whenever there are any.
        rows = np.array_split(np.arange(len(texts)), count)[::-1]
        places = np.flatnonzero(there_BE)
        flips = batch.flip_BE[own].reshape(-1)[places]
        parts = []
        for k, units in enumerate(np.array_split(np.arange(mine), count)):
            chosen = np.flatnonzero((places >= units[0] * eyes) & (places < (units[-1] + 1) * eyes))
            parts.append(
                Part(
                    slots=places[chosen],
                    crops=crops_nSS3[int(chosen[0]) : int(chosen[-1]) + 1],
                    flip=flips[chosen],
                    texts=[texts[i] for i in rows[k]],
                    rows=rows[k],
                    seed=(s.seed, 13, batch.step, a.process_index, k),
                )
            )
        return parts

    def _own_texts(self, batch: Batch) -> list[str]:
        """The texts that this rank reads: an equal share, the last ones filled up."""
        ranks, rank = self.accelerator.num_processes, self.accelerator.process_index
        share = -(-len(batch.texts) // ranks)
        filled = [*batch.texts, *[batch.texts[0]] * (share * ranks - len(batch.texts))]
        return filled[rank * share : (rank + 1) * share]

    def features(self, part: Part, *, graph: bool) -> Features:
        """Run the towers on one part; without a graph running statistics stay as they are."""
        seen_n3SS, rng = self._seen(part)
        image_n3SS = self._standard(seen_n3SS, self.settings.model.image_spec)
        tokens = self._tokens(self._tokenizer, part.texts) if part.texts else None
        with torch.set_grad_enabled(graph), nullcontext() if graph else kept(self.towers):
            hidden = self._hidden(len(part.slots), rng) if graph else None
            image_nC, text_tW, lost = self.towers(image_n3SS, tokens, hidden)
        if image_nC is None:
            with torch.no_grad():
                image_nC = self.encoder.image_features(image_n3SS)
        return Features(image_nC, text_tW, lost)

    def gather(self, batch: Batch, parts: Sequence[Part], outputs: Sequence[Features]) -> Gathered:
        """The features of all ranks, cut off from the towers' graph."""
        image_BEC = self._placed(batch, parts, [o.image_nC for o in outputs])
        if self.encoder.text.frozen:
            text_TW = self._known(self._read, batch.texts, self._read_texts)
        else:
            order = np.argsort(np.concatenate([part.rows for part in parts]))
            read = [o.text_tW.detach() for o in outputs if o.text_tW is not None]
            mine = torch.cat(read)[torch.from_numpy(order).to(read[0].device)]
            text_TW = self._from_all(mine)[: len(batch.texts)].clone()
        taught = None
        if self.teacher is not None:
            theirs = self._placed(batch, parts, [self._teach(part) for part in parts])
            taught = (theirs, self._known(self._taught, batch.texts, self._teach_texts))
        return Gathered(image_BEC, text_TW, taught, self._names(batch))

    def pull(
        self, part: Part, out: Features, batch: Batch, image_BEC: Tensor, text_TW: Tensor
    ) -> Tensor:
        """A number whose gradient pushes the given gradients of the features into the towers."""
        rank, ranks = self.accelerator.process_index, self.accelerator.num_processes
        units = len(batch.rows_BE) // ranks
        own_PC = image_BEC[rank * units : (rank + 1) * units].flatten(0, 1)
        slots = torch.from_numpy(part.slots).to(own_PC.device)
        total = torch.zeros((), device=own_PC.device, dtype=own_PC.dtype)
        if out.image_nC.requires_grad:
            total = total + (out.image_nC * own_PC[slots]).sum()
        if out.text_tW is not None:
            first = rank * -(-len(batch.texts) // ranks)
            rows = torch.from_numpy(part.rows + first).to(text_TW.device)
            real = rows < len(text_TW)  # the texts that filled up the last rank weigh nothing
            total = total + (out.text_tW[real] * text_TW[rows[real]]).sum()
        if out.masked is not None:
            s = self.settings
            share = len(part.slots) / int((batch.rows_BE >= 0).sum()) / s.accumulation
            total = total + s.masked * share * out.masked
        return total

    def _seen(self, part: Part) -> tuple[Tensor, np.random.Generator]:
        """The photographs of a part as training sees them, 0..1; the same at every call."""
        rng = np.random.default_rng(part.seed)
        # For what torch draws itself: towers drop blocks or units at random while they train.
        torch.manual_seed(int(rng.integers(2**62)))
        s = self.settings
        crops = part.crops.to(self.accelerator.device)
        flip = torch.from_numpy(part.flip).to(crops.device)
        return augment(crops, s.train_size, s.augment, flip, rng), rng

    def _standard(self, seen_n3SS: Tensor, spec: ImageSpec) -> Tensor:
        read = standardize(seen_n3SS, spec).to(self.encoder.log_scale.dtype)
        return read.contiguous(memory_format=torch.channels_last)

    def _hidden(self, count: int, rng: np.random.Generator) -> Tensor | None:
        """Which patches of each photograph are hidden (n, h, w), if the loss is asked for."""
        s = self.settings
        if not s.masked:
            return None
        side = s.train_size // self._patch
        return draw_mask(count, side, s.masked_share, rng).to(self.accelerator.device)

    def _placed(self, batch: Batch, parts: Sequence[Part], made: Sequence[Tensor]) -> Tensor:
        """Rows of this rank's photographs -> (B, E, ...) of all ranks, zeros where none is."""
        ranks = self.accelerator.num_processes
        units, eyes = len(batch.rows_BE) // ranks, batch.rows_BE.shape[1]
        places = made[0].new_zeros(units * eyes, made[0].shape[-1])
        for part, rows in zip(parts, made, strict=True):
            places[torch.from_numpy(part.slots).to(places.device)] = rows.detach()
        return self._from_all(places).view(units * ranks, eyes, -1)

    def _from_all(self, rows: Tensor) -> Tensor:
        if self.accelerator.num_processes == 1:
            return rows
        gathered: Tensor = self.accelerator.gather(rows)
        return gathered

    def _known(
        self, known: dict[str, Tensor], texts: Sequence[str], read: Callable[[list[str]], Tensor]
    ) -> Tensor:
        """Features of texts by a tower that does not change: each is read once."""
        fresh = [text for text in texts if text not in known]
        if len(known) + len(fresh) > _MOST_TEXTS:
            known.clear()
            fresh = list(texts)
        if fresh:
            with torch.no_grad():
                known.update(zip(fresh, read(fresh), strict=True))
        return torch.stack([known[text] for text in texts])

    def _names(self, batch: Batch) -> Tensor | None:
        """Features of the names asked; they teach the photographs, not the text tower."""
        if not batch.names:
            return None
        if self.encoder.text.frozen:
            return self._known(self._read, batch.names, self._read_texts)
        with torch.no_grad():
            return self._read_texts(list(batch.names))

    def _read_texts(self, texts: list[str]) -> Tensor:
        features: Tensor = self.encoder.text(*self._tokens(self._tokenizer, texts))
        return features

    def _teach_texts(self, texts: list[str]) -> Tensor:
        assert self.teacher is not None
        encode = self.teacher.encoder.encode_text
        return encode(*self._tokens(self.teacher.tokenizer, texts))

    @torch.no_grad()
    def _teach(self, part: Part) -> Tensor:
        """The teacher's unit vectors of a part, at the teacher's own size."""
        assert self.teacher is not None
        spec = self.teacher.image_spec
        seen_n3SS, _ = self._seen(part)
        size = (spec.size, spec.size)
        larger = functional.interpolate(seen_n3SS, size=size, mode="bilinear", antialias=True)
        unit_nD, _ = self.teacher.encoder.encode_image(self._standard(larger, spec))
        return unit_nD

    def _tokens(self, tokenizer: Tokenizer, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        ids, mask = tokenizer(texts)
        device = self.accelerator.device
        return torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device)


@contextmanager
def kept(towers: nn.Module) -> Iterator[None]:
    """Within it batch normalization does not move its running statistics."""
    momenta = [(layer, layer.momentum) for layer in batch_norms(towers)]
    for layer, _ in momenta:
        layer.momentum = 0.0
    try:
        yield
    finally:
        for layer, momentum in momenta:
            layer.momentum = momentum
