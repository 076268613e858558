"""The record's own values wherever they stand in its report, in every form."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache

from funduscope.archive import redact_dates as days
from funduscope.archive import redact_words as lists
from funduscope.archive.redact_dates import Find
from funduscope.archive.redact_words import CJK, either, given

MARKS = {
    "name": "name",
    "doctor": "name",
    "identity": "id",
    "patient": "number",
    "exam": "number",
    "birth_date": "date",
    "exam_date": "date",
    "phone": "phone",
    "email": "email",
    "address": "address",
    "institution": "institution",
    "account": "account",
}
"""Role of a value -> mark; a role that is not here becomes `[id]`."""

_START, _END = r"(?<![A-Za-z])", r"(?![A-Za-z])"
_STOP = r"(?-i:(?![a-z]))"
_GAP = r"[\s·•.,_^'’-]*"
_PET = "老小阿大"
_TITLES_EN = {
    "dr",
    "mr",
    "mrs",
    "ms",
    "miss",
    "prof",
    "md",
    "od",
    "phd",
    "do",
    "rn",
    "frcs",
    "jr",
    "sr",
}


def own(text: str, secrets: Mapping[str, Sequence[str]], day: date | None) -> Iterator[Find]:
    """Where the record's own values stand in a text of narrow characters.

    Args:
        text: as `redact.narrow` gives it.
        secrets: role -> values, narrow.
        day: of the examination, if known.
    """
    bare = _bare(text)
    for role, values in secrets.items():
        mark = MARKS.get(role, "id")
        for value in values:
            if role in ("name", "doctor") or _person(value):
                for start, end in _names(text, value):
                    yield start, end, mark
            elif role in ("exam_date", "birth_date"):
                yield from _dates(text, value, role, day)
            elif re.sub(r"^[a-z]*0*(?=\d+$)", "", _bare(value)) in bare:
                for pattern in _number(value):
                    for found in pattern.finditer(text):
                        yield *found.span(), mark


def tells(said: str) -> str:
    """What to look for elsewhere of a name that a rule found in one place; empty: nothing.

    A whole Chinese name (no pet name), or words in Latin letters (no initials, none in capitals:
    there a false find would be repeated).
    """
    if re.search(f"[{CJK}]", said):
        name = re.sub(rf"[^{CJK}·]", "", said)
        whole = re.fullmatch(f"{lists.surname()}{given()}{{1,2}}|[{CJK}]+(?:·[{CJK}]+)+", name)
        return name if whole and name[0] not in _PET else ""
    words = re.findall(r"[^\W\d_]{2,}(?:['’-][^\W\d_]{2,})*", said)
    return " ".join(word for word in words if not word.isupper())


def _bare(text: str) -> str:
    """Letters and digits alone; what does not stand in these needs no pattern of its own."""
    return re.sub(r"[\W_]", "", text).lower()


def _person(value: str) -> bool:
    """Whether a value of any column may be somebody's name (a doctor's), or one plain word."""
    if re.search(rf"[{CJK}]", value):
        one = rf"\s*[{CJK}](?:[ ·]?[{CJK}]){{1,3}}\s*"
        some = rf"\s*{lists.surname()}{given()}{{1,2}}\s*"
        return re.fullmatch(rf"{one}|{some}(?:[/|;、&\n]{some})+", value) is not None
    parts = re.findall(r"[^\W\d_]+", value)
    ends = {word.lower() for some in lists.words("en", "hospital_ends") for word in some.split()}
    return (
        0 < len(parts) <= 4
        and re.search(r"[\d@/]", value) is None
        and (len(parts) == 1 or ends.isdisjoint(part.lower() for part in parts))
    )


def _dates(text: str, value: str, role: str, day: date | None) -> Iterator[Find]:
    """The value as it stands, and without separators (the other forms: `redact_dates`)."""
    said = days.read(value)
    whole = said.whole() if said else None
    mark = "day 0" if role == "exam_date" and day is not None and whole in (day, None) else "date"
    forms = {value.strip()} if len(re.sub(r"\D", "", value)) >= 6 else set()
    if whole is not None:
        forms |= {f"{whole:%Y%m%d}", f"{whole:%y%m%d}"}
    for form in sorted((form for form in forms if form in text), key=len, reverse=True):
        for found in re.finditer(rf"(?<![\d.]){re.escape(form)}(?![\d])", text):
            yield *found.span(), mark


@lru_cache(maxsize=2048)
def _number(value: str) -> tuple[re.Pattern[str], ...]:
    """Numbers, addresses and other strings: loosely where long, exactly where short."""
    letters = re.sub(r"[\W_]", "", value)
    if not any(char.isdigit() for char in letters):
        plain = re.sub(r"\s+", " ", value.strip())
        if len(letters) < 2 or (len(letters) < 4 and letters.isascii()):
            return ()
        loose = r"\s*".join(re.escape(char) for char in plain if char != " ")
        return (re.compile(rf"(?<![A-Za-z0-9]){loose}(?![A-Za-z0-9])", re.I),)
    # Numbers of up to three characters ("0", "12") are everyday words of a report.
    if len(letters) < 4:
        return ()
    if len(letters) < 6:
        spaced = re.sub(r"(?<=[A-Za-z])(?=\d)", r"[ _-]?", letters)
        return (re.compile(rf"(?<![A-Za-z0-9.:/]){spaced}(?![A-Za-z0-9]|[.:/]\d)", re.I),)
    loose = r"[\s./_-]*".join(map(re.escape, letters))
    found = [re.compile(rf"(?<![A-Za-z0-9]){loose}(?![A-Za-z0-9])", re.I)]
    bare = re.sub("^[A-Za-z]*0*", "", letters)
    if bare.isdigit() and 5 <= len(bare) < len(letters):
        found.append(re.compile(rf"(?<![A-Za-z0-9.:/]){bare}(?![A-Za-z0-9]|[.:/]\d)"))
    return tuple(found)


def _names(text: str, value: str) -> Iterator[tuple[int, int]]:
    for part in re.split(r"[/|;、；&\n]|(?<=[\u4e00-\u9fff])[,，](?=[\u4e00-\u9fff])", value):
        part = part.strip()
        if re.search(f"[{CJK}]", part):
            for han in _said_names(part):
                yield from _han(text, han)
            part = re.sub(f"[{CJK}]+", " ", part)
        yield from _latin(text, part)


# What a name cell may hold beside the name: the bed before it; sex, age and kin behind it.
_BEFORE = re.compile("^(?:姓名|患者|病人|患儿|产妇|联系人|号?床|号)+")
_BEHIND = re.compile(
    "(?:之?[长次大小双]?(?:男婴|女婴|婴儿|新生儿|双胎)|之[长次大小]?[子女夫妻父母孙]|[男女]性?|岁|[大小]双|家属|本人)+$"
)


@lru_cache(maxsize=2048)
def _said_names(value: str) -> tuple[str, ...]:
    """The Chinese names of a cell ('12床王秀兰', '王秀兰 女', '王秀兰之子', '阿依古丽·吐尔逊')."""
    found: dict[str, None] = {}
    for run in re.findall(rf"[{CJK}](?:[{CJK}·•・ ]*[{CJK}])?", value):
        words = [
            word
            for part in re.split(r"[ ·•・]+", run)
            if (word := _BEHIND.sub("", _BEFORE.sub("", part)))
        ]
        found |= dict.fromkeys([run, "".join(words)])
        if len(words) < 2:
            continue
        dotted = re.search("[·•・]", run) is not None
        named = re.compile(f"{lists.surname()}{given()}{{1,2}}")
        for word in words:
            if len(word) >= 3 if dotted else len(word) >= 2 and named.fullmatch(word):
                found[word] = None
    return tuple(word for word in found if word not in lists.words("zh", "compound_surnames"))


def _han(text: str, value: str) -> Iterator[tuple[int, int]]:
    letters = re.sub(rf"[^{CJK}]", "", value)
    letters = re.sub(rf"(?:{either('zh', 'titles')})+$", "", letters)
    if len(letters) < 2:
        return
    # Patterns are made for one name: only where a character of it stands at all.
    for pattern in _han_patterns(letters) if any(char in text for char in letters) else ():
        for found in pattern.finditer(text):
            group = "it" if "it" in pattern.groupindex else 0
            start, end = found.span(group)
            word = text[start:end] == letters and letters in lists.words("zh", "everyday")
            if _meant(text, start, end) or not (word or lists.in_words(text, start, end)):
                yield start, end
    for pattern in _pinyin_patterns(letters) if _LATIN.search(text) else ():
        for found in pattern.finditer(text):
            yield found.span()


_LATIN = re.compile("[A-Za-z]")
_KNOWN = re.compile(r"(?:患者|病人|姓名|签名|医师|医生|审核|者)\s*[:：]?\s*$")


def _meant(text: str, start: int, end: int) -> bool:
    """Whether what stands around a Chinese find says that it is a person."""
    before, after = text[max(0, start - 6) : start], text[end : end + 8]
    alone = re.search(rf"[{CJK}]\s*$", before) is None and _SEXED.match(after)
    return bool(_KNOWN.search(before) or alone)


_SEXED = re.compile(rf"[,，、/(（ ]*(?:男|女|性别|\d{{1,3}} ?岁|{either('zh', 'titles')})")


@lru_cache(maxsize=2048)
def _han_patterns(name: str) -> tuple[re.Pattern[str], ...]:
    gap = r"[\s·•・.]*"
    family = name[:2] if name[:2] in lists.words("zh", "compound_surnames") else name[:1]
    first = name[len(family) :]
    titles, verbs = either("zh", "titles"), f"{either('zh', 'long_verbs')}|{either('zh', 'verbs')}"
    kin = "|".join(
        word
        for word in (*lists.words("zh", "titles"), *lists.words("zh", "kin"))
        if "某" not in word
    )
    found = [
        re.compile(gap.join(name)),
        re.compile(rf"{family}(?:某{{1,2}}|[Xx×*＊○●]{{1,2}})(?![a-z])"),
        re.compile(rf"(?P<it>{family}{given()}{{0,2}}?)(?:{titles})"),
        re.compile(rf"(?<![{CJK}])(?P<it>{family}{given()}?)(?:{kin})"),
        re.compile(rf"[{_PET}]{family}(?:头|儿)?(?=[^{CJK}]|$|{verbs})"),
    ]
    if family not in "白黄孔石管叶方高段毛范梁花视左眼":
        found.append(re.compile(rf"老{family}(?![{CJK}]?[障光视花])"))
    if len(first) >= 2:
        around = rf"(?:(?<![{CJK}])|(?<=患者)|(?<=病人)|(?<=老人))"
        found.append(re.compile(rf"{around}{first}(?=[^{CJK}]|$|{verbs}|{kin})"))
        found.append(re.compile(rf"{around}[小阿]?{first[-1]}(?={kin})"))
    return tuple(found)


@lru_cache(maxsize=2048)
def _pinyin_patterns(name: str) -> tuple[re.Pattern[str], ...]:
    """The name in Latin letters: zhangwei, Zhang Wei, Wei Zhang, ZHANG, Wei; every reading."""
    from pypinyin import Style, pinyin

    read = [sorted(set(some)) for some in pinyin(name, style=Style.NORMAL, heteronym=True)]
    size = 2 if name[:2] in lists.words("zh", "compound_surnames") else 1
    forms: set[str] = set()
    for syllables in itertools.islice(itertools.product(*read), 16):
        for spelled in {syllables, tuple(one.replace("v", "u") for one in syllables)}:
            family, first = "".join(spelled[:size]), "".join(spelled[size:])
            gaps = r"[\s,._'-]*"
            loose = r"[\s'-]?".join(spelled[size:])
            if len(family) >= 4 and first:
                forms.add(rf"{family},?[ ]{first[0]}\.?(?![a-z])")
            if len(family + first) >= 5:
                forms |= {f"{family}{gaps}{loose}", f"{loose}{gaps}{family}"}
    # A lower-case name in two words ("he an") could be English: then only joined.
    both = "|".join(sorted(forms, key=lambda form: (-len(form), form)))
    if not forms:
        return ()
    return (re.compile(rf"{_START}(?=[A-Z]|[a-z]+(?![a-z]| [a-z]))(?i:{both}){_END}"),)


def _latin(text: str, value: str) -> Iterator[tuple[int, int]]:
    text, value = unaccented(text), unaccented(value)
    words = [
        word
        for word in re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", value)
        if word.lower() not in _TITLES_EN
    ]
    bare = _bare(text)
    if not any(_bare(word) in bare for word in words):  # every pattern holds one of them whole
        return
    for pattern in _latin_patterns(tuple(words)):
        for found in pattern.finditer(text):
            yield found.span("it" if "it" in pattern.groupindex else 0)


def unaccented(text: str) -> str:
    """Letters without their accents, one for one, so that places in the text stay."""
    if text.isascii():
        return text
    return "".join(
        unicodedata.normalize("NFD", char)[0] if char < "\u1f00" else char for char in text
    )


@lru_cache(maxsize=2048)
def _latin_patterns(words: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    found: list[re.Pattern[str]] = []
    escaped = [re.escape(word).replace(r"\-", r"[ \t-]?") for word in words]
    if len("".join(words)) >= 4 and len(words) > 1:
        middle = r"(?:[A-Z]\.?[\s]+)?"
        for order in _orders(escaped):
            found.append(re.compile(_START + (_GAP + middle).join(order) + _STOP, re.I))
        for first, last in ((escaped[0], escaped[-1]), (escaped[-1], escaped[0])):
            found.append(
                re.compile(
                    rf"{_START}{first[0]}\.? ?{last}{_END}|{_START}{last},? {first[0]}\.?{_END}"
                )
            )
            found.append(
                re.compile(rf"{_START}(?:{first[0]}[._-]?{last}|{last}[._-]{first[0]}){_END}", re.I)
            )
    for word in words:
        found += _single(word)
    return tuple(found)


def _orders(words: Sequence[str]) -> Iterable[Sequence[str]]:
    """As written and reversed; with middle names also first and last alone."""
    orders = {tuple(words), tuple(reversed(words))}
    orders |= {(*words[1:], words[0]), (words[-1], *words[:-1])}
    if len(words) > 2:
        orders |= {(words[0], words[-1]), (words[-1], words[0])}
    return sorted(orders, key=lambda order: (-len(order), order))


# A capitalized word within a sentence before a name is its first: a relative's (husband Will Lee).
_FIRST = r"(?:(?<=[a-z,] )(?!(?:Dr|Mr|Mrs|Ms|Miss|Mx|Prof|Patient|Pt)\b)[A-Z][a-z]+[ \t]+)"


def _single(word: str) -> list[re.Pattern[str]]:
    """One part of a name alone; a part that reports use as a word only where a person is meant."""
    if len(word) < 2:
        return []
    plain_forms = {word, word.capitalize(), word.upper()}
    forms = "|".join(sorted(re.escape(w).replace(r"\-", r"[ \t-]?") for w in plain_forms))
    title = r"(?:(?:Dr|Mr|Mrs|Ms|Miss|Mx|Prof|Patient|Pt|Mr/Ms)\.?[ \t]+)"
    lower = word.lower()
    plain = lower in lists.everyday_en() or lower in lists.words("en", "ambiguous")
    if len(word) >= 5 and not plain:
        return [re.compile(rf"{_FIRST}?{_START}(?:(?i:{forms}){_END}|(?:{forms}){_STOP})")]
    if len(word) >= 3 and not plain:
        return [re.compile(rf"{_FIRST}?{_START}(?:{forms}){_STOP}")]
    verbs = either("en", "verbs")
    after = rf"(?=[ \t]+(?:{verbs})(?![a-z])|['’]s[ \t])" if len(word) >= 3 else ""
    both = [re.compile(rf"(?:{title}|(?={_FIRST}))(?P<it>{_FIRST}?(?:{forms})){_END}")]
    return (
        [*both, re.compile(rf"{_START}(?:{forms}){after}")]
        if after and not _finding(lower)
        else both
    )


def _finding(word: str) -> bool:
    """Whether it is a word of findings, which 'is' and 'was' may follow ('Disc is pale')."""
    return word in lists.everyday_en()
