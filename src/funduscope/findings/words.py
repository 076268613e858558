"""The words of each eye as written: what `captions` keeps of a report's own text.

Left out: the words that name an eye, headings, list numbers, and, where asked, boilerplate (see
`boilerplate`). A copy (`idem`) is replaced by the words that it copies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from funduscope.findings.copies import copies
from funduscope.findings.eyes import OTHER, SIDES, STATING
from funduscope.findings.joining import tidy
from funduscope.findings.lexicon import lexicon
from funduscope.findings.report_items import ReportItems
from funduscope.findings.structure import REACH, Unit
from funduscope.findings.vocabulary import vocabulary

# How many commas back the part of the eye may stand of which a head speaks.
_COMMAS = 8
_POINTED = ("图", "上", "下", "前")


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
    sided = skip is not None and report.cut_sides()
    if sided and not any(set(eyes) & set(OTHER) for eyes in report.eyes):
        return {}
    found = {}
    for side in ("OD", "OS", "unknown"):
        kept = report.of_eye(side, copied)
        words = tidy(report.words(kept))
        if any(c.isalnum() for c in words) and (skip is None or report.describes(kept)):
            found[side] = words
    if len(found) > 1:
        found.pop("unknown", None)
    return found


class _Report(ReportItems):
    """A report of which boilerplate is cut, and whose copies are filled in."""

    # What is no description ------------------------------------------------------------------

    def cut_sections(self, skip: tuple[str, ...]) -> None:
        """Cut the sections named in `skip`, and lines under a heading of an aside."""
        for unit in self.units:
            if unit.section in skip:
                self.cut.update(range(unit.start, unit.end))
        for _, end, kind in self.plate.headings:
            if kind == "aside":
                self._cut_aside(end)

    def _cut_aside(self, end: int) -> None:
        """Cut what follows a heading on its line, up to an eye or a sentence that describes."""
        stop = self.text.find("\n", end)
        line = self.span(end, len(self.text) if stop < 0 else stop)
        for index in line:
            if self.kind(index) == "eye" or index in self.cut:
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
        if item.kind == "head" and not item.values and not self._sited(index):
            return False  # 大, 孔, `dilated` of no part of the eye
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

    def _sited(self, index: int) -> bool:
        """Whether a head names a finding by itself, or a part of the eye stands in its sentence."""
        if any(c.site == "-" for c in lexicon().composites[self.items[index].head]):
            return True
        number = self.unit_of[index]
        first = number
        while first and number - first < _COMMAS:
            if self.units[first - 1].sentence != self.units[number].sentence:
                break
            first -= 1
        near = range(max(self.units[first].start, index - REACH), self.units[number].end)
        sites = [i for i in near[: 2 * REACH] if self.kind(i) == "site"]
        return any(self.value(i) != "elsewhere" for i in sites)

    def describes(self, span: Iterable[int]) -> bool:
        """Whether some items name a finding or a part of the eye."""
        return any(self._shows(i) or self.kind(i) == "site" for i in span)

    def cut_boilerplate(self) -> None:
        """Cut signatures, then sentences, clauses and brackets that describe nothing."""
        for start, end in self.plate.signed:
            self.cut.update(self.span(start, end))
        for group in self._groups(sentences=True):
            if self.is_empty(group) and not self.describes(group):
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
            comma = self.value(before.end - 1) == "," or self.kind(unit.start) == "contrast"
            if new or (comma and not sentences):
                yield range(first, unit.start)
                first = unit.start
        yield range(first, len(self.items))

    def _cut_clause(self, clause: range) -> None:
        shown = any(self._shows(i) for i in clause)
        stating = any(self.kind(i) in ("finding", "measure") for i in clause)
        empty = self.is_empty(clause) or any(self.kind(i) == "advise" for i in clause)
        turned = bool(clause) and self.plate.is_turned(
            self.starts[clause.start], self.ends[clause.stop - 1]
        )
        if turned or (not shown and (stating or self._is_photo(clause))):
            self.cut.update(clause)
        elif not shown and empty:
            self.cut.update(range(clause.start, self._after_colon(clause)))

    def _is_photo(self, clause: range) -> bool:
        """Whether a clause says that there is a photograph, and nothing of what it shows."""
        said = {self.value(i) for i in clause if self.kind(i) == "site"}
        shows = any(self.kind(i) == "assert" for i in clause)
        if not clause or shows or not said <= {"fundus", "retina", "image"}:
            return False
        return self.plate.is_photo(self.starts[clause.start], self.ends[clause.stop - 1])

    def _after_colon(self, clause: range) -> int:
        """Where a description begins in a clause that opens with boilerplate: 本次照相：视盘…."""
        named = False
        for index in reversed(clause):
            named = named or self.kind(index) == "site"
            if named and self.kind(index) == "mark" and self.char(index) == ":":
                after = range(index + 1, clause.stop)
                return clause.stop if self.is_empty(after) else index + 1
        return clause.stop

    def _cut_unit(self, unit: Unit) -> None:
        span = range(unit.start, unit.end)
        opening = [i for i in span[:2] if self.kind(i) in ("advise", "condition")]
        pictured = any(self.char(i + 1) in _POINTED for i in opening)  # 如图所示
        if opening and not pictured:
            self.cut.update(self._sentence(self.unit_of[unit.start]))
            return
        shown = any(self._shows(i) for i in span)
        named = not unit.depth and any(self.kind(i) == "site" for i in span)
        if self.is_empty(span) and not (shown or named):
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
        return item.kind == "other" and item.value in SIDES and not where

    # Copies ----------------------------------------------------------------------------------

    def cut_copies(self) -> dict[int, tuple[str, bool]]:
        """Cut the words of copies; where they stood: the eye copied, and if only the rest is."""
        copied = {}
        for index, source, rest in copies(self.items, self.eyes, self.stream):
            if index in self.cut and index not in self.soft:
                continue
            copied[index] = (source, rest)
            unit = self.units[self.unit_of[index]]
            span = range(max(unit.start, index - REACH), min(unit.end, index + REACH))
            if not any(self.kind(i) in STATING for i in span):
                self.cut.update(i for i in span if self.kind(i) not in ("mark", "break"))
            self.cut.update((index, index + 1) if self.kind(index + 1) == "eye" else (index,))
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
        return [i for at in marked for i in taken.get(at, [at])]

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
            if self.unit_of[i] not in clash and self.units[self.unit_of[i]].sentence not in treated
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
            return (item.value,) if item.value not in ("retina", "fundus") else ()
        codes = [v for v in item.values if v in words and item.kind in STATING]
        return tuple(c for v in codes for c in (v, *words.ancestors(v), *words.descendants(v)))
