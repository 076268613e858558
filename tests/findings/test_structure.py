from __future__ import annotations

from funduscope.findings.lexicon import lexicon
from funduscope.findings.structure import Unit, refine, units
from funduscope.findings.symbols import symbols


def _units(text: str) -> list[Unit]:
    stream = symbols(text)
    items = refine(lexicon().scan(stream), stream)
    cut = units(items, stream)
    assert [u.start for u in cut] == [0, *(u.end for u in cut[:-1])]
    assert cut[-1].end == len(items)
    return cut


def test_sentences_and_decimal_points() -> None:
    assert _units("C/D 0.3. No drusen.")[-1].sentence == 1
    assert {u.sentence for u in _units("C/D 0.35，未见出血")} == {0}


def test_headings_open_sections_only_with_a_colon() -> None:
    assert [u.section for u in _units("所见：出血。诊断：青光眼")] == ["findings", "diagnosis"]
    assert {u.section for u in _units("诊断青光眼")} == {""}


def test_family_heading_holds_for_one_sentence() -> None:
    assert [u.section for u in _units("家族史：青光眼。右眼出血。")] == ["family", ""]


def test_parentheses_nest_and_close() -> None:
    assert [u.depth for u in _units("PDR（右眼V期）出血")] == [0, 1, 0]


def test_a_side_word_may_be_part_of_a_field() -> None:
    stream = symbols("左上方出血，左：出血")
    kinds = [i.kind for i in refine(lexicon().scan(stream), stream)]
    assert kinds[0] == "other"
    assert kinds.count("eye") == 1
