from __future__ import annotations

from datetime import date, timedelta

import pytest

from funduscope.archive.draft.labels import label_dates
from funduscope.archive.draft.names import learn
from funduscope.archive.draft.tokens import Path


@pytest.mark.parametrize(
    "form",
    ["%Y/%m/%d", "%Y年/%m%d", "%Y/%m%d", "%Y%m/%d", "%Y-%m/%d", "%Y年/%m月/%d日", "%Y年%m月/%d日"],
)
def test_a_day_may_stand_in_several_folders(form: str) -> None:
    days = [date(2018, 1, 3) + timedelta(days=31 * n) for n in range(40)]
    texts = [f"{day:{form}}/M{1000 + n}/{'RL'[n % 2]}1" for n, day in enumerate(days)]
    paths = [Path(text) for text in texts]
    assert label_dates(paths) == [form]
    pattern = learn(paths, [form])
    assert pattern is not None
    assert (pattern.groups, pattern.read) == (("date",), 1.0)


def test_older_and_newer_folders_may_write_days_otherwise() -> None:
    days = [date(2018, 1, 3) + timedelta(days=31 * n) for n in range(40)]
    forms = ["%Y.%m.%d", "%Y-%m-%d"]
    paths = [Path(f"M{n}/{day:{forms[n % 3 > 1]}}/R1.jpg") for n, day in enumerate(days)]
    assert label_dates(paths) == forms
    pattern = learn(paths, forms)
    assert pattern is not None
    assert pattern.read == 1.0
