from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funduscope.findings import mirrored, vocabulary


@pytest.mark.parametrize(
    ("text", "turned"),
    [
        ("drusen left of the disc", "drusen right of the disc"),
        ("Right half dark, LEFT half clear", "Left half dark, RIGHT half clear"),
        ("OD: scar; os: normal", "OS: scar; od: normal"),
        ("视盘左侧出血，右上方渗出", "视盘右侧出血，左上方渗出"),
        ("tear at 2 o'clock", "tear at 10 o'clock"),
        ("hole at 12 o'clock", "hole at 12 o'clock"),
        ("detached from 1 to 3 o'clock", "detached from 9 to 11 o'clock"),
        ("3点位裂孔", "9点位裂孔"),
        ("1-3点网脱", "9-11点网脱"),
        ("6点钟激光斑", "6点钟激光斑"),
        ("出血约2PD左右", "出血约2PD左右"),
        ("scar left by laser", "scar left by laser"),
        ("temporal drusen, nasal step", "temporal drusen, nasal step"),
        ("25点激光", "25点激光"),
        ("copyright bright", "copyright bright"),
    ],
)
def test_sides_and_hours_change_and_nothing_else(text: str, turned: str) -> None:
    assert mirrored(text) == turned


@given(
    st.lists(st.sampled_from(["left", "Right", "左", "右", "2点", "1-3点", "OD", "x"]), max_size=8)
)
def test_mirroring_twice_gives_the_text(words: list[str]) -> None:
    text = ", ".join(words)
    assert mirrored(mirrored(text)) == text


def test_no_name_of_a_finding_has_a_side() -> None:
    for finding in vocabulary():
        for name in (finding.en, finding.zh):
            assert mirrored(name) == name
