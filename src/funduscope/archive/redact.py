"""Identity out of report texts: the record's own facts first, then what always identifies.

Each find is replaced by a mark: [name], [id], [number], [phone], [email], [account], [link],
[address], [institution], [age] (above 90), [date], or, where the day of the examination is known,
[day -12], [month -3], [year -2]. Marks contain nothing that a rule finds, so removing twice changes
nothing.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache, lru_cache
from typing import Protocol

from funduscope.archive import redact_dates as days
from funduscope.archive import redact_rules
from funduscope.archive.redact_dates import Find
from funduscope.archive.redact_own import own, tells, unaccented
from funduscope.archive.redact_rules import resident_id_valid
from funduscope.archive.redact_words import either
from funduscope.findings.boilerplate import MARK

__all__ = ["narrow", "plain_text", "redact", "resident_id_valid"]

_UNSEEN = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\x00-\x08\x0b\x0c\x0e-\x1f]"
)
_HIDDEN = re.compile(r"<(script|style)\b[^>]*>.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.I | re.S)
_BREAK = re.compile(
    r"<(?:br|p|div|tr|li|h[1-6]|hr|table|ul|ol)\b[^<>]*>|</(?:p|div|tr|li|h[1-6])\s*>", re.I
)
# A tag, not "MA <5 and >3": a known element, and attributes only with "=".
_TAG = re.compile(
    r"</?(?:a|abbr|b|big|blockquote|body|br|center|code|dd|div|dl|dt|em|embed|font|form|frame|h[1-6]|head"
    r"|hr|html|i|iframe|img|input|li|link|meta|object|ol|o:p|p|pre|q|s|script|small|span|strike|strong"
    r"|style|sub|sup|svg|table|tbody|td|tfoot|th|thead|title|tr|tt|u|ul|xml)"
    r"(?:\s+[\w:-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'<>]+))*\s*/?>|<!DOCTYPE[^>]*>|<\?xml[^>]*\?>",
    re.I,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});", re.I)


def redact(text: str, secrets: Mapping[str, Sequence[str]]) -> str:
    """The text without what identifies a person.

    Args:
        text: a report as written; HTML is reduced to its text.
        secrets: role -> the record's values; roles: name (of anybody in the record), identity,
            patient, exam, birth_date, exam_date (one unambiguous form, such as 2016-02-10, makes
            dates relative), also doctor, phone, email, address, institution, account.

    Returns:
        The text with marks in place of names, numbers, places and dates; all else untouched.
    """
    text = plain_text(text)
    known = {role: [narrow(value) for value in values] for role, values in secrets.items()}
    day = days.exam_day(known.get("exam_date", ()))
    births = [said for value in known.get("birth_date", ()) if (said := days.exam_day([value]))]
    told = known.setdefault("doctor", [])
    while True:
        # What stood behind one find may only now begin a word, and whom a rule found in one place
        # goes in every other: again, until nothing is found.
        done, names = _once(text, known, day, births)
        if done == text:
            return text
        text = done
        told += [name for name in names if name not in told]


def plain_text(text: str) -> str:
    """The text without tags, scripts, entities and characters that nobody sees."""
    while (done := _plain_once(text)) != text:
        text = done
    return text


def _plain_once(text: str) -> str:
    text = _UNSEEN.sub("", text)
    if "<" in text:
        text = _TAG.sub("", _BREAK.sub("\n", _HIDDEN.sub("", text))).strip("\n")
    return _ENTITY.sub(lambda found: html.unescape(found[0]), text) if "&" in text else text


def narrow(text: str) -> str:
    """Full-width and compatibility forms, dashes and traditional characters -> the plain ones.

    One character for one, so that places in the text stay.
    """
    return text if text.isascii() else "".join(map(_narrow, text))


@lru_cache(maxsize=65536)
def _narrow(char: str) -> str:
    if char.isascii():
        return char
    plain = unicodedata.normalize("NFKC", char)
    if plain.isspace():
        return " "
    if unicodedata.category(plain[0]) == "Pd" or plain == "\u2212":
        return "-"
    if len(plain) != 1:
        return char
    return _simplified(plain) if "\u4e00" <= plain <= "\u9fff" else plain


def _simplified(char: str) -> str:
    done = str(_converter().convert(char))
    return done if len(done) == 1 else char


class _Converter(Protocol):
    def convert(self, text: str) -> str: ...


@cache
def _converter() -> _Converter:
    import opencc

    made: _Converter = opencc.OpenCC("t2s")
    return made


def _once(
    text: str, secrets: Mapping[str, Sequence[str]], day: date | None, births: Sequence[date]
) -> tuple[str, list[str]]:
    """The text after one round, and the names that the general rules found in it."""
    plain = narrow(text)
    marks = [found.span() for found in MARK.finditer(text)]
    stays = [found.span() for found in _eponyms().finditer(plain)]
    general = [
        find
        for find in _general(unaccented(plain))
        if not any(find[0] < end and start < find[1] for start, end in stays)
    ]
    finds = [
        find
        for find in (*own(plain, secrets, day), *days.dates(plain, day, births), *general)
        if find[0] < find[1] and not any(find[0] < end and start < find[1] for start, end in marks)
    ]
    parts: list[str] = []
    at = 0
    for start, end, mark in sorted(finds, key=lambda find: (find[0], -find[1])):
        if start >= at:
            parts += [text[at:start], f"[{mark}]"]
        at = max(at, end)
    names = (tells(plain[start:end]) for start, end, mark in general if mark == "name")
    return "".join([*parts, text[at:]]), [name for name in names if name]


@cache
def _eponyms() -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z])(?:{either('en', 'eponyms')})(?![A-Za-z])", re.I)


def _general(text: str) -> Iterator[Find]:
    for rule in redact_rules.rules():
        group = "it" if "it" in rule.pattern.groupindex else 0
        at = 0
        while (found := rule.pattern.search(text, at)) is not None:
            start, end = found.span(group)
            end = rule.judge(text, start, end)
            if end:
                yield start, end, rule.mark
            # What is no name may hide one that begins later (a surname inside a word before it).
            whole = bool(end) or rule.mark != "name"
            at = max(found.end() if whole else 0, found.start() + 1)
