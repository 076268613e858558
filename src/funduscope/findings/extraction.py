"""Report text -> assertions per eye: `extract`.

symbols -> lexicon items -> units -> eyes and status of each item (`reading`) -> findings, with
what is left out (`ellipsis`) -> grades -> rows (`rows`).
"""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache

from funduscope.findings import ellipsis
from funduscope.findings.assertions import Assertion
from funduscope.findings.eyes import SIDES, UNKNOWN
from funduscope.findings.grades import DEFAULTS, TARGETS, on_scale
from funduscope.findings.lexicon import Composite, Item, lexicon
from funduscope.findings.reading import Mention, Reading
from funduscope.findings.rows import assertions_of
from funduscope.findings.status import State
from funduscope.findings.structure import REACH, Unit
from funduscope.findings.vocabulary import vocabulary

# How many commas back a site may stand that its head leaves out: 晶状体透明，……，轻度混浊.
_COMMAS = 8
_WHOLE_EYE = ("fundus", "retina", "image")
# Words beside `normal` that name no thing.
_HEDGES = {*"大致基本均完全尚在范围内亦也仍", *["grossly", "essentially", "completely", "appear"]}
_HOLE = ("裂孔", "孔", "hole")
_TOLD = {"finding", "head", "gone", "measure", "type", "normal", "abnormal"}
_TOLD |= {"neg", "neg_post", "doubt", "yes", "assert"}


def extract(text: str, *, language: str | None = None) -> list[Assertion]:
    """Every assertion a report makes, in text order.

    `language` is accepted for callers that know it; both languages are read at once, so it
    changes nothing. Deterministic, offline, linear in the length of the text.
    """
    del language
    reading = Reading.of(text)
    _Finder(reading).find()
    _Grader(reading).grade()
    return assertions_of(reading)


class _Finder:
    """Items -> mentions, in text order."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.items, self.units, self.eyes = reading.items, reading.units, reading.eyes
        self.composites = lexicon().composites
        self._carried: dict[str, str] = {}
        self._macular = {"macular_edema", *vocabulary().descendants("macular_edema")}

    def find(self) -> None:
        """Fill `reading.mentions`."""
        for number, unit in enumerate(self.units):
            for index in range(unit.start, unit.end):
                if self.items[index].kind in _TOLD:
                    self._item(index, number, unit)

    def _item(self, index: int, number: int, unit: Unit) -> None:
        item, mention = self.items[index], self.reading.mention
        if item.kind in ("finding", "head"):
            if item.values == ("normal",):
                self._normal(index, number, unit)
                return
            for code, rule in self._codes(item, index, number, unit):
                mention(code, index, number, rule)
        elif item.kind == "gone":
            mention(item.value, index, number, "gone").state = State("absent")
        elif item.kind == "measure":
            code, grade = item.values
            found = mention(code, index, number, "measure")
            found.state = State(rules=[])
            found.grades = dict.fromkeys(found.eyes, grade)
        elif item.kind == "type":
            if not self._narrows(index):
                any(ellipsis.typed(self.reading, c, index, number) for c in item.values)
        elif item.kind == "normal":
            self._normal(index, number, unit)
        elif item.kind == "abnormal":
            if self.reading.states[index].status == "absent":
                self._normal(index, number, unit, State(rules=["abnormal_denied"]))
        else:
            ellipsis.answer(self.reading, index, number, unit)

    # Findings --------------------------------------------------------------------------------

    def _codes(self, item: Item, index: int, number: int, unit: Unit) -> list[tuple[str, str]]:
        """The codes of a term, or of a head together with its site."""
        again = self._again(index, number, unit)
        if again:
            return [(again, "term+again")]
        if item.head:
            for composite in self.composites[item.head]:
                if composite.site != "-" and self._site_near(composite, index, number, unit):
                    self._carried[item.head] = composite.code
                    sites = [composite, *self._joined_sites(item.head, index, unit)]
                    return [(c.code, f"head:{item.head}+{c.site}") for c in dict.fromkeys(sites)]
            for composite in self.composites[item.head]:
                if composite.site == "-" and not item.values:
                    carried = composite.code == "carry"
                    code = self._carried.get(item.head, "") if carried else composite.code
                    if code:
                        return [(self._narrowed(code, index), f"head:{item.head}")]
        self._carry(item)
        if item.values == ("ungradable",) and self._region(index, number, unit):
            return [("partially_ungradable", "term+region")]
        joined = self._elided(index)
        return [*joined, *((self._narrowed(code, index), "term") for code in item.values)]

    def _elided(self, index: int) -> list[tuple[str, str]]:
        """What the site before an `or` means with the end of this term: 视盘及黄斑水肿."""
        if (
            index < 2
            or self.items[index - 1].kind != "list"
            or self.items[index - 2].kind != "site"
        ):
            return []
        name, site = self.reading.words(index), self.items[index - 2].values
        heads = (head for head in self.composites if name.endswith(head.replace(" ", "")))
        found = (c for head in heads for c in self.composites[head] if c.site in site)
        return [(c.code, f"elided:{c.site}") for c in found][:1]

    def _carry(self, item: Item) -> None:
        """Remember that edema may mean the macula's from here on."""
        if self._macular.intersection(item.values):
            self._carried["水肿"] = self._carried["edema"] = "macular_edema"

    def _again(self, index: int, number: int, unit: Unit) -> str:
        """The hole that the sentence has just named in full: 黄斑裂孔术后，裂孔已闭合."""
        if self.items[index].head not in _HOLE or not self.reading.mentions:
            return ""
        before = self.reading.mentions[-1]
        near = before.unit == number - 1 and self.reading.sentence(before.unit) == unit.sentence
        holes = ("macular_hole", "lamellar_macular_hole")
        placed = any(i.kind in ("site", "region") for i in self.items[unit.start : index])
        return before.code if near and before.code in holes and not placed else ""

    def _narrows(self, index: int) -> bool:
        """Whether a kind stands right before a finding that it narrows: 干性AMD, 牵拉性网脱."""
        after = self.items[index + 1] if index + 1 < len(self.items) else None
        if after is None or after.kind not in ("finding", "head"):
            return False
        return any(self._narrowed(code, index + 1) != code for code in self._plain_codes(after))

    def _plain_codes(self, item: Item) -> tuple[str, ...]:
        default = (c.code for c in self.composites.get(item.head, ()) if c.site in ("-", "retina"))
        return item.values or tuple(default)

    def _narrowed(self, code: str, index: int) -> str:
        """A finding's code with the kind that stands right before it."""
        before = self.items[index - 1] if index else None
        if before is None or before.kind != "type":
            return code
        narrower = (c for c in before.values if code in vocabulary().ancestors(c))
        return next(narrower, code)

    def _region(self, index: int, number: int, unit: Unit) -> bool:
        """Whether a part of the fundus is named before `cannot be judged`: 【黄斑】窥不清."""
        first = unit.start
        heading = self.units[number - 1] if number else None
        if heading is not None and self.items[heading.end - 1].value in ("】", "]"):
            first = heading.start
        before = self.items[max(first, index - REACH) : index]
        return any(i.kind == "region" or i.value in ("macula", "disc") for i in before)

    def _site_near(self, composite: Composite, index: int, number: int, unit: Unit) -> bool:
        """Whether the nearest site, before the head or just after it, is the composite's."""
        back = range(index - 1, max(unit.start, index - REACH) - 1, -1)
        before = self._sites(back, composite.site)
        if not before and composite.reach == "sentence":
            before = self._sites_within(back)
        if not before and composite.reach == "sentence":
            for earlier in reversed(self.units[max(0, number - _COMMAS) : number]):
                if earlier.sentence != unit.sentence:
                    break
                back = range(earlier.end - 1, earlier.start - 1, -1)
                before = self._sites(back, composite.site) or self._sites_within(back)
                if before:
                    break
        if before:
            return composite.site in before
        after = range(index + 1, min(index + 5, unit.end))
        return composite.site in self._sites(after, composite.site)

    def _joined_sites(self, head: str, index: int, unit: Unit) -> list[Composite]:
        """What a head means at sites joined before it: `intraretinal or subretinal fluid`."""
        places = range(max(unit.start, index - 6), index)
        sites = [i for i in places if self.items[i].kind == "site"]
        if len(sites) < 2 or sites[-2] != sites[-1] - 2 or self.items[sites[-1] - 1].kind != "list":
            return []
        other = self.items[sites[-2]].values
        return [c for c in self.composites[head] if c.site in other]

    def _sites(self, places: range, wanted: str) -> tuple[str, ...]:
        """The first site met that is one; a ratio is one only where it is wanted."""
        for place in places:
            item = self.items[place]
            passed = ("fundus",) if wanted == "ratio" else ("fundus", "ratio")
            if item.kind == "site" and item.value not in passed:
                return item.values
            if item.kind == "eye" and self.reading.stream[item.end - 1].text == "底":
                return ("image",)  # 右眼底模糊
            if item.kind in ("neg_post", "contrast"):
                break
        return ()

    def _sites_within(self, places: range) -> tuple[str, ...]:
        """The site that a finding's own name begins with: 黄斑裂孔……，无水肿."""
        for place in places:
            if self.items[place].kind == "finding":
                sites = lexicon().sites_of(self.reading.words(place))
                if sites:
                    return sites
        return ()

    def _normal(self, index: int, number: int, unit: Unit, state: State | None = None) -> None:
        """`normal` of the whole eye: nothing smaller is named in its unit."""
        inside = self.reading.inside(index, unit)
        sites = {i.value for i in inside if i.kind in ("site", "region")} - set(_WHOLE_EYE)
        others = [i for i in inside if i.values and i.value != "normal"]
        findings = [i for i in others if i.kind in ("finding", "head", "measure", "grade")]
        spelled = self.items[index].kind == "finding"
        named = any(i.kind == "eye" for i in inside)
        whole = any(i.kind == "site" for i in inside) or named or self._is_alone(inside)
        if sites or not (spelled or (whole and not findings)):
            return
        eyes = self.eyes[index]
        for earlier in self.units[max(0, number - 3) : number]:
            head = self.items[earlier.start]
            if head.kind == "except" and earlier.sentence == unit.sentence:
                inner = self.items[earlier.start : earlier.end]
                said = {e for i in inner if i.kind == "eye" for e in SIDES.get(i.value, ())}
                both = eyes if named or not said else SIDES["OU"]
                eyes = tuple(e for e in both if e not in said)
        if eyes:
            found = self.reading.mention("normal", index, number, "normal")
            found.eyes, found.state = eyes, state or found.state

    @staticmethod
    def _is_alone(inside: list[Item]) -> bool:
        """Whether `normal` stands with nothing that could be normal instead of the eye."""
        words = [i.value for i in inside if i.kind == "word"]
        words += [char for i in inside if i.kind == "han" for char in i.value]
        return all(word in _HEDGES for word in words)


class _Grader:
    """Gives each grade to the finding it is written on."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.items = reading.items

    def grade(self) -> None:
        """Fill the grades of `reading.mentions`."""
        scale = ("", -1)  # its name, and the unit that names it
        mentions = sorted(self.reading.mentions, key=lambda mention: mention.index)
        places = [mention.index for mention in mentions]
        for index, item in enumerate(self.items):
            if item.kind == "scale":
                scale = (item.value, self.reading.unit_of(index))
            if item.kind != "grade":
                continue
            if self._is_of_another(index):
                continue
            number = self.reading.unit_of(index)
            first, last = bisect_left(places, index - REACH), bisect_left(places, index + REACH)
            best = self._best(index, number, mentions[first:last], scale[0])
            if best is None:
                earlier = mentions[first : bisect_left(places, index)]
                best = self._unnamed(index, number, earlier, scale)
            if best is not None:
                self._put(best[0], best[1], index)

    def _is_of_another(self, index: int) -> bool:
        """Whether a level stands right behind a disease that we do not grade: 动脉硬化Ⅱ级."""
        before = self.items[index - 1] if index else None
        level = self.items[index].value == "level" and before is not None
        return (
            level
            and before is not None
            and before.kind == "finding"
            and not any(map(_family, before.values))
        )

    def _best(
        self, index: int, number: int, near: list[Mention], scale: str
    ) -> tuple[Mention, str] | None:
        """The finding of the sentence that a grade stands nearest to, those before it first."""
        best: tuple[int, Mention, str] | None = None
        for mention in near:
            if self._sentence(mention.unit) != self._sentence(number):
                continue
            grade = self._on(mention, index, scale)
            if grade is None or not self._same_eye(mention, index):
                continue
            gap = index - mention.index
            cost = 3 * gap if gap > 0 else -gap
            cost += 0 if mention.unit == number else 20
            if best is None or cost < best[0]:
                best = (cost, mention, grade)
        return None if best is None else best[1:]

    def _unnamed(
        self, index: int, number: int, earlier: list[Mention], scale: tuple[str, int]
    ) -> tuple[Mention, str] | None:
        """A grade whose finding is left out, or named by its scale alone (AREDS 2 OD)."""
        found = ellipsis.graded(self.reading, index, number, earlier)
        name, scale_unit = scale
        if self.items[index].value == "icdr":  # `ICDR 2 OD`: the scale is in the grade
            name, scale_unit = "icdr", number
        if found is None and name in DEFAULTS and scale_unit >= 0:
            near = self._sentence(scale_unit) == self._sentence(number)
            unit, value = self.items[index].values
            if near and on_scale(unit, value, DEFAULTS[name], name):
                found = self.reading.mention(DEFAULTS[name], index, number, f"scale:{name}")
        grade = self._on(found, index, name) if found else None
        return (found, grade) if found and grade else None

    def _on(self, mention: Mention, index: int, scale: str) -> str | None:
        family = _family(mention.code)
        unit, value = self.items[index].values
        return None if family is None else on_scale(unit, value, family, scale)

    def _put(self, mention: Mention, grade: str, index: int) -> None:
        named = self.reading.eyes[index]
        if mention.eyes == UNKNOWN and named != UNKNOWN:
            mention.eyes, mention.eyes_by_grade = named, True
        elif mention.eyes_by_grade:  # 糖尿病视网膜病变分级：右眼2级，左眼0级
            mention.eyes = tuple(dict.fromkeys((*mention.eyes, *named)))
        for eye in named if named != UNKNOWN else mention.eyes:
            old = mention.grades.get(eye, "")
            if not old or (old.startswith("icdr") and grade.startswith("cn_dr")):
                mention.grades[eye] = grade

    def _sentence(self, number: int) -> int:
        return self.reading.sentence(number)

    def _same_eye(self, mention: Mention, index: int) -> bool:
        named = self.reading.eyes[index]
        free = UNKNOWN in (mention.eyes, named) or mention.eyes_by_grade
        return free or bool(set(named) & set(mention.eyes))


@lru_cache(maxsize=512)
def _family(code: str) -> str | None:
    """The finding that a scale is written on: a code of ours or one of its ancestors."""
    chain = (code, *vocabulary().ancestors(code))
    targets = {target for group in TARGETS.values() for target in group}
    return next((c for c in chain if c in targets), None)
