"""Find the terms of the vocabulary and the cue words in a symbol stream, longest match first.

Entries come from the vocabulary and from two tables: `data/cues.tsv` (words that place, deny,
doubt or date a finding) and `data/composites.tsv` (heads such as 水肿 or `edema`, whose finding
depends on the site named with them); `{a|b}` in a phrase of cues stands for either. Matching is a
walk through a prefix tree: linear in the text.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

from funduscope.findings.symbols import LONGEST, Symbol, symbols
from funduscope.findings.vocabulary import BOTH_EYES, vocabulary

# Abbreviations that are ordinary words in lower case; they count in capitals only.
_WORDS = {"rap", "ram", "odd", "smile", "he", "me", "ma", "pm", "pi", "so", "arm", "gon"}

# English words of so many letters are read with one letter missing or too many.
_TYPED = 6
# Characters that grades, answers and exceptions look for one by one.
_APART = frozenset("轻中重度型期级至到一二三四五六〇零外均皆都")
_NONE: frozenset[str] = frozenset()
_MISTYPED = ("finding", "head")


@dataclass(slots=True)
class Entry:
    """What a phrase stands for. `head` names the row of composites it may also belong to."""

    kind: str
    values: tuple[str, ...]
    head: str = ""


class Item(NamedTuple):
    """An entry met in a text, or a mark or number; `start` and `end` index the symbols."""

    kind: str
    values: tuple[str, ...]
    head: str
    start: int
    end: int

    @property
    def value(self) -> str:
        """The first value; "" of a head, which means nothing without its site."""
        return self.values[0] if self.values else ""


@dataclass(slots=True)
class _Node:
    children: dict[str, _Node] = field(default_factory=dict)
    entry: Entry | None = None


def data_rows(name: str) -> list[list[str]]:
    """The rows of one of this room's tab-separated tables, without the header."""
    table = resources.files("funduscope.findings").joinpath(f"data/{name}")
    return [line.split("\t") for line in table.read_text(encoding="utf-8").splitlines()[1:]]


def _forms(phrase: str) -> Iterator[str]:
    """All that a phrase stands for: `{may|might} {be|have}` is four phrases, `{a|}b` is two."""
    parts = [part.split("|") for part in re.split(r"[{}]", phrase)]
    for form in itertools.product(*parts):
        yield " ".join("".join(form).split())


def _exchanged(name: str, groups: list[list[str]]) -> Iterator[str]:
    """A name with words of one or two groups exchanged for others of the same group."""
    once = list(_exchanged_once(name, groups))
    yield from once
    for form in once:
        yield from _exchanged_once(form, groups)


def _exchanged_once(name: str, groups: list[list[str]]) -> Iterator[str]:
    for group in groups:
        # the longest word of a group that stands in the name
        inside = max((word for word in group if word in name), key=len, default="")
        if inside:
            yield from (name.replace(inside, word) for word in group if word != inside)


@dataclass(frozen=True, slots=True)
class Composite:
    """A head with its site -> finding; `reach` says how far back the site may stand."""

    site: str
    code: str
    reach: str


class Lexicon:
    """The prefix tree; see `lexicon()` for the shipped one."""

    def __init__(self) -> None:
        self._root = _Node()
        self._words: set[str] = set()
        self._near: dict[str, str] = {}
        self._sites: dict[str, str] = {}
        self.composites: dict[str, list[Composite]] = {}
        for finding in vocabulary():
            for name in (*finding.names("zh"), *finding.names("en")):
                self._add(name.removeprefix(BOTH_EYES), "finding", finding.code)
        for heads, site, code, reach in data_rows("composites.tsv"):
            for head in (form for phrase in heads.split(";") for form in _forms(phrase)):
                self._add_head(head)
                self.composites.setdefault(head, []).append(Composite(site, code, reach))
        self.predicates: set[str] = set()
        for kind, value, phrases in data_rows("cues.tsv"):
            if kind == "predicate":
                self.predicates.update(phrases.split(";"))
                continue
            for form in (form for phrase in phrases.split(";") for form in _forms(phrase)):
                self._add(form, kind, value)
                if kind == "site":
                    self._sites["".join(s.text for s in symbols(form))] = value
        self._add_variants()
        self._english = frozenset(row[0] for row in data_rows("words.tsv"))
        self._typed = {typed: frozenset(meant) for typed, meant in data_rows("typos.tsv")}
        self._firsts: dict[str, set[str]] = {}
        for first, node in self._root.children.items():
            for second in node.children:
                self._firsts.setdefault(second, set()).add(first)
        for word in sorted(self._words):
            for cut in range(1, len(word)):
                self._near.setdefault(word[:cut] + word[cut + 1 :], word)
                self._near.setdefault(
                    word[:cut] + word[cut + 1 : cut + 2] + word[cut] + word[cut + 2 :], word
                )

    def _node(self, phrase: str) -> _Node:
        parts = symbols(phrase)
        lone = len(parts) == 1
        node = self._root
        for part in parts:
            key = part.text
            capitals = part.kind == "word" and not part.raw.islower() and part.raw[1:] != key[1:]
            if capitals and lone and (len(part.raw) <= 2 or part.text in _WORDS):
                key = "=" + part.raw
            elif part.kind == "word" and len(key) >= _TYPED:
                self._words.add(key)
            node = node.children.setdefault(key, _Node())
        return node

    def _add(self, phrase: str, kind: str, value: str) -> None:
        node = self._node(phrase)
        if node.entry is None:
            node.entry = Entry(kind, tuple(value.split(" ")))
        elif node.entry.kind == kind in ("finding", "type") and value not in node.entry.values:
            node.entry.values += (value,)
        elif node.entry.kind == "head":
            node.entry = Entry(kind, (value,), node.entry.head)

    def _add_head(self, phrase: str) -> None:
        node = self._node(phrase)
        if node.entry is None:
            node.entry = Entry("head", ())
        node.entry.head = phrase

    def _add_variants(self) -> None:
        """Names in which a word is exchanged for another of the same meaning; they take no place
        of a name that is written in the vocabulary."""
        groups: dict[str, list[list[str]]] = {"zh": [], "en": []}
        for language, words in data_rows("variants.tsv"):
            groups[language].append(words.split(";"))
        for finding in vocabulary():
            for language, exchanges in groups.items():
                for name in finding.names(language):
                    for form in _exchanged(name, exchanges):
                        node = self._node(form)
                        if node.entry is None:
                            node.entry = Entry("finding", (finding.code,))

    def _keys(self, text: str, raw: str) -> tuple[str, ...]:
        """The keys under which a word may stand in the tree, likeliest first."""
        return self._keys_of(text, raw) if len(raw) <= LONGEST else (text,)

    @lru_cache(maxsize=16384)  # noqa: B019 - one lexicon lives as long as the process
    def _keys_of(self, text: str, raw: str) -> tuple[str, ...]:
        keys = [text]
        if raw.isupper() or raw[:-1].isupper():
            keys = ["=" + raw, "=" + raw.removesuffix("s"), text]
            if raw.endswith("s"):
                keys.append(raw[:-1].lower())
        near = None if text in self._english else self.looks_like(text)
        return tuple(dict.fromkeys([*keys, near] if near else keys))

    def looks_like(self, word: str) -> str | None:
        """The word of ours with one letter more, less or exchanged with its neighbor, if any."""
        if len(word) < _TYPED - 1 or word in self._words:
            return None
        cuts = (word[:cut] + word[cut + 1 :] for cut in range(1, len(word)))
        return self._near.get(word) or next((c for c in cuts if c in self._words), None)

    def _longest(self, stream: list[Symbol], index: int) -> tuple[int, Entry] | None:
        best: tuple[int, Entry] | None = None
        nodes = [self._root]
        last = len(stream)
        while index < last:
            symbol = stream[index]
            if symbol.kind == "word":
                keys = self._keys(symbol.text, symbol.raw)
                if len(keys) == len(nodes) == 1:
                    node = nodes[0].children.get(keys[0])
                    if node is None:
                        break
                    nodes[0] = node
                else:
                    nodes = [n.children[k] for n in nodes for k in keys if k in n.children]
            elif len(nodes) == 1:
                node = nodes[0].children.get(symbol.text)
                if node is None:
                    break
                nodes[0] = node
            else:
                nodes = [n.children[symbol.text] for n in nodes if symbol.text in n.children]
            if not nodes:
                break
            index += 1
            for node in nodes:
                if node.entry is not None and (best is None or best[0] < index):
                    best = (index, node.entry)
        return best

    def _mistyped(self, stream: list[Symbol], index: int) -> tuple[int, Entry] | None:
        """The longest finding of four or more characters from here, up to half of them mistyped.

        One of its first two characters must be right, and no word of ours may begin at a wrong one
        (in 视网膜颜色 the color is meant, not 视网膜炎).
        """
        char = stream[index].text
        after = stream[index + 1].text if index + 1 < len(stream) else ""
        firsts = self._typed.get(char, _NONE) & self._firsts.get(after, _NONE)
        paths: list[tuple[_Node, tuple[int, ...]]]
        paths = [(self._root.children[first], (index,)) for first in sorted(firsts)]
        node = self._root.children.get(char)
        second = node.children if node else {}
        if node is not None and (after in second or self._typed.get(after, _NONE) & second.keys()):
            paths.append((node, ()))
        best: tuple[int, Entry] | None = None
        place = index + 1
        while paths and place < len(stream):
            typed = stream[place].text
            meant = self._typed.get(typed, _NONE)
            paths = [
                (node.children[key], errors if key == typed else (*errors, place))
                for node, errors in paths
                for key in (typed, *sorted(meant & node.children.keys()))
                if key in node.children
            ]
            place += 1
            for node, errors in paths:
                long = place - index > 3 and 0 < len(errors) <= (place - index) // 2
                if not long or node.entry is None or node.entry.kind not in _MISTYPED:
                    continue
                inside = (wrong for wrong in errors if wrong > index)
                if not any(self._longest(stream, wrong) for wrong in inside):
                    best = (place, node.entry)
        return best

    @lru_cache(maxsize=4096)  # noqa: B019 - one lexicon lives as long as the process
    def sites_of(self, name: str) -> tuple[str, ...]:
        """The sites that a finding's canonical name begins with: 视网膜静脉…, retina and vein."""
        found: list[str] = []
        while name:
            cuts = (name[:cut] for cut in range(len(name) - 1, 0, -1))
            word = next((cut for cut in cuts if cut in self._sites), "")
            if not word:
                break
            found, name = [*self._sites[word].split(), *found], name[len(word) :]
        return tuple(found)

    def scan(self, stream: list[Symbol]) -> list[Item]:
        """All entries, marks, numbers and other symbols of a stream, in order, none overlapping.

        Chinese characters without a meaning of ours are one item up to the next entry.
        """
        items: list[Item] = []
        index, last, run = 0, len(stream), 0
        while index < last:
            symbol = stream[index]
            starts = symbol.kind == "word" or symbol.text in self._root.children
            match = self._longest(stream, index) if starts else None
            if symbol.kind == "han" and (match is None or match[1].kind == "site"):
                match = self._mistyped(stream, index) or match
                if match is None and symbol.text not in _APART:
                    index += 1
                    continue
            if run < index:
                items.append(_unknown(stream, run, index))
            if match is None:
                items.append(Item(symbol.kind, (symbol.text,), "", index, index + 1))
                index += 1
            else:
                end, entry = match
                items.append(Item(entry.kind, entry.values, entry.head, index, end))
                index = end
            run = index
        if run < last:
            items.append(_unknown(stream, run, last))
        return items


def _unknown(stream: list[Symbol], start: int, end: int) -> Item:
    text = "".join(symbol.text for symbol in stream[start:end])
    return Item("han", (text,), "", start, end)


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The shipped lexicon, built once (about a tenth of a second)."""
    return Lexicon()
