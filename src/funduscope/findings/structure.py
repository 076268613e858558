"""Items -> units: the stretches of a report in which a cue can hold.

A unit ends at a comma, a parenthesis, a dash between blanks, a contrast word (但, but) or the end
of the sentence. Lists joined by 、, 及, and, or stay within one unit.
"""

from __future__ import annotations

from dataclasses import dataclass

from funduscope.findings.lexicon import Item
from funduscope.findings.symbols import Symbol
from funduscope.findings.vocabulary import vocabulary

# How many items a cue, site or grade can reach: keeps a text without any punctuation linear.
REACH = 80
_BORDERS = {"mark", "break", "section", "eye", "contrast", "except", "doubt"}
_STATING = ("finding", "head", "measure", "normal", "grade", "gone", "neg_post")
_STRONG = set("。;!?…")
_OPEN, _CLOSE = set("([{（【《"), set(")]}）】》")
_PART_OF_FIELD = set("上下侧方边颞鼻中部心旁缘")
# Where a heading stops to count by itself: a relative's history is one sentence, advice one line.
_SHORT: dict[str, tuple[str, ...]] = {"。": ("family", "history"), ".": ("family", "history")}
_SHORT["line"] = ("family", "history", "advice")
# Words after which an eye is compared with, not spoken of: 右眼较左眼重, `worse than OS`.
_THAN = ("较", "比", "于", "than")
# What a clinic or a program is called after says nothing of the patient: `ROP screening`, 糖网筛查.
# By their first word or character, with what may be the second character.
_TITLES = dict.fromkeys(
    ("screening", "clinic", "program", "service", "camp", "follow", "review"), ""
)
_TITLES |= {"筛": "查", "门": "诊", "专": "科病", "随": "访", "复": "查诊"}
# Headings that turn what follows stand at the start of a line or sentence: 随访：, not 糖网随访：.
_TURNING = ("advice", "history", "family")
# What makes a lone L or R an eye: `L PDR`, `R disc`, `R 0.3`, `R 中度`.
_AFTER_LETTER = ("site", "number", "grade", "finding", "head")
_SEVERITIES = ("轻", "中", "重", "mild", "moderate", "severe")
_UNSETTLED = {"section", "side", "eye", "finding", "condition"}
_SECTION_AS_CUE = {"advice": "advise", "history": "history", "family": "family"}


@dataclass(slots=True)
class Unit:
    """Items[start:end] with the number of its sentence and paragraph, and open parentheses."""

    start: int
    end: int
    sentence: int
    paragraph: int
    section: str
    depth: int


def refine(items: list[Item], stream: list[Symbol]) -> list[Item]:
    """Settle what only the neighbors tell: headings need a colon, 左/右 may be parts of a field."""
    refined: list[Item] = []
    for index, item in enumerate(items):
        if item.kind not in _UNSETTLED:
            refined.append(item)
            continue
        following = items[index + 1] if index + 1 < len(items) else None
        colon = following is not None and following.values == (":",)
        first = stream[item.start].text
        within = bool(refined) and refined[-1].kind in ("word", "han", "finding", "other", "site")
        if item.kind == "section" and colon and within and item.value in _TURNING:
            item = Item("other", ("",), "", *_at(item))
        elif item.kind == "section" and not colon:
            kind = _SECTION_AS_CUE.get(item.value)
            item = Item(kind or "site", ("" if kind else "fundus",), "", item.start, item.end)
        elif item.kind == "side":
            item = _side(item, following, colon, stream)
            if refined and refined[-1].kind == "site" and stream[item.start].kind == "han":
                item = Item("other", ("",), "", *_at(item))  # 视网膜左侧
        elif item.kind == "eye":
            refined += _eye(item, stream)
            continue
        elif item.kind == "finding" and _is_title(item, stream):
            item = Item("other", ("",), "", *_at(item))
        elif first == "如" and following is not None and following.kind == "eye":
            behind = items[index + 2] if index + 2 < len(items) else None
            if _closes(behind):  # 左眼如右眼。, but 如右眼出现…
                item = Item("copy", ("",), "", *_at(item))
        refined.append(item)
    return refined


def _eye(item: Item, stream: list[Symbol]) -> list[Item]:
    """An eye; `neither eye` is a denial and an eye, an eye compared with is none."""
    start, end = _at(item)
    if item.start and stream[item.start - 1].text in _THAN:
        return [Item("other", ("",), "", start, end)]
    if stream[start].text == "neither":
        denial = Item("neg", ("",), "", start, start + 1)
        return [denial, Item("eye", item.values, "", start + 1, end)]
    return [item]


def _is_title(item: Item, stream: list[Symbol]) -> bool:
    after = [symbol.text for symbol in stream[item.end : item.end + 2]]
    numbered = after[:1] == ["-"] and len(after[-1]) > 2 and after[-1].isdigit()
    if numbered and stream[item.end].start == stream[item.end - 1].end:
        return True  # MH-00301 numbers a patient
    rest = _TITLES.get(after[0]) if after else None
    if rest is None:  # GA 32: gestational age
        return bool(after) and after[0][0].isdigit() and stream[item.start].raw == "GA"
    words = vocabulary()
    if item.value in words and words[item.value].kind == "treatment":
        return False  # 激光术后复查 tells of the laser
    return not rest or (after[1:] != [] and after[1] in rest)


def _side(item: Item, following: Item | None, colon: bool, stream: list[Symbol]) -> Item:
    symbol = stream[item.start]
    if item.value == "OU":
        part = following is not None and following.kind in ("site", "finding", "head", "section")
        is_eye = part or colon or _closes(following)
        return Item("eye" if is_eye else "other", item.values, "", *_at(item))
    after = stream[item.end].text if item.end < len(stream) else ""
    if symbol.kind == "han":
        is_eye = item.end - item.start > 1 or after not in _PART_OF_FIELD
    elif len(symbol.raw) == 1:
        part = following is not None and following.kind in _AFTER_LETTER
        part = part or after in _SEVERITIES
        is_eye = symbol.raw.isupper() and (part or colon or _closes(following))
    else:
        is_eye = after not in ("lower", "upper", "hand", "side", "of")
    return Item("eye" if is_eye else "other", item.values, "", item.start, item.end)


def _closes(following: Item | None) -> bool:
    return following is None or following.kind in ("mark", "break")


def _at(item: Item) -> tuple[int, int]:
    return item.start, item.end


def units(items: list[Item], stream: list[Symbol]) -> list[Unit]:
    """Cut refined items into units; every item lies in exactly one."""
    cut: list[Unit] = []
    start, sentence, paragraph, section, depth = 0, 0, 0, "", 0
    # `OD ... OS ...` without marks: where a unit opens with an eye, the next eye opens a new one.
    opened, stated, excepted = False, False, False

    def close(end: int) -> None:
        nonlocal start, opened, stated
        if end > start:
            cut.append(Unit(start, end, sentence, paragraph, section, depth))
        start, opened, stated = end, False, False

    for index, item in enumerate(items):
        if item.kind not in _BORDERS and not (excepted and item.kind == "han"):
            stated = stated or item.kind in _STATING
            continue
        mark = item.value if item.kind == "mark" else ""
        if item.kind == "eye":
            heading = stream[item.start].kind == "han" and _colon_after(items, index)
            if (opened or heading) and stated and items[index - 1].kind != "copy":
                close(index)
            opened = opened or not stated
        if item.kind == "section":
            close(index)
            sentence, paragraph, section, depth = sentence + 1, paragraph + 1, item.value, 0
        elif mark in _OPEN:
            close(index)
            depth += 1
        elif mark in _CLOSE:
            close(index + 1)
            depth = max(0, depth - 1)
        elif item.kind in ("contrast", "except"):
            close(index)
            excepted = item.kind == "except"
        elif excepted and item.kind == "han" and stream[item.start].text == "外":
            close(index + 1)  # 除左眼玻璃膜疣外
            excepted = False
        elif mark == "," or _dash(item, mark, stream):
            close(index + 1)
        elif _ends_sentence(item, mark, index, items, stream):
            close(index + 1)
            sentence += 1
            if item.kind == "break":
                paragraph, depth = paragraph + 1, 0
            if section in _SHORT.get("line" if item.kind == "break" else mark, ()):
                section = ""
    close(len(items))
    return cut


def _colon_after(items: list[Item], index: int) -> bool:
    return index + 1 < len(items) and items[index + 1].values == (":",)


def _dash(item: Item, mark: str, stream: list[Symbol]) -> bool:
    if mark not in ("-", "–", "—", "―"):
        return False
    before = stream[item.start - 1].end if item.start else 0
    here = stream[item.start]
    return mark == "—" or here.start > before


def _ends_sentence(
    item: Item, mark: str, index: int, items: list[Item], stream: list[Symbol]
) -> bool:
    if item.kind == "break" or (mark and mark in _STRONG):
        return True
    if item.kind == "doubt" and stream[item.end - 1].text == "?":
        after = items[index + 1] if index + 1 < len(items) else None
        aside = after is not None and after.values == ("(",)  # `ERM? (OD)`
        return after is None or not (aside or after.kind in ("finding", "head"))
    if mark != ".":
        return False
    next_one = stream[item.end] if item.end < len(stream) else None
    apart = next_one is None or next_one.start > stream[item.start].end
    return apart or (next_one is not None and next_one.kind != "word")
