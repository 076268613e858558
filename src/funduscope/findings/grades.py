"""Grades as written: stages, severity words, ratios. Nothing is computed from signs.

Scales: icdr 0-4, cn_dr 1-6 (期), kwb 1-4, metapm C0-C4, areds 1-4, gass, pvr, rop; cdr
(cup-to-disc) and avr (artery-to-vein) are measurements. Before the eyes are read, number and
stage words become items of kind `grade` (values: scale or word, value), ratios of kind `measure`.
"""

from __future__ import annotations

import re

from funduscope.findings.lexicon import Item
from funduscope.findings.symbols import Symbol

SEVERITY = {"mild": 1, "轻": 1, "moderate": 2, "中": 2, "severe": 3, "重": 3}
_ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6}
_HAN_NUMBER = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "〇": 0, "零": 0}
_SCALES = {"ICDR": "icdr", "KWB": "kwb", "AREDS": "areds", "META": "metapm"}
_SCALES |= {"METAPM": "metapm", "GASS": "gass", "PVR": "pvr"}
# Which findings a scale may be written on (the finding itself or one of its ancestors).
TARGETS = {
    "icdr": ("diabetic_retinopathy",),
    "cn_dr": ("diabetic_retinopathy",),
    "kwb": ("hypertensive_retinopathy",),
    "metapm": (
        "pathologic_myopia",
        "tessellated_fundus",
        "diffuse_chorioretinal_atrophy",
        "patchy_chorioretinal_atrophy",
        "macular_atrophy",
    ),
    "areds": ("amd",),
    "gass": ("macular_hole",),
    "pvr": ("pvr",),
    "rop": ("rop",),
}
# What a scale is written on where the text names nothing else: `AREDS 2 OD`.
DEFAULTS = {
    "icdr": "diabetic_retinopathy",
    "kwb": "hypertensive_retinopathy",
    "metapm": "pathologic_myopia",
    "areds": "amd",
}


_LETTERS = ("A", "B", "C", "D")


def _number(symbol: Symbol) -> int | None:
    if symbol.kind == "number" and symbol.text.isdigit() and len(symbol.text) <= 2:
        return int(symbol.text)
    if symbol.raw in _ROMAN:
        return _ROMAN[symbol.raw]
    return _HAN_NUMBER.get(symbol.text)


# Terms behind which a ratio's number may stand, and which ratio that is.
_RATIOS = {
    "cup_disc_ratio": "cup_disc_ratio",
    "cup_disc_asymmetry": "cup_disc_ratio",
    "optic_disc_cupping": "cup_disc_ratio",
    "av_ratio": "av_ratio",
}


def mark_grades(items: list[Item], stream: list[Symbol]) -> list[Item]:
    """Replace the items that spell a grade, a scale or a ratio by `grade`, `scale`, `measure`."""
    marked: list[Item] = []
    ratio, met = "", False
    index = 0
    while index < len(items):
        item = items[index]
        kind, value = item.kind, item.value
        if value in _RATIOS:
            ratio = _RATIOS[value]
            if ratio == value and _is_ratio_ahead(items, index + 1):
                item = Item("site", ("ratio",), "", item.start, item.end)
            met = met or ratio == "cup_disc_ratio"
        elif met and value == "disc":
            ratio = ratio or "cup_disc_ratio"  # `Left disc: 0.4` after the ratio of the right
        elif kind in ("finding", "head", "break") or value in ("。", ";"):
            ratio = ""
        taken = _measure(items, index, ratio, stream) if ratio else None
        if taken is None and kind in ("word", "han", "number"):
            taken = _stage(items, index, stream) or _severity(items, index, stream)
        if taken:
            marked.append(taken[0])
            index = taken[1]
            continue
        scale = _SCALES.get(stream[item.start].raw.upper()) if kind == "word" else None
        marked.append(Item("scale", (scale,), "", item.start, item.end) if scale else item)
        index += 1
    return marked


def _is_ratio_ahead(items: list[Item], index: int) -> bool:
    for item in items[index : index + 14]:
        if item.kind in ("finding", "break") or item.value in ("。", ";"):
            return False
        if item.kind == "number" and float(item.value) <= 5:
            return True
    return False


def _measure(
    items: list[Item], index: int, ratio: str, stream: list[Symbol]
) -> tuple[Item, int] | None:
    """A ratio's number: `0.8`, `>0.6`, `0.4-0.5` (cdr) or `2:3` (avr)."""
    item = items[index]
    tail = [stream[i.start].text for i in items[index : index + 4]]
    if ratio == "av_ratio":
        if item.kind == "number" and len(tail) > 2 and tail[1] in (":", "/") and tail[2].isdigit():
            value = f"avr:{tail[0]}/{tail[2]}"
            return Item("measure", (ratio, value), "", item.start, items[index + 2].end), index + 3
        return None
    sign, at = "", index
    while at < len(items) and items[at].value in (">", "<", "=", "≥", "≤"):
        sign += {"≥": ">=", "≤": "<="}.get(items[at].value, items[at].value)
        at += 1
    if at >= len(items) or items[at].kind != "number" or float(items[at].value) > 1:
        return None
    value, end = items[at].value, at + 1
    ranged = end + 1 < len(items) and items[end].value in ("-", "~", "–")
    if ranged and items[end + 1].kind == "number":
        value, end = f"{value}-{items[end + 1].value}", end + 2
    sign = sign.removeprefix("=") if sign[:1] == "=" else sign
    grade = f"cdr:{sign}{value}"
    return Item("measure", (ratio, grade), "", item.start, items[end - 1].end), end


def _stage(items: list[Item], index: int, stream: list[Symbol]) -> tuple[Item, int] | None:
    """`III期`, `2级`, `grade 2`, `stage 3`, `category 2`, `ICDR 0`, `C2` after META-PM, `C级`."""
    item = items[index]
    symbol = stream[item.start]
    if item.end - item.start != 1:
        return None
    after = stream[item.end] if item.end < len(stream) else None
    value = _number(symbol)
    if value is not None and after is not None and after.text in ("期", "级"):
        unit = "stage" if after.text == "期" else "level"
        return Item("grade", (unit, str(value)), "", item.start, item.end + 1), index + 2
    if symbol.raw in _LETTERS and after is not None and after.text == "级":
        return Item("grade", ("level", symbol.raw), "", item.start, item.end + 1), index + 2
    if symbol.text in ("grade", "stage", "category", "level", "icdr") and after is not None:
        degree = after.raw if after.raw in _LETTERS else _number(after)
        if degree is not None:
            unit = {"stage": "stage", "icdr": "icdr"}.get(symbol.text, "level")
            return Item("grade", (unit, str(degree)), "", item.start, item.end + 1), index + 2
    if symbol.raw == "C" and after is not None and re.fullmatch("[0-4]", after.text):
        return Item("grade", ("metapm", f"C{after.text}"), "", item.start, item.end + 1), index + 2
    return None


def _severity(items: list[Item], index: int, stream: list[Symbol]) -> tuple[Item, int] | None:
    item = items[index]
    symbol = stream[item.start]
    if item.kind not in ("word", "han") or symbol.text not in SEVERITY:
        return None
    end, value = index + 1, str(SEVERITY[symbol.text])
    if item.kind == "han":
        ahead = [s.text for s in stream[item.end : item.end + 3]]
        while ahead and ahead[0] in ("至", "到", "-", "~", *SEVERITY):  # 中重度: no one grade
            ahead, end, value = ahead[1:], end + 1, ""
        if not ahead or ahead[0] not in ("度", "型"):
            return None
        end += 1
    return Item("grade", ("severity", value), "", item.start, items[end - 1].end), end


def on_scale(unit: str, value: str, family: str, scale: str) -> str | None:
    """The grade text for a finding's family, or None where the words grade nothing there.

    family: the target code from TARGETS; scale: the scale named in the text ("" if none).
    """
    numeric = value.isdigit()
    if family == "diabetic_retinopathy":
        if unit == "stage" and numeric and 1 <= int(value) <= 6 and scale != "icdr":
            return f"cn_dr:{value}"
        if unit in ("icdr", "level", "stage") and numeric and int(value) <= 4:
            return f"icdr:{value}"
        return f"icdr:{value}" if unit == "severity" and value else None
    if unit == "severity":
        return None
    if not numeric and family != "pvr" and unit != "metapm":
        return None
    if family == "hypertensive_retinopathy" and int(value) <= 4:
        return f"kwb:{value}"
    if family == "amd":
        return f"areds:{value}" if scale == "areds" and numeric else None
    if family == "pvr":
        return f"pvr:{value}"  # C2 is written on either
    if unit == "metapm":
        return f"metapm:{value}" if family in TARGETS["metapm"] else None
    if family == "macular_hole":
        return f"gass:{value}"
    return f"{family}:{value}" if family == "rop" else None
