"""Teaching MiniLM Chinese: new token rows, everything English untouched.

Teacher: the English tower on an English phrase. Student: the same tower on the Chinese phrase of
the same meaning, of which only the Chinese token rows may change (after Reimers and Gurevych,
EMNLP 2020, who train the whole student). The phrases come from the vocabulary, so no report and
no label is read here.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from funduscope.config import Progress, Quiet
from funduscope.findings import Assertion, captions, vocabulary
from funduscope.inputs.text import Tokenizer
from funduscope.model.text_tower import TextTower, new_rows

_BATCH = 32


def phrase_pairs(seed: int, statements: int = 2000) -> list[tuple[str, str]]:
    """(Chinese, English) phrases of one meaning: every name, and rendered statements of eyes."""
    words = vocabulary()
    pairs = [(z, words[c].en) for c in words.codes for z in (words[c].zh, *words[c].zh_synonyms)]
    rng = np.random.default_rng(seed)
    grades = {"npdr": ("icdr:1", "icdr:2", "icdr:3", None)}
    for _ in range(statements):
        rows = []
        for code in rng.choice(words.codes, size=int(rng.integers(1, 3)), replace=False):
            grade = rng.choice(np.array(grades.get(code, (None,)), dtype=object))
            status = str(rng.choice(["present", "present", "uncertain", "absent"]))
            rows.append(
                Assertion("OD", str(code), status, "current", "patient", grade, 0, 0, "rendered")
            )
        zh = captions("", rows, "OD", language="zh")
        en = captions("", rows, "OD", language="en")
        pairs += [(a.text, b.text) for a, b in zip(zh, en, strict=True)]
    return [(z, e) for z, e in pairs if not z.isascii()]


def teach_chinese(
    tower: TextTower, tokenizer: Tokenizer, *, steps: int, seed: int, progress: Progress | None
) -> float:
    """Fit the Chinese token rows in place; returns the mean cosine of the last 20 steps.

    The rows start as the mean of the English rows of the names they occur in.
    """
    shown = progress or Quiet()
    training = tower.training
    tower.eval()
    pairs = phrase_pairs(seed)
    rows = new_rows(tokenizer)
    table = tower.body.embeddings.word_embeddings.weight.detach()
    _start_rows(table, tokenizer, pairs)
    taught = torch.nn.Parameter(table[rows].clone())
    slot = torch.full((table.shape[0],), -1)
    slot[rows] = torch.arange(len(rows))
    optimizer = torch.optim.Adam([taught], lr=5e-3)
    rng = np.random.default_rng([seed, 1])
    last: list[float] = []
    shown.start("teaching Chinese token rows", steps)
    for step in range(steps):
        chosen = [pairs[i] for i in rng.choice(len(pairs), size=_BATCH, replace=False)]
        with torch.no_grad():
            target = tower(*_tensors(tokenizer, [e for _, e in chosen]))
        ids, mask = _tensors(tokenizer, [z for z, _ in chosen])
        mine = slot[ids].unsqueeze(-1)
        looked_up = torch.where(mine >= 0, taught[slot[ids].clamp(min=0)], table[ids])
        made = tower.from_rows(looked_up, mask)
        cosine = functional.cosine_similarity(made, target, dim=-1).mean()
        loss = 1.0 - cosine
        optimizer.zero_grad()
        torch.autograd.backward(loss, inputs=[taught])
        for group in optimizer.param_groups:
            group["lr"] = 5e-3 * (1.0 - step / steps)
        optimizer.step()
        last = [*last[-19:], float(cosine.detach())]
        shown.advance()
    shown.done()
    with torch.no_grad():
        table[rows] = taught
    tower.train(training)
    return float(np.mean(last)) if last else 0.0


def _start_rows(table: Tensor, tokenizer: Tokenizer, pairs: list[tuple[str, str]]) -> None:
    sums = torch.zeros_like(table)
    seen = torch.zeros(table.shape[0])
    for zh, en in pairs:
        zh_ids, _ = tokenizer([zh])
        en_ids, _ = tokenizer([en])
        mean = table[torch.from_numpy(en_ids[0, 1:-1])].mean(0)
        inner = torch.from_numpy(zh_ids[0, 1:-1])
        sums[inner] += mean.detach()
        seen[inner] += 1
    rows = new_rows(tokenizer)
    met = rows[seen[rows] > 0]
    with torch.no_grad():
        table[met] = sums[met] / seen[met].unsqueeze(-1)


def _tensors(tokenizer: Tokenizer, texts: list[str]) -> tuple[Tensor, Tensor]:
    ids, mask = tokenizer(texts)
    return torch.from_numpy(ids), torch.from_numpy(mask)
