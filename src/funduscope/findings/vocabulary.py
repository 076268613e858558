"""The vocabulary: every finding the project can name, in Chinese and English.

The table is `data/vocabulary.tsv` (UTF-8, tab-separated, no quoting): a line `# version N`, then
code, zh, zh_synonyms, en, en_synonyms, parent, icd10, kind, referable; synonyms are separated by
semicolons. Codes may be added, never renamed; the version rises when a release changes the table.
The first 211 codes come from the project's reference list (CC0 1.0).
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources

from funduscope.errors import DataError
from funduscope.findings.symbols import symbols

# Label words of labelled public sets that are not codes themselves.
LABEL_WORDS = {
    "dr": "diabetic_retinopathy",
    "amd_dry": "dry_amd",
    "amd_wet": "wet_amd",
    "hypertensive": "hypertensive_retinopathy",
    "rvo": "retinal_vein_occlusion",
    "rao": "retinal_artery_occlusion",
    "dme": "diabetic_macular_edema",
    "laser_spot": "laser_scar",
    "disc_edema": "optic_disc_edema",
    "nevus": "choroidal_nevus",
    "tessellated": "tessellated_fundus",
    "white_vessel": "vascular_sheathing",
    "q_lens_dust": "image_artefact",
    "q_low": "poor_image_quality",
}


BOTH_EYES = "双眼"
"""An eye in a finding's name is no part of it: the words around it name the eye."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of the vocabulary. `referable` is yes, no or depends."""

    code: str
    zh: str
    en: str
    zh_synonyms: tuple[str, ...]
    en_synonyms: tuple[str, ...]
    parent: str | None
    icd10: str | None
    kind: str
    referable: str

    def names(self, language: str) -> tuple[str, ...]:
        """The preferred name and the synonyms in `zh` or `en`."""
        return (self.zh, *self.zh_synonyms) if language == "zh" else (self.en, *self.en_synonyms)


class Vocabulary:
    """All findings by code; see `vocabulary()` for the shipped one.

    Attributes:
        codes: every code, in table order.
        version: the table's version, which rises when a release changes it.
        hash: SHA-256 (hex) of the table, so that two of one version can be told apart.
    """

    def __init__(self, findings: tuple[Finding, ...], version: str = "", hash_: str = "") -> None:
        self.version = version
        self.hash = hash_
        self._findings = {finding.code: finding for finding in findings}
        self.codes: tuple[str, ...] = tuple(self._findings)
        self._ancestors = {code: self._chain(code) for code in self.codes}
        self._descendants: dict[str, tuple[str, ...]] = {}
        for code in self.codes:
            for broader in self._ancestors[code]:
                self._descendants[broader] = (*self._descendants.get(broader, ()), code)

    def _chain(self, code: str) -> tuple[str, ...]:
        chain: list[str] = []
        parent = self._findings[code].parent
        while parent is not None:
            chain.append(parent)
            parent = self._findings[parent].parent
        return tuple(chain)

    def __getitem__(self, code: str) -> Finding:
        """The finding of a code; DataError with the nearest codes when there is none."""
        try:
            return self._findings[code]
        except KeyError:
            near = difflib.get_close_matches(code, self.codes, n=3)
            remedy = f"did you mean {', '.join(near)}?" if near else "see the vocabulary table"
            raise DataError(
                code,
                place="vocabulary",
                rule="a finding is one of the vocabulary's codes",
                remedy=remedy,
                code="unknown_finding",
            ) from None

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._findings.values())

    def __len__(self) -> int:
        return len(self._findings)

    def __contains__(self, code: object) -> bool:
        return code in self._findings

    def ancestors(self, code: str) -> tuple[str, ...]:
        """Broader codes, nearest first."""
        return self._ancestors[self[code].code]

    def descendants(self, code: str) -> tuple[str, ...]:
        """Narrower codes in table order, without the code itself."""
        return self._descendants.get(self[code].code, ())

    def children(self, code: str) -> tuple[str, ...]:
        """Codes one step narrower, in table order."""
        return tuple(c for c in self.descendants(code) if self._findings[c].parent == code)

    def named(self, name: str) -> tuple[str, ...]:
        """The codes whose code, name or synonym this is, in either language; () for none.

        Spelled as the reader reads: case, width, hyphens, plural, British or traditional forms.
        """
        return (name,) if name in self else self._index.get(_spelled(name), ())

    def near(self, name: str) -> tuple[str, ...]:
        """Up to three codes that are spelled like a word or have such a name, nearest first."""
        known: dict[str, tuple[str, ...]] = {_joined(code): (code,) for code in self.codes}
        known |= {"".join(key): codes for key, codes in self._index.items()}
        found = difflib.get_close_matches(_joined(name), known, n=6, cutoff=0.6)
        return tuple(dict.fromkeys(code for word in found for code in known[word]))[:3]

    @cached_property
    def _index(self) -> dict[tuple[str, ...], tuple[str, ...]]:
        index: dict[tuple[str, ...], tuple[str, ...]] = {}
        for finding in self:
            for name in (*finding.names("zh"), *finding.names("en")):
                key = _spelled(name)
                index[key] = tuple(dict.fromkeys((*index.get(key, ()), finding.code)))
        return index

    def match_label(self, word: str) -> str | None:
        """The code of a label word (`dr`, `laser_spot`, `erm`), or None for a word without one."""
        word = word.strip().lower()
        code = LABEL_WORDS.get(word, word)
        return code if code in self else None


def _spelled(name: str) -> tuple[str, ...]:
    return tuple(symbol.text for symbol in symbols(name.replace("_", " ")))


def _joined(name: str) -> str:
    return "".join(_spelled(name))


def _split(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split(";") if part.strip())


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """The shipped vocabulary, read once."""
    table = resources.files("funduscope.findings").joinpath("data/vocabulary.tsv")
    content = table.read_text(encoding="utf-8")
    version, header, *lines = content.splitlines()
    columns = header.split("\t")
    findings = []
    for line in lines:
        row = dict(zip(columns, line.split("\t"), strict=True))
        findings.append(
            Finding(
                code=row["code"],
                zh=row["zh"],
                en=row["en"],
                zh_synonyms=_split(row["zh_synonyms"]),
                en_synonyms=_split(row["en_synonyms"]),
                parent=row["parent"] or None,
                icd10=row["icd10"] or None,
                kind=row["kind"],
                referable=row["referable"],
            )
        )
    number = version.removeprefix("# version ")
    return Vocabulary(tuple(findings), number, hashlib.sha256(content.encode()).hexdigest())
