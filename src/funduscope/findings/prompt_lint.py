"""What is wrong with a prompt bank or a class list, found without any model: `lint`.

The judge of plain phrasings is the project's own reader of reports: a positive phrasing must be
read as its finding, a denial as its absence, a doubt as a doubt. Paraphrases hold none of the
reader's words on purpose; they are compared as strings only. Rules by name:

    unknown_code         a table or a class names a code that the vocabulary does not have
    missing_translation  phrasings in one language only
    same_phrasing        one phrasing for two findings, grades or classes, or for and against one
    paraphrase_in_plain  a plain phrasing or class equals or contains a paraphrase
    not_read_present, not_read_negative, not_read_absent, not_read_uncertain
                         the reader reads something else
    wrong_grade          a grade's phrasing is read as another grade of its scale
    hypernym             a class includes another class of its list, and is not marked `without`
    unknown_token, too_long   the tokenizer at hand does not know it, or cuts it
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from funduscope.findings.assertions import Assertion
from funduscope.findings.class_lists import ClassList, ImageClass, class_lists
from funduscope.findings.extraction import extract
from funduscope.findings.prompts import (
    BANKS,
    LANGUAGES,
    POLARITIES,
    VERSIONS,
    Language,
    Polarity,
    PromptBank,
    bank_content,
    prompt_bank,
)
from funduscope.findings.rows import SAYS_LITTLE
from funduscope.findings.symbols import symbols
from funduscope.findings.vocabulary import Finding, vocabulary

# Phrasings of these kinds stand for other findings (referable: moderate, severe ...) or a number.
_UNREAD_KINDS = ("grade",)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend: the rule's name, where, the phrasing, and what was found."""

    rule: str
    place: str
    text: str
    found: str


@dataclass(frozen=True, slots=True)
class Phrasing:
    """One phrasing of a finding in a bank."""

    bank: str
    code: str
    language: Language
    polarity: Polarity
    text: str

    @property
    def place(self) -> str:
        """Where it stands, in words."""
        return f"{self.bank} {self.code} {self.language} {self.polarity}"


def phrasings(bank: PromptBank) -> Iterator[Phrasing]:
    """Every phrasing of a bank, made and written."""
    for code in bank.findings:
        for language in LANGUAGES:
            for polarity in bank.polarities:
                for text in bank.texts(code, language, polarity):
                    yield Phrasing(bank.name, code, language, polarity, text)


def lint() -> list[Fault]:
    """Faults of the newest banks, their grades and all class lists; empty when all is well."""
    content = bank_content(VERSIONS[-1])
    banks = {name: prompt_bank(name) for name in BANKS}
    plain = list(phrasings(banks["plain"]))
    paraphrase = list(phrasings(banks["paraphrase"]))
    lists = class_lists()
    found = [
        *lint_content(content),
        *lint_readings(plain),
        *lint_same(plain),
        *lint_same(paraphrase),
        *lint_grades(banks["plain"]),
        *(fault for made in lists.values() for fault in lint_classes(made)),
        *lint_paraphrases(paraphrase, _plain_texts(banks["plain"], plain, lists)),
    ]
    return list(dict.fromkeys(found))


def lint_content(content: Mapping[str, Any]) -> Iterator[Fault]:
    """Unknown codes and missing languages of a bank's file, as `bank_content` gives it."""
    words = vocabulary()
    tables = [(f"{name}.{key}", t) for name in BANKS for key, t in content[name].items()]
    for place, _ in tables:
        code = place.partition(".")[2]
        if code not in words and code not in POLARITIES:
            yield Fault("unknown_code", place, code, "not in the vocabulary")
    scales = content.get("grades", {})
    tables += [(f"grades.{s}.{v}", t) for s, values in scales.items() for v, t in values.items()]
    for place, table in tables:
        for english in {key.replace("zh", "en", 1) for key in table}:
            chinese = english.replace("en", "zh", 1)
            for key, other in ((english, chinese), (chinese, english)):
                if not table.get(key) and not key.endswith(("_denied", "_suspected")):
                    yield Fault("missing_translation", place, other, f"no {key}")


def lint_readings(plain: Iterable[Phrasing]) -> Iterator[Fault]:
    """Plain phrasings that the reader of reports does not read as they are meant."""
    for phrasing in plain:
        finding = vocabulary()[phrasing.code]
        if finding.kind in _UNREAD_KINDS:
            continue
        rows = extract(phrasing.text)
        if not _READ_AS[phrasing.polarity](finding, rows):
            said = ", ".join(f"{row.finding} {row.status}" for row in rows) or "nothing"
            word = "negative" if phrasing.polarity == "negative" else _STATUS[phrasing.polarity]
            yield Fault(f"not_read_{word}", phrasing.place, phrasing.text, f"read as {said}")


_STATUS = {"positive": "present", "denied": "absent", "suspected": "uncertain"}


def _statuses(finding: Finding, rows: Iterable[Assertion]) -> set[str]:
    """What is said of a finding, of one narrower, or (denials) of one broader."""
    words = vocabulary()
    narrower = {finding.code, *words.descendants(finding.code)}
    broader = set(words.ancestors(finding.code))
    return {
        row.status
        for row in rows
        if row.finding in narrower or (row.status == "absent" and row.finding in broader)
    }


def _present(finding: Finding, rows: Iterable[Assertion]) -> bool:
    return _statuses(finding, rows) == {"present"}


def _absent(finding: Finding, rows: Iterable[Assertion]) -> bool:
    return finding.code in SAYS_LITTLE or _statuses(finding, rows) == {"absent"}


def _uncertain(finding: Finding, rows: Iterable[Assertion]) -> bool:
    return _statuses(finding, rows) == {"uncertain"}


def _negative(finding: Finding, rows: list[Assertion]) -> bool:
    """Denied, or an eye said to be normal; against `normal`: any finding."""
    present = {row.finding for row in rows if row.status == "present"}
    if finding.code == "normal":
        return bool(present) and "normal" not in present
    return _absent(finding, rows) or present == {"normal"}


_READ_AS: Mapping[Polarity, Callable[[Finding, list[Assertion]], bool]] = {
    "positive": _present,
    "negative": _negative,
    "denied": _absent,
    "suspected": _uncertain,
}


def lint_same(found: Iterable[Phrasing]) -> Iterator[Fault]:
    """One phrasing for two findings of a bank, or on both sides of one finding.

    A broader finding may use a phrasing of a narrower one ("glaucoma" for an optic neuropathy
    may not): the phrasing has to be the narrower finding's own.
    """
    words = vocabulary()
    sides: dict[tuple[str, str], set[str]] = defaultdict(set)
    codes: dict[str, dict[str, Phrasing]] = defaultdict(dict)
    whole: dict[tuple[str, str], list[Phrasing]] = defaultdict(list)
    for phrasing in found:
        key = text_key(phrasing.text)
        sides[phrasing.code, key].add(phrasing.polarity)
        if len(sides[phrasing.code, key]) > 1:
            yield Fault("same_phrasing", phrasing.place, phrasing.text, "for and against")
        if phrasing.polarity == "positive" and words[phrasing.code].kind not in _UNREAD_KINDS:
            codes[key][phrasing.code] = phrasing
            whole[phrasing.code, phrasing.language].append(phrasing)
    for key, users in codes.items():
        for one, other in combinations(users, 2):
            pair = (one, other) if one in words.ancestors(other) else (other, one)
            related = pair[0] in words.ancestors(pair[1])
            if not related or key in _keys_of(pair[0]):
                yield Fault("same_phrasing", users[one].place, users[one].text, f"also of {other}")
    groups: dict[frozenset[str], str] = {}
    for (code, _), said in whole.items():
        first = groups.setdefault(frozenset(text_key(one.text) for one in said), code)
        if first != code:
            yield Fault("same_phrasing", said[0].place, said[0].text, f"as all of {first}")


def _keys_of(code: str) -> set[str]:
    """The finding's own names: where a narrower finding uses one, the two cannot be told apart."""
    finding = vocabulary()[code]
    return {text_key(name) for word in LANGUAGES for name in finding.names(word)}


def lint_grades(bank: PromptBank) -> Iterator[Fault]:
    """Grades of one scale with one phrasing, or read as another grade."""
    users: dict[tuple[str, str], set[str]] = defaultdict(set)
    for (scale, value, language), texts in bank.grades.items():
        place = f"grades {scale}:{value} {language}"
        for text in texts:
            users[scale, text_key(text)].add(value)
            if len(users[scale, text_key(text)]) > 1:
                yield Fault("same_phrasing", place, text, f"two grades of {scale}")
            other = {row.grade for row in extract(text) if row.grade} - {f"{scale}:{value}"}
            if any(grade.startswith(f"{scale}:") for grade in other):
                yield Fault("wrong_grade", place, text, f"read as {', '.join(sorted(other))}")


def lint_classes(made: ClassList) -> Iterator[Fault]:
    """Classes of one list that include each other, share a phrasing or lack a language."""
    words = vocabulary()
    for one in made.classes:
        place = f"class list {made.name}, {one.name}"
        for code in (*one.codes, *one.without):
            if code not in words:
                yield Fault("unknown_code", place, code, "not in the vocabulary")
        if not one.codes and not one.residual:
            yield Fault("unknown_code", place, "", "a class without a code that is not residual")
        for language in LANGUAGES:
            if not one.texts.get(language):
                yield Fault("missing_translation", place, one.name, f"no {language}")
    for one, other in combinations(made.classes, 2):
        place = f"class list {made.name}, {one.name} and {other.name}"
        shared = {text_key(t) for s in one.texts.values() for t in s} & {
            text_key(t) for s in other.texts.values() for t in s
        }
        for text in sorted(shared):
            yield Fault("same_phrasing", place, text.strip(), "two classes of one list")
        for pair in ((one, other), (other, one)):
            for code, narrower in _included(*pair):
                found = f"{code} includes {narrower}" if code != narrower else "the same code"
                yield Fault("hypernym", place, pair[0].name, found)


def _included(broad: ImageClass, narrow: ImageClass) -> Iterator[tuple[str, str]]:
    """Pairs of codes by which the classes overlap; classes of another status never do."""
    words = vocabulary()
    if broad.status != narrow.status:
        return
    graded = broad.grade is not None and narrow.grade is not None and broad.grade != narrow.grade
    for code in broad.codes:
        for inner in narrow.codes:
            if code not in words or inner not in words or inner in broad.without:
                continue
            if (code == inner and not graded) or code in words.ancestors(inner):
                yield code, inner


def lint_paraphrases(paraphrase: Iterable[Phrasing], others: Iterable[str]) -> Iterator[Fault]:
    """Paraphrases that a plain phrasing equals or contains: they must be new to every model."""
    everything = "\n".join(sorted({text_key(text) for text in others}))
    for phrasing in paraphrase:
        if text_key(phrasing.text) in everything:
            yield Fault("paraphrase_in_plain", phrasing.place, phrasing.text, "in a plain phrasing")


def _plain_texts(
    bank: PromptBank, plain: Iterable[Phrasing], lists: Mapping[str, ClassList]
) -> Iterator[str]:
    yield from (phrasing.text for phrasing in plain)
    yield from (text for texts in bank.grades.values() for text in texts)
    for made in lists.values():
        yield from (text for one in made.classes for texts in one.texts.values() for text in texts)


def every_text() -> list[tuple[str, str]]:
    """Each phrasing of banks, grades and class lists once, with the first place it stands in."""
    places: dict[str, str] = {}
    for name in BANKS:
        for phrasing in phrasings(prompt_bank(name)):
            places.setdefault(phrasing.text, phrasing.place)
    for (scale, value, language), texts in prompt_bank("plain").grades.items():
        for text in texts:
            places.setdefault(text, f"grades {scale}:{value} {language}")
    for made in class_lists().values():
        for one in made.classes:
            for text in (text for texts in one.texts.values() for text in texts):
                places.setdefault(text, f"class list {made.name}, {one.name}")
    return [(place, text) for text, place in places.items()]


def lint_tokens(measure: Callable[[str], tuple[int, int]], longest: int) -> list[Fault]:
    """Phrasings that a text tower cannot read whole.

    measure: text -> tokens with the special ones, and how many of them are unknown;
    longest: how many tokens the tower reads.
    """
    found = []
    for place, text in every_text():
        tokens, unknown = measure(text)
        if unknown:
            found.append(Fault("unknown_token", place, text, f"{unknown} of {tokens}"))
        if tokens > longest:
            found.append(Fault("too_long", place, text, f"{tokens} tokens, {longest} are read"))
    return found


def text_key(text: str) -> str:
    """Words in canonical form, so that spelling cannot hide a match."""
    return f" {' '.join(symbol.text for symbol in symbols(text))} "
