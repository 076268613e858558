"""A report's items, whose they are, and the words that frame them: eyes, headings, numbers."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from funduscope.findings.boilerplate import boilerplate
from funduscope.findings.eyes import STATING
from funduscope.findings.joining import BULLETS, CLOSE, JOINT, OPEN
from funduscope.findings.reading import Reading
from funduscope.findings.symbols import has_han

_STRONG = set("。;!?….；！？")
_BEFORE_EYE = ("on", "in", "of", "for", "the", "to", "from", "at")
_SHOWS = ("示", "show", "reveal", "demonstrate", "with", "has", "have")
_BESIDE_EYE = ("fundus", "retinal", "retina", "eye", "side", "view", "image", "眼底", "finding")
_NAMES = {*_BESIDE_EYE, "findings", "exam", "examination", "photo", "photograph"}
_FIRST = tuple("一二三四五六七八九十")
# How many words may stand between an eye and the colon of its heading: `Right eye retinal exam:`.
_HEADING_WORDS = 4


class ReportItems:
    """What a report is made of; `cut` are the items that are left out of its words."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.plate = boilerplate(text)
        reading = Reading.of(text)
        self.stream, self.items, self.units = reading.stream, reading.items, reading.units
        self.eyes, self.states = reading.eyes, reading.states
        self.starts = [self.stream[item.start].start for item in self.items]
        self.ends = [self.stream[item.end - 1].end for item in self.items]
        self.cut: set[int] = set()
        self.soft: set[int] = set()  # cut without leaving a seam: the words that name an eye
        self.unit_of = [n for n, u in enumerate(self.units) for _ in range(u.start, u.end)]
        self._lead_cues()

    def _lead_cues(self) -> None:
        """Give `no`, `suspected` before the unit's first eye to the eyes that they speak of."""
        for unit in self.units:
            places = range(unit.start, unit.end)
            eye = next((i for i in places if self.items[i].kind == "eye"), unit.start)
            ahead = range(unit.start, eye)
            kinds = {self.items[i].kind for i in ahead}
            if kinds.isdisjoint(STATING) and not kinds.isdisjoint(("neg", "doubt", "double")):
                named = (side for i in range(eye, unit.end) for side in self.eyes[i])
                eyes = tuple(dict.fromkeys(named))
                for index in ahead:
                    self.eyes[index] = eyes

    def value(self, index: int) -> str:
        """The first value of an item, empty outside the report."""
        return self.items[index].value if 0 <= index < len(self.items) else ""

    def char(self, index: int) -> str:
        """The first symbol of an item in canonical form."""
        return self.stream[self.items[index].start].text if 0 <= index < len(self.items) else ""

    def kind(self, index: int) -> str:
        """The kind of an item; a line break outside the report."""
        return self.items[index].kind if 0 <= index < len(self.items) else "break"

    def span(self, start: int, end: int) -> range:
        """The items that begin in text[start:end]."""
        return range(bisect_left(self.starts, start), bisect_left(self.starts, end))

    def is_empty(self, span: range) -> bool:
        """Whether boilerplate begins among some items."""
        return bool(span) and self.plate.is_empty(self.starts[span.start], self.ends[span.stop - 1])

    # What frames the words -------------------------------------------------------------------

    def cut_frames(self) -> None:
        """Cut headings, the words that name an eye, list numbers and bullets."""
        for start, end, _ in self.plate.headings:
            self.cut.update(self.span(start, end))
        for index, item in enumerate(self.items):
            if item.kind == "eye":
                self._cut_eye(index)
            elif item.kind == "section":
                self.cut.update((index, index + 1))
            elif self.value(index) in BULLETS or "①" <= self.text[self.starts[index]] <= "⑳":
                self.cut.add(index)
            elif self._is_list_number(index):
                self.cut.update(self._number_and_mark(index))

    def _cut_eye(self, index: int) -> None:
        """Cut `in the right eye`, 〔右〕, `Right eye retinal findings:`."""
        first, last = index, index + 1
        while index - first < 2 and self.stream[self.items[first - 1].start].text in _BEFORE_EYE:
            if first == 0 or self.kind(first - 1) == "eye":
                break
            first -= 1
        named = last
        while named - last < _HEADING_WORDS and self.kind(named) in ("site", "section", "word"):
            named += 1
        spoken = [self.stream[self.items[i].start].text for i in range(last, named)]
        colon = self.value(named) in (":", "-", "–", "—") or self.kind(named) == "break"
        if spoken and colon and (self.kind(named - 1) == "section" or set(spoken) <= _NAMES):
            last = named
        while first and self.value(first - 1) in OPEN and self.kind(first - 1) == "mark":
            first -= 1
        while self.kind(last) == "mark" and self.value(last) in CLOSE:
            last += 1
        shows = self.kind(last) == "assert" and self.char(last) in _SHOWS
        if shows or self.value(last) in ("-", "–", "—", ":"):
            last += 1
        self.cut.update(range(first, last))
        if not any(self.kind(i) == "mark" for i in range(first, last)):
            self.soft.update(range(first, last))

    def _opens(self, index: int) -> bool:
        """Whether a sentence, line or part begins here."""
        before = index - 1
        return (
            before < 0
            or self.kind(before) == "break"
            or before in self.cut
            or (self.value(before) in _STRONG and self.kind(before) == "mark")
        )

    def _is_list_number(self, index: int) -> bool:
        value = self.value(index)
        number = self.kind(index) == "number" and value.isdigit() and len(value) < 3
        bracket = self.char(index - 1) == "("
        apart = bracket and index > 1 and self.ends[index - 2] < self.starts[index - 1]
        if not (apart or self._opens(index - bracket)):
            return False
        if number:
            return self.char(index + 1) in (".", "、", ")")
        return self.char(index) in _FIRST and self.char(index + 1) in ("、", ")")

    def _number_and_mark(self, index: int) -> Iterable[int]:
        return range(index - (self.char(index - 1) == "("), index + 2)

    # Text ------------------------------------------------------------------------------------

    def words(self, indexes: list[int]) -> str:
        """The text of some items, a joint where they were apart."""
        parts: list[str] = []
        before = -1
        for index in indexes:
            start, end = self.starts[index], self.ends[index]
            if before >= 0 and index == before + 1:
                parts.append(self.text[self.ends[before] : start])
            elif before >= 0:
                parts.append(self._seam(before, index))
            if self.kind(index) == "break":
                parts.append(" " if self._wrapped(index) else f";{JOINT}")
            else:
                parts.append(self.text[start:end])
            before = index
        return "".join(parts)

    def _seam(self, before: int, index: int) -> str:
        """What stands for the items left out between two: nothing, a comma's place, or a stop."""
        between = range(before + 1, index)
        here, there = (self.units[self.unit_of[i]] for i in (before, index))
        if before < index and here is there and self.soft.issuperset(between):
            return "" if has_han(self.text[self.ends[before] - 1]) else " "
        near = here.sentence == there.sentence and self.cut.issuperset(between)
        return JOINT if near and before < index else f";{JOINT}"

    def _wrapped(self, index: int) -> bool:
        """Whether a line break stands in the middle of an English sentence."""
        if not 0 < index < len(self.items) - 1:
            return False
        after = self.text[self.starts[index + 1]]
        return self.kind(index - 1) not in ("mark", "break") and after.isascii() and after.islower()
