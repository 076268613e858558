"""Present, absent or uncertain; now or in the past; the patient or a relative: item by item.

One pass over the units. A cue before findings holds to the end of its unit; the same cue with
nothing after it takes the findings before it (`drusen: none`, 硬渗未见).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from funduscope.findings.lexicon import Item
from funduscope.findings.lists import STATING, Lists
from funduscope.findings.structure import REACH, Unit
from funduscope.findings.symbols import Symbol
from funduscope.findings.vocabulary import vocabulary

_DROPPED = "dropped"


@dataclass(slots=True)
class State:
    """What the cues say of one item. Status `dropped` means that nothing is asserted."""

    status: str = "present"
    temporality: str = "current"
    experiencer: str = "patient"
    rules: list[str] = field(default_factory=list)
    advice: bool = False


@dataclass(slots=True)
class _Scope:
    """What holds until the end of the sentence, and what until the end of the unit."""

    status: str = "present"
    rule: str = ""
    since: int = 0
    history: bool = False
    family: bool = False
    advice: bool = False
    condition: bool = False
    listed: bool = False


@dataclass(frozen=True, slots=True)
class _Cue:
    """A cue at item `index`: are findings ahead in its unit, and which stand behind it."""

    index: int
    ahead: bool
    behind: list[int]


class StatusReader:
    """Walks over the units once; `states[i]` describes item i when it is done."""

    def __init__(self, items: list[Item], cut: list[Unit], stream: list[Symbol]) -> None:
        self.items, self.units, self.stream = items, cut, stream
        nothing = State()
        self.states = [State() if i.kind in STATING else nothing for i in items]
        self._lists = Lists(items, cut, stream)
        self._scope = _Scope()

    def read(self) -> list[State]:
        """The state of every item."""
        sentence, depth = -1, 0
        held: list[_Scope] = []
        for number, unit in enumerate(self.units):
            if unit.sentence != sentence:
                sentence, depth, held = unit.sentence, unit.depth, []
                self._scope = _Scope(advice=unit.section == "advice")
                self._scope.history = unit.section == "history"
                self._scope.family = unit.section == "family"
            while depth < unit.depth:
                held.append(_Scope(**{k: getattr(self._scope, k) for k in _Scope.__slots__}))
                depth += 1
            while depth > unit.depth:
                self._scope = held.pop() if held else self._scope
                depth -= 1
            self._unit(number, unit)
            if not self._continues(number):
                self._set("present", "")
                self._scope.history = unit.section == "history"
        return self.states

    def _continues(self, number: int) -> bool:
        """Whether a list under a cue goes on after the comma.

        An English denial holds over bare names up to the end of the sentence. A Chinese comma may
        begin a new clause (未见出血，豹纹状眼底): one name alone does not go on with the list.
        """
        if number + 1 >= len(self.units) or not (self._scope.rule or self._scope.history):
            return False
        if self.units[number + 1].depth > self.units[number].depth:
            return True
        elements, joined = self._lists.elements_after(number)
        if joined or not elements or self._scope.status != "absent":
            return joined
        english = self.stream[self.items[self._scope.since].start].kind == "word"
        self._scope.listed = self._scope.listed or english or elements > 1
        return self._scope.listed

    def _unit(self, number: int, unit: Unit) -> None:
        last_cue = unit.start
        for index in range(unit.start, unit.end):
            kind = self.items[index].kind
            if kind in STATING:
                self._state(index)
            elif kind == "mark":
                listed = self.items[index].value == ":"
                if listed and self._lists.stating(max(last_cue, index - REACH), index):
                    self._set("present", "")
            elif kind in _CUES:
                ahead = self._ahead(index, unit.end)
                stating = self._lists.stating(max(last_cue, index - REACH), index)
                behind = self._lists.joined(stating, index)
                if kind in _REACHING and last_cue == unit.start:
                    behind = self._lists.listed_before(number, unit, index) + behind
                if kind in _ALONE and not (ahead or behind) and self._lists.alone(unit, index):
                    behind = self._lists.unit_before(number, unit)
                _CUES[kind](self, _Cue(index, ahead, behind))
                if kind not in ("assert", "list", "history") or self._is_sign(index):
                    last_cue = index + 1 if not ahead or behind else last_cue

    def _ahead(self, index: int, end: int) -> bool:
        """Whether a finding follows in this unit before another cue of status."""
        for after in self.items[index + 1 : min(end, index + REACH)]:
            if after.kind in STATING:
                return True
            if after.kind in ("neg_post", "contrast"):
                return False
        return False

    def _is_sign(self, index: int) -> bool:
        return self.stream[self.items[index].start].text in ("(", "+")

    def _state(self, index: int) -> None:
        scope, state = self._scope, self.states[index]
        state.status = scope.status
        state.rules = [f"{scope.rule}:{self._words(scope.since)}"] if scope.rule else []
        state.temporality = "history" if scope.history or scope.family else "current"
        state.experiencer = "family" if scope.family else "patient"
        state.advice = scope.advice
        if scope.condition:
            state.status, state.rules = _DROPPED, ["condition"]
        elif scope.advice and scope.status != "uncertain":
            state.status = _DROPPED if scope.status == "present" else scope.status
            state.rules.append("advice")

    def _set(self, status: str, rule: str, cue: _Cue | None = None) -> None:
        self._scope.status, self._scope.rule = status, rule
        self._scope.since = cue.index if cue else 0
        self._scope.listed = False

    def _words(self, index: int) -> str:
        """A cue as written, for the names of rules."""
        item = self.items[index]
        symbols = self.stream[item.start : item.end]
        return (" " if symbols[0].kind == "word" else "").join(s.raw for s in symbols)

    def _apply(self, cue: _Cue, status: str, rule: str) -> None:
        """Give a status to the findings behind a cue."""
        for place in cue.behind:
            state = self.states[place]
            advised = status == "uncertain" and "condition" not in state.rules
            if state.status != _DROPPED or advised:
                state.status = status
                state.rules.append(f"{rule}:{self._words(cue.index)}")

    def _neg(self, cue: _Cue) -> None:
        if not cue.ahead:
            after = self.items[cue.index + 1 : cue.index + 2]
            if cue.behind and after and after[0].kind == "grade":
                return  # `a cataract that is not severe`
            # `no`, `without` never deny what stands before them
            first = self.stream[self.items[cue.index].start]
            if cue.behind and (first.kind != "word" or first.text in _DENY_BEHIND):
                self._apply(cue, "absent", "negation_after")
            else:
                self._set("absent", "negation", cue)
        elif self._scope.rule != "advice_to_clarify":
            self._set("absent", "negation", cue)

    def _neg_post(self, cue: _Cue) -> None:
        if cue.behind:
            self._apply(cue, "absent", "negation_after")
        elif cue.ahead:
            self._set("absent", "negation", cue)

    def _exclude(self, cue: _Cue) -> None:
        advised = self._scope.advice
        status = "uncertain" if advised else "absent"
        rule = "advice_to_clarify" if advised else "excluded"
        if cue.ahead:
            self._set(status, rule, cue)
        else:
            self._apply(cue, status, rule)

    def _clarify(self, cue: _Cue) -> None:
        if self._scope.advice and cue.ahead:
            self._set("uncertain", "advice_to_clarify", cue)

    def _doubt(self, cue: _Cue) -> None:
        versus = self.stream[self.items[cue.index].start].text in ("vs", "versus")
        if self.stream[self.items[cue.index].start].raw.lower() == "rules" and cue.ahead:
            self._set("absent", "excluded", cue)  # `OCT rules out`, no order to do it
            return
        if versus:
            self._apply(cue, "uncertain", "doubt_versus")
        after = self.items[cue.index + 1] if cue.index + 1 < len(self.items) else None
        if self._words(cue.index) == "考虑有" and after is not None and after.kind == "grade":
            self._set("present", "")  # 考虑有重度白内障: who grades it has seen it
        elif cue.ahead and not (self._stands_behind(cue.index) and cue.behind):
            self._set("uncertain", "doubt", cue)
        else:
            self._apply(cue, "uncertain", "doubt_after")

    def _stands_behind(self, index: int) -> bool:
        """`?`, or a word of doubt right behind its finding: `glaucoma suspect`, 缺损可疑."""
        text = self.stream[self.items[index].start].text
        return text == "?" or (
            text in ("suspect", "suspected") and self.items[index - 1].kind in ("finding", "head")
        )

    def _double(self, cue: _Cue) -> None:
        self._set(self.items[cue.index].value, "double_negation", cue)

    def _assert(self, cue: _Cue) -> None:
        """`shows`, 可见 end a denial, but not one that speaks of them: `does not show`."""
        denied = self._scope.rule == "negation" and not self._lists.stating(
            max(self._scope.since, cue.index - REACH), cue.index
        )
        if not self._is_sign(cue.index) and not denied:
            self._set("present", "")

    def _contrast(self, _cue: _Cue) -> None:
        self._set("present", "")

    def _history(self, cue: _Cue) -> None:
        text = self.stream[self.items[cue.index].end - 1].text
        beside = cue.index - 1 in cue.behind
        if text == "后" and beside and _has(self.items[cue.index - 1], "disease"):
            # 黄斑裂孔术后 names an operation that is not told, and no hole that is there
            self._apply(cue, _DROPPED, "operated")
        if cue.behind and text in ("史", "后"):
            for place in cue.behind:
                self.states[place].temporality = "history"
                self.states[place].rules.append("history_after")
        elif text not in ("后",):
            self._scope.history = True

    def _family(self, cue: _Cue) -> None:
        if cue.behind and self.stream[self.items[cue.index].end - 1].text == "史":
            for place in cue.behind:
                self.states[place].experiencer = "family"
                self.states[place].temporality = "history"
                self.states[place].rules.append("family_after")
        else:
            self._scope.family = True

    def _patient(self, cue: _Cue) -> None:
        self._scope.family = False
        if not cue.ahead or self.stream[self.items[cue.index].start].kind == "han":
            self._set("present", "")

    def _condition(self, cue: _Cue) -> None:
        if self.stream[self.items[cue.index].start].text in _POSTPOSED and cue.behind:
            self._apply(cue, _DROPPED, "risk")
        elif self._scope.rule != "negation":  # `no further symptoms of`
            self._scope.condition = True

    def _advise(self, cue: _Cue) -> None:
        if cue.behind and not cue.ahead:  # `aflibercept was offered`
            treated = [i for i in cue.behind if _has(self.items[i], "treatment")]
            self._apply(replace(cue, behind=treated), _DROPPED, "advised")
        self._scope.advice = True
        self._set("present", "")

    def _resolve(self, cue: _Cue) -> None:
        cue = replace(cue, behind=[i for i in cue.behind if not _has(self.items[i], "treatment")])
        if cue.ahead and not cue.behind:  # `regressed NVD`
            self._set("absent", "resolved", cue)
        self._apply(cue, "absent", "resolved")
        for place in cue.behind:
            self.states[place].temporality = "current"


def _has(item: Item, kind: str) -> bool:
    """Whether an item is a finding of a kind: disease, sign, treatment, ..."""
    words = vocabulary()
    return any(code in words and words[code].kind == kind for code in item.values)


_DENY_BEHIND = ("not", "denied", "deny", "absent", "never", "negative", "neither")
_POSTPOSED = ("风", "risk", "precaution")
_REACHING = ("neg", "neg_post", "doubt", "resolve")
_ALONE = ("neg_post", "doubt", "resolve")
_CUES = {
    "neg": StatusReader._neg,
    "neg_post": StatusReader._neg_post,
    "exclude": StatusReader._exclude,
    "clarify": StatusReader._clarify,
    "doubt": StatusReader._doubt,
    "double": StatusReader._double,
    "assert": StatusReader._assert,
    "contrast": StatusReader._contrast,
    "history": StatusReader._history,
    "family": StatusReader._family,
    "patient": StatusReader._patient,
    "condition": StatusReader._condition,
    "advise": StatusReader._advise,
    "resolve": StatusReader._resolve,
}
