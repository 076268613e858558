"""The prompt bank: the phrasings that stand for a finding when photographs are scored by text.

Two banks share one versioned file, `data/prompts_v1.toml`: `plain` writes as doctors do,
`paraphrase` uses words that no training text and no rendered caption holds. A code without a table
of its own gets phrasings made from its vocabulary names.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

from funduscope.errors import ConfigError
from funduscope.findings.symbols import has_han
from funduscope.findings.vocabulary import Finding, vocabulary

Language = Literal["en", "zh"]
Polarity = Literal["positive", "negative"]
BANKS = ("plain", "paraphrase")
_TEMPLATES = {
    "plain": {"en": "{name}", "zh": "{name}"},
    "paraphrase": {
        "en": "a retinal photograph of a person who has {name}",
        "zh": "这是一位患者的照片，可以看到{name}",
    },
}
_MOST_NAMES = 3


@dataclass(frozen=True)
class PromptBank:
    """All phrasings of one bank.

    Attributes:
        name: plain or paraphrase.
        findings: every code of the vocabulary, in its order.
        written: the codes with phrasings of their own; the others' come from the vocabulary.
        hash: SHA-256 (hex) of the whole content in canonical JSON; every result carries it.
    """

    name: str
    findings: tuple[str, ...]
    written: tuple[str, ...]
    hash: str
    _texts: Mapping[tuple[str, str, str], tuple[str, ...]]

    def texts(self, finding: str, language: Language, polarity: Polarity) -> tuple[str, ...]:
        """The phrasings to encode and average; DataError for a code that is not in use."""
        vocabulary()[finding]
        return self._texts[finding, language, polarity]


def _own(finding: Finding, name: str, language: str) -> tuple[str, ...]:
    """Phrasings from the vocabulary: the preferred name and the first synonyms written out."""
    names = finding.names(language)
    spelled = [names[0], *(n for n in names[1:] if _is_spelled_out(n, language))]
    template = _TEMPLATES[name][language]
    return tuple(template.format(name=n) for n in spelled[:_MOST_NAMES])


def _is_spelled_out(name: str, language: str) -> bool:
    capitals = any(part.isupper() and len(part) > 1 for part in name.replace("-", " ").split())
    return has_han(name) if language == "zh" else not capitals


@lru_cache(maxsize=len(BANKS))
def prompt_bank(name: str = "plain") -> PromptBank:
    """The bank of that name, read once; ConfigError for any other name."""
    if name not in BANKS:
        near = difflib.get_close_matches(name, BANKS, n=1)
        raise ConfigError(
            name,
            place="prompt bank",
            rule=f"one of {', '.join(BANKS)}",
            remedy=f"did you mean {near[0]}?" if near else f"use {BANKS[0]}",
        )
    file = resources.files("funduscope.findings").joinpath("data/prompts_v1.toml")
    content: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    tables: dict[str, dict[str, list[str]]] = content[name]
    texts: dict[tuple[str, str, str], tuple[str, ...]] = {}
    for finding in vocabulary():
        table = tables.get(finding.code, {})
        for language in ("en", "zh"):
            own = _own(finding, name, language)
            texts[finding.code, language, "positive"] = tuple(table.get(language, own))
            negative = table.get(f"{language}_negative", tables["negative"][language])
            texts[finding.code, language, "negative"] = tuple(negative)
    canonical = json.dumps(
        [content["version"], name, [[*key, *value] for key, value in sorted(texts.items())]],
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return PromptBank(
        name=name,
        findings=vocabulary().codes,
        written=tuple(code for code in vocabulary().codes if code in tables),
        hash=hashlib.sha256(canonical.encode("utf-8")).hexdigest(),
        _texts=texts,
    )
