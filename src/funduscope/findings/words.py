"""The words of each eye as written: what `captions` keeps of a report's own text."""

from __future__ import annotations

from funduscope.findings.eyes import EyeReader
from funduscope.findings.lexicon import Item, lexicon
from funduscope.findings.structure import Unit, refine, units
from funduscope.findings.symbols import has_han, symbols


def eye_texts(text: str) -> dict[str, str]:
    """The words of each eye as written: {"OD": ..., "OS": ...}, or {"unknown": ...}.

    Both-eye statements stand in both. An eye's own heading (`Right eye:`, 右眼) and the marks
    around it are left out; everything else is exactly the text's. Pieces that were apart are joined
    by `; ` or `；`. Statements without an eye are given only when no eye is named anywhere.
    """
    return words_by_eye(text, skip=())


def words_by_eye(text: str, *, skip: tuple[str, ...]) -> dict[str, str]:
    """As `eye_texts`, without the sections named in `skip` (`advice`, `history`, `family`).

    With `advice` skipped, sentences of advice outside such a section are left out too.
    """
    stream = symbols(text)
    items = refine(lexicon().scan(stream), stream)
    cut = units(items, stream)
    eyes = EyeReader(items, cut, stream).read()
    left_out = _left_out(items, cut, skip)
    found = {}
    for side in ("OD", "OS", "unknown"):
        runs: list[tuple[int, int]] = []
        before = -2
        for index, item in enumerate(items):
            if side not in eyes[index] or index in left_out:
                continue
            start, end = stream[item.start].start, stream[item.end - 1].end
            if before == index - 1 and item.kind != "eye":
                runs[-1] = (runs[-1][0], end)
            else:
                runs.append((start, end))
            before = index
        words = [w for w in (_trim(text[a:b]) for a, b in runs) if w]
        if words:
            found[side] = ("；" if has_han(words[0]) else "; ").join(words)
    if len(found) > 1:
        found.pop("unknown", None)
    elif list(found) == ["unknown"] and not left_out:
        return {"unknown": text.strip()}
    return found


def _left_out(items: list[Item], cut: list[Unit], skip: tuple[str, ...]) -> set[int]:
    """Items of skipped sections, their headings, and, with `advice`, sentences of advice."""
    advising = set()
    if "advice" in skip:
        advising = {
            u.sentence
            for u in cut
            if any(i.kind in ("advise", "condition") for i in items[u.start : u.start + 2])
        }
    return {
        index
        for u in cut
        if u.section in skip or u.sentence in advising
        for index in range(u.start, u.end)
    }


def _trim(piece: str) -> str:
    """A piece without its leading eye or heading and the marks at both ends."""
    stream = symbols(piece)
    items = refine(lexicon().scan(stream), stream)
    first = 0
    while first < len(items) and (
        items[first].kind in ("eye", "break", "section")
        or (items[first].kind == "mark" and items[first].values[0] in ":,;.、。)]】>」")
    ):
        first += 1
    if first == len(items):
        return ""
    start = stream[items[first].start].start
    return piece[start:].rstrip(" \n\t;；,，.。—(（[【<「")
