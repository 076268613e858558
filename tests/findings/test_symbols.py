from __future__ import annotations

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from funduscope.findings.symbols import canonical_word, language_of, symbols


def _texts(text: str) -> list[str]:
    return [symbol.text for symbol in symbols(text)]


def test_spellings_meet_in_one_form() -> None:
    forms = ["non-proliferative", "nonproliferative", "Non proliferative", "NON-PROLIFERATIVE"]
    assert {tuple(_texts(form)) for form in forms} == {("non", "proliferative")}
    assert canonical_word("Haemorrhages") == canonical_word("hemorrhage")
    assert canonical_word("oedema") == "edema"
    assert _texts("pre-retinal") == _texts("preretinal")
    assert _texts("none") == ["none"]


def test_traditional_and_full_width_read_as_simplified_and_half_width() -> None:
    assert _texts("雙眼視網膜，Ｃ／Ｄ＝０．３") == _texts("双眼视网膜,C/D=0.3")


def test_places_point_into_the_text_as_given() -> None:
    text = "左眼：Ｃ／Ｄ 0.4，haemorrhages"
    for symbol in symbols(text):
        part = unicodedata.normalize("NFKC", text[symbol.start : symbol.end])
        assert part == symbol.raw


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_gives_ordered_places_inside_it(text: str) -> None:
    last = 0
    for symbol in symbols(text):
        assert 0 <= last <= symbol.end <= len(text)
        assert symbol.start < symbol.end
        last = symbol.start


def test_language() -> None:
    assert language_of("no drusen") == "en"
    assert language_of("双眼未见出血，DR II期") == "zh"
    assert language_of("右眼 drusen") == "mixed"
    assert language_of("黄斑周围可见drusen，视网膜在位。医生签名：[name] [institution]") == "zh"
    assert language_of("disc pink with sharp margins, no drusen. Signed by 李伟") == "en"
