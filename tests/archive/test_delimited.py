from __future__ import annotations

from funduscope.archive.delimited import records

HEAD = "id,name,text\n"


def _cells(text: str) -> list[tuple[list[str], bool]]:
    return [(r.cells, r.fault is None) for r in records(HEAD + text, ",")][1:]


def test_quotes_commas_and_line_breaks_inside_a_cell() -> None:
    assert _cells('1,a,"x, y\nz ""q"""\n2,b,w\n') == [
        (["1", "a", 'x, y\nz "q"'], True),
        (["2", "b", "w"], True),
    ]


def test_a_quote_in_the_middle_of_a_cell_does_not_end_it() -> None:
    assert _cells('1,a,"says "well", fine"\n2,b,w\n')[-1] == (["2", "b", "w"], True)


def test_a_quote_never_closed_costs_its_own_lines_only() -> None:
    found = _cells('1,a,"open\n2,b,w\n3,c,v\n4,d,u\n')
    assert not found[0][1]
    assert found[1:] == [(["2", "b", "w"], True), (["3", "c", "v"], True), (["4", "d", "u"], True)]


def test_a_quote_never_closed_before_a_record_of_several_lines() -> None:
    text = 'a,b,c,d,e,f\n1,k,m,p,"open,q\n2,k,m,"one\ntwo",r,s\n3,k,m,p,q,r\n'
    found = [(one.cells, one.fault) for one in records(text, ",")][1:]
    assert found[0][1] == "a quote that is never closed"
    assert found[1:] == [
        (["2", "k", "m", "one\ntwo", "r", "s"], None),
        (["3", "k", "m", "p", "q", "r"], None),
    ]


def test_the_lines_of_a_cell_never_closed_are_one_fault() -> None:
    found = _cells('1,a,"open\nmore of it"","x\n\nits end\n2,b,w\n3,c,v\n')
    assert found == [(found[0][0], False), (["2", "b", "w"], True), (["3", "c", "v"], True)]


def test_a_bare_comma_is_a_fault_and_never_a_shift() -> None:
    assert _cells("1,a,b,c\n2,b,w\n") == [(["1", "a", "b", "c"], False), (["2", "b", "w"], True)]
