import pytest

from funduscope.archive import headers

KNOWN = {"no", "name", "seen.right", "seen.left", "right.file", "left.file"}.__contains__


def test_titles_stand_above_the_header() -> None:
    top = [["Export of 2020", ""], ["", ""], ["no", "name"], ["1", "Ann"]]
    found = headers.find(top, KNOWN)
    assert (found.at, found.names) == (2, ["no", "name"])
    assert found.doubts("t.csv") == ["t.csv: 2 lines stand above the header; left out"]


def test_a_header_of_two_lines_and_titles_over_equal_names() -> None:
    two = headers.find([["no", "seen", "", "by"], ["", "right", "left", ""], ["1", "a", "b", "c"]],
                       KNOWN)  # fmt: skip
    assert (two.at, two.names) == (1, ["no", "seen.right", "seen.left", "by"])
    over = headers.find([["", "right", "left"], ["no", "file", "file"]], KNOWN)
    assert over.names == ["no", "right.file", "left.file"]


def test_columns_without_a_name_and_repeated_ones() -> None:
    found = headers.find([["", "no", "x", "x", ""]], KNOWN)
    assert found.names == ["column 1", "no", "x", "x.2", ""]
    assert found.repeated == ("x",)


@pytest.mark.parametrize(
    ("cells", "aside"),
    [
        (["合计：", "12", "", "", ""], True),
        (["Total", "", "", "", "12"], True),
        (["制表人：某某  打印时间：2020-01-02", "", "", "", ""], True),
        (["E0012", "", "", "", ""], False),
        (["", "", "images/张_右.jpg", "", ""], False),
        (["1", "Ann", "", "", ""], False),
    ],
)
def test_lines_that_are_no_records(cells: list[str], aside: bool) -> None:
    assert headers.is_aside(cells, 5) is aside
