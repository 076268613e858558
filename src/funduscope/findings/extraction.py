"""Report text -> assertions per eye: `extract`.

symbols -> lexicon items -> units -> eyes and status of each item -> findings -> grades -> copies of
one eye to the other -> clean-up (the most specific finding stands alone, repeats are one).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from funduscope.findings.assertions import Assertion
from funduscope.findings.eyes import OTHER, UNKNOWN, EyeReader, Eyes
from funduscope.findings.grades import TARGETS, mark_grades, on_scale
from funduscope.findings.lexicon import Composite, Item, lexicon
from funduscope.findings.status import State, StatusReader
from funduscope.findings.structure import REACH, Unit, refine, units
from funduscope.findings.symbols import Symbol, symbols
from funduscope.findings.vocabulary import vocabulary

# How many commas back a site may stand that its head leaves out: 晶状体透明，……，轻度混浊.
_COMMAS = 8
_WHOLE_EYE = ("fundus", "retina")


@dataclass(slots=True)
class _Mention:
    """A finding met at an item; `grades` by eye."""

    code: str
    index: int
    unit: int
    eyes: Eyes
    state: State
    rule: str
    grades: dict[str, str] = field(default_factory=dict)
    eyes_by_grade: bool = False


def extract(text: str, *, language: str | None = None) -> list[Assertion]:
    """Every assertion a report makes, in text order.

    `language` is accepted for callers that know it; both languages are read at once, so it
    changes nothing. Deterministic, offline, linear in the length of the text.
    """
    del language
    stream = symbols(text)
    return _Reader(stream).assertions()


class _Reader:
    def __init__(self, stream: list[Symbol]) -> None:
        self.stream = stream
        lex = lexicon()
        self.composites = lex.composites
        self.items = mark_grades(refine(lex.scan(stream), stream), stream)
        self.units: list[Unit] = units(self.items, stream)
        self.eyes = EyeReader(self.items, self.units, stream).read()
        self.states = StatusReader(self.items, self.units, stream).read()
        self.mentions: list[_Mention] = []
        self._starts = [stream[item.start].start for item in self.items]
        self._unit_starts = [unit.start for unit in self.units]
        self._carried: dict[str, str] = {}

    def assertions(self) -> list[Assertion]:
        for number, unit in enumerate(self.units):
            for index in range(unit.start, unit.end):
                self._item(index, number, unit)
        self._grade()
        rows = self._copy_eyes(self._rows())
        return self._clean(rows)

    def _item(self, index: int, number: int, unit: Unit) -> None:
        item = self.items[index]
        if item.kind in ("finding", "head"):
            if item.values == ("normal",):
                self._normal(index, number, unit)
                return
            for code, rule in self._codes(item, index, number, unit):
                self._mention(code, index, number, rule)
        elif item.kind == "gone":
            self._mention(item.values[0], index, number, "gone").state = State("absent")
        elif item.kind == "measure":
            code, grade = item.values
            mention = self._mention(code, index, number, "measure")
            mention.state = State(rules=[])
            mention.grades = dict.fromkeys(mention.eyes, grade)
        elif item.kind == "type":
            self._type(index, number)
        elif item.kind == "normal":
            self._normal(index, number, unit)
        elif item.kind in ("neg", "neg_post"):
            self._ellipsis(index, number, unit)

    def _mention(self, code: str, index: int, number: int, rule: str) -> _Mention:
        mention = _Mention(code, index, number, self.eyes[index], self.states[index], rule)
        self.mentions.append(mention)
        return mention

    # Findings --------------------------------------------------------------------------------

    def _codes(self, item: Item, index: int, number: int, unit: Unit) -> list[tuple[str, str]]:
        """The codes of a term, or of a head together with its site."""
        if item.head:
            for composite in self.composites[item.head]:
                if composite.site != "-" and self._site_near(composite, index, number, unit):
                    self._carried[item.head] = composite.code
                    return [(composite.code, f"head:{item.head}+{composite.site}")]
            for composite in self.composites[item.head]:
                if composite.site == "-" and not item.values:
                    code = composite.code
                    if code == "carry":
                        code = self._carried.get(item.head, "")
                    return [(code, f"head:{item.head}")] if code else []
        for code in item.values:
            if "macular_edema" in (code, *vocabulary().ancestors(code)):
                self._carried["水肿"] = self._carried["edema"] = "macular_edema"
        return [(code, "term") for code in item.values]

    def _type(self, index: int, number: int) -> None:
        """A kind named behind its disease narrows it: AMD（干性）; 中央静脉阻塞，缺血型不除外."""
        words = vocabulary()
        for code in self.items[index].values:
            bases = words.ancestors(code)
            for mention in reversed(self.mentions):
                if self._sentence(mention.unit) != self._sentence(number):
                    break
                fits = mention.code in bases and set(self.eyes[index]) & set(mention.eyes)
                if not fits and UNKNOWN not in (self.eyes[index], mention.eyes):
                    continue
                if mention.code not in bases:
                    continue
                if self.states[index].status == mention.state.status:
                    mention.code, mention.rule = code, f"{mention.rule}+type"
                else:
                    self._mention(code, index, number, "type")
                return

    def _site_near(self, composite: Composite, index: int, number: int, unit: Unit) -> bool:
        """Whether the nearest site, before the head or just after it, is the composite's."""
        before = self._sites(range(index - 1, max(unit.start, index - REACH) - 1, -1))
        if not before and composite.reach == "sentence":
            for earlier in reversed(self.units[max(0, number - _COMMAS) : number]):
                if earlier.sentence != unit.sentence:
                    break
                before = self._sites(range(earlier.end - 1, earlier.start - 1, -1))
                if before:
                    break
        if before:
            return composite.site in before
        return composite.site in self._sites(range(index + 1, min(index + 5, unit.end)))

    def _sites(self, places: range) -> tuple[str, ...]:
        """The first site met; a broad one (retina) gives way to a finer one right behind it."""
        for place in places:
            item = self.items[place]
            if item.kind == "site" and item.values[0] != "fundus":
                return item.values
            if item.kind in ("neg_post", "contrast"):
                break
        return ()

    def _normal(self, index: int, number: int, unit: Unit) -> None:
        """`normal` of the whole eye: nothing smaller is named in its unit."""
        inside = self._inside(index, unit)
        sites = {i.values[0] for i in inside if i.kind == "site"} - set(_WHOLE_EYE)
        others = [i for i in inside if i.values and i.values[0] != "normal"]
        findings = [i for i in others if i.kind in ("finding", "head", "measure", "grade")]
        spelled = self.items[index].kind == "finding"
        whole = any(i.kind == "site" for i in inside) or self.eyes[index] != UNKNOWN
        if sites or not (spelled or (whole and not findings)):
            return
        eyes = self.eyes[index]
        for earlier in self.units[max(0, number - 3) : number]:
            head = self.items[earlier.start]
            if head.kind == "except" and earlier.sentence == unit.sentence:
                named = {e for i in range(earlier.start, earlier.end) for e in self.eyes[i]}
                eyes = tuple(e for e in eyes if e not in named)
        if eyes:
            self._mention("normal", index, number, "normal").eyes = eyes

    def _inside(self, index: int, unit: Unit) -> list[Item]:
        return self.items[max(unit.start, index - REACH) : min(unit.end, index + REACH)]

    def _ellipsis(self, index: int, number: int, unit: Unit) -> None:
        """`mild NPDR RE, LE none`: a denial without a finding denies the one before it."""
        inside = self._inside(index, unit)
        if any(i.kind in ("finding", "head", "site", "measure", "normal") for i in inside):
            return
        if not any(i.kind == "eye" for i in inside) or not self.mentions:
            return
        before = self.mentions[-1]
        if self.units[before.unit].sentence == unit.sentence:
            mention = self._mention(before.code, index, number, "ellipsis")
            mention.state = State("absent", rules=["negation"])

    # Grades ----------------------------------------------------------------------------------

    def _grade(self) -> None:
        scale = ""
        places = [mention.index for mention in self.mentions]
        for index, item in enumerate(self.items):
            if item.kind == "scale":
                scale = item.values[0]
            if item.kind != "grade":
                continue
            number = self._unit_of(index)
            best: tuple[int, _Mention, str] | None = None
            first, last = bisect_left(places, index - REACH), bisect_left(places, index + REACH)
            for mention in self.mentions[first:last]:
                family = self._family(mention.code)
                if family is None or self._sentence(mention.unit) != self._sentence(number):
                    continue
                grade = on_scale(item.values[0], item.values[1], family, scale)
                if grade is None or not self._same_eye(mention, index):
                    continue
                gap = index - mention.index
                cost = 3 * gap if gap > 0 else -gap
                cost += 0 if mention.unit == number else 20
                if best is None or cost < best[0]:
                    best = (cost, mention, grade)
            if best is not None:
                self._put(best[1], best[2], index)

    def _put(self, mention: _Mention, grade: str, index: int) -> None:
        named = self.eyes[index]
        if mention.eyes == UNKNOWN and named != UNKNOWN:
            mention.eyes, mention.eyes_by_grade = named, True
        elif mention.eyes_by_grade:  # 糖尿病视网膜病变分级：右眼2级，左眼0级
            mention.eyes = tuple(dict.fromkeys((*mention.eyes, *named)))
        for eye in named if named != UNKNOWN else mention.eyes:
            old = mention.grades.get(eye, "")
            if not old or (old.startswith("icdr") and grade.startswith("cn_dr")):
                mention.grades[eye] = grade

    def _unit_of(self, index: int) -> int:
        return bisect_right(self._unit_starts, index) - 1

    def _sentence(self, number: int) -> int:
        return self.units[number].sentence

    def _same_eye(self, mention: _Mention, index: int) -> bool:
        named = self.eyes[index]
        free = UNKNOWN in (mention.eyes, named) or mention.eyes_by_grade
        return free or bool(set(named) & set(mention.eyes))

    @staticmethod
    def _family(code: str) -> str | None:
        chain = (code, *vocabulary().ancestors(code))
        targets = {t for group in TARGETS.values() for t in group}
        return next((c for c in chain if c in targets), None)

    # Rows ------------------------------------------------------------------------------------

    def _rows(self) -> list[Assertion]:
        rows = []
        for mention in self.mentions:
            if mention.state.status == "dropped":
                continue
            if mention.code == "normal" and mention.state.status == "absent":
                continue  # `not normal` says nothing of what is there
            rows += [self._row(mention, eye) for eye in mention.eyes]
        return rows

    def _row(self, mention: _Mention, eye: str) -> Assertion:
        finding = vocabulary()[mention.code]
        state, item = mention.state, self.items[mention.index]
        grade = mention.grades.get(eye)
        if mention.code == "pdr" and (grade is None or grade.startswith("icdr")):
            grade = "icdr:4"  # severity words grade only the nonproliferative kind
        status = "absent" if grade and grade.endswith(":0") else state.status
        history = state.temporality == "history" or finding.kind == "treatment"
        if finding.kind == "systemic" or state.experiencer == "family":
            eye = "unknown"
        return Assertion(
            eye=eye,
            finding=mention.code,
            status=status,
            temporality="history" if history else "current",
            experiencer=state.experiencer,
            grade=grade if status != "absent" or (grade and grade.endswith(":0")) else None,
            start_char=self.stream[item.start].start,
            end_char=self.stream[item.end - 1].end,
            rule="+".join([mention.rule, *dict.fromkeys(state.rules)]),
        )

    def _copy_eyes(self, rows: list[Assertion]) -> list[Assertion]:
        """同右眼, `same as OD`, `OS as above`: the rows of the one eye also for the other.

        Rows of the same paragraph are meant where there are any. 余同右眼 (the rest) leaves alone
        what the other eye's own words speak of.
        """
        sources = dict.fromkeys(self._copies())
        if not sources:
            return rows
        copied = list(rows)
        given: dict[tuple[str, int], dict[tuple[str, str], Assertion]] = {}
        own: dict[str, set[str]] = {}
        for row in rows:
            own.setdefault(row.eye, set()).update(self._line(row.finding))
            if row.temporality == "current":
                for paragraph in (-1, self._paragraph(row)):
                    place = given.setdefault((row.eye, paragraph), {})
                    place.setdefault((row.finding, row.status), row)
        for source, paragraph, rest in sources:
            target = OTHER[source]
            for row in (given.get((source, paragraph)) or given.get((source, -1), {})).values():
                kept = row.finding in own.get(target, ()) or row.finding == "normal"
                if not (rest and kept):
                    copied.append(_with_eye(row, target))
        return copied

    def _copies(self) -> Iterator[tuple[str, int, bool]]:
        """Of each copy: the eye it copies, its paragraph, and whether only the rest is meant."""
        for index, item in enumerate(self.items):
            source = ""
            if item.kind == "copy" and index + 1 < len(self.items):
                named = self.items[index + 1]
                source = named.values[0] if named.kind == "eye" else ""
                if source == "OTHER":  # `OS as fellow eye`
                    source = OTHER.get(self.eyes[index][0], "")
            elif item.kind == "copy_above":
                source = OTHER.get(self.eyes[index][0], "")
            if source in OTHER:
                rest = self.stream[item.start].text in ("余", "其", "otherwise")
                yield source, self._paragraph_of(index), rest

    def _paragraph_of(self, index: int) -> int:
        return self.units[self._unit_of(index)].paragraph

    def _paragraph(self, row: Assertion) -> int:
        """The paragraph in which a row's words begin."""
        index = bisect_right(self._starts, row.start_char) - 1
        return self._paragraph_of(index)

    @staticmethod
    def _line(code: str) -> tuple[str, ...]:
        words = vocabulary()
        return (code, *words.ancestors(code), *words.descendants(code))

    @staticmethod
    def _clean(rows: list[Assertion]) -> list[Assertion]:
        """One row for each statement; no broader row beside a narrower one, unless graded."""
        words = vocabulary()
        unique: dict[tuple[str, str, str, str], Assertion] = {}
        for row in rows:
            key = (row.eye, row.finding, row.status, row.experiencer)
            old = unique.get(key)
            if old is None or (old.grade is None and row.grade is not None):
                unique[key] = row
        broader = {
            (r.eye, ancestor, r.status, r.experiencer)
            for r in unique.values()
            for ancestor in words.ancestors(r.finding)
        }
        kept = [r for k, r in unique.items() if k not in broader or r.grade is not None]
        kept = _without_settled(kept)
        return sorted(kept, key=lambda r: (r.start_char, r.eye, r.finding))


def _with_eye(row: Assertion, eye: str) -> Assertion:
    return Assertion(
        eye=eye,
        finding=row.finding,
        status=row.status,
        temporality=row.temporality,
        experiencer=row.experiencer,
        grade=row.grade,
        start_char=row.start_char,
        end_char=row.end_char,
        rule=f"{row.rule}+same_as_other_eye",
    )


def _without_settled(rows: list[Assertion]) -> list[Assertion]:
    """Advice to clarify a finding adds nothing where the finding is already stated."""
    stated = {(r.eye, r.finding) for r in rows if r.status == "present"}
    return [
        r for r in rows if "advice_to_clarify" not in r.rule or (r.eye, r.finding) not in stated
    ]
