from __future__ import annotations

from collections import Counter

import pytest

from funduscope import pages
from funduscope.archive.marking_sample import LONGEST, NOTHING, REPEATED, Reading, allocate, draw
from funduscope.stats import clustered_share

FINDINGS = ("drusen", "cataract", "macular hole", "epiretinal membrane", "optic atrophy")


def texts(count):
    """Every text another; cataract is common, the last findings are rare."""
    made = []
    for number in range(count):
        finding = FINDINGS[min(len(FINDINGS) - 1, (number % 97) // 30)]
        made.append(f"OD: {finding} {number}.")
    return made


def test_the_fields_are_those_of_the_page():
    assert Reading._fields == pages.READING


def test_a_small_corpus_is_taken_whole(told):
    sample = draw(told(["OD: drusen.", "OS: cataract.", "OD: drusen."]), 100, 0)
    assert sample.texts == len(sample.reports) == 2
    assert sorted((one.copies, one.weight) for one in sample.reports) == [(1, 1.0), (2, 2.0)]
    assert sample.unseen == ()


def test_distinct_texts_the_same_for_a_seed(told):
    corpus = told(texts(300))
    one, two, other = draw(corpus, 40, 1), draw(corpus, 40, 1), draw(corpus, 40, 2)
    assert one == two
    assert one.id != other.id
    assert len({report.text_id for report in one.reports}) == 40
    order = [report.text_id for report in one.reports]
    assert order != sorted(order)


def test_rare_things_languages_sites_and_silence_are_drawn(told):
    corpus = told(
        [
            *texts(600),
            "双眼视网膜出血。",
            "Photographs of both eyes.",
            "OS: possible macular hole, no cataract.",
        ],
        sites=["north", *["south"] * 199],
    )
    sample = draw(corpus, 40, 0)
    assert sample.unseen == ()
    said = Counter(one.language for one in sample.reports)
    assert said["zh"] == 1
    assert any(one.stratum == NOTHING or not one.readings for one in sample.reports)
    assert {"present", "absent", "uncertain"} <= {
        reading.status for one in sample.reports for reading in one.readings
    }


def test_weights_stand_for_the_whole_corpus(told):
    corpus = told([*texts(400), *["Both eyes: normal fundus."] * 150])
    sample = draw(corpus, 50, 3)
    assert sum(one.weight for one in sample.reports) == pytest.approx(550)
    [normal] = [one for one in sample.reports if one.copies == 150]
    assert (normal.stratum, normal.weight) == (REPEATED, 150.0)
    assert min(one.weight for one in sample.reports) >= 1


def test_every_text_of_a_stratum_has_its_chance(told):
    corpus = told(texts(60))
    weighted: Counter[str] = Counter()
    for seed in range(40):
        for one in draw(corpus, 20, seed).reports:
            weighted[one.text_id] += one.weight
    assert len(weighted) == 60
    assert max(weighted.values()) / 40 < 2.2  # every text stands for one report on average
    assert min(weighted.values()) / 40 > 0.25


def test_a_text_too_long_for_the_page_is_counted(told):
    sample = draw(told(["OD: drusen.", "x" * (LONGEST + 1)]), 10, 0)
    assert (sample.texts, sample.too_long, len(sample.reports)) == (2, 1, 1)


def test_places_go_to_all_strata_and_more_to_large_ones():
    assert allocate([1, 4, 100], 9) == [1, 1, 7]
    assert allocate([1, 2], 10) == [1, 2]
    assert sum(allocate([3, 30, 300, 3000], 50)) == 50
    assert allocate([], 5) == []


def test_the_estimate_is_that_of_the_corpus_and_its_interval_covers_it(told):
    """Rare findings are read badly, and are drawn far more often than they occur."""
    made = texts(300)
    corpus = told([*made, *made[:30] * 4, *["Both eyes: normal fundus."] * 60])

    def right(one):
        return sum(
            reading.finding in ("drusen", "normal") or int(one.text_id[:4], 16) % 5 > 1
            for reading in one.readings
        )

    whole = draw(corpus, 10_000, 0).reports
    truth = sum(right(one) * one.copies for one in whole)
    truth /= sum(len(one.readings) * one.copies for one in whole)
    values, covered = [], 0
    for seed in range(60):
        drawn = draw(corpus, 40, seed).reports
        parts = ([right(one) for one in drawn], [len(one.readings) for one in drawn])
        found = clustered_share(*parts, [one.weight for one in drawn])
        values.append(found.value)
        covered += found.low <= truth <= found.high
    assert sum(values) / 60 == pytest.approx(truth, abs=0.02)
    assert covered >= 55
