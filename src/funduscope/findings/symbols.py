"""Report text -> symbols: one Chinese character, one word, one number or one mark each.

Full- and half-width, traditional and simplified, British and American, singular and plural forms
become one canonical form; every symbol keeps its place in the text as given. Terms of the
vocabulary pass through the same function, so that they match by equality.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from importlib import resources
from typing import NamedTuple

# One symbol each; what matches none (blanks) separates. Only ASCII digits and letters make numbers
# and words: everything else was brought to that form before or is a mark.
_TOKEN = re.compile(
    r"(?P<word>[A-Za-z]+)|(?P<number>[0-9]+(?:\.[0-9]+)?|(?<![A-Za-z0-9])\.[0-9]+)|(?P<break>\n)"
    r"|(?P<han>[\u3400-\u9fff\uf900-\ufaff]+)|(?P<mark>[^\sA-Za-z0-9])"
)
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
# Characters that nobody sees (controls, soft hyphen, zero width, direction): left out.
_UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_BRITISH = (
    ("oedem", "edem"),
    ("aem", "em"),
    ("anaes", "anes"),
    ("leukae", "leuke"),
    ("fibre", "fiber"),
    ("centre", "center"),
    ("colour", "color"),
    ("tumour", "tumor"),
    ("artefact", "artifact"),
    ("naev", "nev"),
    ("grey", "gray"),
    ("isation", "ization"),
    ("ised", "ized"),
    ("favour", "favor"),
    ("odema", "edema"),
    ("pathological", "pathologic"),
)
_WHOLE = {"disk": "disc", "fundi": "fundus", "maculae": "macula", "drusens": "drusen"}
_WHOLE |= {"hem": "hemorrhage", "heme": "hemorrhage", "nevi": "nevus", "vien": "vein"}
_HYPHENS = "-\u2010\u2011\u2013"
_SECOND_PARTS = ("retinal", "macular", "hyaloid")
LONGEST = 32
"""Longer words than any of ours: they are not kept in caches, nor sought as typing errors."""
_JOINED = ("pre", "sub", "intra", "peri", "epi")


class Symbol(NamedTuple):
    """One symbol. `kind` is han, word, number, mark or break (a line break)."""

    text: str
    raw: str
    kind: str
    start: int
    end: int


# What `Symbol(...)` does, without a call of Python's: a report has hundreds of them.
_symbol: Callable[[tuple[str, str, str, int, int]], Symbol] = partial(tuple.__new__, Symbol)


@lru_cache(maxsize=1)
def _same_length() -> dict[int, str]:
    """For `str.translate`: traditional -> simplified, full width -> half width, one for one."""
    table = resources.files("funduscope.findings").joinpath("data/traditional.tsv")
    lines = table.read_text(encoding="utf-8").splitlines()[1:]
    wide = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    return wide | {0x3000: " "} | {ord(line[0]): line.split("\t")[1] for line in lines}


@lru_cache(maxsize=8192)
def _plain(char: str) -> str:
    """One character in canonical width and simplified form (none, one or several)."""
    if _UNSEEN.match(char):
        return ""
    return unicodedata.normalize("NFKC", char).translate(_same_length())


def simplified(text: str) -> str:
    """A text in canonical width and simplified characters."""
    return _unfold(text)[0]


def canonical_word(word: str) -> str:
    """An English word in lower case, American spelling and the singular."""
    return _canonical(word) if len(word) <= LONGEST else word.lower()


@lru_cache(maxsize=65536)
def _canonical(word: str) -> str:
    low = word.lower()
    for british, american in _BRITISH:
        if british in low:
            low = low.replace(british, american)
    if low in _WHOLE:
        return _WHOLE[low]
    if len(low) > 4 and low.endswith("ies"):
        return low[:-3] + "y"
    if len(low) > 3 and low.endswith("s") and not low.endswith(("ss", "us", "is")):
        low = low[:-1]
    return _WHOLE.get(low, low)


def _unfold(text: str) -> tuple[str, Sequence[int]]:
    """The canonical characters and, for each, its index in the text as given."""
    plain = text if text.isascii() else text.translate(_same_length())
    if not _UNSEEN.search(plain) and unicodedata.is_normalized("NFKC", plain):
        return plain, range(len(text) + 1)
    parts = [_plain(char) for char in text]
    origin = [index for index, part in enumerate(parts) for _ in part]
    return "".join(parts), origin


_SIDE = r"右眼|左眼|双眼|右|左|双|(?i:OD|OS|OU|RE|LE|R|L|right eye|left eye|both eyes)"
_BRACKETED = re.compile(
    rf"(?P<open>[(\[【<「])[ \t]*(?:{_SIDE})[ \t]*[)\]】>」]|(?<![^\s;,])(?:{_SIDE})\)"
)
_STOPS = ";,.:。、\n"


def _headed(plain: str) -> str:
    """Bracketed eyes that open a part (`(OD) ...; (OS) ...`, `【右眼】`) as headings (`OD: ...`).

    Round brackets behind a finding are an aside on it and stay. No place in the text moves.
    """

    def heading(found: re.Match[str]) -> str:
        before, after = _beside(plain, found.start(), -1), _beside(plain, found.end(), 1)
        opens = (not before or before in _STOPS) and after and after not in _STOPS
        if found["open"] == "(" and not opens:
            return found[0]
        return f" {found[0][1:-1]}:" if found["open"] else f"{found[0][:-1]}:"

    return _BRACKETED.sub(heading, plain)


def _beside(plain: str, place: int, step: int) -> str:
    """The nearest character before (-1) or from (1) a place on that is no blank, or ""."""
    index = place - 1 if step < 0 else place
    while 0 <= index < len(plain) and plain[index] == " ":
        index += step
    return plain[index] if 0 <= index < len(plain) else ""


def symbols(text: str) -> list[Symbol]:
    """All symbols of a text in order; blanks and hyphens inside words are gone.

    Linear in the length of the text. `nonproliferative`, `non-proliferative` and
    `non proliferative` all become the two words `non`, `proliferative`.
    """
    plain, origin = _unfold(text)
    plain = _headed(plain)
    moved = not isinstance(origin, range)
    found: list[Symbol] = []
    for match in _TOKEN.finditer(plain):
        kind = match.lastgroup or ""
        start, end = match.span()
        token = plain[start:end]
        if kind == "han":
            places = origin[start:end] if moved else range(start, end)
            chars = zip(token, places, strict=True)
            found += [_symbol((char, char, "han", at, at + 1)) for char, at in chars]
            continue
        first, last = (origin[start], origin[end - 1] + 1) if moved else (start, end)
        if kind == "word":
            _word(token, first, last, origin[min(start + 3, end - 1)], found)
        elif kind == "number" and token[0] == ".":
            found.append(Symbol(f"0{token}", token, kind, first, last))
        elif token not in _HYPHENS or not _inside_word(plain, start, end):
            found.append(_symbol((token, token, kind, first, last)))
    return found


def _word(token: str, first: int, last: int, cut: int, found: list[Symbol]) -> None:
    """Append a word: `non` apart from what it denies, `pre` and `retinal` as one."""
    low = token.lower()
    if low.startswith("non") and len(low) > 8:
        found.append(Symbol("non", token[:3], "word", first, cut))
        found.append(Symbol(canonical_word(token[3:]), token[3:], "word", cut, last))
    elif low in _SECOND_PARTS and found and found[-1].text in _JOINED:
        before = found.pop()
        found.append(Symbol(before.text + low, before.raw + token, "word", before.start, last))
    else:
        found.append(_symbol((canonical_word(token), token, "word", first, last)))


def _inside_word(plain: str, start: int, end: int) -> bool:
    inside = start > 0 and end < len(plain)
    return inside and all(c.isascii() and c.isalpha() for c in (plain[start - 1], plain[end]))


def has_han(text: str) -> bool:
    """Whether a text holds a Chinese character."""
    return _HAN.search(text) is not None


_MIXED = 0.25
"""A language counts from this share of the words on."""


def language_of(text: str) -> str:
    """`zh`, `en` or `mixed`: by the share of English words, two Chinese characters being a word.

    Marks of removed identity (`[name]`) and abbreviations are of no language.
    """
    han = len(_HAN.findall(text))
    words = len(re.findall(r"[a-z]{4,}", re.sub(r"\[[a-z -]+\d*\]", " ", text)))
    if not han:
        return "en"
    share = words / (words + han / 2)
    return "zh" if share < _MIXED else "mixed" if share < 1 - _MIXED else "en"
