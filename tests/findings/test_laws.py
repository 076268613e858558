"""Laws that hold for every report, whatever it says."""

from __future__ import annotations

import ast
import functools
import importlib
import pkgutil
import re
import sys
import tracemalloc
import unicodedata
from collections.abc import Callable
from pathlib import Path
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funduscope import findings
from funduscope.findings import extract, eye_texts, language_of, vocabulary
from funduscope.findings.lexicon import data_rows

MIRROR = {"OD": "OS", "OS": "OD", "unknown": "unknown"}
# Words of the right, the left and both eyes, each once a row.
EYES = {
    "zh": (("右眼", "左眼", "双眼"), ("右眼：", "左眼：", "双眼："), ("OD ", "OS ", "OU ")),
    "en": (("OD: ", "OS: ", "OU: "), ("Right eye: ", "Left eye: ", "Both eyes: ")),
}
CLAUSES = {
    "zh": (
        "{a}",
        "未见{a}",
        "可疑{a}",
        "{a}待排",
        "可见{a}，未见{b}",
        "未见{a}、{b}",
        "{a}，{b}不除外",
        "{a}（{b}？）",
        "无{a}，但有{b}",
    ),
    "en": (
        "{a}",
        "no {a}",
        "possible {a}",
        "{a}, no {b}",
        "no {a} or {b}",
        "{a} not excluded",
        "no {a}, but {b}",
        "{a} vs {b}",
    ),
}
# What follows on one eye's clause: {1} is that eye, {2} the other.
TAILS = {
    "zh": ("。", "；", "。{2}同{1}。", "，{2}正常。"),
    "en": (". ", "; ", ". {2}same as {1}. ", ". {2}normal. "),
}
NEUTRAL = {
    "zh": ("患者配合良好。", "散瞳检查。", "视力0.8。", "眼压15mmHg。", "本报告仅供参考。"),
    "en": (
        "Pupils were dilated. ",
        "The patient was cooperative. ",
        "Visual acuity 20/40. ",
        "Intraocular pressure 15 mmHg. ",
    ),
}


def names(language: str) -> list[str]:
    """A name each of the signs and diseases of an eye."""
    return [
        finding.names(language)[0]
        for finding in vocabulary()
        if finding.kind in ("sign", "disease")
        and finding.code not in ("normal", "referable_disease")
    ]


NAMES = {language: names(language) for language in ("zh", "en")}


@st.composite
def sentences(draw: Callable, tails: int = 2) -> tuple[str, list[str]]:
    """Language and sentences of a report; eyes stand in them as {1}, {2} and {3} (both)."""
    language = draw(st.sampled_from(("zh", "en")))
    parts = []
    for _ in range(draw(st.integers(1, 4))):
        eye, other = draw(st.sampled_from((("{1}", "{2}"), ("{2}", "{1}"), ("{3}", "{1}"))))
        clause = draw(st.sampled_from(CLAUSES[language]))
        a, b = (draw(st.sampled_from(NAMES[language])) for _ in range(2))
        tail = draw(st.sampled_from(TAILS[language][:tails]))
        tail = tail.replace("{1}", "{x}").replace("{2}", "{y}")
        tail = tail.replace("{x}", eye).replace("{y}", other)
        parts.append(eye + clause.replace("{a}", a).replace("{b}", b) + tail)
    return language, parts


def spelled(parts: list[str], eyes: tuple[str, str, str]) -> str:
    """The report with words for its eyes."""
    text = "".join(parts)
    for number, eye in enumerate(eyes, 1):
        text = text.replace(f"{{{number}}}", eye)
    return text


def keys(text: str) -> set[tuple[str, ...]]:
    """What a text asserts, without places and rules."""
    return {
        (a.eye, a.finding, a.status, a.temporality, a.experiencer, a.grade or "")
        for a in extract(text)
    }


# Eyes -----------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(sentences(tails=4), st.integers(0, 2))
def test_swapping_the_eyes_swaps_the_eyes_and_nothing_else(report, number):
    language, parts = report
    right, left, both = EYES[language][number % len(EYES[language])]
    given_, swapped = (spelled(parts, e) for e in ((right, left, both), (left, right, both)))
    assert keys(swapped) == {(MIRROR[key[0]], *key[1:]) for key in keys(given_)}
    mirrored = {MIRROR[eye]: words for eye, words in eye_texts(given_).items()}
    assert set(eye_texts(swapped)) == set(mirrored)


@settings(max_examples=30, deadline=None)
@given(sentences(tails=4))
def test_abbreviations_of_the_eyes_read_as_their_words(report):
    language, parts = report
    read = [keys(spelled(parts, eyes)) for eyes in EYES[language][-2:]]
    assert read[0] == read[1]


# Other sentences ------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(sentences(tails=4), st.data())
def test_a_sentence_without_findings_changes_nothing(report, data):
    language, parts = report
    eyes = EYES[language][0]
    place = data.draw(st.sampled_from([n for n in range(len(parts) + 1) if _bordered(parts, n)]))
    added = [*parts[:place], data.draw(st.sampled_from(NEUTRAL[language])), *parts[place:]]
    assert keys(spelled(added, eyes)) == keys(spelled(parts, eyes))


def _bordered(parts: list[str], place: int) -> bool:
    """Whether a sentence ends before this place."""
    return not place or parts[place - 1].rstrip()[-1] in "。."


@settings(max_examples=40, deadline=None)
@given(sentences(), st.sampled_from(("{1}", "{2}", "{3}")), st.booleans())
def test_another_finding_in_a_sentence_with_its_eye_adds_itself_alone(report, eye, front):
    language, parts = report
    eyes = EYES[language][0]
    one = eye + ("翼状胬肉。" if language == "zh" else "pterygium. ")
    parts = [*parts[:-1], parts[-1].replace("；", "。").replace("; ", ". ")]
    before, alone = keys(spelled(parts, eyes)), keys(spelled([one], eyes))
    after = keys(spelled([one, *parts] if front else [*parts, one], eyes))
    assert len(alone) == (2 if eye == "{3}" else 1)
    assert after == before | alone


# Forms of characters --------------------------------------------------------------------------


def full_width(text: str) -> str:
    """ASCII as full-width forms."""
    wide = {" ": "\u3000"} | {chr(n): chr(n + 0xFEE0) for n in range(0x21, 0x7F)}
    return "".join(wide.get(char, char) for char in text)


FORMS: dict[str, Callable[[str], str]] = {
    "full width": full_width,
    "NFKC": lambda text: unicodedata.normalize("NFKC", text),
    "NFKD": lambda text: unicodedata.normalize("NFKD", text),
    "CRLF": lambda text: text.replace(". ", ".\n").replace("\n", "\r\n"),
    "wide blanks": lambda text: text.replace(" ", "\u00a0"),
    "capitals of sentences": lambda text: text[:1].upper() + text[1:],
}


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=15, deadline=None)
@given(report=sentences(tails=4))
def test_compatible_forms_read_alike(form, report):
    language, parts = report
    text = spelled(parts, EYES[language][0])
    if form == "CRLF":
        assert keys(FORMS[form](text)) == keys(text.replace(". ", ".\n"))
    else:
        assert keys(FORMS[form](text)) == keys(text)


@pytest.mark.parametrize("variant", ["s2t", "s2tw", "s2hk"])
def test_traditional_characters_read_as_simplified_ones(variant):
    opencc = pytest.importorskip("opencc")
    convert = opencc.OpenCC(variant).convert
    words = [name for finding in vocabulary() for name in finding.names("zh")]
    words += [word for row in data_rows("composites.tsv") for word in row[0].split(";")]
    cues = [word for row in data_rows("cues.tsv") for word in row[2].split(";")]
    told = [f"右眼{word}。" for word in words]
    told += [f"右眼{word}黄斑水肿，玻璃膜疣{word}。" for word in cues]
    assert [text for text in told if keys(convert(text)) != keys(text)] == []


INVISIBLE = ("\u200b", "\ufeff", "\u00ad", "\u202e", "\u200f", "\u2066", "\x00", "\x07")


@pytest.mark.parametrize("sign", INVISIBLE, ids=ascii)
def test_invisible_characters_inside_words_change_nothing(sign):
    for text in (
        "右眼黄斑水肿，未见出血。左眼正常。",
        "OD: macular edema, no hemorrhage. OS: normal.",
    ):
        assert keys(sign.join(text)) == keys(text)


# What no report should hold -------------------------------------------------------------------

_ODD = st.text(st.characters(codec=None, exclude_categories=()), max_size=12)
_PIECES = st.one_of(
    _ODD,
    st.sampled_from(NAMES["zh"] + NAMES["en"]),
    st.sampled_from([word for row in data_rows("cues.tsv") for word in row[2].split(";")]),
    st.sampled_from([word for row in data_rows("composites.tsv") for word in row[0].split(";")]),
    st.sampled_from(
        [*INVISIBLE, "\ud800", "\u0301", "(", ")", "【", "】", "0.4", "C/D ", "A/V ", "III期"]
    ),
    st.sampled_from(["，", "。", "、", "\n", " ", "：", "？", "-", "/"]),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(_PIECES, max_size=20).map("".join))
def test_any_text_is_read_to_well_formed_assertions(text):
    rows = extract(text)
    assert rows == extract(text)
    for row in rows:
        assert 0 <= row.start_char < row.end_char <= len(text)
        assert row.eye in MIRROR
        assert row.finding in {finding.code for finding in vocabulary()}
        assert row.status in ("present", "absent", "uncertain")
        assert row.rule
    assert set(eye_texts(text)) <= set(MIRROR)
    assert language_of(text) in ("zh", "en", "mixed")


def test_heads_without_a_site_stand_anywhere():
    heads = {word for row in data_rows("composites.tsv") for word in row[0].split(";")}
    for head in sorted(heads):
        for text in ("C/D {}", "C/D 0.4{}", "C/D > {}", "A/V 2:{}", "{}看不清", "{}/OD > {}"):
            assert extract(text.format(head, head)) is not None


@pytest.mark.parametrize("sign", ["a", "1", "I", "\u0301", "\ud800"], ids=ascii)
def test_a_megabyte_of_one_word_or_number_does_no_harm(sign):
    count = 1_000_000 if sign.isascii() else 50_000
    text = f"右眼玻璃膜疣，{sign * count}期。左眼白内障。"
    assert {("OD", "drusen", "present"), ("OS", "cataract", "present")} <= {
        key[:3] for key in keys(text)
    }


# Work grows with the length, not faster -------------------------------------------------------

# Units that ask for looking back or ahead: cues, eyes, copies, brackets, lists, types, grades.
ADVERSE = (
    "无出血，", "未见a，", "(OD) ", "（右眼）出血，", "no edema, ", "no ", "a or ", "右眼，",
    "出血、", "C/D 0.4 ", "右眼DR 3期，", "诊断：", "左眼同右眼。", "除右眼外，", "none ",
    "AMD（干性）", "湿性，AMD，", "水肿，", "建议排除", "白内障?", "-a-a", "1:2:3:4", "> = ",
    "愈合", f"no edema {'a ' * 85}",
)  # fmt: skip


def work(function: Callable[[str], object], text: str) -> int:
    """How many lines run to read a text; each turn of a comprehension is one."""
    lines = 0

    def count(_frame: object, _event: str, _argument: object) -> Callable[..., object]:
        nonlocal lines
        lines += 1
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        function(text)
    finally:
        sys.settrace(before)
    return lines


@pytest.mark.parametrize("unit", ADVERSE)
def test_work_is_linear_in_the_length(unit):
    extract(unit * 3)  # caches are filled
    short, long = (work(extract, unit * count) for count in (200, 600))
    # Reaches of 80 items are not yet full in the shorter one: 3.5 is linear, 9 would be quadratic.
    assert long < 4.5 * short


def rooms() -> list[object]:
    """The modules of this room."""
    found = [findings]
    for module in pkgutil.iter_modules(findings.__path__):
        if module.name != "__main__":
            found.append(importlib.import_module(f"funduscope.findings.{module.name}"))
    return found


def patterns() -> dict[str, re.Pattern[str]]:
    """The regular expressions of this room: those of modules, and literals in calls of `re`."""
    found = {}
    for module in rooms():
        for value in vars(module).values():
            if isinstance(value, re.Pattern):
                found[value.pattern] = value
    for path in Path(findings.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            if called and getattr(node.func.value, "id", "") == "re":  # type: ignore[union-attr]
                first = node.args[0]  # type: ignore[attr-defined]
                if isinstance(first, ast.Constant):
                    found[first.value] = re.compile(first.value)
    return found


_SIGNS = "".join(map(chr, (*range(0x3100), *range(0xFF00, 0xFF60), 0x4E00)))


def separated(body: object) -> bool:
    """Whether a repeated part is `\\s*x`: the sign at its end cannot be one of those before it."""
    parts = list(body)  # type: ignore[call-overload]
    if len(parts) != 2 or parts[0][0] is not codes.MAX_REPEAT or parts[1][0] is not codes.IN:
        return False
    first, last = (
        set(re.findall(re._compiler.compile(part), _SIGNS))  # type: ignore[attr-defined]
        for part in (parts[0][1][2], body[1:])  # type: ignore[index]
    )
    return first.isdisjoint(last)


def nested(parsed: object, inside: bool = False) -> bool:
    """Whether something that repeats without bound stands inside another such thing."""
    for code, argument in parsed:  # type: ignore[attr-defined]
        if code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            _, most, body = argument
            endless = most == codes.MAXREPEAT and not separated(body)
            if (endless and inside) or nested(body, inside or endless):
                return True
            continue
        inner = {
            codes.SUBPATTERN: lambda given: [given[-1]],
            codes.BRANCH: lambda given: given[1],
            codes.ASSERT: lambda given: [given[1]],
            codes.ASSERT_NOT: lambda given: [given[1]],
        }.get(code, lambda _given: [])
        if any(nested(one, inside) for one in inner(argument)):
            return True
    return False


def test_the_check_of_patterns_knows_a_catastrophe():
    assert nested(parser.parse(r"(a+)+b"))
    assert nested(parser.parse(r"x(?:\s*a|b*)*y"))
    assert nested(parser.parse(r"x(?:\s*[\s.])+"))
    assert not nested(parser.parse(r"a+b(?:c+)?"))
    assert not nested(parser.parse(r"x(?:\s*[.,])+"))


def test_no_regular_expression_repeats_a_repetition():
    assert len(patterns()) >= 4
    assert [text for text in patterns() if nested(parser.parse(text))] == []


def test_every_cache_is_bounded():
    unbounded = [
        name
        for module in rooms()
        for name, value in vars(module).items()
        if isinstance(value, functools._lru_cache_wrapper)
        and value.cache_parameters()["maxsize"] is None
    ]
    assert unbounded == []


def test_long_words_are_not_remembered():
    texts = ["".join(chr(97 + (n >> k) % 2) for k in range(10)) * 100 for n in range(300)]
    extract("drusen")
    tracemalloc.start()
    for text in texts:
        extract(text)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 200_000
