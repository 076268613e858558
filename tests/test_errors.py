from __future__ import annotations

import pytest

from funduscope import errors


def test_exit_codes_are_distinct_and_frozen() -> None:
    codes = {c.__name__: c.exit_code for c in errors.FunduscopeError.__subclasses__()}
    assert codes == {
        "ConfigError": 2,
        "DataError": 3,
        "BundleError": 4,
        "ParityError": 5,
        "IdentityError": 6,
    }


def test_a_message_says_value_place_rule_and_remedy() -> None:
    error = errors.DataError(7, place="a.csv, row 2", rule="a number below 5", remedy="correct it")
    assert str(error).splitlines() == [
        "7",
        "  where:  a.csv, row 2",
        "  rule:   a number below 5",
        "  remedy: correct it",
    ]


def test_a_missing_extra_prints_its_install_line() -> None:
    with pytest.raises(errors.ConfigError, match=r"pip install '\.\[train\]'"):
        raise errors.missing_extra("torch", "train")
