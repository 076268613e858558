"""Words of the cells of a column with their meaning, as the description wants them."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from funduscope.archive.draft.words import is_chinese_name, meanings, plain, procedure_of
from funduscope.archive.values import resident_id

_KNOWN_AGE = frozenset(
    (
        *("y", "yr", "yrs", "year", "years", "yo", "y/o", "m", "mo", "mos", "month", "months"),
        *("w", "wk", "wks", "week", "weeks", "d", "day", "days", "+"),
    )
)
SEPARATORS = (";", "|", "；", ",", "、", "，", "\n")


def known_words(values: Sequence[str], about: str) -> tuple[dict[str, str], int]:
    """Word as seen -> meaning, and how many cells hold other words.

    Other words are not told: a cell in the wrong column may hold a name.
    """
    known = meanings(about)
    found = {text: known[plain(text)] for text in dict.fromkeys(values) if plain(text) in known}
    return found, sum(plain(text) not in known for text in values)


def sex_words(values: Sequence[str], ids: Sequence[str | None]) -> tuple[dict[str, str], str]:
    """Words for sex with their meaning, and why; codes 0, 1, 2 are read by resident IDs beside.

    Args:
        values, ids: cell for sex and cell for the resident ID, row by row.
    """
    found, _ = known_words(values, "sex")
    codes = sorted({value for value in values if value in ("0", "1", "2")})
    if len(found) >= 2 and "2" in codes:
        return found | {"1": "male", "2": "female"}, "words known for sex; 1, 2 as in ISO 5218"
    if len(found) >= 2 or not codes:
        return found, "words known for sex"
    votes: Counter[tuple[str, str]] = Counter()
    for value, number in zip(values, ids, strict=True):
        known = resident_id(number) if number else None
        if value in codes and known:
            votes[value, known[1]] += 1
    if votes:
        learnt = {c: max(("male", "female"), key=lambda sex: votes[c, sex]) for c in codes}
        if len(set(learnt.values())) > 1:
            return found | learnt, "codes read by the 17th digit of the resident IDs beside them"
    if "2" in codes:
        return found | {"1": "male", "2": "female"}, "GB/T 2261.1: 1 male, 2 female; confirm"
    return found | {"1": "male", "0": "female"}, "UNSURE: 0 and 1 may be the other way round"


def age_units(values: Sequence[str]) -> dict[str, str]:
    """Words behind ages that `ingest` does not know by itself."""
    known = meanings("age_unit")
    found: dict[str, str] = {}
    for value in dict.fromkeys(values):
        text = unicodedata.normalize("NFKC", value).strip().lower()
        unit = re.sub(r"^[>≥]?=?\s*\d+(?:\.\d+)?\s*", "", text).rstrip(".")
        if unit in known and unit not in _KNOWN_AGE:
            found[unit] = known[unit]
    return found


def procedures(values: Sequence[str]) -> tuple[dict[str, str], list[str], int]:
    """Word -> meaning; words without a known meaning that are common; how many cells remain.

    A word in few cells is told only if the word list has it: it may be anything.
    """
    count = Counter(values)
    known = meanings("procedure")
    found: dict[str, str] = {}
    unknown: list[str] = []
    rest = 0
    for text, times in count.most_common(80):
        meaning = procedure_of(text)
        safe = times >= 3 and len(text) <= 40 and not is_chinese_name(text)
        if meaning and (plain(text) in known or safe or _harmless(text)):
            found[text] = meaning
        elif safe and not re.search(r"\d{5}", text):
            unknown.append(text)
        else:
            rest += times
    return found, unknown, rest


def _harmless(text: str) -> bool:
    """Whether a rare procedure holds too little beside known words to name a person."""
    rest = plain(text)
    known = [*meanings("procedure"), *(word for word in meanings("field") if len(word) > 1)]
    for word in sorted(known, key=len, reverse=True):
        rest = rest.replace(word, "")
    return len(rest) <= 5 and not is_chinese_name(rest) and not re.search(r"\d{3}", rest)


def separator(values: Sequence[str]) -> str | None:
    """The sign between several file names in a cell; None if no cell holds several."""
    several = [v for v in values if len(re.findall(r"\.[A-Za-z]{3,4}(?![A-Za-z0-9])", v)) > 1]
    if not several:
        return None
    return max(SEPARATORS, key=lambda sign: sum(sign in value for value in several))
