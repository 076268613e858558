"""Identity out of report texts: the record's own facts first, then what always identifies.

Each find is replaced by a mark ([name], [date], [phone], [id], [number], [email]). Marks contain
nothing that a rule finds, so removing twice changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

# Full-width forms -> ASCII, one character for one, so that offsets stay.
_NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_CJK = "\u4e00-\u9fff"
_MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    "sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_YEAR = r"(?:19|20)\d{2}"
_MONTH, _DAY = r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|[12]\d|3[01])"
# The hundred commonest family names; each stands for about one in a thousand people or more.
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程"
    "魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝"
    "顾龚邵万覃武钱戴严莫孔向常"
)
_TITLE = "医师|医生|主任|教授|大夫|护士|先生|女士|小姐|技师"
_ROLE = (
    "(?:报告|审核|检查|诊断|主治|接诊|阅片|签发|复核|书写|送检|申请)?(?:医师|医生|技师|者|人员?)"
    "|签名|签字|审核"
)


def _always(_text: str) -> bool:
    return True


def resident_id_valid(text: str) -> bool:
    """Whether 18 characters are a resident identity number: its last one is a checksum.

    Source: GB 11643-1999 (ISO 7064 MOD 11-2).
    """
    body, last = text[:17], text[17:].upper()
    if not body.isdigit() or len(text) != 18:
        return False
    total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(body))
    return last == "10X98765432"[total % 11]


@dataclass(frozen=True)
class Rule:
    """A pattern that identifies whoever it is; `check` looks at the match a second time.

    Only the group `it` is replaced where the pattern has one; the words around it stay.
    """

    mark: str
    pattern: re.Pattern[str]
    check: Callable[[str], bool] = _always


def _rule(mark: str, pattern: str, check: Callable[[str], bool] = _always, flags: int = 0) -> Rule:
    return Rule(mark, re.compile(pattern, flags), check)


RULES: tuple[Rule, ...] = (
    _rule("email", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    _rule("id", r"(?<!\d)\d{17}[\dXx](?![\dA-Za-z])", resident_id_valid),
    _rule("id", r"(?<!\d)\d{8}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?!\d)"),
    _rule("phone", r"(?<![\d.])(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)"),
    _rule("phone", r"(?<!\d)0\d{2,3}[- ]?\d{7,8}(?!\d)"),
    _rule("phone", r"(?<!\d)(?:\+?1[-. ]?)?\(?\d{3}\)?[-. ]\d{3}[-. ]\d{4}(?!\d)"),
    _rule("phone", r"\+\d{1,3}(?:[- ]?\d){7,12}(?!\d)"),
    _rule("date", rf"(?<!\d){_YEAR}\s*年\s*{_MONTH}\s*月(?:\s*{_DAY}\s*[日号])?"),
    _rule("date", rf"(?<![\d.]){_YEAR}\s*([-/.])\s*{_MONTH}\s*\1\s*{_DAY}(?![\d])"),
    _rule("date", rf"(?<![\d.]){_DAY}([-/.]){_DAY}\1{_YEAR}(?!\d)"),
    _rule("date", rf"(?<!\d){_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)"),
    _rule("date", rf"\b{_DAY}(?:st|nd|rd|th)?\s+(?:{_MONTHS})\.?,?\s+{_YEAR}\b", flags=re.I),
    _rule("date", rf"\b(?:{_MONTHS})\.?\s+{_DAY}(?:st|nd|rd|th)?,?\s+{_YEAR}\b", flags=re.I),
    _rule(
        "number",
        r"\b(?:MRN|ID|(?:patient|record|exam|accession|case|chart|hospital)\s*"
        r"(?:number|no\.?|id|#))\s*[:#.]?\s*(?P<it>(?=[\w-]*\d)[A-Za-z0-9][\w-]{3,})",
        flags=re.I,
    ),
    _rule(
        "number",
        r"(?:病历|住院|门诊|检查|登记|就诊|病案|影像|身份证|编)(?:号码?|编号)\s*:?\s*(?P<it>[A-Za-z0-9-]{4,})",
    ),
    _rule(
        "name",
        r"\b(?:Dr|Mr|Mrs|Ms|Miss|Prof|Doctor|Professor)\.?\s+"
        r"(?P<it>[A-Z][\w'’-]*(?:\s+(?:[A-Z]\.|[A-Z][\w'’-]+)){0,2})",
    ),
    _rule(
        "name",
        r"\b(?i:reported|signed|read|reviewed|verified|graded|interpreted|electronically signed)"
        r"\s+(?i:by)\s*:?\s*(?P<it>[A-Z][\w'’-]*\.?(?:\s+(?:[A-Z]\.|[A-Z][\w'’-]+)){0,3})",
    ),
    _rule(
        "name",
        r"\b(?i:patient(?:\s+name)?|name|reader|physician|signature)\s*:\s*"
        r"(?P<it>[A-Z][\w'’-]*(?:\s+(?:[A-Z]\.|[A-Z][\w'’-]+)){0,3})",
    ),
    _rule(
        "name",
        rf"(?:{_ROLE}|姓名)\s*:\s*(?P<it>[{_CJK}]{{2,4}}?)(?=[^{_CJK}]|{_ROLE}|$)",
    ),
    _rule("name", rf"(?P<it>[{_SURNAMES}][{_CJK}]{{0,2}}?)(?:主任)?(?:{_TITLE})(?!\s*:)"),
)


def redact(text: str, secrets: Mapping[str, Sequence[str]]) -> str:
    """The text without what identifies a person.

    Args:
        text: a report as written.
        secrets: role (name, identity, patient, exam, birth_date, exam_date) -> the record's values.

    Returns:
        The text with marks in place of names, numbers and dates; all else untouched.
    """
    # What stood behind one find may only now begin a word: again, until nothing is found.
    while (done := _once(text, secrets)) != text:
        text = done
    return text


def _once(text: str, secrets: Mapping[str, Sequence[str]]) -> str:
    narrow = text.translate(_NARROW)
    marks = [found.span() for found in _MARK.finditer(text)]
    spans = {
        span
        for span in (*_own(narrow, secrets), *_general(narrow))
        if not any(span[0] < end and start < span[1] for start, end in marks)
    }
    parts: list[str] = []
    at = 0
    for start, end, mark in sorted(spans, key=lambda span: (span[0], -span[1], span[2])):
        if start >= at:
            parts += [text[at:start], f"[{mark}]"]
        at = max(at, end)
    return "".join([*parts, text[at:]])


def _general(text: str) -> Iterator[tuple[int, int, str]]:
    for rule in RULES:
        group = "it" if "it" in rule.pattern.groupindex else 0
        for found in rule.pattern.finditer(text):
            if rule.check(found[0]):
                yield found.start(group), found.end(group), rule.mark


_MARK = re.compile(r"\[(?:name|date|phone|id|number|email)\]")
_MARKS = {
    "name": "name",
    "identity": "id",
    "patient": "number",
    "exam": "number",
    "birth_date": "date",
    "exam_date": "date",
}


def _own(text: str, secrets: Mapping[str, Sequence[str]]) -> Iterator[tuple[int, int, str]]:
    """Where the record's own values stand in the text."""
    for role, values in secrets.items():
        for value in values:
            for pattern in _patterns(value.translate(_NARROW), name=role == "name"):
                for found in pattern.finditer(text):
                    yield found.start(), found.end(), _MARKS[role]


_START, _END = r"(?<![A-Za-z])", r"(?![a-z])"
"""Where a Latin word begins and ends; ideographs and digits may touch it."""


def _patterns(value: str, *, name: bool) -> Iterator[re.Pattern[str]]:
    letters = re.sub(r"[\W_]", "", value)
    if re.fullmatch(rf"[{_CJK}·]+", value):
        if len(letters) >= 2:
            yield re.compile(r"\s*".join(map(re.escape, letters)))
        if name and len(letters) >= 2:
            yield re.compile(rf"{letters[:1]}(?={_TITLE}|某)")
        return
    if not any(char.isdigit() for char in letters):
        words = [re.escape(word) for word in re.findall(r"[\w'’-]+", value)]
        if len(letters) >= 3:
            start, end = (_START, _END) if len(words) == 1 else ("", "")
            for order in (words, words[::-1]):
                yield re.compile(start + r"[\s,.]*".join(order) + end, re.I)
        if name:
            for word in words:
                if len(word) >= 3:
                    forms = "|".join((word, word.capitalize(), word.upper()))
                    yield re.compile(f"{_START}(?:{forms}){_END}")
        return
    # Numbers of up to three characters ("0", "12") are everyday words of a report.
    if len(letters) >= 4:
        loose = r"[\s./-]*".join(map(re.escape, letters))
        yield re.compile(rf"(?<![A-Za-z0-9]){loose}(?![A-Za-z0-9])", re.I)
