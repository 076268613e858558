"""Each rule of the linter finds what was planted for it, and nothing in our own bank."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from funduscope.findings import prompt_bank, prompt_lint, prompts, vocabulary
from funduscope.findings.class_lists import read_list
from funduscope.findings.prompt_lint import Phrasing


def test_our_own_bank_has_no_fault() -> None:
    assert prompt_lint.lint() == []


def test_version_1_had_faults_that_version_2_mended() -> None:
    old = prompt_bank("plain@1")
    found = {
        (phrasing.code, phrasing.text)
        for phrasing in prompt_lint.phrasings(old)
        if any(prompt_lint.lint_readings([phrasing]))
    }
    assert ("optic_atrophy", "optic disc pallor") in found
    assert ("media_opacity", "clear media, good image quality") in found


def _one(code: str, text: str, polarity: str = "positive", language: str = "en") -> Phrasing:
    return Phrasing("plain", code, language, polarity, text)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("phrasing", "rule"),
    [
        (_one("glaucoma", "cataract"), "not_read_present"),
        (_one("glaucoma", "no glaucoma"), "not_read_present"),
        (_one("glaucoma", "a hollow nerve"), "not_read_present"),
        (_one("glaucoma", "glaucoma, normal fundus", "negative"), "not_read_negative"),
        (_one("glaucoma", "a pretty eye", "negative"), "not_read_negative"),
        (_one("normal", "normal fundus", "negative"), "not_read_negative"),
        (_one("glaucoma", "glaucoma", "denied"), "not_read_absent"),
        (_one("drusen", "未见出血", "denied", "zh"), "not_read_absent"),
        (_one("glaucoma", "glaucoma", "suspected"), "not_read_uncertain"),
        (_one("drusen", "soft drusen"), None),
        (_one("drusen", "no drusen", "negative"), None),
        (_one("soft_drusen", "no drusen", "denied"), None),
        (_one("glaucoma", "正常眼底", "negative", "zh"), None),
        (_one("referable_dr", "moderate nonproliferative diabetic retinopathy"), None),
    ],
)
def test_the_reader_of_reports_is_the_judge(phrasing: Phrasing, rule: str | None) -> None:
    found = [fault.rule for fault in prompt_lint.lint_readings([phrasing])]
    assert found == ([] if rule is None else [rule])


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ([_one("rp", "night eye"), _one("glaucoma", "Night  Eye")], "also of glaucoma"),
        ([_one("drusen", "drusen"), _one("soft_drusen", "drusen")], "also of soft_drusen"),
        ([_one("drusen", "hidden dots"), _one("drusen", "hidden dots", "negative")], "for and ag"),
        ([_one("exudate", "wax specks"), _one("hard_exudate", "wax specks")], "as all of exudate"),
        (
            [
                _one("drusen", "soft drusen"),
                _one("drusen", "yellow drusen"),
                _one("soft_drusen", "soft drusen"),
            ],
            None,
        ),
    ],
)
def test_one_phrasing_stands_for_one_finding(listed: list[Phrasing], found: str | None) -> None:
    faults = list(prompt_lint.lint_same(listed))
    assert {fault.rule for fault in faults} == ({"same_phrasing"} if found else set())
    assert any(fault.found.startswith(found) for fault in faults) if found else not faults


def _lose_language(content: dict[str, Any]) -> None:
    del content["plain"]["drusen"]["zh"]


def _lose_negative(content: dict[str, Any]) -> None:
    content["plain"]["media_opacity"]["zh_negative"] = []


def _lose_grade(content: dict[str, Any]) -> None:
    del content["grades"]["kwb"]["3"]["en"]


def _misspell(content: dict[str, Any]) -> None:
    content["paraphrase"]["drussen"] = content["paraphrase"].pop("drusen")


@pytest.mark.parametrize(
    ("spoil", "rule", "place"),
    [
        (_lose_language, "missing_translation", "plain.drusen"),
        (_lose_negative, "missing_translation", "plain.media_opacity"),
        (_lose_grade, "missing_translation", "grades.kwb.3"),
        (_misspell, "unknown_code", "paraphrase.drussen"),
    ],
)
def test_the_file_is_whole(spoil: Callable[[dict[str, Any]], None], rule: str, place: str) -> None:
    content = copy.deepcopy(prompts.bank_content(prompts.VERSIONS[-1]))
    assert list(prompt_lint.lint_content(content)) == []
    spoil(content)
    assert {(f.rule, f.place) for f in prompt_lint.lint_content(content)} == {(rule, place)}


def _class(name: str, code: str, **more: Any) -> dict[str, Any]:
    finding = vocabulary()[code]
    return {"name": name, "codes": [code], "en": finding.en, "zh": finding.zh, **more}


@pytest.mark.parametrize(
    ("classes", "rules"),
    [
        ([_class("a", "amd"), _class("b", "wet_amd")], ["hypernym"]),
        ([_class("a", "amd", without=["wet_amd"]), _class("b", "wet_amd")], []),
        ([_class("a", "amd", status="absent"), _class("b", "wet_amd")], []),
        (
            [_class("a", "amd", grade="areds:2"), _class("b", "amd", grade="areds:3", en="x")],
            ["same_phrasing"],
        ),
        ([_class("a", "amd"), _class("b", "amd", en="x", zh="无")], ["hypernym"] * 2),
        ([_class("a", "amd"), _class("b", "rp", en="AGE-related macular degeneration")],
         ["same_phrasing"]),
        ([_class("a", "amd"), {**_class("b", "rp"), "codes": ["rpp"]}], ["unknown_code"]),
        ([_class("a", "amd"), {**_class("b", "rp"), "codes": []}], ["unknown_code"]),
        ([_class("a", "amd"), {**_class("b", "rp"), "codes": [], "residual": True}], []),
        ([_class("a", "amd"), {"name": "b", "codes": ["rp"], "en": "rp"}], ["missing_translation"]),
    ],
)  # fmt: skip
def test_classes_of_a_list_exclude_each_other(
    classes: list[dict[str, Any]], rules: list[str]
) -> None:
    made = read_list("planted", {"about": "", "source": "facts", "classes": classes})
    assert [fault.rule for fault in prompt_lint.lint_classes(made)] == rules


def test_paraphrases_are_new_words() -> None:
    listed = [_one("drusen", "yellow specks"), _one("drusen", "specks")]
    assert list(prompt_lint.lint_paraphrases(listed, ["no yellow dots"])) == []
    found = list(prompt_lint.lint_paraphrases(listed, ["Yellow specks, soft"]))
    assert [fault.text for fault in found] == ["yellow specks", "specks"]


def test_tokens_that_a_tower_cannot_read() -> None:
    def measure(text: str) -> tuple[int, int]:
        return len(text.split()), text.split().count("drusen")

    found = prompt_lint.lint_tokens(measure, 12)
    assert {fault.rule for fault in found} == {"unknown_token", "too_long"}
    assert prompt_lint.lint_tokens(lambda _text: (3, 0), 3) == []
