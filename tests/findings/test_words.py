from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funduscope.findings import captions, extract
from funduscope.findings.boilerplate import boilerplate
from funduscope.findings.lexicon import data_rows

_WRAPPED = "drusen in the inferior field, age-related CNV"
RIGHT, LEFT = "视盘界清，后极部散在玻璃膜疣", "黄斑前膜"


def _own(text: str, eye: str = "OD") -> str | None:
    found = captions(text, extract(text), eye, language="as_written")
    return found[0].text if found else None


@pytest.mark.parametrize(
    ("text", "eye", "own"),
    [
        # Copies of the other eye.
        ("右眼：视盘界清，玻璃膜疣。左眼所见同右眼。", "OS", "视盘界清，玻璃膜疣"),
        ("右眼：视盘界清，玻璃膜疣。\n左眼：与右眼相同", "OS", "视盘界清，玻璃膜疣"),
        ("OD: disc pink, drusen. OS: same as OD.", "OS", "disc pink, drusen"),
        ("RE: disc pink, drusen. LE: as fellow eye.", "OS", "disc pink, drusen"),
        ("左眼：视盘界清，未见玻璃膜疣。右眼：玻璃膜疣，余同左眼。", "OD", "玻璃膜疣；视盘界清"),
        ("左眼白内障术后。左眼：玻璃膜疣。右眼同左眼。", "OD", "玻璃膜疣"),
        # List numbers, with and without their words.
        ("1.右眼玻璃膜疣；2.左眼正常眼底", "OD", "玻璃膜疣"),
        ("1.右眼玻璃膜疣；2.左眼正常眼底", "OS", "正常眼底"),
        ("①右眼：黄斑前膜 ②左眼：白内障", "OD", "黄斑前膜"),
        ("Impression: 1. Right eye: drusen. 2. Left eye: ERM.", "OD", "drusen"),
        ("OD: C/D 0.5. Macula flat. 2) drusen", "OD", "C/D 0.5. Macula flat; drusen"),
        # Headings and the words around an eye.
        ("【检查所见】双眼：玻璃膜疣\n【诊断意见】右眼：黄斑前膜", "OD", "玻璃膜疣；黄斑前膜"),
        ("On the right, drusen. On the left, macular scar.", "OD", "drusen"),
        ("Right fundus - drusen\nLeft fundus - macular scar", "OS", "macular scar"),
        ("〔右〕玻璃膜疣\n〔左〕黄斑前膜", "OS", "黄斑前膜"),
        ("右眼示玻璃膜疣", "OD", "玻璃膜疣"),
        # A cue before the eye stays with its finding.
        ("可疑双眼青光眼", "OS", "可疑青光眼"),
        ("No drusen in either eye.", "OD", "No drusen"),
        # People, dates, signatures.
        ("右眼：玻璃膜疣（[name] 审核）", "OD", "玻璃膜疣"),
        ("OD: drusen Reported by: Dr. [name], MD on [day 0]", "OD", "drusen"),
        ("右眼玻璃膜疣 报告医师：张三", "OD", "玻璃膜疣"),
        ("右眼：玻璃膜疣。报告日期：2021-03-04", "OD", "玻璃膜疣"),
        ("患者[name]，女，63岁，视物模糊3月。右眼：玻璃膜疣", "OD", "玻璃膜疣"),
        # Advice, history, relatives, complaints, other examinations.
        ("右眼：青光眼（双）。建议OCT检查以除外黄斑水肿", "OD", "青光眼"),
        ("OD: drusen. Return in 12 months. Thank you for referring.", "OD", "drusen"),
        ("Hypertensive. Mother has glaucoma. OD: drusen.", "OD", "drusen"),
        ("自述右眼飞蚊。糖尿病史10年。右眼：玻璃膜疣", "OD", "玻璃膜疣"),
        ("右眼：黄斑前膜，前次诊断玻璃膜疣", "OD", "黄斑前膜"),
        # How the picture was taken, notes, disclaimers.
        ("本次眼底照相：双眼：视盘色红润，玻璃膜疣。详见附图。", "OD", "视盘色红润，玻璃膜疣"),
        ("散瞳后拍摄。右眼：玻璃膜疣。本报告仅供参考。", "OD", "玻璃膜疣"),
        ("OD: drusen. See image. This report is not a diagnosis.", "OD", "drusen"),
        ("如图所示，右眼视盘界清，黄斑可", "OD", "视盘界清，黄斑可"),
        ("备注：右眼黄斑前膜", "OD", "黄斑前膜"),
        # Normal single structures stay.
        ("OD: optic disc and macula normal", "OD", "optic disc and macula normal"),
        ("右眼：视盘、黄斑正常，血管走行大致正常", "OD", "视盘、黄斑正常，血管走行大致正常"),
        # Lines, widths, hyphens.
        ("OD: drusen in the\ninferior field, age-related CNV", "OD", _WRAPPED),
        ("右眼：Ｃ／Ｄ ０.４，玻璃膜疣", "OD", "C／D 0.4，玻璃膜疣"),
        # Nothing left to say.
        ("OU: report to follow", "OD", None),
        ("双眼：。；，", "OD", None),
    ],
)
def test_what_an_eye_keeps_of_its_report(text: str, eye: str, own: str | None) -> None:
    assert _own(text, eye) == own


_LEFTOVERS = [
    cell.split(";")
    for kind, cell in data_rows("boilerplate.tsv")
    if kind not in ("heading", "aside")
]
_BOILERPLATE = st.sampled_from([phrase for phrases in _LEFTOVERS for phrase in phrases])


@settings(deadline=None, max_examples=40)
@given(_BOILERPLATE)
def test_a_sentence_of_boilerplate_changes_no_caption(phrase: str) -> None:
    stop = "。" if not phrase.isascii() else ". "
    for right, left in ((RIGHT, LEFT), ("disc sharp, drusen", "macular scar")):
        text = f"OD：{right}。OS：{left}。{phrase}{stop}"
        assert _own(text, "OD") == right
        assert _own(text, "OS") == left


@settings(deadline=None, max_examples=60)
@given(st.text(alphabet="右左双眼同余：:；。,.1①[name]（)视盘界清drusenODSmr\n ", max_size=60))
def test_a_caption_is_never_bare_marks_and_always_the_same(text: str) -> None:
    for eye in ("OD", "OS", "unknown"):
        own = _own(text, eye)
        assert own is None or any(c.isalnum() for c in own)
        assert own is None or own == own.strip(" ;；,，。、:：\n")
        assert own == _own(text, eye)


@pytest.mark.parametrize("side", ["右侧黄斑前膜", "R/E - ERM"])
def test_a_side_that_was_not_read_as_an_eye_brings_no_words(side: str) -> None:
    """Its words would else stand with the eye before, or with both."""
    for text in (f"OS: drusen. {side}", f"OS：玻璃膜疣\n{side}"):
        own = _own(text, "OS")
        assert own is None or ("ERM" not in own and "前膜" not in own)


def test_where_boilerplate_stands() -> None:
    found = boilerplate("Findings: drusen. Signed by Dr. [name], MD. Last visit normal.")
    assert found.headings == ((0, 9, "heading"),)
    assert found.signed == ((18, 43),)
    assert [found.is_empty(*span) for span in ((18, 30), (9, 17))] == [True, False]
    assert [found.is_turned(*span) for span in ((44, 60), (0, 18))] == [True, False]


@pytest.mark.parametrize(
    "piece", ["；", "同左眼", "照相:", "[name]", "余同左眼 drusen OD; ", "1、"]
)
def test_no_pattern_takes_more_than_linear_time(piece: str) -> None:
    """Of 20 kB: what is not linear does not come back within minutes."""
    own = _own((piece * 20_000)[:20_000])
    assert own is None or "drusen" in own
