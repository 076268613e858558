from datetime import date

import pytest

from funduscope.archive import values

UNITS = {"岁": "year", "个月": "month"}


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("69", 69),
        ("69.0", 69),
        ("069Y", 69),
        ("7 months", 0),
        ("18 mo", 1),
        ("30个月", 2),
        ("45岁", 45),
        (">90", 90),
        ("90+", 90),
        ("104", 90),
        ("0", None),
        ("999", None),
        ("-5", None),
        ("N/A", None),
        ("unknown", None),
        ("12 parsecs", None),
        ("3 days", 0),
    ],
)
def test_ages(text: str, age: int | None) -> None:
    assert values.parse_age(text, UNITS) == age


@pytest.mark.parametrize(
    ("text", "form", "day"),
    [
        ("2019-03-05", "%Y-%m-%d", date(2019, 3, 5)),
        (" 2019年3月5日 ", "%Y年%m月%d日", date(2019, 3, 5)),
        ("1900-00-00", "%Y-%m-%d", None),
        ("05/03/2019", "%Y-%m-%d", None),
        ("05/03/2019", "%m/%d/%Y", date(2019, 5, 3)),
        ("19.3.5", "", date(2019, 3, 5)),
        ("20190305", "", date(2019, 3, 5)),
        ("２０１９/３/５", "", date(2019, 3, 5)),
        ("2019-03-05T11:05:00+08:00", "", date(2019, 3, 5)),
        ("43529", "", date(2019, 3, 5)),
        ("2019-13-05", "", None),
        ("二〇一九年三月五日", "", date(2019, 3, 5)),
        ("二零一九年十二月三十一日", "%Y年%m月%d日", date(2019, 12, 31)),
        ("民國108年3月5日", "", date(2019, 3, 5)),
        ("民国108/03/05", "", date(2019, 3, 5)),
        ("2019-03-05 上午09:12", "%Y-%m-%d %H:%M", date(2019, 3, 5)),
        ("2019年3月5日(星期二)", "%Y年%m月%d日", date(2019, 3, 5)),
        ("1551751200000", "", date(2019, 3, 5)),
        ("1551751200", "", date(2019, 3, 5)),
        ("9551751200", "", None),
        ("201903051430", "", date(2019, 3, 5)),
        ("20190350", "", None),
    ],
)
def test_dates(text: str, form: str, day: date | None) -> None:
    assert values.parse_date(text, (form,)) == day


def test_age_on_the_day_of_the_visit() -> None:
    born = date(1950, 6, 15)
    assert values.age_between(born, date(2020, 6, 14)) == 69
    assert values.age_between(born, date(2020, 6, 15)) == 70
    assert values.age_between(born, date(2045, 1, 1)) == 90
    assert values.age_between(born, date(1949, 1, 1)) is None
    assert values.age_between(None, date(2020, 1, 1)) is None


@pytest.mark.parametrize("text", ["作废", "已作废", "Entered-in-error", "CANCELLED", "报告已撤销"])
def test_words_for_reports_that_no_longer_count(text: str) -> None:
    assert values.withdrawn(text)


@pytest.mark.parametrize("text", ["final", "已审核", "preliminary", "amended", ""])
def test_words_for_reports_that_count(text: str) -> None:
    assert not values.withdrawn(text)


def test_words_are_found_whatever_their_case() -> None:
    assert values.word(" f ", {"F": "female"}) == "female"
    assert values.word("x", {"F": "female"}) is None
