"""Which eye each item of a report speaks of.

An eye named before its findings holds until the next eye is named, across commas and full stops;
an eye named after its findings takes those behind it; an eye in parentheses is an aside, after
which the earlier eye returns. A heading (诊断, Impression) starts anew.
"""

from __future__ import annotations

from funduscope.findings.lexicon import Item
from funduscope.findings.structure import REACH, Unit
from funduscope.findings.symbols import Symbol

Eyes = tuple[str, ...]
SIDES: dict[str, Eyes] = {"OD": ("OD",), "OS": ("OS",), "OU": ("OD", "OS")}
OTHER = {"OD": "OS", "OS": "OD"}
UNKNOWN: Eyes = ("unknown",)
_ALL = ("均", "皆", "都", "both")
STATING = ("finding", "head", "normal", "abnormal", "measure", "grade", "type", "neg_post")


class EyeReader:
    """Walks over the units once; `eyes[i]` is what item i speaks of when it is done."""

    def __init__(self, items: list[Item], cut: list[Unit], stream: list[Symbol]) -> None:
        self.items, self.units, self.stream = items, cut, stream
        self.eyes: list[Eyes] = [UNKNOWN] * len(items)
        self.named: set[str] = set()
        self._current: Eyes = UNKNOWN
        self._last_named: Eyes = UNKNOWN
        # The sentence in which the current eye was named behind its findings, if it was.
        self._closed: int | None = None
        # The eyes that the sentence has named so far.
        self._spoken: set[str] = set()

    def read(self) -> list[Eyes]:
        """The eyes of every item, with the text's only eye for headed sections that name none."""
        stack: list[Eyes] = []
        depth, section, sentence = 0, "", -1
        for number, unit in enumerate(self.units):
            if unit.sentence != sentence:
                sentence, self._spoken = unit.sentence, set()
            if unit.section != section:
                # `右眼所见：` is a heading of one eye; any other heading starts anew.
                named = self._named_before(unit.start)
                fresh = self._current if unit.section == "findings" else UNKNOWN
                self._current = self._resolve(named) if named else fresh
                section, stack = unit.section, []
            while depth < unit.depth:
                stack.append(self._current)
                depth += 1
            while depth > unit.depth:
                earlier = stack.pop() if stack else UNKNOWN
                self._current = self._current if earlier == UNKNOWN else earlier
                depth -= 1
            self._unit(number, unit)
        if len(self.named) == 1:
            self._fill_sections()
        return self.eyes

    def _named_before(self, index: int) -> Item | None:
        """The eye that a heading names: 右眼所见, `Right eye retinal findings`."""
        for item in reversed(self.items[max(0, index - 3) : index]):
            if item.kind == "eye":
                return item
            if item.kind not in ("site", "word"):
                break
        return None

    def _fill_sections(self) -> None:
        """A diagnosis without an eye belongs to the only eye that the text names."""
        for unit in self.units:
            if unit.section in ("diagnosis", "advice"):
                for index in range(unit.start, unit.end):
                    if self.eyes[index] == UNKNOWN:
                        self.eyes[index] = tuple(self.named)

    def _resolve(self, item: Item) -> Eyes:
        value = item.value
        if value == "OTHER":
            known = self._last_named
            eyes = (OTHER[known[0]],) if len(known) == 1 and known[0] in OTHER else UNKNOWN
        else:
            eyes = SIDES[value]
        if eyes != UNKNOWN:
            self.named.update(eyes)
            self._spoken.update(eyes)
            self._last_named = eyes
        return eyes

    def _stating(self, start: int, end: int) -> list[int]:
        return [i for i in range(start, end) if self.items[i].kind in STATING]

    def _unit(self, number: int, unit: Unit) -> None:
        places = [i for i in range(unit.start, unit.end) if self.items[i].kind == "eye"]
        places = [i for i in places if not self._copied(i)]
        stating = self._stating(unit.start, unit.end)
        if not places:
            held = self._current
            if self._spoken == set(OTHER) and self._all(unit):
                self._current = SIDES["OU"]
            self._mark(unit.start, unit.end)
            self._current = held
        elif not stating:
            self._bare(number, unit, places)
        elif places[0] < stating[0]:
            self._prefixed(number, unit, places)
        else:
            self._postfixed(number, unit, places)

    def _copied(self, index: int) -> bool:
        """The eye after 同 / `same as` is a source, not a switch."""
        return index > 0 and self.items[index - 1].kind == "copy"

    def _mark(self, start: int, end: int) -> None:
        for index in range(start, end):
            self.eyes[index] = self._current

    def _prefixed(self, number: int, unit: Unit, places: list[int]) -> None:
        self._mark(unit.start, places[0])
        if self._current == UNKNOWN and places[0] > unit.start:
            self._name_opening(number, unit, places[0])
        opening = [i.value for i in self.items[unit.start : unit.start + 2]]
        if opening == ["OU", ":"] and self._current == UNKNOWN:
            held, self._current = self._current, SIDES["OU"]  # `Retinitis pigmentosa, both eyes: `
            self._reach_back(number, unit, held)
        self._closed = None
        for place, stop in zip(places, [*places[1:], unit.end], strict=True):
            before, joined = self._current, self._joined(place)
            self._current = self._resolve(self.items[place])
            if joined:  # `OD and OS`, 右眼及左眼
                self._current = SIDES["OU"]
                self._last_named = before
            self._mark(place, stop)

    def _name_opening(self, number: int, unit: Unit, place: int) -> None:
        """`Without tears, the fundus of this eye ...`: the tears are its, too."""
        before = self.items[max(unit.start, place - 2) : place]
        if any(self.stream[i.start].text in ("of", "in") for i in before):
            self._resolve(self.items[place])
            held, self._current = self._current, SIDES.get(self.items[place].value, UNKNOWN)
            self._mark(unit.start, place)
            self._reach_back(number, unit, held)
            self._current = held

    def _all(self, unit: Unit) -> bool:
        """右眼…，左眼…，均…: both eyes that the sentence has named."""
        return self.stream[self.items[unit.start].start].text in _ALL

    def _joined(self, place: int) -> bool:
        """Whether only a list's word stands between this eye and another one before it."""
        if place < 2 or self.items[place - 1].kind != "list":
            return False
        here, before = self.items[place], self.items[place - 2]
        return before.kind == "eye" and {here.value, before.value} == {"OD", "OS"}

    def _bare(self, number: int, unit: Unit, places: list[int]) -> None:
        """A unit of eyes only: behind its findings (`..., right eye.`) or a heading (`OD:`)."""
        held = self._current
        self._prefixed(number, unit, places)
        self._mark(unit.start, places[0])
        last = self.items[unit.end - 1]
        nxt = self.units[number + 1] if number + 1 < len(self.units) else None
        ends = nxt is None or nxt.sentence != unit.sentence
        aside = unit.depth > 0 and last.values == (")",)
        colon = any(self.items[i].values == (":",) for i in self._span(unit))
        heads = nxt is not None and self.items[nxt.start].kind == "section"  # `左眼眼底：`
        both = self.items[places[-1]].values == ("OU",)  # `Retinitis pigmentosa, both eyes: ...`
        behind = not heads and (ends or aside or (held == UNKNOWN and (both or not colon)))
        if behind and not any(self.items[i].kind == "copy" for i in self._span(unit)):
            self._reach_back(number, unit, held)

    def _span(self, unit: Unit) -> range:
        return range(unit.start, unit.end)

    def _reach_back(self, number: int, unit: Unit, held: Eyes) -> None:
        """Give this unit's eye to the sentence's earlier units that named none themselves."""
        for before in reversed(self.units[max(0, number - REACH) : number]):
            if before.sentence != unit.sentence:
                break
            own = [i for i in self._span(before) if self.items[i].kind == "eye"]
            if any(not self._copied(i) for i in own):
                break
            for index in self._span(before):
                if self.eyes[index] == held:
                    self.eyes[index] = self._current

    def _postfixed(self, number: int, unit: Unit, places: list[int]) -> None:
        held, begin = self._current, unit.start
        # `A OD; B, C OS`: what stands behind a sentence that its own eye has closed waits for one.
        waits = held == UNKNOWN or self._closed not in (None, unit.sentence)
        for place in places:
            after = self.items[place + 1] if place + 1 < unit.end else None
            chinese = self.stream[self.items[place].start].kind == "han"
            opens = chinese and after is not None and after.kind not in ("mark", "break")
            eyes = self._resolve(self.items[place])
            if opens:
                if self.items[place - 1].values == (":",):  # `VTDR: right eye no`
                    self._current = UNKNOWN
                self._mark(begin, place)
                self._current = eyes
            else:
                self._current = eyes
                self._mark(begin, place)
                if begin == unit.start and waits:
                    self._reach_back(number, unit, held)
                self._closed = unit.sentence
            begin = place
        self._mark(begin, unit.end)
