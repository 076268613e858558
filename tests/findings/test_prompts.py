from __future__ import annotations

import csv
from pathlib import Path

import pytest

from funduscope.errors import ConfigError, DataError
from funduscope.findings import captions, extract, prompt_bank, vocabulary
from funduscope.findings.symbols import has_han, symbols

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
        for polarity in ("positive", "negative")
        for text in bank.texts(code, language, polarity)  # type: ignore[arg-type]
    }
    return sorted(texts)


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


def test_paraphrases_never_occur_in_rendered_captions() -> None:
    rendered = []
    for finding in vocabulary():
        for name in (*finding.names("en"), *finding.names("zh")):
            rows = extract(name)
            for language in ("en", "zh"):
                found = captions(name, rows, "OD", language=language)  # type: ignore[arg-type]
                rendered += [_key(caption.text) for caption in found]
            rendered.append(_key(name))
    everything = "\n".join(sorted(set(rendered)))
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


def test_hashes_are_stable_and_differ() -> None:
    plain, paraphrase = prompt_bank("plain"), prompt_bank("paraphrase")
    assert len(plain.hash) == 64
    assert plain.hash != paraphrase.hash
    prompt_bank.cache_clear()
    assert prompt_bank("plain").hash == plain.hash


def test_unknown_bank_and_finding() -> None:
    with pytest.raises(ConfigError, match="did you mean plain"):
        prompt_bank("plian")
    with pytest.raises(DataError, match="drusen"):
        prompt_bank("plain").texts("druse", "en", "positive")
