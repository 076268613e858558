"""What a report leaves out because it has just said it.

    answers    ERM: OD yes, OS no; 右眼硬渗，左眼暂无; PVD right, nil left
    grades     右眼DR III期，左眼II期; moderate NPDR right, mild left
    types      右眼湿性AMD，左眼干性; drusen: OD soft, OS hard

Each takes the finding named before, in the same sentence or, where the words that leave it out are
a whole sentence, in the one before.
"""

from __future__ import annotations

from collections.abc import Sequence

from funduscope.findings.eyes import UNKNOWN
from funduscope.findings.grades import TARGETS
from funduscope.findings.reading import Mention, Reading
from funduscope.findings.status import State
from funduscope.findings.structure import REACH, Unit
from funduscope.findings.vocabulary import vocabulary

_STATING = ("finding", "head", "site", "measure", "normal", "type", "gone")
_STATUS = {"neg": "absent", "neg_post": "absent", "doubt": "uncertain"}
_STATUS |= {"yes": "present", "assert": "present"}
# Words of no meaning to us that an answer may hold: 暂, 则, 亦.
_MOST_SYMBOLS = 2
_ALL = ("均", "都", "皆", "all")


def answer(reading: Reading, index: int, number: int, unit: Unit) -> None:
    """`LE none`, 左眼可疑: what an eye's bare cue says of the findings named before."""
    first, last = _segment(reading, index, unit)
    eyes = reading.eyes[index]
    named = any(reading.items[i].kind == "eye" for i in range(first, last))
    if not named or not _is_bare(reading, first, last, ("grade",)):
        return
    every = any(reading.stream[reading.items[i].start].text in _ALL for i in range(first, last))
    status = _STATUS[reading.items[index].kind]
    sources = _paragraph(reading, unit) if every else []
    for source in sources or _last_named(reading, number, unit, reading.mentions):
        others = tuple(eye for eye in eyes if eye not in source.eyes)
        if source.state.status == "dropped" and source.eyes != UNKNOWN:
            continue
        asked = source.eyes == UNKNOWN or source.state.status == "dropped"
        if reading.items[index].kind == "assert" and not (asked or source.rule == "ellipsis"):
            continue  # 右眼出血，左眼可见… goes on to something else
        if others and source.code != "normal":
            found = reading.mention(source.code, index, number, "ellipsis")
            found.eyes, found.state = others, State(status, rules=[reading.items[index].kind])
            if source.eyes == UNKNOWN:  # `ERM: OD yes` asks before it answers
                source.state = State("dropped")


def graded(reading: Reading, index: int, number: int, earlier: Sequence[Mention]) -> Mention | None:
    """The finding that an eye's bare grade means, as a mention of its own: 左眼II期, `mild left`.

    earlier: the mentions before the grade.
    """
    unit, eyes = reading.units[number], reading.eyes[index]
    severity = reading.items[index].value == "severity"
    first, last = _segment(reading, index, unit)
    if eyes == UNKNOWN or not _is_bare(reading, first, last if severity else index, ()):
        return None
    near = _last_named(reading, number, unit, earlier)
    if not severity:
        near = [m for m in earlier if reading.sentence(m.unit) == unit.sentence] or near
    words = vocabulary()
    on_scales = {code for targets in TARGETS.values() for code in targets}
    for source in reversed(near):
        scaled = on_scales & {source.code, *words.ancestors(source.code)}
        others = tuple(eye for eye in eyes if eye not in source.eyes)
        if (scaled or severity) and others and source.code != "normal":
            found = reading.mention(source.code, index, number, "ellipsis")
            found.eyes, found.state = others, State(rules=["grade"])
            return found
    return None


def typed(reading: Reading, code: str, index: int, number: int) -> bool:
    """A kind named behind its disease narrows it: AMD（干性）; 右眼湿性AMD，左眼干性."""
    words = vocabulary()
    base, eyes = words[code].parent, reading.eyes[index]
    for mention in reading.mentions[: -REACH - 1 : -1]:
        if reading.sentence(mention.unit) != reading.sentence(number):
            return False
        if base not in (mention.code, words[mention.code].parent):
            continue
        same = UNKNOWN in (eyes, mention.eyes) or set(eyes) & set(mention.eyes)
        own = mention.code == base
        if own and same and reading.states[index].status == mention.state.status:
            if mention.eyes == UNKNOWN and eyes != UNKNOWN:  # `drusen: OD soft, OS hard`
                reading.mention(code, index, number, "type")
                mention.state = State("dropped")
            else:
                mention.code, mention.rule = code, f"{mention.rule}+type"
            return True
        if own or not same:
            found = reading.mention(code, index, number, "type")
            if mention.state.status == "dropped":
                found.state = reading.states[index]
            return True
    return False


def _segment(reading: Reading, index: int, unit: Unit) -> tuple[int, int]:
    """The items around a cue that belong to its eye: from that eye up to the next."""
    items = reading.items
    first, start, end = index, max(unit.start, index - REACH), min(unit.end, index + REACH)
    while first > start and items[first].kind != "eye":
        first -= 1
    last = index + 1
    while last < end and items[last].kind != "eye":
        last += 1
    if items[first].kind != "eye" and last < end:  # `none left`
        last += 1
    elif items[first].kind != "eye":
        return first, end
    return first, last


def _is_bare(reading: Reading, first: int, last: int, also: tuple[str, ...]) -> bool:
    inside = reading.items[first:last]
    plain = [item for item in inside if item.kind in ("word", "han", "number")]
    unknown = sum(item.end - item.start for item in plain) - 2 * any(
        item.value in _ALL for item in plain
    )
    return unknown <= _MOST_SYMBOLS and all(i.kind not in (*_STATING, *also) for i in inside)


def _paragraph(reading: Reading, unit: Unit) -> list[Mention]:
    """The findings of a paragraph so far, within reach, each once."""
    near = reading.mentions[-REACH:]
    found = [m for m in near if reading.units[m.unit].paragraph == unit.paragraph]
    return list({m.code: m for m in found if m.rule != "ellipsis"}.values())


def _last_named(
    reading: Reading, number: int, unit: Unit, mentions: Sequence[Mention]
) -> list[Mention]:
    """The findings of the unit that named some last, in this sentence or just before it."""
    if not mentions:
        return []
    newest = mentions[-1].unit
    apart = unit.sentence - reading.sentence(newest)
    alone = number == 0 or reading.sentence(number - 1) != unit.sentence
    if apart > 1 or (apart == 1 and not alone) or unit.section != reading.units[newest].section:
        return []
    return [m for m in mentions[-REACH:] if m.unit == newest]
