"""Where a report gives one eye what it has said of the other: `OS: idem`, `as in OD`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from funduscope.findings.eyes import OTHER, Eyes
from funduscope.findings.lexicon import Item
from funduscope.findings.symbols import Symbol

# What makes 与右眼 a copy and no comparison: 同, 相同, 相似, 一致, 类似, 无异.
_LIKE = ("同", "相", "似", "一", "类", "无")
_REST = ("余", "其", "otherwise", "rest")


class Copy(NamedTuple):
    """A copy at item `at` of the eye `source`; `rest`: only what its own words leave out."""

    at: int
    source: str
    rest: bool


def copies(items: Sequence[Item], eyes: Sequence[Eyes], stream: Sequence[Symbol]) -> Iterator[Copy]:
    """The copies of a report in order; `eyes` is one an item."""
    for index, item in enumerate(items):
        if item.kind not in ("copy", "copy_above"):
            continue
        after = items[index + 1] if index + 1 < len(items) else None
        ends = after is None or after.kind in ("mark", "break")
        above, source = OTHER.get(eyes[index][0], ""), ""
        if item.kind == "copy" and after is not None and after.kind == "eye":
            source = above if after.value == "OTHER" else after.value
            behind = stream[after.end].text if after.end < len(stream) else ""
            if stream[item.start].text == "与" and behind not in _LIKE:
                source = ""
        elif ends and (item.kind == "copy_above" or stream[item.end - 1].text == "同"):
            source = above  # 左眼同。
        if source in OTHER:
            yield Copy(index, source, stream[item.start].text in _REST)
