"""Teaching MiniLM Chinese: new token rows, everything English untouched.

Teacher: the English tower on English phrases. Student: the same tower on the Chinese phrase of
the same meaning, of which only the Chinese token rows may change (after Reimers and Gurevych,
EMNLP 2020, who train the whole student). The phrases come from the vocabulary and a list of
everyday words, so no report, no label and no prompt is read here.

Shapes: B phrases, L tokens, W width, P pairs, R Chinese rows, V rows of the token table.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from funduscope.config import Progress, Quiet
from funduscope.findings import (
    Assertion,
    Finding,
    captions,
    everyday_phrases,
    paraphrases_in,
    scales_of,
    vocabulary,
)
from funduscope.inputs.text import Tokenizer
from funduscope.model.text_tower import TextTower, new_rows

_TOKENS = 384
"""Tokens of a step, padding included."""
_RATE = 5e-3
_FORMS = (("zh", "en"), ("zh_full", "en_full"), ("zh_short", "en_short"))
_RIDGE = 0.02
_NOISE = 0.2
_MOST_NAMES = 6
_SLOT = re.compile(r"\{(\w+)\}")

Pair = tuple[str, tuple[str, ...]]
"""A Chinese phrase, and the English ones whose mean it shall be."""


def phrase_pairs(seed: int, statements: int = 1500, framed: int = 3000) -> list[Pair]:
    """All that Chinese is taught with, once each.

    Every Chinese name of a finding with the finding's English names; everyday words and sentences;
    at random, rendered statements of eyes and frames filled with words and names. Nothing holds a
    paraphrase of the prompt bank, so that those stay a test of words never read.

    Args:
        seed: of what is drawn.
        statements: rendered statements drawn.
        framed: filled frames drawn.
    """
    rng = np.random.default_rng(seed)
    phrases = everyday_phrases()
    pairs: list[Pair] = [
        (zh, _spelled_out(finding)) for finding in vocabulary() for zh in finding.names("zh")
    ]
    pairs += [(p.zh, (p.en,)) for p in phrases if p.kind != "frame"]
    pairs += _statements(rng, statements)
    pairs += _framed(rng, framed)
    pairs = [pair for pair in dict.fromkeys(pairs) if not pair[0].isascii()]
    held_out = paraphrases_in(text for zh, en in pairs for text in (zh, *en))
    return [(zh, en) for zh, en in pairs if held_out.isdisjoint((zh, *en))]


def _spelled_out(finding: Finding) -> tuple[str, ...]:
    """English names without abbreviations, of which MiniLM knows no meaning."""
    names = [
        name
        for name in finding.names("en")
        if not any(part.isupper() and len(part) > 1 for part in name.replace("-", " ").split())
    ]
    return tuple(names[:_MOST_NAMES]) or (finding.en,)


def _statements(rng: np.random.Generator, count: int) -> Iterator[Pair]:
    """Statements of one to three findings in the forms of captions: stated, doubted, denied."""
    words = vocabulary()
    grades = {
        code: [
            f"{scale.code}:{step.value}"
            for scale in scales_of(code)
            if scale.in_reports
            for step in scale.values
        ]
        for code in words.codes
    }
    for _ in range(count):
        rows = []
        for code in rng.choice(words.codes, size=int(rng.integers(1, 4)), replace=False):
            status = str(rng.choice(["present", "present", "uncertain", "absent"]))
            graded = bool(grades[code]) and status == "present" and rng.random() < 0.5
            grade = str(rng.choice(grades[code])) if graded else None
            rows.append(
                Assertion("OD", str(code), status, "current", "patient", grade, 0, 0, "rendered")
            )
        zh, en = _FORMS[int(rng.integers(len(_FORMS)))]
        said = (captions("", rows, "OD", language=form) for form in (zh, en))  # type: ignore[arg-type]
        for chinese, english in zip(*said, strict=True):
            yield chinese.text, (english.text,)


def _framed(rng: np.random.Generator, count: int) -> Iterator[Pair]:
    """Frames whose slots are filled with the same words in both languages."""
    kinds: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for phrase in everyday_phrases():
        kinds[phrase.kind].append((phrase.zh, phrase.en))
    for finding in vocabulary():
        kinds["finding"] += [(zh, finding.en) for zh in finding.names("zh")[:4]]
    for _ in range(count):
        zh, en = kinds["frame"][int(rng.integers(len(kinds["frame"])))]
        for kind in _SLOT.findall(zh):
            chinese, english = kinds[kind][int(rng.integers(len(kinds[kind])))]
            slot = f"{{{kind}}}"
            zh, en = zh.replace(slot, chinese, 1), en.replace(slot, english, 1)
        yield zh, (en,)


def teach_chinese(
    tower: TextTower,
    tokenizer: Tokenizer,
    pairs: Sequence[Pair],
    *,
    steps: int,
    seed: int,
    progress: Progress | None,
) -> float:
    """Fit the Chinese token rows in place.

    The rows start where the mean row of each Chinese phrase comes nearest to that of its English
    (`start_rows`). A step takes phrases of about one length, `_TOKENS` in all.

    Args:
        tower: MiniLM with rows for Chinese; everything else in it stays as it is.
        tokenizer: of the tower.
        pairs: as of `phrase_pairs`.
        steps: how often the rows are corrected.
        seed: of the order and of rows that no phrase holds.
        progress: told of each step.

    Returns:
        Share of the spread of the English features that the Chinese ones explain, mean of the
        last 20 steps: 1 is perfect, 0 no better than the mean; 0.0 without a step.
    """
    training = tower.training
    tower.eval()
    table_VW = tower.body.embeddings.word_embeddings.weight.detach()
    with torch.no_grad():
        table_VW[new_rows(tokenizer)] = start_rows(table_VW, tokenizer, pairs, seed)
    explained = _fit_rows(tower, tokenizer, pairs, steps, seed, progress or Quiet())
    tower.train(training)
    return float(np.mean(explained[-20:])) if explained else 0.0


def _fit_rows(
    tower: TextTower,
    tokenizer: Tokenizer,
    pairs: Sequence[Pair],
    steps: int,
    seed: int,
    shown: Progress,
) -> list[float]:
    """Correct the Chinese rows step by step; the explained share of each step's batch."""
    rows = new_rows(tokenizer)
    table_VW = tower.body.embeddings.word_embeddings.weight.detach()
    target_PW = _targets(tower, tokenizer, pairs)
    spread = float((target_PW - target_PW.mean(0)).square().mean())
    taught_RW = torch.nn.Parameter(table_VW[rows].clone())
    slot_V = torch.full((len(table_VW),), -1)
    slot_V[rows] = torch.arange(len(rows))
    optimizer = torch.optim.Adam([taught_RW], lr=_RATE, betas=(0.9, 0.98))
    explained: list[float] = []
    shown.start("teaching Chinese token rows", steps)
    for step, chosen in enumerate(_batches(tokenizer, [zh for zh, _ in pairs], steps, seed)):
        ids_BL, mask_BL = _tensors(tokenizer, [pairs[i][0] for i in chosen])
        own_BL = slot_V[ids_BL]
        row_BLW = torch.where(
            (own_BL >= 0).unsqueeze(-1), taught_RW[own_BL.clamp(min=0)], table_VW[ids_BL]
        )
        loss = (tower.from_rows(row_BLW, mask_BL) - target_PW[chosen]).square().mean() / spread
        optimizer.zero_grad()
        torch.autograd.backward(loss, inputs=[taught_RW])
        for group in optimizer.param_groups:
            group["lr"] = _RATE * (1.0 - step / steps) * min(1.0, (step + 1) / 20)
        optimizer.step()
        explained.append(1.0 - float(loss.detach()))
        shown.advance()
    shown.done()
    with torch.no_grad():
        table_VW[rows] = taught_RW
    return explained


def start_rows(table_VW: Tensor, tokenizer: Tokenizer, pairs: Sequence[Pair], seed: int) -> Tensor:
    """First values of the Chinese rows (R, W), before any step.

    Ridge regression: rows whose mean over a Chinese phrase is the mean row of its first English
    phrase. Characters that no phrase holds, and to a lesser part all others, get noise of the
    English rows' spread: no two characters share a row.
    """
    rows = new_rows(tokenizer).numpy()
    known = np.setdiff1d(np.arange(len(table_VW)), rows)
    table = table_VW.numpy()
    middle, spread = table[known].mean(0), table[known].std(0)
    column = np.full(len(table), -1)
    column[rows] = np.arange(len(rows))
    share_PR = np.zeros((len(pairs), len(rows)), dtype=np.float32)
    wanted_PW = np.zeros((len(pairs), table.shape[1]), dtype=np.float32)
    for at, (zh, en) in enumerate(pairs):
        chinese, english = (tokenizer([text])[0][0, 1:-1] for text in (zh, en[0]))
        fixed = chinese[column[chinese] < 0]
        wanted_PW[at] = (table[english] - middle).mean(0)
        wanted_PW[at] -= (table[fixed] - middle).sum(0) / len(chinese)
        np.add.at(share_PR[at], column[chinese[column[chinese] >= 0]], 1.0 / len(chinese))
    met = np.flatnonzero(share_PR.any(0))
    share_PM = share_PR[:, met].astype(np.float64)
    solved_MW = np.linalg.solve(
        share_PM.T @ share_PM + _RIDGE * np.eye(len(met)), share_PM.T @ wanted_PW
    )
    noise_RW = np.random.default_rng([seed, 2]).normal(size=(len(rows), table.shape[1])) * spread
    start_RW: NDArray[np.float64] = middle + noise_RW
    start_RW[met] = middle + solved_MW + _NOISE * noise_RW[met]
    return torch.from_numpy(start_RW).to(table_VW.dtype)


def _targets(tower: TextTower, tokenizer: Tokenizer, pairs: Sequence[Pair]) -> Tensor:
    """What the tower makes of the English of each pair: the mean over its phrases, (P, W)."""
    texts = sorted({text for _, en in pairs for text in en}, key=lambda text: (len(text), text))
    made: dict[str, Tensor] = {}
    for start in range(0, len(texts), 64):
        part = texts[start : start + 64]
        with torch.no_grad():
            made.update(zip(part, tower(*_tensors(tokenizer, part)), strict=True))
    return torch.stack([torch.stack([made[text] for text in en]).mean(0) for _, en in pairs])


def _batches(
    tokenizer: Tokenizer, texts: Sequence[str], steps: int, seed: int
) -> Iterator[NDArray[np.int64]]:
    """For each step the numbers of texts of about one length, so that little is padding."""
    rng = np.random.default_rng([seed, 1])
    length = np.array([int(tokenizer([text])[1].sum()) for text in texts])
    order = np.argsort(length, kind="stable")
    for _ in range(steps):
        place = int(rng.integers(len(order)))
        count = max(1, _TOKENS // int(length[order[place]]))
        low = max(0, min(place - 4 * count, len(order) - 8 * count))
        near = order[low : low + 8 * count]
        yield rng.choice(near, size=min(count, len(near)), replace=False)


def _tensors(tokenizer: Tokenizer, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    ids, mask = tokenizer(texts)
    return torch.from_numpy(ids), torch.from_numpy(mask)
