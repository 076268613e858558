from __future__ import annotations

import re
from html import unescape

import pytest

from funduscope import pages
from funduscope.archive import overview
from funduscope.errors import DataError

EVIL = "<script>alert(1)</script>\"&'"


def reject(code, item="image", severity="rejected", locator="l900", detail="in words"):
    return {
        "locator": locator,
        "item": item,
        "step": "read",
        "code": code,
        "detail": detail,
        "severity": severity,
    }


def report(number, **more):
    return {
        "report_id": f"r{number}",
        "patient_id": f"p{number}",
        "exam_id": f"e{number}",
        "site_id": "north",
        "language": "en",
        "text": "words",
        "text_sha256": "0",
    } | more


def pair(number, caption, source="report", language="en"):
    return {
        "image_id": f"i{number:03d}",
        "report_id": "r0",
        "eye": "OD",
        "caption": caption,
        "caption_language": language,
        "caption_source": source,
    }


def said(report_id, finding, status, **more):
    return {
        "report_id": report_id,
        "eye": "OD",
        "finding": finding,
        "status": status,
        "temporality": "current",
        "experiencer": "patient",
        "start_char": 0,
        "end_char": 1,
        "rule": "rule",
    } | more


@pytest.fixture
def page(tmp_path):
    """The page of a corpus as text without tags."""

    def make(corpus, language="en", **more):
        out = tmp_path / f"{language}.html"
        overview.write_report(corpus, out, language, **more)
        html = out.read_text(encoding="utf-8")
        body = html.split("</style>")[1]
        return html, re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", body)))

    return make


@pytest.fixture
def full(finished):
    return finished(
        "full",
        [
            {"age_years": 7, "sex": "male"},
            {"age_years": 8, "sex": "male"},
            {"site_id": "south", "camera": "Beta", "gradable": False, "ungradable_reason": "blur"},
            {"site_id": "south", "camera": None, "eye": "unknown", "eye_source": "record"},
            {"age_years": 90, "patient_id": "p0", "exam_id": "e7", "split": "train"},
        ],
        reports=[report(0), report(1, language="zh", site_id="south")],
        pairs=[pair(0, "macular edema"), pair(0, "黄斑水肿", "rendered", "zh"), pair(2, "x" * 200)],
        assertions=[
            said("r0", "drusen", "present"),
            said("r1", "drusen", "present"),
            said("r1", "drusen", "absent", eye="OS"),
            said("r1", "glaucoma", "present", experiencer="family"),
        ],
        rejects=[
            *[reject("truncated", locator=f"l9{n}") for n in range(4)],
            *[reject("eye_unknown", severity="review", locator=f"l8{n}") for n in range(2)],
            reject("no_image", "report", "review"),
            reject("near_duplicate", "record", "review", locator="l001"),
            reject("odd_age", "record", "review"),
        ],
    )


def test_the_funnel_adds_up_and_names_every_reason(full, page):
    _, text = page(full)
    assert "Photographs 11 seen" in text
    assert "5 kept" in text
    assert "Reports 3 seen" in text
    for code in ("truncated", "eye_unknown", "no_image", "odd_age", "near_duplicate"):
        assert pages.Words("en").reason(code) in text
        assert pages.Words("en").remedy(code) in text


def test_the_largest_losses_come_first_with_what_to_do(full, page):
    _, text = page(full)
    said = text.split("What to fix at the source first")[-1]
    first = "1. file cut short: 4 of 11 photographs (36.4%). Copy the file again"
    assert said.index(first) < said.index("2. eye unknown: 2 of 11 photographs (18.2%)")
    assert "3. report without photograph: 1 of 3 reports (33.3%)" in said


def test_at_most_three_places_of_a_reason_are_shown(full, page):
    _, text = page(full)
    assert [n for n in range(4) if f"l9{n} " in text] == [0, 1, 2]


def test_who_and_what_is_counted(full, page):
    _, text = page(full)
    for line in (
        "photographs 5 patients 2 sites 2 reports 2 captions 3",
        "north 3 1 2 1 100.0",  # photographs, patients, examinations, reports, gradable
        "south 2 1 1 1 50.0",
        "Beta 1 1 0.0",
        "not given 1 1 100.0",
        "0–9 1 10–19 0",
        "90+ 0 not given 0",  # the age at the first visit counts
        "female 1 male 1",
        "right eye (OD) 3 left eye (OS) 1 unknown 1",
        "the record 5",
        "Chinese 1 English 1",
        "drusen 2 0 1",
        "patients at several sites 0",
        "training 2 5 3",
        "gradable 4 blurred 1",
        "Patients by the number of their visits. 1 1 2 1 3 0 4 0 5+ 0",
        "Eyes by the number of their photographs in one examination. 1 4 2 0 3 0 4 0 5+ 0",
        "the report · English 2 106 200 200",
    ):
        assert line in text
    assert "glaucoma" not in text  # of the family


def test_only_kept_photographs_are_shown(full, page):
    html, text = page(full)
    assert html.count("<img") == 5 + 1  # all, and the one with a line in the ledger
    assert "macular edema" in text
    assert "x" * 160 + "…" in text
    assert "Photographs in review are not shown" in text


def test_both_languages_and_the_same_bytes_twice(full, page):
    first, text = page(full, "zh")
    assert "文件不完整" in text
    assert 'lang="zh-Hans"' in first
    assert page(full, "zh")[0] == first


def test_markup_in_the_tables_stays_text(finished, page):
    corpus = finished(
        "evil",
        [{"site_id": EVIL, "camera": EVIL, "split": "val"}],
        reports=[report(0, site_id=EVIL)],
        pairs=[pair(0, EVIL)],
        rejects=[reject("odd_age", "record", "review", "l000", EVIL), reject(EVIL)],
    )
    html, text = page(corpus)
    assert "<script" not in html
    assert text.count("<script>alert(1)</script>") >= 5


def test_a_corpus_whose_counts_do_not_add_up_is_refused(full, tmp_path):
    counts = {name: dict(count) for name, count in full.manifest.counts.items()}
    counts["images"]["seen"] += 1
    corpus = overview.unfinished(full.path, counts)
    with pytest.raises(DataError, match="seen = kept"):
        overview.write_report(corpus, tmp_path / "page.html", "en")


def test_an_unfinished_corpus_gives_the_page_of_the_finished_one(full, page):
    assert page(overview.unfinished(full.path, full.manifest.counts)) == page(full)


def test_a_corpus_without_reports_or_losses(finished, page):
    _, text = page(finished("bare", [{}, {}]), timings=[("reading", 2.0)])
    assert "Nothing was lost." in text
    assert "reading 2.0 s" in text


def test_a_long_list_of_sites_says_how_many_are_left_out(finished, page):
    corpus = finished("many", [{"site_id": f"s{n:02d}"} for n in range(45)])
    _, text = page(corpus)
    assert "5 more rows are left out here." in text


CODES = (
    "zero_byte",
    "truncated",
    "not_an_image",
    "extreme_shape",
    "too_large",
    "black_image",
    "not_fundus",
    "not_colour",
    "symlink_outside",
    "unsafe_path",
    "zip_bomb",
    "proprietary",
    "exact_duplicate",
    "unexpected",
    "eye_unknown",
    "eye_conflict",
    "stitched_two_eyes",
    "ungradable",
    "burned_in_text",
    "near_duplicate",
    "duplicate_across_patients",
    "duplicate_other_eye",
    "no_record",
    "two_records",
    "no_image",
    "says_nothing",
    "other_examination",
    "report_ungradable",
    "identity_remains",
    "two_patients",
    "bad_row",
    "missing_image",
    "odd_age",
    "odd_sex",
    "odd_eye",
    "age_conflict",
    "sex_conflict",
    "date_conflict",
    "no_report",
)


def test_every_code_of_the_ledger_has_words_and_a_remedy_in_both_languages():
    words_of = [pages.Words(language) for language in pages.LANGUAGES]
    for words in words_of:
        assert [code for code in CODES if words.reason(code) == code] == []
        assert [code for code in CODES if not words.remedy(code)] == []
