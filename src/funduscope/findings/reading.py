"""A report while it is read: its items, units, eyes and states, and the findings met so far."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from funduscope.findings.eyes import EyeReader, Eyes
from funduscope.findings.grades import mark_grades
from funduscope.findings.lexicon import Item, lexicon
from funduscope.findings.status import State, StatusReader
from funduscope.findings.structure import REACH, Unit, refine, units
from funduscope.findings.symbols import Symbol, symbols


@dataclass(slots=True)
class Mention:
    """A finding met at an item; `grades` by eye."""

    code: str
    index: int
    unit: int
    eyes: Eyes
    state: State
    rule: str
    grades: dict[str, str] = field(default_factory=dict)
    eyes_by_grade: bool = False


@dataclass(slots=True)
class Reading:
    """What is known of a report; `eyes` and `states` are one an item."""

    stream: list[Symbol]
    items: list[Item]
    units: list[Unit]
    eyes: list[Eyes]
    states: list[State]
    mentions: list[Mention] = field(default_factory=list)
    _starts: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, text: str) -> Reading:
        """Everything up to the findings themselves."""
        stream = symbols(text)
        return cls.of_items(lexicon().scan(stream), stream)

    @classmethod
    def of_items(cls, scanned: list[Item], stream: list[Symbol]) -> Reading:
        """The same, from items as the lexicon finds them."""
        items = mark_grades(refine(scanned, stream), stream)
        cut = units(items, stream)
        eyes = EyeReader(items, cut, stream).read()
        states = StatusReader(items, cut, stream).read()
        return cls(stream, items, cut, eyes, states, [], [unit.start for unit in cut])

    def mention(self, code: str, index: int, number: int, rule: str) -> Mention:
        """A finding at item `index` of unit `number`, with that item's eyes and state."""
        found = Mention(code, index, number, self.eyes[index], self.states[index], rule)
        self.mentions.append(found)
        return found

    def unit_of(self, index: int) -> int:
        """The number of the unit in which an item lies."""
        return bisect_right(self._starts, index) - 1

    def sentence(self, number: int) -> int:
        """The sentence of a unit."""
        return self.units[number].sentence

    def inside(self, index: int, unit: Unit) -> list[Item]:
        """The items of a unit within reach of one of them."""
        return self.items[max(unit.start, index - REACH) : min(unit.end, index + REACH)]

    def words(self, index: int) -> str:
        """The canonical text of an item."""
        item = self.items[index]
        return "".join(symbol.text for symbol in self.stream[item.start : item.end])
