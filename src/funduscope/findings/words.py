"""The words of each eye as written: what `captions` keeps of a report's own text.

Left out: the words that name an eye, headings, list numbers, and, where asked, boilerplate (see
`boilerplate`). A copy (余同右眼, `same as OD`) is replaced by the words that it copies.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from funduscope.findings import boilerplate
from funduscope.findings.eyes import OTHER, SIDES, STATING, EyeReader
from funduscope.findings.grades import mark_grades
from funduscope.findings.lexicon import Item, lexicon
from funduscope.findings.status import StatusReader
from funduscope.findings.structure import REACH, Unit, refine, units
from funduscope.findings.symbols import has_han, symbols
from funduscope.findings.vocabulary import vocabulary

_STRONG = set("。;!?….；！？")
_OPEN, _CLOSE = "([{（【《〔〈<［", ")]}）】》〕〉>］"
_BULLETS = tuple("◆●■▲★*•#※·")
_BEFORE_EYE = ("on", "in", "of", "for", "the", "to", "from", "at")
_SHOWS = ("示", "show", "reveal", "demonstrate", "with", "has", "have")
_AFTER_EYE = ("fundus", "retinal", "retina", "eye", "side", "view", "image")
_FIRST = tuple("一二三四五六七八九十")
# How many words may stand between an eye and the colon of its heading: `Right eye retinal exam:`.
_HEADING_WORDS = 4
_JOINT = "\x1f"
_STOPS = "。.；;，,、：:"


def eye_texts(text: str) -> dict[str, str]:
    """The words of each eye as written: {"OD": ..., "OS": ...}, or {"unknown": ...}.

    Both-eye statements stand in both. An eye's own heading (`Right eye:`, 右眼), other headings,
    list numbers and the marks around them are left out; everything else is the text's. Pieces that
    were apart are joined by `; ` or `；`. Statements without an eye are given only when no eye is
    named anywhere.
    """
    return words_by_eye(text, skip=None)


def words_by_eye(text: str, *, skip: tuple[str, ...] | None) -> dict[str, str]:
    """As `eye_texts`, without boilerplate and the sections in `skip` (`advice`, `history`...).

    skip: None keeps boilerplate. Linear in the length of the text.
    """
    report = _Report(text)
    report.cut_frames()
    if skip is not None:
        report.cut_sections(skip)
        report.cut_boilerplate()
    copied = report.cut_copies()
    # Eyes in a form that was not read: whose words these are is not known.
    sided = report.cut_sides()
    if sided and not any(set(eyes) & set(OTHER) for eyes in report.eyes):
        return {}
    found = {}
    for side in ("OD", "OS", "unknown"):
        kept = report.of_eye(side, copied)
        words = _tidy(report.words(kept))
        if any(c.isalnum() for c in words) and (skip is None or report.describes(kept)):
            found[side] = words
    if len(found) > 1:
        found.pop("unknown", None)
    return found


class _Report:
    """A report's items, what each speaks of, and which of them are cut."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.stream = stream = symbols(text)
        self.items: list[Item] = mark_grades(refine(lexicon().scan(stream), stream), stream)
        self.units: list[Unit] = units(self.items, stream)
        self.eyes = EyeReader(self.items, self.units, stream).read()
        self.states = StatusReader(self.items, self.units, stream).read()
        self.starts = [stream[item.start].start for item in self.items]
        self.ends = [stream[item.end - 1].end for item in self.items]
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

    def _value(self, index: int) -> str:
        inside = 0 <= index < len(self.items)
        return self.items[index].values[0] if inside and self.items[index].values else ""

    def _char(self, index: int) -> str:
        """The first symbol of an item in canonical form."""
        return self.stream[self.items[index].start].text if 0 <= index < len(self.items) else ""

    def _kind(self, index: int) -> str:
        return self.items[index].kind if 0 <= index < len(self.items) else "break"

    def _span(self, start: int, end: int) -> range:
        """The items that begin in text[start:end]."""
        return range(bisect_left(self.starts, start), bisect_left(self.starts, end))

    def _said(self, first: int, last: int) -> str:
        return self.text[self.starts[first] : self.ends[last - 1]] if last > first else ""

    # What frames the words -------------------------------------------------------------------

    def cut_frames(self) -> None:
        """Cut headings, the words that name an eye, list numbers and bullets."""
        for start, end, _ in boilerplate.headings(self.text):
            self.cut.update(self._span(start, end))
        for index, item in enumerate(self.items):
            if item.kind == "eye":
                self._cut_eye(index)
            elif item.kind == "section":
                self.cut.update((index, index + 1))
            elif self._value(index) in _BULLETS or "①" <= self.text[self.starts[index]] <= "⑳":
                self.cut.add(index)
            elif self._is_list_number(index):
                self.cut.update(self._number_and_mark(index))

    def _cut_eye(self, index: int) -> None:
        """Cut `in the right eye`, 〔右〕, `Right eye retinal findings:`."""
        first, last = index, index + 1
        while index - first < 2 and self.stream[self.items[first - 1].start].text in _BEFORE_EYE:
            if first == 0 or self._kind(first - 1) == "eye":
                break
            first -= 1
        named = last
        while named - last < _HEADING_WORDS and self._kind(named) in ("site", "section", "word"):
            named += 1
        spoken = [self.stream[self.items[i].start].text for i in range(last, named)]
        colon = self._value(named) in (":", "-", "–", "—") or self._kind(named) == "break"
        if spoken and colon and (self._kind(named - 1) == "section" or set(spoken) <= _NAMES):
            last = named
        while first and self._value(first - 1) in _OPEN and self._kind(first - 1) == "mark":
            first -= 1
        while self._kind(last) == "mark" and self._value(last) in _CLOSE:
            last += 1
        if self._value(last) in ("-", "–", "—", ":"):
            last += 1
        elif self._kind(last) == "assert" and self._char(last) in _SHOWS:
            last += 1
        self.cut.update(range(first, last))
        if not any(self._kind(i) == "mark" for i in range(first, last)):
            self.soft.update(range(first, last))

    def _opens(self, index: int) -> bool:
        """Whether a sentence, line or part begins here."""
        before = index - 1
        return before < 0 or self._kind(before) == "break" or before in self.cut or (
            self._value(before) in _STRONG and self._kind(before) == "mark"
        )

    def _is_list_number(self, index: int) -> bool:
        value = self._value(index)
        number = self._kind(index) == "number" and value.isdigit() and len(value) < 3
        bracket = self._char(index - 1) == "("
        apart = bracket and index > 1 and self.ends[index - 2] < self.starts[index - 1]
        if not (apart or self._opens(index - bracket)):
            return False
        if number:
            return self._char(index + 1) in (".", "、", ")")
        return self._char(index) in _FIRST and self._char(index + 1) in ("、", ")")

    def _number_and_mark(self, index: int) -> Iterable[int]:
        return range(index - (self._char(index - 1) == "("), index + 2)

    # What is no description ------------------------------------------------------------------

    def cut_sections(self, skip: tuple[str, ...]) -> None:
        """Cut the sections named in `skip`, and lines under a heading of an aside."""
        for unit in self.units:
            if unit.section in skip:
                self.cut.update(range(unit.start, unit.end))
        for start, end, kind in boilerplate.headings(self.text):
            if kind == "aside":
                self._cut_aside(self._span(start, end), end)

    def _cut_aside(self, heading: range, end: int) -> None:
        stop = self.text.find("\n", end)
        line = self._span(end, len(self.text) if stop < 0 else stop)
        for index in line:
            if self._kind(index) == "eye" or index in self.cut:
                break
            number = self.unit_of[index]
            sentence = self.units[number].sentence
            fresh = index > line.start and self.units[self.unit_of[index - 1]].sentence != sentence
            if fresh and self.describes(self._sentence(number)):
                break
            self.cut.add(index)

    def _sentence(self, number: int) -> range:
        """The items of a unit's sentence, as far as a cue reaches."""
        sentence, last = self.units[number].sentence, number
        while last + 1 < min(len(self.units), number + REACH):
            if self.units[last + 1].sentence != sentence:
                break
            last += 1
        return range(self.units[number].start, self.units[last].end)

    def _shows(self, index: int) -> bool:
        """Whether an item says something that a photograph can show."""
        item, state = self.items[index], self.states[index]
        if item.kind not in (*STATING, "type"):
            return False
        if item.kind in ("grade", "neg_post"):
            return True
        found = [vocabulary()[v].kind for v in item.values if v in vocabulary()]
        if found and all(kind == "systemic" for kind in found):
            return False
        # 血管走行正常: whatever made it history, a normal structure is seen now.
        plain = item.kind == "normal" or "normal" in item.values or "treatment" in found
        past = state.temporality == "history" and not plain
        here = state.status != "dropped" and state.experiencer == "patient"
        return here and not past and not state.advice

    def describes(self, span: Iterable[int]) -> bool:
        """Whether some items name a finding or a part of the eye."""
        return any(self._shows(i) or self._kind(i) == "site" for i in span)

    def cut_boilerplate(self) -> None:
        """Cut signatures, then sentences, clauses and brackets that describe nothing."""
        for start, end in boilerplate.signatures(self.text):
            self.cut.update(self._span(start, end))
        for group in self._groups(sentences=True):
            if boilerplate.is_empty(self._said(group.start, group.stop)):
                if not self.describes(group):
                    self.cut.update(group)
        for group in self._groups(sentences=False):
            self._cut_clause(group)
        for unit in self.units:
            self._cut_unit(unit)

    def _groups(self, *, sentences: bool) -> Iterator[range]:
        """Sentences, or the clauses between their commas with the brackets in them."""
        first = 0
        for before, unit in zip(self.units, self.units[1:], strict=False):
            new = unit.sentence != before.sentence
            comma = self._value(before.end - 1) == "," or self._kind(unit.start) == "contrast"
            if new or (comma and not sentences):
                yield range(first, unit.start)
                first = unit.start
        yield range(first, len(self.items))

    def _cut_clause(self, clause: range) -> None:
        said = self._said(clause.start, clause.stop)
        shown = any(self._shows(i) for i in clause)
        stating = any(self._kind(i) in ("finding", "head", "measure") for i in clause)
        empty = boilerplate.is_empty(said) or any(self._kind(i) == "advise" for i in clause)
        if boilerplate.is_turned(said) or (not shown and stating):
            self.cut.update(clause)
        elif not shown and empty:
            self.cut.update(range(clause.start, self._after_colon(clause)))

    def _after_colon(self, clause: range) -> int:
        """Where a description begins in a clause that opens with boilerplate: 本次照相：视盘…."""
        for index in reversed(clause):
            if self._char(index) == ":" and self._kind(index) == "mark":
                after = range(index + 1, clause.stop)
                if any(self._kind(i) == "site" for i in after):
                    if not boilerplate.is_empty(self._said(after.start, after.stop)):
                        return index + 1
        return clause.stop

    def _cut_unit(self, unit: Unit) -> None:
        span = range(unit.start, unit.end)
        opening = [self._kind(i) for i in span[:2]]
        if ("advise" in opening or "condition" in opening) and unit.section != "findings":
            number = self.unit_of[unit.start]
            self.cut.update(self._sentence(number))
        elif not any(self._shows(i) for i in span) and (
            unit.depth or not any(self._kind(i) == "site" for i in span)
        ):
            if boilerplate.is_empty(self._said(unit.start, unit.end)):
                self.cut.update(span)

    def cut_sides(self) -> bool:
        """Cut clauses in which a side is named that was not read as an eye; whether there are."""
        found = False
        for group in self._groups(sentences=False):
            if any(self._is_side(i) for i in group):
                self.cut.update(group)
                found = True
        return found

    def _is_side(self, index: int) -> bool:
        item = self.items[index]
        after = self.stream[item.end].text if item.end < len(self.stream) else ""
        where = after in ("上", "下", "方", "lower", "upper", "of", "hand")
        return item.kind == "other" and item.values[0] in SIDES and not where

    # Copies ----------------------------------------------------------------------------------

    def cut_copies(self) -> dict[int, tuple[str, bool]]:
        """Cut the words of copies; where they stood: the eye that is copied, and if only the rest."""
        copied = {}
        for index, item in enumerate(self.items):
            source = ""
            if item.kind == "copy" and self._kind(index + 1) == "eye":
                source = self._value(index + 1)
            elif item.kind == "copy_above":
                source = OTHER.get(self.eyes[index][0], "")
            if source not in OTHER or index in self.cut - self.soft:
                continue
            rest = self.stream[item.start].text in ("余", "其", "otherwise", "rest")
            copied[index] = (source, rest)
            unit = self.units[self.unit_of[index]]
            span = range(unit.start, unit.end)
            if not any(self._kind(i) in STATING for i in span):
                self.cut.update(i for i in span if self._kind(i) not in ("mark", "break"))
            self.cut.update((index, index + 1) if item.kind == "copy" else (index,))
        return copied

    def of_eye(self, side: str, copied: dict[int, tuple[str, bool]]) -> list[int]:
        """The items of an eye in order, with those that it takes over from the other."""
        own = [i for i, eyes in enumerate(self.eyes) if side in eyes]
        kept = [i for i in own if i not in self.cut]
        taken: dict[int, list[int]] = {}
        done: set[tuple[str, bool]] = set()
        for index, copy in copied.items():
            if OTHER[copy[0]] == side and copy not in done:
                done.add(copy)
                taken[index] = self._taken(index, side, copy, kept)
        if not taken:
            return kept
        marked = sorted({*kept, *taken})
        return [i for at in marked for i in (taken[at] if at in taken else [at])]

    def _taken(self, at: int, side: str, copy: tuple[str, bool], kept: list[int]) -> list[int]:
        """The other eye's words nearest to a copy, before it or else behind it."""
        source, rest = copy
        theirs = self._block(range(at - 1, -1, -1), source, side)[::-1]
        theirs = theirs or self._block(range(at + 1, len(self.items)), source, side)
        treated = {self.units[self.unit_of[i]].sentence for i in theirs if self._is_past(i)}
        mine = {topic for i in kept for topic in self._topics(i)} if rest else set()
        clash = {
            self.unit_of[i]
            for i in theirs
            if not mine.isdisjoint(self._topics(i)) or (rest and "normal" in self._topics(i))
        }
        return [
            i
            for i in theirs
            if self.unit_of[i] not in clash
            and self.units[self.unit_of[i]].sentence not in treated
        ]

    def _block(self, places: Iterable[int], source: str, side: str) -> list[int]:
        """The first run of the other eye's own items that is not broken by this eye's own."""
        found: list[int] = []
        for index in places:
            eyes = self.eyes[index]
            if source in eyes and side not in eyes:
                found += [] if index in self.cut else [index]
            elif found and side in eyes and source not in eyes and index not in self.cut:
                break
        return found

    def _is_past(self, index: int) -> bool:
        """Whether an item is of one eye's past, which no copy hands over."""
        codes = [v for v in self.items[index].values if v in vocabulary() and v != "normal"]
        treated = any(vocabulary()[code].kind == "treatment" for code in codes)
        return treated or bool(codes and self.states[index].temporality == "history")

    def _topics(self, index: int) -> tuple[str, ...]:
        """What an item speaks of: its finding and the broader ones, or its site."""
        item, words = self.items[index], vocabulary()
        if item.kind == "site":
            return (item.values[0],) if item.values[0] not in ("retina", "fundus") else ()
        codes = [v for v in item.values if v in words and item.kind in STATING]
        return tuple(c for v in codes for c in (v, *words.ancestors(v), *words.descendants(v)))

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
            if self._kind(index) == "break":
                parts.append(" " if self._wrapped(index) else f";{_JOINT}")
            else:
                parts.append(self.text[start:end])
            before = index
        return "".join(parts)

    def _seam(self, before: int, index: int) -> str:
        """What stands for the items left out between two: nothing, a comma's place, or a stop."""
        between = range(before + 1, index)
        here, there = (self.units[self.unit_of[i]] for i in (before, index))
        if before < index and here is there and self.soft.issuperset(between):
            return "" if has_han(self._said(before, before + 1)) else " "
        near = here.sentence == there.sentence and self.cut.issuperset(between)
        return _JOINT if near and before < index else f";{_JOINT}"

    def _wrapped(self, index: int) -> bool:
        """Whether a line break stands in the middle of an English sentence."""
        if not 0 < index < len(self.items) - 1:
            return False
        after = self.text[self.starts[index + 1]]
        return self._kind(index - 1) not in ("mark", "break") and after.isascii() and after.islower()


_NAMES = {*_AFTER_EYE, "眼底", "finding", "findings", "exam", "examination", "photo", "photograph"}


_RUN = re.compile(rf"[\s/|／{re.escape(_STOPS)}]*{_JOINT}[\s/|／{re.escape(_STOPS)}{_JOINT}]*")
_DOUBLE = re.compile(rf"[{re.escape(_STOPS)}](?:\s*[{re.escape(_STOPS)}])+")
_EMPTY = re.compile(rf"[{re.escape(_OPEN)}][\s{re.escape(_STOPS)}]*[{re.escape(_CLOSE)}]")
_ENDS = " \n\t\u3000;；,，.。、:：/／|—–-" + "".join(_BULLETS)
_WIDE = {0xFEE0 + code: code for code in range(0x30, 0x7B) if chr(code).isalnum()} | {0x3000: 0x20}


def _tidy(words: str) -> str:
    """Pieces joined, marks that lost their words removed; empty where no word is left."""
    words = words.translate(_WIDE)
    plain = "；" if has_han(words) else "; "

    def joined(run: re.Match[str]) -> str:
        comma = next((m for m in run.group() if m in "，,"), "")
        if not comma or not set("。.；;").isdisjoint(run.group()):
            return plain
        return comma if comma == "，" else ", "

    words = _EMPTY.sub("", words)
    words = _RUN.sub(joined, words)
    words = _DOUBLE.sub(lambda run: _strongest(run.group()), words)
    words = _balanced(words)
    words = re.sub(r"(?<=[，。；：、])\s+|\s+(?=[，。；：、,;])", "", re.sub(r"\s+", " ", words))
    return words.strip(_ENDS)


def _strongest(run: str) -> str:
    """Of marks that met because words between them went, the one that ends most."""
    marks = [m for m in run if m in _STOPS]
    if len(set(marks)) == 1 and marks[0] in ".:":
        return run  # an ellipsis
    mark = min(marks, key=_STOPS.index)
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
