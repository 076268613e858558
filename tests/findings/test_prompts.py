from __future__ import annotations

import csv
import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

from funduscope.errors import ConfigError, DataError
from funduscope.findings import (
    Vocabulary,
    bank_of,
    captions,
    class_lists,
    extract,
    prompt_bank,
    prompts,
    vocabulary,
)
from funduscope.findings.symbols import has_han, symbols

BOTH = ("plain", "paraphrase")
# Once a result used a version, its phrasings stay: these change only together with a new number.
FROZEN = {
    "plain@1": "91c1ef2de3680483656247d86415ca9bbbf90bbae3c465667feff09cdbdea746",
    "paraphrase@1": "43ba92936d13ae9ab11f9b9fe9feeb84de0beb0fb97cfbed6f1e1acaeb21f330",
    "plain@2": "b7b7258057c6646a97f955b9baa3c29d0f921390db2f8983e0d2a0efde4402ca",
    "paraphrase@2": "4988c17b542c57f235cecb78405d00c1777a3d27797cef59d4057d69e6e57712",
}
V1_FILE = "d2ded62036d18cee387b2d64ed4635a3f1682b2515dff3d9323be0e87dc6509a"

NAMED = (
    "diabetic_retinopathy",
    "npdr",
    "pdr",
    "referable_dr",
    "glaucoma",
    "cataract",
    "pathologic_myopia",
    "amd",
    "dry_amd",
    "wet_amd",
    "erm",
    "hypertensive_retinopathy",
    "drusen",
    "retinal_vein_occlusion",
    "media_opacity",
    "laser_scar",
    "myelinated_nerve_fibers",
    "diabetic_macular_edema",
    "macular_hole",
    "optic_atrophy",
    "exudate",
    "normal",
    "retinal_hemorrhage",
    "cotton_wool_spot",
    "vitreous_degeneration",
    "choroidal_nevus",
    "optic_disc_cupping",
    "myopic_crescent",
    "peripapillary_atrophy",
)


def _key(text: str) -> str:
    """Words in canonical form, so that spelling cannot hide a match."""
    return f" {' '.join(symbol.text for symbol in symbols(text))} "


def _phrasings(name: str) -> list[str]:
    bank = prompt_bank(name)
    texts = {
        text
        for code in bank.findings
        for language in ("en", "zh")
        for polarity in bank.polarities
        for text in bank.texts(code, language, polarity)  # type: ignore[arg-type]
    }
    return sorted(texts)


def _ours() -> str:
    """Everything written for models to learn from or be asked with, but the paraphrases."""
    texts = {text for version in (1, 2) for text in _phrasings(f"plain@{version}")}
    texts |= {text for said in prompt_bank("plain").grades.values() for text in said}
    for made in class_lists().values():
        texts |= {t for one in made.classes for said in one.texts.values() for t in said}
    return "\n".join(sorted({_key(text) for text in texts}))


@pytest.mark.parametrize("name", ["plain", "paraphrase"])
def test_every_finding_has_phrasings_in_both_languages(name: str) -> None:
    bank = prompt_bank(name)
    assert bank.findings == vocabulary().codes
    assert set(NAMED) <= set(bank.written)
    for code in bank.findings:
        for polarity in ("positive", "negative"):
            for language in ("en", "zh"):
                texts = bank.texts(code, language, polarity)  # type: ignore[arg-type]
                assert texts
                assert len(texts) == len(set(texts))
                assert all(has_han(t) == (language == "zh") for t in texts), texts


def test_positive_and_negative_never_meet() -> None:
    for name in ("plain", "paraphrase"):
        bank = prompt_bank(name)
        for code in bank.findings:
            for language in ("en", "zh"):
                positive = bank.texts(code, language, "positive")  # type: ignore[arg-type]
                negative = bank.texts(code, language, "negative")  # type: ignore[arg-type]
                assert not set(positive) & set(negative), code


def test_plain_phrasings_are_read_as_their_finding_or_a_member() -> None:
    words = vocabulary()
    bank = prompt_bank("plain")
    for code in ("npdr", "pdr", "glaucoma", "cataract", "erm", "retinal_vein_occlusion", "drusen"):
        for language in ("en", "zh"):
            for text in bank.texts(code, language, "positive"):  # type: ignore[arg-type]
                read = {a.finding for a in extract(text)}
                assert read & {code, *words.descendants(code)}, text


def test_paraphrases_never_occur_in_rendered_captions_or_plain_phrasings() -> None:
    rendered = []
    for finding in vocabulary():
        for name in (*finding.names("en"), *finding.names("zh")):
            rows = extract(name)
            for language in ("en", "zh"):
                found = captions(name, rows, "OD", language=language)  # type: ignore[arg-type]
                rendered += [_key(caption.text) for caption in found]
            rendered.append(_key(name))
    everything = "\n".join(sorted(set(rendered))) + _ours()
    for text in _phrasings("paraphrase"):
        assert _key(text) not in everything, text


def test_written_paraphrases_do_not_contain_the_preferred_name() -> None:
    words, bank = vocabulary(), prompt_bank("paraphrase")
    for code in bank.written:
        for language in ("en", "zh"):
            for text in bank.texts(code, language, "positive"):  # type: ignore[arg-type]
                assert _key(words[code].names(language)[0]) not in _key(text), (code, text)


@pytest.mark.realdata
def test_paraphrases_never_occur_in_the_training_texts(shared: Path) -> None:
    lines = set()
    for folder in ("odir", "csdi"):
        path = shared / "data" / folder / "labels.csv"
        with path.open(encoding="utf-8", newline="") as handle:
            for row in csv.DictReader(handle):
                lines |= {row["text"], row["text_zh"]}
    everything = "\n".join(_key(line) for line in sorted(lines))
    for text in _phrasings("paraphrase"):
        assert _key(text) not in everything, text


@pytest.mark.parametrize("name", FROZEN)
def test_a_version_never_changes(name: str) -> None:
    assert prompt_bank(name).hash == FROZEN[name]


def test_the_phrasings_of_version_1_never_change() -> None:
    """Its hashes stand in the file, as they were published; so its content is compared here."""
    content = prompts.bank_content(1)
    assert content.pop("published").keys() == set(BOTH)
    assert prompts._sha256(content) == V1_FILE


def _with_synonym(code: str) -> Vocabulary:
    rows = [
        dataclasses.replace(row, en_synonyms=("another word", *row.en_synonyms))
        if row.code == code
        else row
        for row in vocabulary()
    ]
    return Vocabulary((*rows, dataclasses.replace(rows[-1], code="quite_new")))


@pytest.mark.parametrize("name", BOTH)
def test_a_vocabulary_that_grows_changes_no_hash(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = prompt_bank(name)
    assert "glaucoma" in before.written
    assert "roth_spot" not in before.written
    for code in ("glaucoma", "roth_spot"):
        grown = _with_synonym(code)
        monkeypatch.setattr(prompts, "vocabulary", lambda grown=grown: grown)
        prompts._read.cache_clear()
        after = prompt_bank(name)
        assert after.hash == before.hash
        assert after.texts("quite_new", "en", "positive")  # codes without phrasings are at home
        said = [bank.record(["glaucoma", "roth_spot"]) for bank in (before, after)]
        assert list(said[0]["from_vocabulary"]) == ["roth_spot"]
        assert (said[0] == said[1]) == (code == "glaucoma")
    prompts._read.cache_clear()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('en = ["drusen", "macular drusen"', 'en = ["drusen", "drusen of the macula"'),
        ('"no evidence of {name}"', '"no sign of {name}"'),
        ('"microaneurysms only"', '"a few microaneurysms"'),
        ("fundus within normal limits", "fundus normal"),
    ],
)
def test_a_changed_phrasing_changes_the_hash(
    old: str, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Path(prompts.__file__).parent / "data" / "prompts_v2.toml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    before = prompt_bank("plain").hash
    content = tomllib.loads(text.replace(old, new))
    monkeypatch.setattr(prompts, "bank_content", lambda _version: content)
    prompts._read.cache_clear()
    assert prompt_bank("plain").hash != before
    prompts._read.cache_clear()


def test_scores_of_the_shipped_tasks_ask_as_version_1_did() -> None:
    """So that figures printed with version 1 stand for version 2 as well."""
    tasks = Path(prompts.__file__).parents[1] / "evaluate" / "data" / "tasks.toml"
    content = tomllib.loads(tasks.read_text(encoding="utf-8"))
    codes = {target["name"] for task in content["tasks"] for target in task["targets"]}
    assert len(codes) == 8
    for name in BOTH:
        old, new = prompt_bank(f"{name}@1"), prompt_bank(f"{name}@2")
        for code in codes:
            for language in prompts.LANGUAGES:
                for polarity in ("positive", "negative"):
                    asked = [b.texts(code, language, polarity) for b in (old, new)]  # type: ignore[arg-type]
                    assert asked[0] == asked[1]


def test_names_and_versions() -> None:
    assert prompt_bank("plain").hash == prompt_bank("plain@2").hash
    assert prompt_bank("plain@1").version == 1
    found = bank_of("plain", FROZEN["plain@1"])
    assert found is not None
    assert found.version == 1
    assert bank_of("plain", FROZEN["paraphrase@1"]) is None
    assert bank_of("own", FROZEN["plain@1"]) is None
    assert prompt_bank("plain").record()["hash"] == prompt_bank("plain").hash


def test_denials_doubts_and_grades() -> None:
    plain = prompt_bank("plain")
    assert "no drusen" in plain.texts("drusen", "en", "denied")
    assert "疑似玻璃膜疣" in plain.texts("drusen", "zh", "suspected")
    assert plain.texts("normal", "en", "denied") == ()
    for bank in ("plain@1", "paraphrase"):
        with pytest.raises(DataError, match="positive, negative"):
            prompt_bank(bank).texts("drusen", "en", "denied")
    scales = {scale: {v for s, v, _ in plain.grades if s == scale} for scale, _, _ in plain.grades}
    assert scales == {
        "icdr": set("01234"),
        "cn_dr": set("123456"),
        "kwb": set("1234"),
        "metapm": {"C0", "C1", "C2", "C3", "C4"},
        "areds": set("1234"),
        "cataract_severity": set("0123"),
    }
    for (_, _, language), texts in plain.grades.items():
        assert texts
        latin = re.compile("[A-Za-z]{4}")
        assert all(has_han(t) and not latin.search(t.replace("META-PM", "")) for t in texts) == (
            language == "zh"
        )


def test_unknown_bank_and_finding() -> None:
    for name in ("plian", "plain@9", "plain@", ""):
        with pytest.raises(ConfigError, match="plain"):
            prompt_bank(name)
    with pytest.raises(DataError, match="drusen"):
        prompt_bank("plain").texts("druse", "en", "positive")
