"""What the second pass looks for: each identifying string in the forms it may take, and whether a
place that looks like it really is it.

Kept apart from the first pass on purpose: no rule, pattern, list or import is shared with it.

What is not looked for, and why. Strings of one ideograph, of fewer than four Latin letters or
digits and everyday words (`residue_words.txt`: Young, Field, May, 门诊) stand in every report by
right. Numbers of four or five digits count only as whole tokens of texts; numbers of up to nine
digits never inside a longer number, a decimal or a hexadecimal digest. Chinese names of two or
three characters do not count where the words around them already explain every character
(位于 + 明显 holds no 于明).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

SEPARATORS = (
    " \t\r\n\u00a0\u3000-_./·•・‧,'’^:\\|+()（）*~\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
    "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u301c"
)
BARRIER = "\x1e"
"""Stands between two values: no form reaches across it."""
ENCODINGS = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")
_DROP = {ord(char): None for char in SEPARATORS}
_IDEOGRAPH = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_SHORT_GAPS = frozenset(" -_\u00a0\u3000\u200b")
_HAN_GAPS = frozenset(SEPARATORS) - set(",:()（）\n\r")


@dataclass(frozen=True)
class Form:
    """One way to write one string.

    Attributes:
        squeezed: folded, without separators.
        kind: of the string, as the caller names it.
        shape: "han", "digits", "letters", "mixed"; "dated" for day, month and year in figures
            that need their separators; "part" for one word of a name, capitalized in the text.
        spelled: ways to write it that are looked for among bytes, where nothing can be folded.
    """

    squeezed: str
    kind: str
    shape: str
    spelled: tuple[str, ...] = ()


def fold(text: str) -> str:
    """Compatibility forms and case away (NFKC, lower case), one character for one after NFKC."""
    plain = unicodedata.normalize("NFKC", text)
    low = plain.lower()
    if len(low) != len(plain):
        low = "".join(c.lower() if len(c.lower()) == 1 else c for c in plain)
    return low


def squeeze(folded: str) -> str:
    """Without separators."""
    return folded.translate(_DROP)


def forms(strings: Mapping[str, Iterable[str]]) -> Iterator[Form]:
    """All forms of all strings that are worth looking for; one at a time, some of them twice."""
    for kind, values in strings.items():
        for value in dict.fromkeys(values):
            yield from _forms(kind, value)


def _forms(kind: str, value: str) -> Iterator[Form]:
    folded = fold(value)
    yield from _one(kind, squeeze(folded), (value.strip(), unicodedata.normalize("NFKC", value)))
    words = [word for word in re.findall(r"[^\W\d_]+", folded) if word not in _TITLES]
    named = any(role in kind for role in ("name", "doctor", "artist"))
    if named and len(words) > 1 and not re.search(r"\d", folded) and not _IDEOGRAPH.search(folded):
        for order in (words, words[::-1], words[1:] + words[:1], words[-1:] + words[:-1]):
            spelled = tuple(gap.join(order) for gap in (" ", ", ", "^", "_"))
            yield from _one(kind, "".join(order), spelled)
        for word in words:
            if len(word) >= 4 and word not in _everyday():
                yield Form(word, kind, "part")
    if "date" in kind or "birth" in kind:
        yield from _dates(kind, folded)


_TITLES = frozenset(("dr", "md", "mr", "mrs", "ms", "prof", "phd"))


def _one(kind: str, squeezed: str, spelled: tuple[str, ...]) -> Iterator[Form]:
    if not squeezed or BARRIER in squeezed:
        return
    ideographs = len(_IDEOGRAPH.findall(squeezed))
    if ideographs:
        if (ideographs >= 2 or len(squeezed) >= 4) and not _everyday_han(squeezed):
            yield Form(squeezed, kind, "han", spelled)
    elif len(squeezed) < 4 or squeezed in _everyday():
        return
    elif squeezed.isdigit():
        yield Form(squeezed, kind, "digits", spelled)
    else:
        yield Form(squeezed, kind, "letters" if squeezed.isalpha() else "mixed", spelled)


_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)


def _dates(kind: str, folded: str) -> Iterator[Form]:
    """A date that is written year, month, day -> the other ways to write that day."""
    found = re.search(r"(?<!\d)((?:19|20)\d\d)\D{0,2}(\d{1,2})\D{0,2}(\d{1,2})(?!\d)", folded)
    if found is None:
        return
    year, month, day = (int(part) for part in found.groups())
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return
    yield Form(f"{year}{month:02d}{day:02d}", kind, "digits")
    for m, d in {(str(month), str(day)), (f"{month:02d}", f"{day:02d}")}:
        yield Form(f"{year}年{m}月{d}日", kind, "han")
        for order in ((year, m, d), (m, d, year), (d, m, year)):
            spelled = tuple(gap.join(map(str, order)) for gap in "-/.")
            yield Form("".join(map(str, order)), kind, "dated", spelled)
        for name in (_MONTHS[month - 1], _MONTHS[month - 1][:3]):
            for text in (f"{name} {d}, {year}", f"{name} {d} {year}", f"{d} {name} {year}"):
                yield Form(squeeze(text), kind, "mixed", (text,))


def encoded(form: Form) -> Iterator[tuple[str, bytes]]:
    """Encoding and bytes of the ways a form may stand in a file that is no text."""
    spelled = {form.squeezed, " ".join(form.squeezed), *form.spelled}
    spelled |= {change(text) for text in spelled for change in (str.lower, str.upper, str.title)}
    for text in sorted(spelled):
        for encoding in ENCODINGS:
            if encoding != "gb18030" or not text.isascii():
                yield encoding, text.encode(encoding, "ignore")


def accept(form: Form, folded: str, plain: str, start: int, end: int, *, whole: bool) -> bool:
    """Whether folded[start:end], which reads like the form, is the string.

    Args:
        form: the form found.
        folded: the text searched, folded.
        plain: the same text with its case.
        start, end: of the find.
        whole: the text is a text or a value of a table, not a stretch of bytes.
    """
    before = folded[start - 1] if start else BARRIER
    after = folded[end] if end < len(folded) else BARRIER
    found = folded[start:end]
    gaps = {char for char in found if char in SEPARATORS}
    size = len(form.squeezed)
    if _in_digest(form.squeezed, folded, start, end):
        return False
    if form.shape == "han":
        return gaps <= _HAN_GAPS and not (size <= 3 and _explained(folded, start, end))
    if form.shape == "dated":
        return re.fullmatch(r"\d+([-/.])\d+\1\d+", found) is not None and _alone(folded, start, end)
    if form.shape == "digits":
        return _number(folded, start, end, gaps, size, whole=whole)
    if form.shape == "part":
        capital = plain[start : start + 1].isupper()
        return capital and not gaps and not _letter(before) and not _letter(after)
    if size < 8:
        test = _letter if form.shape == "letters" else str.isalnum
        return not test(before) and not test(after)
    return True


def _letter(char: str) -> bool:
    return char.isascii() and char.isalpha()


def _alone(folded: str, start: int, end: int) -> bool:
    """Whether a number is neither a piece of a longer one nor of a decimal."""
    before, after = folded[max(0, start - 2) : start], folded[end : end + 2]
    if before[-1:].isdigit() or after[:1].isdigit():
        return False
    return not re.fullmatch(r"\d\.", before) and not re.fullmatch(r"\.\d", after)


def _number(folded: str, start: int, end: int, gaps: set[str], size: int, *, whole: bool) -> bool:
    if size >= 11:
        return True
    if not _alone(folded, start, end) or _MARK.search(folded[max(0, start - 8) : start]):
        return False
    # A size or a count in a text: records' numbers mostly have leading zeros, counts never.
    counted = not whole and folded[start] != "0"
    if counted and size < 9 and _COUNTED.search(folded[max(0, start - 8) : start]):
        return False
    if size >= 8:
        return True
    if size >= 6:
        return len(gaps) <= 1 and gaps <= _SHORT_GAPS
    around = folded[max(0, start - 1) : start] + folded[end : end + 1]
    if gaps or re.search(r"[a-z0-9.:/%-]", around) or _UNIT.match(folded[end : end + 8]):
        return False
    return not counted or set(around) <= set("\"'")


_MARK = re.compile(r"\[(?:day|month|year) -?$")
"""Before the days of `[day -4570]`, which the removal writes."""
_COUNTED = re.compile(r"\"\s*:\s*$|[\[,]\s*$")
_UNIT = re.compile(r"\s?(?:um|μm|µm|mm|ms|px|x|d|微米|毫米|度|例|张|次)(?![a-z])")


def _in_digest(squeezed: str, folded: str, start: int, end: int) -> bool:
    """Whether a short string of hexadecimal digits lies in a longer run of them: a digest, a
    pseudonym. Sixteen digits and more never happen in names and numbers of people."""
    if len(squeezed) >= 12 or re.fullmatch(r"[0-9a-f]+", squeezed) is None:
        return False
    left, right = start, end
    while left and folded[left - 1] in "0123456789abcdef":
        left -= 1
    while right < len(folded) and folded[right] in "0123456789abcdef":
        right += 1
    return right - left >= 16 and right - left > end - start


@cache
def _lists() -> tuple[frozenset[str], dict[str, tuple[str, ...]]]:
    path = resources.files("funduscope.archive").joinpath("residue_words.txt")
    words = path.read_text(encoding="utf-8").split()
    latin = frozenset(word for word in words if word.isascii())
    han: dict[str, list[str]] = {}
    for word in words:
        if not word.isascii():
            han.setdefault(word[0], []).append(word)
    return latin, {first: tuple(some) for first, some in han.items()}


def _everyday() -> frozenset[str]:
    return _lists()[0]


def _everyday_han(squeezed: str) -> bool:
    """Whether everyday words of two characters and more make it up (门诊, 眼底检查)."""
    ends = {0}
    for at in range(len(squeezed)):
        if at in ends:
            words = _lists()[1].get(squeezed[at], ())
            found = (word for word in words if len(word) > 1 and squeezed.startswith(word, at))
            ends |= {at + len(word) for word in found}
    return len(squeezed) in ends


def _explained(folded: str, start: int, end: int) -> bool:
    """Whether known words cover the find and reach beyond its end."""
    covered = set()
    for at in range(max(0, start - 6), end):
        for word in _lists()[1].get(folded[at], ()):
            stop = at + len(word)
            if stop > start and folded.startswith(word, at):
                if at <= start and end <= stop and len(word) > end - start:
                    return True
                covered |= set(range(max(at, start), min(stop, end)))
                if stop > end:
                    covered.add(end)
    return end in covered and covered >= set(range(start, end))
