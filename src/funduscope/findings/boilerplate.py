"""Words of a report that describe no eye: headings, signatures, people, advice, greetings.

The phrases stand in `data/boilerplate.tsv` by kind, in both languages. Kinds: `heading` (of
findings and diagnoses: the words below it are kept), `aside` (a heading whose line is left out),
`past` and `relative` (left out even where they name a finding), and the rest, left out where they
stand without a finding.
"""

from __future__ import annotations

import re
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
_LATIN = re.compile(r"[a-z]")


def _pattern(kinds: tuple[str, ...] | None) -> str:
    """One alternation of the phrases of some kinds (None: of all that are neither)."""
    phrases: list[str] = []
    for kind, cell in data_rows("boilerplate.tsv"):
        wanted = kind in kinds if kinds else kind not in (*_TURNED, *_HEADINGS)
        phrases += cell.split(";") if wanted else []
    parts = []
    for phrase in sorted(set(phrases), key=lambda p: (-len(p), p)):
        text = re.escape(phrase).replace(r"\ ", r"[ ]{1,3}")
        latin = _LATIN.match(phrase) is not None
        parts.append(rf"(?<![a-z]){text}(?![a-z])" if latin else text)
    return "|".join(parts)


@lru_cache(maxsize=1)
def _empty() -> re.Pattern[str]:
    return re.compile(_pattern(None), re.IGNORECASE)


@lru_cache(maxsize=1)
def _turned() -> re.Pattern[str]:
    return re.compile(_pattern(_TURNED), re.IGNORECASE)


@lru_cache(maxsize=1)
def _heading() -> re.Pattern[str]:
    """A heading at the start of a line or a sentence: before a colon, in brackets, or a line."""
    start = r"(?:^|(?<=[\n\u3002.;\uff1b\]\u3011:\uff1a]))[ \t\u3000*#\u25c6\u25cf\u25a0\u25b2-]*"
    bracketed = r"[\[\u3010<\u300a](?:{0})[\]\u3011>\u300b][ ]?[:\uff1a]?"
    words = r"(?:{0})[ ]?(?:[:\uff1a]|[ ][-\u2013\u2014](?=\s)|(?=[ ]?(?:\n|\Z)))"
    form = rf"{start}(?:{bracketed}|{words})"
    aside, heading = _pattern(("aside",)), _pattern(("heading",))
    forms = f"(?P<aside>{form.format(aside)})|(?P<heading>{form.format(heading)})"
    return re.compile(forms, re.IGNORECASE | re.MULTILINE)


@lru_cache(maxsize=1)
def _signed() -> re.Pattern[str]:
    """Marks and dates with the words of a signature that introduce them."""
    role = rf"(?:{_pattern(('sign', 'person'))})"
    link = r"(?:[\s:\uff1a/@,.\uff0c]|by|on|at|and|dr|mr|mrs|ms|md|of)"
    mark = rf"(?:{MARK.pattern}|{DATE.pattern})"
    before = rf"(?:{role}{link}{{0,6}}){{0,4}}"
    since = r"(?:(?<![a-z])(?:since|from|on|in|at|of|by|dated)[ ])?"
    sign = rf"(?:{_pattern(('sign',))})"
    plain = rf"{sign}(?:[ ]?[:\uff1a/]|(?<=by)[ ])[^\n\u3002;\uff1b,\uff0c\[]{{0,40}}(?=\n|\Z)"
    degree = r"(?:[, ]{1,2}(?:md|phd|mbbs|bmbs|msc|bsc|frcs|frcophth)(?![a-z])\.?){0,3}"
    marked = rf"{before}{since}{mark}(?:{link}{{0,4}}{mark}){{0,4}}{degree}"
    return re.compile(f"{marked}|{plain}", re.IGNORECASE)


def is_empty(text: str) -> bool:
    """Whether words without a finding are boilerplate: they name a person, an advice, a greeting."""
    return bool(MARK.search(text) or DATE.search(text) or _empty().search(text))


def is_turned(text: str) -> bool:
    """Whether words speak of an earlier examination or of a relative, findings or not."""
    return _turned().search(text) is not None


def headings(text: str) -> list[tuple[int, int, str]]:
    """Start, end and kind (`heading`, `aside`) of each heading, in order."""
    found = []
    for match in _heading().finditer(text):
        found.append((match.start(), match.end(), match.lastgroup or "heading"))
    return found


def signatures(text: str) -> list[tuple[int, int]]:
    """Where marks of removed identity and dates stand, with the words that introduce them."""
    return [(match.start(), match.end()) for match in _signed().finditer(text)]
