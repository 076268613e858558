from __future__ import annotations

from funduscope.findings.lexicon import lexicon
from funduscope.findings.symbols import symbols


def _values(text: str) -> list[tuple[str, str]]:
    return [(i.kind, i.values[0]) for i in lexicon().scan(symbols(text)) if i.kind != "mark"]


def test_longest_entry_wins() -> None:
    assert _values("branch retinal vein occlusion") == [("finding", "brvo")]
    assert _values("不能排除") == [("doubt", "")]
    assert _values("无赤光") == [("pseudo", "")]


def test_abbreviations_that_are_words_count_in_capitals_only() -> None:
    assert ("finding", "hard_exudate") in _values("HE in both eyes")
    assert ("finding", "hard_exudate") not in _values("he was seen")
    assert ("finding", "microaneurysm") in _values("few MAs")
    assert ("finding", "npdr") in _values("mild npdr")


def test_one_letter_missing_or_added_in_a_long_word_is_forgiven() -> None:
    assert _values("prolifertive diabetic retinpathy") == [("finding", "pdr")]
    assert _values("glaucomaa") == [("finding", "glaucoma")]


def test_phrase_of_two_codes_gives_both() -> None:
    (item,) = lexicon().scan(symbols("静脉迂曲扩张"))
    assert set(item.values) == {"venous_tortuosity", "venous_dilation"}


def test_items_cover_the_stream_without_overlap() -> None:
    stream = symbols("右眼：视盘边界清，C/D 0.3；left eye: moderate NPDR, no DME (OCT).")
    items = lexicon().scan(stream)
    assert [i.start for i in items] == [0, *(i.end for i in items[:-1])]
    assert items[-1].end == len(stream)
