"""Lists under one cue: where `no a, b, or c` ends, and where `a, b or c not seen` begins."""

from __future__ import annotations

from funduscope.findings.lexicon import Item, lexicon
from funduscope.findings.structure import REACH, Unit
from funduscope.findings.symbols import Symbol

STATING = ("finding", "head", "measure", "normal", "abnormal", "type")
_PREPOSITIONS = ("on", "in", "at", "of", "within", "during", "throughout", "near", "along", "today")
# Words unknown to the lexicon that an element of a list may hold: `no hemorrhage, mass, or edema`.
_MOST_WORDS = 4


class Lists:
    """Looks at the units around a cue."""

    def __init__(self, items: list[Item], cut: list[Unit], stream: list[Symbol]) -> None:
        self.items, self.units, self.stream = items, cut, stream

    def stating(self, start: int, end: int) -> list[int]:
        """The items from `start` to `end` that state something."""
        return [i for i in range(start, end) if self.items[i].kind in STATING]

    def elements_after(self, number: int) -> tuple[int, bool]:
        """How many bare elements follow a unit up to the end of its sentence (0 if other words
        do), and whether an `or` joins them: `no a, b, or c`, 未见a，b，c."""
        unit = self.units[number]
        elements = 0
        eyeless = all(i.kind != "eye" for i in self.items[unit.start : unit.end])
        for after in self.units[number + 1 : number + REACH]:
            if after.sentence != unit.sentence or after.depth != unit.depth:
                break
            inside = self.items[after.start : after.end]
            if inside[0].kind == "list":
                return elements, all(i.kind != "neg" for i in inside[:2])
            if eyeless and inside[-1].kind in ("mark", "eye"):  # `no a, b, c OD.`
                inside = inside[:-2] + [i for i in inside[-2:] if i.kind != "eye"]
            if not self._bare(inside):
                return 0, False
            elements += 1
            if any(i.kind == "list" for i in inside):
                return elements, True
        return elements, False

    def listed_before(self, number: int, unit: Unit, index: int) -> list[int]:
        """Elements before the comma of a list under a cue behind it: `a, b or c not seen`."""
        listed: list[int] = []
        near = self.items[max(unit.start, index - REACH) : index]
        joined = [i for i in near if i.kind == "list"]
        if not any(self.stream[i.start].kind == "word" for i in joined):
            return listed  # a Chinese comma ends the clause: 色素紊乱，出血及渗出均未见
        for before in reversed(self.units[max(0, number - REACH) : number]):
            first = before.start
            while first < before.end and self.items[first].kind in ("eye", "mark", "break"):
                first += 1
            headed = first > before.start and self.items[before.start].kind == "eye"
            inside = self.items[first if headed else before.start : before.end]
            if before.sentence != unit.sentence or not (inside and self._bare(inside)):
                break
            if any(i.kind == "list" for i in inside) and inside[0].kind != "list":
                break  # `a and b, c or d not seen`: a list of its own
            listed = self.stating(before.start, before.end) + listed
            if headed:
                break
        return listed

    def joined(self, behind: list[int], index: int) -> list[int]:
        """Of findings before an English cue, those of one list: `PRP, NVD and NVE regressed`."""
        if self.stream[self.items[index].start].kind != "word":
            return behind
        for place in range(len(behind) - 1, 0, -1):
            between = self.items[behind[place - 1] + 1 : behind[place]]
            if not any(i.kind in ("list", "mark", "site", "word") for i in between):
                return behind[place:]
        return behind

    def alone(self, unit: Unit, index: int) -> bool:
        """Whether nothing but marks stands with a cue in its unit."""
        if unit.end - unit.start > REACH:
            return False
        others = (i for i in range(unit.start, unit.end) if i != index)
        return all(self.items[i].kind in ("mark", "break", "assert") for i in others)

    def unit_before(self, number: int, unit: Unit) -> list[int]:
        """The findings that a cue standing alone speaks of: `obstruction, resolved`, X（左）待排.

        What stands in parentheses between them belongs to the same words.
        """
        found: list[int] = []
        for before in reversed(self.units[max(0, number - REACH) : number]):
            if before.sentence != unit.sentence:
                break
            found = self.stating(before.start, before.end) + found
            if before.depth <= unit.depth:
                break
        return found

    def _bare(self, inside: list[Item]) -> bool:
        """Nothing but names of findings and sites, or a word or two: a list's element.

        What follows a preposition says where or when: `tears or RD on indentation`.
        """
        if any(self.stream[i.start].text == "+" or i.values == ("normal",) for i in inside):
            return False  # `nuclear sclerosis 1+`
        english = bool(inside) and self.stream[inside[0].start].kind == "word"
        for place, item in enumerate(inside if english else []):
            behind = item.kind == "number" or self.stream[item.start].text in _PREPOSITIONS
            listed = item.kind == "assert" and any(i.kind == "list" for i in inside[:place])
            if place and (behind or listed):  # `..., hemorrhages or exudates seen`
                inside = inside[:place]
                break
        plain = [i for i in inside if i.kind not in ("mark", "break", "list", "site")]
        unknown = sum(i.kind == "word" for i in plain)
        if unknown > _MOST_WORDS or (unknown and any(i.kind == "site" for i in inside)):
            return False  # `macula flat` is a clause of its own
        if any(i.kind == "site" for i in inside) and any(
            i.head in lexicon().predicates for i in plain
        ):
            return False  # so is `disc pale`
        return bool(plain) and all(i.kind in ("finding", "head", "word") for i in plain)
