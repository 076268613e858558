from __future__ import annotations

import pytest

from funduscope.findings import describes_fundus, other_examination


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("左眼眼B超：后巩膜葡萄肿", "other"),
        ("B-scan OD: vitreous opacities", "other"),
        ("右眼黄斑OCT：黄斑水肿未见", "oct"),
        ("Macular OCT OS: flat", "oct"),
        ("荧光血管造影：右眼未见渗漏", "ffa"),
        ("超音波：右眼玻璃體混濁", "other"),
        ("螢光血管攝影：正常", "ffa"),
        ("建议行OCT检查。", None),
        ("视盘边界清，OCT提示黄斑水肿", None),
        ("Recommend OCT. Disc sharp.", None),
        ("正常眼底", None),
    ],
)
def test_other_examinations_name_themselves_at_the_head(text: str, kind: str | None) -> None:
    assert other_examination(text) == kind


@pytest.mark.parametrize("text", ["同前", "见图 /", "/", "See image\nAs before", "家住松涛路118号"])
def test_what_says_nothing(text: str) -> None:
    assert not describes_fundus(text)


@pytest.mark.parametrize("text", ["视盘及血管纹理清晰可辨认", "Optic disc and vessels clear"])
def test_a_description_without_a_finding_says_something(text: str) -> None:
    assert describes_fundus(text)
