"""The prompt bank: the phrasings that stand for a finding when photographs are scored by text.

Two banks share one versioned file, `data/prompts_v2.toml`: `plain` writes as doctors do,
`paraphrase` uses words that no training text and no rendered caption holds. A code without a table
of its own gets phrasings made from its vocabulary names.

A version that a result has used never changes: a new phrasing goes into a file of the next number.
`plain` is the newest version, `plain@1` that version.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

from funduscope.errors import ConfigError, DataError
from funduscope.findings.symbols import has_han
from funduscope.findings.vocabulary import Finding, vocabulary

Language = Literal["en", "zh"]
Polarity = Literal["positive", "negative", "denied", "suspected"]
POLARITIES: tuple[Polarity, ...] = ("positive", "negative", "denied", "suspected")
LANGUAGES: tuple[Language, ...] = ("en", "zh")
BANKS = ("plain", "paraphrase")
VERSIONS = (1, 2)
_TEMPLATES = {
    "plain": {"en": "{name}", "zh": "{name}"},
    "paraphrase": {
        "en": "a retinal photograph of a person who has {name}",
        "zh": "这是一位患者的照片，可以看到{name}",
    },
}
_MOST_NAMES = 3
_Texts = dict[tuple[str, str, str], tuple[str, ...]]


@dataclass(frozen=True)
class PromptBank:
    """All phrasings of one bank.

    Attributes:
        name: plain or paraphrase.
        version: number of its file.
        findings: every code of the vocabulary, in its order.
        written: the codes with phrasings of their own; the others' come from the vocabulary.
        polarities: those that `texts` knows: positive and negative, and in plain (from version 2)
            denied and suspected.
        grades: phrasings of each grade, by (scale, value, language); plain, from version 2.
        hash: SHA-256 (hex); every result carries it. It covers what was written for this bank:
            name, version, every phrasing of every written code in each language and polarity
            (defaults filled in), the templates, the grades. It does not cover phrasings made from
            the vocabulary, so that a new code or synonym changes no hash; a result that used such
            phrasings names them (`record`). Version 1 keeps the hash it was published with, which
            also covered the vocabulary's names of that day.
    """

    name: str
    version: int
    findings: tuple[str, ...]
    written: tuple[str, ...]
    polarities: tuple[Polarity, ...]
    grades: Mapping[tuple[str, str, str], tuple[str, ...]]
    hash: str
    _texts: Mapping[tuple[str, str, str], tuple[str, ...]]

    def texts(self, finding: str, language: Language, polarity: Polarity) -> tuple[str, ...]:
        """The phrasings to encode and average.

        polarity: `positive` and `negative` are what zero-shot scores compare (a negative says what
        is seen instead); `denied` and `suspected` are the report's own "no X" and "suspected X",
        which test readers and text towers and score nothing. `normal` has neither.

        Raises:
            DataError: a code that is not in use, or a polarity that the bank does not hold.
        """
        vocabulary()[finding]
        found = self._texts.get((finding, language, polarity))
        if found is None:
            raise DataError(
                polarity,
                place=f"prompt bank {self.name}@{self.version}",
                rule=f"one of {', '.join(self.polarities)}",
                remedy=f"{BANKS[0]}@{VERSIONS[-1]} has all of {', '.join(POLARITIES)}",
            )
        return found

    def record(self, codes: Iterable[str] = ()) -> dict[str, Any]:
        """What a result says of its prompts: name, version, hash, and, for each of `codes` whose
        phrasings come from the vocabulary, the SHA-256 of those.
        """
        made = {}
        for code in sorted(set(codes) - set(self.written)):
            said = {
                f"{language}_{polarity}": self._texts[code, language, polarity]
                for language in LANGUAGES
                for polarity in ("positive", "negative")
            }
            made[code] = _sha256(said)
        return {
            "name": self.name,
            "version": self.version,
            "hash": self.hash,
            "from_vocabulary": made,
        }


def _own(finding: Finding, name: str, language: str) -> tuple[str, ...]:
    """Phrasings from the vocabulary: the preferred name and the first synonyms written out."""
    names = finding.names(language)
    spelled = [names[0], *(n for n in names[1:] if _is_spelled_out(n, language))]
    template = _TEMPLATES[name][language]
    return tuple(template.format(name=n) for n in spelled[:_MOST_NAMES])


def _is_spelled_out(name: str, language: str) -> bool:
    capitals = any(part.isupper() and len(part) > 1 for part in name.replace("-", " ").split())
    return has_han(name) if language == "zh" else not capitals


def prompt_bank(name: str = "plain") -> PromptBank:
    """The bank of that name, `plain` or `plain@1`, read once; ConfigError for any other name."""
    parts = re.fullmatch(r"(\w+)(?:@(\d+))?", name)
    version = int(parts[2] or VERSIONS[-1]) if parts else 0
    if parts is None or parts[1] not in BANKS or version not in VERSIONS:
        near = difflib.get_close_matches(name.partition("@")[0], BANKS, n=1)
        numbers = " or ".join(f"@{number}" for number in VERSIONS)
        raise ConfigError(
            name,
            place="prompt bank",
            rule=f"one of {', '.join(BANKS)}, alone (the newest) or with {numbers}",
            remedy=f"did you mean {near[0]}?" if near else f"use {BANKS[0]}",
        )
    return _read(parts[1], version)


def bank_of(name: str, digest: str) -> PromptBank | None:
    """The bank of that name and hash (of whatever version); None for one not in this library."""
    versions = [prompt_bank(f"{name}@{number}") for number in VERSIONS] if name in BANKS else []
    return next((bank for bank in versions if bank.hash == digest), None)


def bank_content(version: int) -> dict[str, Any]:
    """The file of a version, as it was written."""
    file = resources.files("funduscope.findings").joinpath(f"data/prompts_v{version}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


@lru_cache(maxsize=len(BANKS) * len(VERSIONS))
def _read(name: str, version: int) -> PromptBank:
    content = bank_content(version)
    tables: dict[str, dict[str, list[str]]] = content[name]
    texts: _Texts = {}
    for finding in vocabulary():
        for language in LANGUAGES:
            texts |= _phrasings(finding, name, language, tables)
    grades: _Texts = {
        (scale, value, language): tuple(said.get(language, ()))
        for scale, values in content.get("grades", {}).items()
        for value, said in values.items()
        for language in LANGUAGES
        if name == "plain"
    }
    written = tuple(code for code in vocabulary().codes if code in tables)
    covered = [
        [name, version, _TEMPLATES[name], _MOST_NAMES],
        [tables.get("denied"), tables.get("suspected"), tables["negative"]],
        sorted([*key, *value] for key, value in texts.items() if key[0] in tables),
        sorted([*key, *value] for key, value in grades.items()),
    ]
    return PromptBank(
        name=name,
        version=version,
        findings=vocabulary().codes,
        written=written,
        polarities=tuple(word for word in POLARITIES if word in {key[2] for key in texts}),
        grades=grades,
        hash=content.get("published", {}).get(name) or _sha256(covered),
        _texts=texts,
    )


def _phrasings(
    finding: Finding, name: str, language: Language, tables: Mapping[str, Mapping[str, list[str]]]
) -> _Texts:
    """All phrasings of one finding in one language, by (code, language, polarity)."""
    code = finding.code
    table = tables.get(code, {})
    positive = tuple(table.get(language, _own(finding, name, language)))
    said: _Texts = {
        (code, language, "positive"): positive,
        (code, language, "negative"): tuple(
            table.get(f"{language}_negative", tables["negative"][language])
        ),
    }
    for polarity in ("denied", "suspected"):
        if polarity in tables:
            patterns = [] if code == "normal" else tables[polarity][language]
            made = [pattern.format(name=positive[0]) for pattern in patterns]
            said[code, language, polarity] = tuple(table.get(f"{language}_{polarity}", made))
    return said


def _sha256(content: Any) -> str:
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()
