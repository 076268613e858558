from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funduscope.archive.persons import REASONS, Record, same_persons
from funduscope.archive.values import resident_number

# Checksums hold; the county code is not assigned.
_ONE, _OTHER = "329915198912282198", "329915196503121238"
_BORN = date(1989, 12, 28)


def _valid(first: str) -> str:
    return next(first + sign for sign in "0123456789X" if resident_number(first + sign))


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        (_ONE, True),
        ("329915 19891228 2198", True),
        ("３２９９１５１９８９１２２８２１９８", True),
        ("329915198912282197", False),  # checksum
        ("329915198913282198", False),  # a thirteenth month
        ("329915891228219", False),  # fifteen digits have no checksum
        ("", False),
    ],
)
def test_a_resident_number_counts_when_its_checksum_holds(text: str, valid: bool) -> None:
    assert (resident_number(text) == _ONE) is valid


def test_the_same_resident_number_joins_across_sites() -> None:
    found = same_persons(
        [
            Record("b/7", {"identity": [_ONE], "name": ["周国栋"]}),
            Record("a/1", {"identity": ["329915-19891228-2198"], "name": ["周 国栋"]}),
            Record("a/2", {"name": ["周国栋"]}),
        ]
    )
    assert found.of == {"a/1": "a/1", "a/2": "a/2", "b/7": "a/1"}
    assert found.unions == [("a/1", "b/7", "resident_id")]


def test_a_number_on_two_quite_different_people_joins_nobody() -> None:
    first = Record("1", {"identity": [_ONE], "name": ["周国栋"]}, "M", _BORN)
    alike = Record("2", {"identity": [_ONE], "name": ["周国冻"]}, "M", _BORN)
    assert same_persons([first, alike]).of["2"] == "1"
    other = Record("2", {"identity": [_ONE], "name": ["李秀英"]}, "F", date(1960, 5, 2))
    assert same_persons([first, other]).unions == []


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (("周国栋", "M", _BORN, ""), ("周国栋", "M", _BORN, ""), "name_birth_sex"),
        (
            ("White, Elena", None, _BORN, "(688) 555-0165"),
            ("elena WHITE", None, _BORN, "688 555 0165"),
            "name_birth_phone",
        ),
        (("周国栋", None, _BORN, ""), ("周国栋", "M", _BORN, ""), None),
        (("周国栋", "M", _BORN, "16161907867"), ("周国栋", "F", _BORN, "16161907867"), None),
        (("周国栋", "M", None, "16161907867"), ("周国栋", "M", None, "16161907867"), "name_phone"),
        (("周国栋", "M", None, "16161907867"), ("周国栋", "F", None, "16161907867"), None),
        (("周国栋", "M", None, "16161907867"), ("李秀英", "M", None, "16161907867"), None),
        (("周国栋", "M", _BORN, ""), ("李国栋", "M", _BORN, ""), None),
        (("周国栋", "M", date(1950, 1, 1), ""), ("周国栋", "M", date(1950, 1, 1), ""), None),
        (("White", "M", _BORN, ""), ("White", "M", _BORN, ""), None),
    ],
)
def test_a_name_joins_only_with_more(
    first: tuple[str, str | None, date | None, str],
    second: tuple[str, str | None, date | None, str],
    reason: str | None,
) -> None:
    records = [
        Record(str(key), {"name": [name], "phone": [phone]}, sex, born)
        for key, (name, sex, born, phone) in enumerate((first, second))
    ]
    assert [union[2] for union in same_persons(records).unions] == ([reason] if reason else [])


def test_two_resident_numbers_are_never_one_person() -> None:
    alike = {"name": ["周国栋"], "phone": ["16161907867"]}
    twin = _valid("32991519891228215")
    records = [
        Record("1", {**alike, "identity": [_ONE]}, "M", _BORN),
        Record("2", {**alike, "identity": [twin]}, "M", _BORN),
        Record("3", alike, "M", _BORN),
    ]
    found = same_persons(records)
    assert found.of["1"] != found.of["2"]
    assert found.of["3"] == "1"  # to one of them, never as a bridge between them


def test_a_name_that_many_bear_is_no_evidence() -> None:
    many = [
        Record(f"n{day}", {"name": ["王伟"]}, "M", date.fromordinal(700_000 + 7 * day))
        for day in range(60)
    ]
    twice = Record("x", {"name": ["王伟"]}, "M", date.fromordinal(700_000))
    assert same_persons([*many, twice]).unions == []
    assert same_persons([many[0], twice]).unions == [("n0", "x", "name_birth_sex")]


_RECORDS = st.lists(
    st.builds(
        lambda key, name, number, phone, sex, born: Record(
            key, {"name": [name], "identity": [number], "phone": [phone]}, sex, born
        ),
        st.sampled_from("abcdefgh"),
        st.sampled_from(["周国栋", "李秀英", ""]),
        st.sampled_from([_ONE, _valid("32991519650312123"), "1234", ""]),
        st.sampled_from(["16161907867", "16161907868", ""]),
        st.sampled_from(["M", "F", None]),
        st.sampled_from([_BORN, date(1965, 3, 12), date(1990, 1, 1), None]),
    ),
    max_size=10,
)


@given(_RECORDS, st.randoms())
def test_the_order_of_records_changes_nothing_and_each_union_is_explained(
    records: list[Record], chance: object
) -> None:
    found = same_persons(records)
    mixed = list(records)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert same_persons(mixed) == found
    # The unions, and nothing else, make the groups.
    groups = {key: {key} for key in found.of}
    for first, second, reason in found.unions:
        assert reason in REASONS
        joined = groups[first] | groups[second]
        groups.update(dict.fromkeys(joined, joined))
    assert {key: min(group) for key, group in groups.items()} == found.of
    assert len(found.unions) == len(found.of) - len(set(found.of.values()))


def test_an_office_phone_joins_nobody() -> None:
    names = ["周国栋", "李秀英", "王芳", "赵敏", "陈静", "周国栋"]
    records = [
        Record(str(n), {"name": [name], "phone": ["16161907867"]}) for n, name in enumerate(names)
    ]
    assert same_persons(records).unions == []
