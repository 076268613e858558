"""Report text -> symbols: one Chinese character, one word, one number or one mark each.

Full- and half-width, traditional and simplified, British and American, singular and plural forms
become one canonical form; every symbol keeps its place in the text as given. Terms of the
vocabulary pass through the same function, so that they match by equality.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

_TOKEN = re.compile(r"[A-Za-z]+|\d+(?:\.\d+)?|(?<![A-Za-z\d])\.\d+|\n|[^\sA-Za-z\d]")
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
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
_WHOLE |= {"hem": "hemorrhage", "heme": "hemorrhage", "nevi": "nevus"}
_JOINED = ("pre", "sub", "intra", "peri", "epi")


@dataclass(frozen=True, slots=True)
class Symbol:
    """One symbol. `kind` is han, word, number, mark or break (a line break)."""

    text: str
    raw: str
    kind: str
    start: int
    end: int


@lru_cache(maxsize=1)
def traditional() -> dict[str, str]:
    """Traditional character -> simplified, for the characters that occur in our terms."""
    table = resources.files("funduscope.findings").joinpath("data/traditional.tsv")
    pairs = (line.split("\t") for line in table.read_text(encoding="utf-8").splitlines()[1:])
    return {pair[0]: pair[1] for pair in pairs}


@lru_cache(maxsize=8192)
def _plain(char: str) -> str:
    """One character in canonical width and simplified form (may become several characters)."""
    folded = unicodedata.normalize("NFKC", char)
    return "".join(traditional().get(part, part) for part in folded)


def simplified(text: str) -> str:
    """A text in canonical width and simplified characters."""
    return text if text.isascii() else "".join(map(_plain, text))


@lru_cache(maxsize=65536)
def canonical_word(word: str) -> str:
    """An English word in lower case, American spelling and the singular."""
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


def _unfold(text: str) -> tuple[str, list[int]]:
    """The canonical characters and, for each, its index in the text as given."""
    if text.isascii():
        return text, list(range(len(text)))
    chars: list[str] = []
    origin: list[int] = []
    for index, char in enumerate(text):
        for part in _plain(char):
            chars.append(part)
            origin.append(index)
    return "".join(chars), origin


_SIDE = r"右眼|左眼|双眼|右|左|双|(?i:OD|OS|OU|RE|LE|R|L|right eye|left eye|both eyes)"
_BRACKETED = re.compile(
    rf"(?P<open>[(\[【<「])\s*(?:{_SIDE})\s*[)\]】>」]|(?<![^\s;,])(?:{_SIDE})\)"
)
_STOPS = ";,.:。、\n"


def _headed(plain: str) -> str:
    """Bracketed eyes that open a part (`(OD) ...; (OS) ...`, `【右眼】`) as headings (`OD: ...`).

    Round brackets behind a finding are an aside on it and stay. No place in the text moves.
    """

    def heading(found: re.Match[str]) -> str:
        before, after = plain[: found.start()].rstrip(" "), plain[found.end() :].lstrip(" ")
        opens = (not before or before[-1] in _STOPS) and after and after[0] not in _STOPS
        if found["open"] == "(" and not opens:
            return found[0]
        return f" {found[0][1:-1]}:" if found["open"] else f"{found[0][:-1]}:"

    return _BRACKETED.sub(heading, plain)


def _kind(token: str) -> str:
    if token == "\n":
        return "break"
    if token[0].isascii():
        return "word" if token[0].isalpha() else "number" if token[-1].isdigit() else "mark"
    return "han" if _HAN.match(token) else "mark"


def symbols(text: str) -> list[Symbol]:
    """All symbols of a text in order; blanks and hyphens inside words are gone.

    Linear in the length of the text. `nonproliferative`, `non-proliferative` and
    `non proliferative` all become the two words `non`, `proliferative`.
    """
    plain, origin = _unfold(text)
    plain = _headed(plain)
    found: list[Symbol] = []
    tokens = [(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(plain)]
    for index, (token, start, end) in enumerate(tokens):
        kind = _kind(token)
        if token in "-\u2010\u2011\u2013" and _inside_word(plain, start, end):
            continue
        first, last = origin[start], origin[end - 1] + 1
        if kind != "word":
            text = f"0{token}" if kind == "number" and token[0] == "." else token
            found.append(Symbol(text, token, kind, first, last))
            continue
        low = token.lower()
        glued = index and low in ("retinal", "macular", "hyaloid") and found
        if low.startswith("non") and len(low) > 8:
            cut = origin[start + 3]
            found.append(Symbol("non", token[:3], kind, first, cut))
            found.append(Symbol(canonical_word(token[3:]), token[3:], kind, cut, last))
        elif glued and found[-1].text in _JOINED:
            before = found.pop()
            found.append(Symbol(before.text + low, before.raw + token, kind, before.start, last))
        else:
            found.append(Symbol(canonical_word(token), token, kind, first, last))
    return found


def _inside_word(plain: str, start: int, end: int) -> bool:
    return (
        start > 0
        and end < len(plain)
        and plain[start - 1].isascii()
        and plain[start - 1].isalpha()
        and plain[end].isascii()
        and plain[end].isalpha()
    )


_MIXED = 0.25
"""A language counts from this share of the words on."""


def has_han(text: str) -> bool:
    """Whether a text holds a Chinese character."""
    return _HAN.search(text) is not None


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
