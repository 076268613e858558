"""Pieces of a report joined into one text: no mark that lost its words, no lone bracket."""

from __future__ import annotations

import re

from funduscope.findings.symbols import has_han

OPEN, CLOSE = "([{（【《〔〈<［", ")]}）】》〕〉>］"
BULLETS = tuple("◆●■▲★*•#※·")
STOPS = "。.；;，,、：:"
JOINT = "\x1f"
"""Stands where words were left out between two pieces."""
_SEAMS = " \n\t\u3000/|／" + STOPS
_DOUBLE = re.compile(rf"[{re.escape(STOPS)}](?:\s*[{re.escape(STOPS)}])+")
_EMPTY = re.compile(rf"[{re.escape(OPEN)}][\s{re.escape(STOPS)}]*[{re.escape(CLOSE)}]")
_ENDS = " \n\t\u3000;；,，.。、:：/／|—–-" + "".join(BULLETS)
_WIDE = {0xFEE0 + code: code for code in range(0x30, 0x7B) if chr(code).isalnum()} | {0x3000: 0x20}


def tidy(words: str) -> str:
    """Pieces joined, marks that lost their words removed; empty where no word is left."""
    words = words.translate(_WIDE)
    plain = "；" if has_han(words) else "; "

    words = _joined(_EMPTY.sub("", words).split(JOINT), plain)
    words = _DOUBLE.sub(lambda run: _strongest(run.group()), words)
    words = _balanced(words)
    words = re.sub(r"(?<=[，。；：、])\s+|\s+(?=[，。；：、,;])", "", re.sub(r"\s+", " ", words))
    return words.strip(_ENDS)


def _joined(pieces: list[str], plain: str) -> str:
    """Pieces that were apart, with the comma that stood between two, or the plain joint."""
    text, seam = "", ""
    parts: list[str] = []
    for piece in pieces:
        bare = piece.lstrip(_SEAMS)
        seam += piece[: len(piece) - len(bare)]
        if not bare:
            continue
        if text:
            comma = next((mark for mark in seam if mark in "，,"), "")
            stopped = not comma or not set("。.；;").isdisjoint(seam)
            parts.append(plain if stopped else comma if comma == "，" else ", ")
        text = bare.rstrip(_SEAMS)
        seam = bare[len(text) :]
        parts.append(text)
    return "".join(parts)


def _strongest(run: str) -> str:
    """Of marks that met because words between them went, the one that ends most."""
    marks = [m for m in run if m in STOPS]
    if len(set(marks)) == 1 and marks[0] in ".:":
        return run  # an ellipsis
    mark = min(marks, key=STOPS.index)
    return mark + (" " if mark.isascii() and run[-1].isspace() else "")


def _balanced(words: str) -> str:
    """Without brackets that lost their partner."""
    stack: list[int] = []
    lone: set[int] = set()
    for place, char in enumerate(words):
        if char in "([（【〔":
            stack.append(place)
        elif char in ")]）】〕":
            if stack:
                stack.pop()
            else:
                lone.add(place)
    lone.update(stack)
    return "".join(c for place, c in enumerate(words) if place not in lone) if lone else words
