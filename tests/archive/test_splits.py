from hypothesis import given, settings
from hypothesis import strategies as st

from funduscope.archive import IngestSettings, splits

SETTINGS = IngestSettings()


def test_the_source_decides_where_it_agrees_with_itself() -> None:
    units = ["a", "a", "b", "b", "c", "d"]
    wanted = ["val", None, "train", "test", None, "test"]
    found, torn = splits.assign(units, wanted, {u: u for u in "abcd"}, SETTINGS)
    assert (found["a"], found["d"]) == ("val", "test")
    assert torn == ["b"]
    alone, _ = splits.assign(["b", "c"], [None, None], {"b": "b", "c": "c"}, SETTINGS)
    assert (found["b"], found["c"]) == (alone["b"], alone["c"])


def test_shares_are_kept_and_the_seed_matters() -> None:
    units = [str(n) for n in range(4000)]
    names = {u: u for u in units}
    found, _ = splits.assign(units, [None] * 4000, names, SETTINGS)
    counts = {split: list(found.values()).count(split) for split in ("train", "val", "test")}
    assert abs(counts["train"] - 2800) < 120
    assert abs(counts["val"] - 400) < 80
    assert abs(counts["test"] - 800) < 100
    other, _ = splits.assign(units, [None] * 4000, names, IngestSettings(seed=1))
    assert other != found


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from([None, "train", "test"]))))
@settings(deadline=None)
def test_no_unit_is_in_two_splits(rows: list[tuple[str, str | None]]) -> None:
    units = [unit for unit, _ in rows]
    found, torn = splits.assign(units, [w for _, w in rows], {u: u for u in units}, SETTINGS)
    assert set(found) == set(units)
    for unit in set(units) - set(torn):
        assert {w for u, w in rows if u == unit and w} <= {found[unit]}
