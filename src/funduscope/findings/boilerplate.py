"""Words of a report that describe no eye: headings, signatures, people, advice, greetings.

The phrases stand in `data/boilerplate.tsv` by kind, in both languages. Kinds: `heading` (of
findings and diagnoses: the words below it are kept), `aside` (a heading whose line is left out),
`past` and `relative` (left out even where they name a finding), and the rest, left out where they
stand without a finding.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache

from funduscope.findings.lexicon import data_rows

MARK = re.compile(
    r"\[(?:name|id|number|phone|email|account|link|address|institution|date|age"
    r"|(?:day|month|year) -?\d+)\]"
)
"""What the removal of identity leaves in a report."""
DATE = re.compile(
    r"(?:19|20)\d\d[-/.\u5e74] ?\d{1,2}(?:[-/.\u6708] ?\d{1,2}\u65e5?)?(?: \d{1,2}:\d\d)?(?!\d)"
)
_TURNED = ("past", "relative")
_HEADINGS = ("heading", "aside")
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_WINDOW = 60  # characters before a mark in which the words that introduce it stand


@dataclass(frozen=True, slots=True)
class Boilerplate:
    """Where boilerplate stands in a text, in order.

    Attributes:
        headings: start, end and kind (`heading`, `aside`) of each heading.
        empty: where words begin that, without a finding, name a person, an advice, a greeting.
        turned: where words begin that speak of an earlier examination or a relative.
        photo: where words of a photograph begin, empty unless something of it is told.
        signed: start and end of marks of removed identity and dates, with what introduces them.
    """

    headings: tuple[tuple[int, int, str], ...]
    empty: tuple[int, ...]
    turned: tuple[int, ...]
    photo: tuple[int, ...]
    signed: tuple[tuple[int, int], ...]

    def is_empty(self, start: int, end: int) -> bool:
        """Whether boilerplate begins in text[start:end]."""
        return _any(self.empty, start, end)

    def is_photo(self, start: int, end: int) -> bool:
        """Whether a photograph is spoken of in text[start:end]."""
        return _any(self.photo, start, end)

    def is_turned(self, start: int, end: int) -> bool:
        """Whether text[start:end] turns to an earlier examination or a relative."""
        return _any(self.turned, start, end)


def boilerplate(text: str) -> Boilerplate:
    """Find the boilerplate of a text; linear in its length."""
    low = text.translate(_LOWER)
    marks = [(m.start(), m.end()) for m in _MARKS.finditer(text)]
    found: dict[str, list[int]] = {"turned": [], "photo": [], "sign": [], "empty": []}
    signed = [_introduced(low, start, end) for start, end in marks]
    for match in _phrases().finditer(low):
        found[match.lastgroup or ""].append(match.start())
        if match.lastgroup == "sign":
            name = _NAME.match(low, match.end())
            signed += [(match.start(), name.end())] if name else []
    return Boilerplate(
        tuple((m.start(), m.end(), m.lastgroup or "heading") for m in _heading().finditer(low)),
        tuple(sorted([*(start for start, _ in marks), *found["sign"], *found["empty"]])),
        tuple(found["turned"]),
        tuple(found["photo"]),
        tuple(sorted(signed)),
    )


def _any(places: tuple[int, ...], start: int, end: int) -> bool:
    at = bisect_left(places, start)
    return at < len(places) and places[at] < end


def _introduced(low: str, start: int, end: int) -> tuple[int, int]:
    """A mark with `Reported by Dr`, 报告医师： before it and a degree behind it."""
    window = low[max(0, start - _WINDOW) : start]
    found = _before().search(window)
    degree = _DEGREE.match(low, end)
    return start - (len(found.group()) if found else 0), degree.end() if degree else end


_MARKS = re.compile(f"{MARK.pattern}|{DATE.pattern}")
_DEGREE = re.compile(r"(?:[, ]{1,2}(?:md|phd|mbbs|bmbs|msc|bsc|frcs|frcophth)(?![a-z])\.?){1,3}")
# The name behind a signature's word, up to the end of the line.
_NAME = re.compile(r"(?:[ ]?[:\uff1a/]|(?<=by)[ ])[^\n\u3002;\uff1b,\uff0c\[]{0,40}(?=\n|\Z)")


def _words(kinds: tuple[str, ...]) -> str:
    """One alternation of the phrases of some kinds, longest first."""
    cells = [cell for kind, cell in data_rows("boilerplate.tsv") if kind in kinds]
    phrases = sorted({p for cell in cells for p in cell.split(";")}, key=lambda p: (-len(p), p))
    latin = "|".join(re.escape(p).replace(r"\ ", "[ ]{1,3}") for p in phrases if p.isascii())
    han = "|".join(re.escape(p) for p in phrases if not p.isascii())
    return "|".join(
        part for part in (han, f"(?<![a-z])(?:{latin})(?![a-z])" if latin else "") if part
    )


@lru_cache(maxsize=1)
def _phrases() -> re.Pattern[str]:
    known = {kind for kind, _ in data_rows("boilerplate.tsv")}
    rest = tuple(sorted(known - {*_TURNED, *_HEADINGS, "sign", "photo"}))
    groups = (("turned", _TURNED), ("sign", ("sign",)), ("empty", rest), ("photo", ("photo",)))
    return re.compile("|".join(f"(?P<{name}>{_words(kinds)})" for name, kinds in groups))


@lru_cache(maxsize=1)
def _heading() -> re.Pattern[str]:
    """A heading at the start of a line or a sentence: before a colon, in brackets, or a line."""
    start = (
        r"(?:^|(?<=[\n\u3002.;\uff1b\]\u3011:\uff1a]))[ \t\u3000*#\u25c6\u25cf\u25a0\u25b2-]{0,8}"
    )
    bracketed = r"[\[\u3010<\u300a](?:{0})[\]\u3011>\u300b][ ]?[:\uff1a]?"
    words = r"(?:{0})[ ]?(?:[:\uff1a]|[ ]?[-\u2013\u2014](?=\s)|(?=[ ]?(?:\n|\Z)))"
    form = f"{bracketed}|{words}"
    forms = "|".join(f"(?P<{kind}>{form.format(_words((kind,)))})" for kind in _HEADINGS)
    return re.compile(f"{start}(?:{forms})", re.MULTILINE)


@lru_cache(maxsize=1)
def _before() -> re.Pattern[str]:
    """What introduces a mark, at the end of the characters before it."""
    link = r"(?:[\s:\uff1a/@,.\uff0c]|by|on|at|and|of)"
    since = r"(?:(?<![a-z])(?:since|from|on|in|at|of|by|dated)[ ])?"
    return re.compile(rf"(?:(?:{_words(('sign', 'person'))}){link}{{0,6}}){{0,4}}{since}\Z")
