"""Seek every planted identifying string in every byte of a corpus.

An own, plain implementation that shares nothing with the product's two passes: texts are cut into
windows that are looked up in a set, bytes are hashed four at a time and compared where the hash
is one of a string's. No string found is ever written down, only its kind, its number in phi.csv
and the place.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from ingest_contents import ENCODINGS, Contents, take_apart
from ingest_page import EXAMPLES, Section, share, table
from ingest_truth import Corpus, Matched, Truth

# Below this a number or word also stands where nobody put it: whole words only, listed apart.
SHORT_NUMBER, SHORT_WORD, LONG, FEWEST_BYTES = 6, 4, 10, 6
CHUNK, SPREAD = 1 << 23, 22
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TITLES = re.compile(
    r"^(?:(?:Dr|Prof|Mr|Mrs|Ms|Mr/Ms|Miss)\.?\s+)+|,?\s+(?:MD|M\.D\.|DO|OD|PhD)\.?$"
)


def one_form(text: str) -> str:
    """NFKC, small letters: full-width digits and capital letters hide nothing."""
    return unicodedata.normalize("NFKC", text).casefold()


def squeezed(text: str) -> str:
    """Letters and digits only."""
    return "".join(sign for sign in one_form(text) if sign.isalnum())


def ascii_word(sign: str) -> bool:
    """Whether a sign is a Latin letter or digit, beside which no shorter number or word ends."""
    return sign.isascii() and sign.isalnum()


def forms(value: str, canonical: str) -> set[str]:
    """The ways to write a planted string down: as it stands, joined, turned, as another date."""
    found = {value, canonical} - {""}
    for text in list(found):
        # Who is known by a title is known without it.
        found.add(_TITLES.sub("", text))
        if "^" in text:
            found |= {text.replace("^", ""), text.replace("^", " ")}
        last, comma, first = text.partition(", ")
        if comma and first.isalpha() and last.isalpha():
            found.add(f"{first} {last}")
    for text in (value, canonical):
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            day = date.fromisoformat(text)
            y, m, d = day.year, day.month, day.day
            found |= {f"{y}{m:02}{d:02}", f"{y}/{m:02}/{d:02}", f"{y}/{m}/{d}", f"{y}-{m}-{d}"}
            found |= {f"{y}.{m:02}.{d:02}", f"{y}.{m}.{d}", f"{y}\u5e74{m}\u6708{d}\u65e5"}
            found |= {f"{y}:{m:02}:{d:02}", f"{m:02}/{d:02}/{y}", f"{MONTHS[m - 1]} {d}, {y}"}
    return found


@dataclass
class Needles:
    """Planted strings, ready to be sought.

    Attributes:
        strong: form -> numbers of phi.csv; found anywhere, it is a leak.
        weak: the same for short numbers and everyday words.
        types: number of phi.csv -> type.
    """

    strong: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    weak: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    written: set[str] = field(default_factory=set)
    types: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, truth: Truth) -> Needles:
        """The strings of phi.csv; what also stands in reports where nothing is planted is weak."""
        made = cls()
        usual = one_form("\n".join(truth.plain.values()))
        everyday: dict[str, bool] = {}
        for row in truth.phi:
            made.types[row["phi"]] = row["type"]
            made.values[row["phi"]] = row["value"]
            for form in forms(row["value"], row["canonical"]):
                text = one_form(form)
                if text not in everyday:
                    everyday[text] = short(text) or occurs(text, usual) > 0
                (made.weak if everyday[text] else made.strong)[text].add(row["phi"])
                if not everyday[text]:
                    made.written |= {form, unicodedata.normalize("NFKC", form)}
        return made


def short(text: str) -> bool:
    """Whether a string is so short that it also stands where nobody put it."""
    tight = squeezed(text)
    latin = SHORT_NUMBER if tight.isdecimal() else SHORT_WORD
    return len(tight) < (latin if tight.isascii() else 2)


def occurs(needle: str, text: str) -> int:
    """How often a string stands in a text; a short Latin one as a whole word."""
    at, found = text.find(needle), 0
    while at >= 0:
        found += alone(needle, text, at)
        at = text.find(needle, at + 1)
    return found


def alone(needle: str, text: str, at: int) -> bool:
    """Whether what stands at `at` is no part of a longer Latin word or number."""
    if len(needle) >= LONG:
        return True
    before, after = text[at - 1 : at], text[at + len(needle) : at + len(needle) + 1]
    left = ascii_word(needle[0]) and before and ascii_word(before)
    right = ascii_word(needle[-1]) and after and ascii_word(after)
    return not left and not right


class TextSearch:
    """Looks strings up in texts: as written, and squeezed (spaced letters, other separators)."""

    def __init__(self, forms_: Mapping[str, set[str]], *, squeeze: bool) -> None:
        self.plain: dict[int, dict[str, set[str]]] = defaultdict(dict)
        self.tight: dict[int, dict[str, set[str]]] = defaultdict(dict)
        for form, numbers in forms_.items():
            self.plain[len(form)][form] = numbers
            tight = squeezed(form)
            # Shorter runs meet by chance where separators are gone.
            if squeeze and len(tight) >= (8 if tight.isascii() else 3):
                self.tight[len(tight)].setdefault(tight, set()).update(numbers)

    def __call__(self, text: str) -> set[str]:
        """Numbers of phi.csv whose string stands in the text."""
        found: set[str] = set()
        whole = one_form(text)
        for size, known in self.plain.items():
            for at in range(len(whole) - size + 1):
                part = whole[at : at + size]
                if part in known and alone(part, whole, at):
                    found |= known[part]
        tight = squeezed(whole) if self.tight else ""
        for size, known in self.tight.items():
            for at in range(len(tight) - size + 1):
                if tight[at : at + size] in known:
                    found |= known[tight[at : at + size]]
        return found


class ByteSearch:
    """Looks strings up in bytes, in four encodings."""

    def __init__(self, needles: Needles) -> None:
        self.known: dict[bytes, dict[bytes, set[str]]] = defaultdict(dict)
        self.longest = 4
        for text in needles.written:
            numbers = needles.strong.get(one_form(text), set())
            for encoding in ENCODINGS:
                data = text.encode(encoding)
                if len(data) >= FEWEST_BYTES:
                    self.known[data[:4]].setdefault(data, set()).update(numbers)
                    self.longest = max(self.longest, len(data))
        heads = np.frombuffer(b"".join(self.known) or bytes(4), "<u4")
        self.table = np.zeros(1 << SPREAD, bool)
        self.table[self._hash(heads)] = True

    @staticmethod
    def _hash(heads: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return (heads * np.uint32(2654435761)) >> np.uint32(32 - SPREAD)

    def __call__(self, data: bytes) -> set[str]:
        """Numbers of phi.csv whose string stands in the bytes."""
        found: set[str] = set()
        for begin in range(0, len(data), CHUNK):
            part = np.frombuffer(data[begin : begin + CHUNK + 3], np.uint8).astype(np.uint32)
            if len(part) < 4:
                continue
            heads = part[:-3] | part[1:-2] << 8 | part[2:-1] << 16 | part[3:] << 24
            for at in np.flatnonzero(self.table[self._hash(heads)]):
                found |= self._at(data, begin + int(at))
        return found

    def _at(self, data: bytes, at: int) -> set[str]:
        found: set[str] = set()
        for needle, numbers in self.known.get(data[at : at + 4], {}).items():
            if data.startswith(needle, at):
                end = at + len(needle)
                around = data[max(0, at - 1) : at] + b" " + data[end : end + 1]
                latin = needle.isalnum() and needle.isascii() and len(needle) < LONG
                if not latin or not any(part.isalnum() for part in around.split(b" ", 1)):
                    found |= numbers
        return found


def search(truth: Truth, corpus: Corpus, matched: Matched, logs: Iterable[Path]) -> Section:
    """The section on planted strings: none may be in the corpus, nor in the logs of its making."""
    section = Section("Identity: planted strings in the corpus")
    needles = Needles.of(truth)
    contents = take_apart(corpus.folder)
    for log in logs:
        place = f"log {log.stem}"
        data = log.read_bytes()
        contents.texts[place] |= set(data.decode("utf-8", "replace").splitlines())
        contents.blobs.append((place, data))
    places: dict[str, set[str]] = defaultdict(set)
    in_text = TextSearch(needles.strong, squeeze=True)
    in_bytes = ByteSearch(needles)
    weakly = TextSearch(needles.weak, squeeze=False)
    weak: Counter[str] = Counter()
    for place, texts in contents.texts.items():
        for text in texts:
            for number in in_text(text):
                places[number].add(place)
            weak[place] += bool(weakly(text))
    for place, data in contents.blobs:
        for number in in_bytes(data):
            places[number].add(f"{place} (bytes)")
    _figures(section, needles, contents, places)
    surplus = _surplus(truth, corpus, matched, needles)
    section.none("short numbers and everyday words left in reports where planted", len(surplus))
    section.examples("Left where planted", surplus)
    rows = [f"| {place} | {count} |" for place, count in weak.most_common(EXAMPLES) if count]
    if rows:
        text = "Short numbers (fewer than six signs) and planted words that reports also use of"
        section.lines += ["", f"{text} themselves are counted by cell, without a verdict:"]
        section.lines += table("place | cells with one", rows)
    return section


def _figures(
    section: Section, needles: Needles, contents: Contents, places: Mapping[str, set[str]]
) -> None:
    values: dict[str, set[str]] = defaultdict(set)
    leaked: dict[str, set[str]] = defaultdict(set)
    where: dict[str, Counter[str]] = defaultdict(Counter)
    strong = {number for numbers in needles.strong.values() for number in numbers}
    for number in strong:
        kind, value = needles.types[number], needles.values[number]
        values[kind].add(value)
        if number in places:
            leaked[kind].add(value)
            where[kind].update(places[number])
    whole, lost = sum(map(len, values.values())), sum(map(len, leaked.values()))
    section.all("planted strings absent from every byte", whole - lost, whole)
    section.plain(
        "strings sought apart (short or everyday)",
        len({needles.values[n] for numbers in needles.weak.values() for n in numbers - strong}),
    )
    section.plain("files read; pictures opened", f"{contents.files}; {contents.pictures}")
    section.none("EXIF, comments, texts in stored pictures", contents.extras.total())
    rows = []
    for kind in sorted(values):
        found = ", ".join(f"{place} ({n})" for place, n in where[kind].most_common(3))
        whole_kind = len(values[kind])
        absent = share(whole_kind - len(leaked[kind]), whole_kind)
        rows.append(f"| {kind} | {absent} | {found} |")
    section.lines += table("type | absent | found in (times)", rows)
    numbers = sorted(set(places) & strong)
    section.examples("Numbers of phi.csv found", numbers)
    if contents.extras:
        section.examples("In pictures", [f"{k} ({n})" for k, n in contents.extras.most_common()])


def _surplus(truth: Truth, corpus: Corpus, matched: Matched, needles: Needles) -> list[str]:
    """Planted short or everyday strings that a stored report has more often than the rest of it."""
    texts = {row["report_id"]: one_form(row["text"]) for row in corpus.reports}
    kept = {key: texts[mine] for mine, key in matched.reports.items()}
    weak: dict[str, list[str]] = defaultdict(list)
    for form, numbers in needles.weak.items():
        for number in numbers:
            weak[number].append(form)
    found = set()
    for row in truth.phi:
        key = row["report"]
        if not row["start"] or key not in kept or row["phi"] not in weak:
            continue
        rest = one_form(truth.plain[key])
        if any(occurs(form, kept[key]) > occurs(form, rest) for form in weak[row["phi"]]):
            found.add(f"{row['phi']} in {key}")
    return sorted(found)
