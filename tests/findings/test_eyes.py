from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funduscope.findings import eye_texts, vocabulary

NAMES = [finding.en for finding in vocabulary() if finding.kind in ("disease", "sign")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Right eye: drusen; left eye: normal fundus", {"OD": "drusen", "OS": "normal fundus"}),
        ("Left eye: drusen; right eye: cataract", {"OD": "cataract", "OS": "drusen"}),
        ("OD: drusen. OS: WNL.", {"OD": "drusen", "OS": "WNL"}),
        ("右眼：黄斑前膜；左眼：正常眼底", {"OD": "黄斑前膜", "OS": "正常眼底"}),
        ("右眼黄斑前膜，左眼正常", {"OD": "黄斑前膜", "OS": "正常"}),
        ("R：糖网III期；L：糖网II期。", {"OD": "糖网III期", "OS": "糖网II期"}),
        ("双眼未见出血。", {"OD": "未见出血", "OS": "未见出血"}),
        ("severe NPDR OD, mild NPDR OS.", {"OD": "severe NPDR", "OS": "mild NPDR"}),
        ("drusen OD; mild NPDR, ERM OS", {"OD": "drusen", "OS": "mild NPDR, ERM"}),
        ("白内障 右眼；玻璃膜疣，黄斑前膜 左眼", {"OD": "白内障", "OS": "玻璃膜疣，黄斑前膜"}),
        ("左侧眼底黄斑前膜；右侧眼底正常", {"OD": "正常", "OS": "黄斑前膜"}),
        ("drusen, laser spot", {"unknown": "drusen, laser spot"}),
        ("Only the left eye: drusen", {"OS": "drusen"}),
        ("", {}),
    ],
)
def test_words_of_each_eye(text: str, words: dict[str, str]) -> None:
    assert eye_texts(text) == words


@pytest.mark.parametrize(
    "form",
    [
        *("（OD）A；（OS）B", "(右眼)A；(左眼)B", "【右眼】A【左眼】B", "[OD]A[OS]B", "R)A L)B"),
        *(
            "右眼所见：A\n左眼所见：B",
            "右眼眼底：A，左眼眼底：B",
            "A（右），B（左）",
            "右眼底：A；左眼底：B",
        ),
    ],
)
def test_eyes_in_brackets_and_headings_head_their_words(form: str) -> None:
    text = form.replace("A", "微血管瘤").replace("B", "玻璃膜疣")
    assert eye_texts(text) == {"OD": "微血管瘤", "OS": "玻璃膜疣"}


def test_pieces_apart_are_joined_in_the_language_of_the_words() -> None:
    assert eye_texts("双眼未见出血。右眼：黄斑前膜。")["OD"] == "未见出血；黄斑前膜"
    assert eye_texts("OU: no drusen. OD: cataract. OS: WNL.")["OS"] == "no drusen; WNL"


_LISTS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map(", ".join)


@settings(deadline=None, max_examples=30)
@given(_LISTS, _LISTS)
def test_a_report_made_of_two_eyes_gives_each_back(right: str, left: str) -> None:
    words = {"OD": right, "OS": left}
    assert eye_texts(f"Right eye: {right}; left eye: {left}") == words
    assert eye_texts(f"Left eye: {left}; right eye: {right}") == words


@pytest.mark.realdata
def test_every_patient_of_odir_gives_the_words_of_each_eye_back(shared: Path) -> None:
    with (shared / "data" / "odir" / "labels.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    texts = sorted({row["text"] for row in rows})
    assert len(texts) == 142
    for right, left in zip(texts, texts[::-1], strict=True):
        words = eye_texts(f"Right eye: {right}; left eye: {left}")
        assert words == {"OD": right, "OS": left}
