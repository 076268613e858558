"""The word lists: what headers, cells and parts of file names commonly say."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from importlib import resources
from itertools import product

from funduscope.archive.redact import narrow

_NOISE = re.compile(r"[\s_\-./:：()（）\[\]#*'\"、,，&]+")


def plain(text: str) -> str:
    """Text for comparison: NFKC, lower case, no spaces, no punctuation, simplified characters."""
    return _NOISE.sub("", narrow(unicodedata.normalize("NFKC", text)).lower())


@cache
def _headers() -> dict[str, tuple[str, int]]:
    """Plain header word -> role and rank (0 the best of its role)."""
    found: dict[str, tuple[str, int]] = {}
    for line in _lines("roles.tsv"):
        role, words = line.split("\t")
        for rank, word in enumerate(words.split("|")):
            before = sum(1 for known, _ in found.values() if known == role)
            found.setdefault(plain(word), (role, max(rank, before)))
    return found


def role_of(header: str) -> tuple[str, int, bool] | None:
    """Role that a header speaks for, its rank in the list, and whether the whole header is a word.

    Of a nested key (`patient.name`, `Report@id`) the last part counts. Else the longest listed word
    that ends or begins the header (of four Latin or two Chinese letters at least) decides.
    """
    known = _headers()
    header = re.sub(r"\.\d+$", "", header)  # a second column of that name
    header = header.partition("|")[0]  # labels that stand for one another
    parts = re.split(r"\.(?=\w)|@", header)  # a dot in `Hosp. No.` is none of a key
    if len(parts) > 1 and plain(parts[-1]) in _NO_NAMES:
        parts.pop()  # age.value says what `age` says
    base = parts[-1]
    bare = re.sub(r"[（(].*?[)）]", "", base)
    for said in (header, "".join(parts[-2:]), base, bare):
        exact = known.get(plain(said)) or known.get(plain(said).removesuffix("码"))
        if exact is not None and not (said == base and _of_person(parts)):
            return (*exact, True)
    text = plain(base)
    whose = plain("".join(parts[-2:])) if len(parts) > 1 else text
    for prefix, said in product(_PREFIXES, dict.fromkeys((text, whose))):
        rest = said.removeprefix(prefix)
        if rest != said and rest in _ANY_NUMBER:
            return "patient", _LATE, True  # a number of a person, whatever the word means alone
        if rest != said and (exact := known.get(rest)) is not None:
            return (*exact, True)
    found = [
        (word, meaning)
        for word, meaning in known.items()
        if len(word) >= (2 if ord(word[0]) > 0x2E80 else 4)
        and (text.endswith(word) or text.startswith(word))
    ]
    if not found:
        return None
    word, (role, rank) = max(found, key=lambda part: (len(part[0]), text.endswith(part[0])))
    return (role, rank, False) if len(word) * 3 >= len(text) else None


def _of_person(parts: Sequence[str]) -> bool:
    """Whether a nested key is a bare number inside what tells of a person (`participant.no`)."""
    return len(parts) > 1 and plain(parts[-1]) in _ANY_NUMBER and plain(parts[-2]) in _PREFIXES


_ANY_NUMBER = frozenset(
    ("no", "id", "number", "num", "code", "key", "编号", "号码", "序号", "号", "代码")
)
_LATE = 40
"""Rank behind the listed words of a role."""
_NO_NAMES = frozenset(("value", "text", "content", "val", "display", "#text"))
_PREFIXES = (
    "patient",
    "pat",
    "pt",
    "person",
    "client",
    "resident",
    "participant",
    "subject",
    "examinee",
    "member",
    "患者",
    "病人",
    "居民",
    "受检者",
    "被检者",
    "受检人",
    "体检者",
)


def eye_of(header: str) -> str | None:
    """OD or OS where a header names one eye (`findings_od`, `右眼情况`), else None."""
    known = meanings("eye")
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFKC", header))
    words = re.split(r"[\W_]+", spaced)
    found = {known.get(plain(word)) for word in words}
    found |= {eye for sign, eye in (("右", "OD"), ("左", "OS")) if sign in header}
    found |= {eye for word, eye in (("right", "OD"), ("left", "OS")) if word in header.lower()}
    eyes = found & {"OD", "OS"}
    return next(iter(eyes)) if len(eyes) == 1 and "unknown" not in found else None


@cache
def meanings(about: str) -> dict[str, str]:
    """Plain word -> meaning, for eye, sex, age_unit, field, kind or procedure."""
    found: dict[str, str] = {}
    for line in _lines("meanings.tsv"):
        topic, meaning, words = line.split("\t")
        if topic == about:
            for word in words.split("|"):
                found.setdefault(plain(word), meaning)
    return found


def procedure_of(text: str) -> str | None:
    """Kind of examination that a procedure's name speaks of; None for an unknown one.

    The longest listed word in it decides, so that `黄斑OCT` is no photograph of the macula.
    """
    known = meanings("procedure")
    said = plain(text)
    if said in known:
        return known[said]
    inside = [word for word in known if word in said and (len(word) > 2 or not word.isascii())]
    special = [word for word in inside if known[word] != "cfp"]
    best = max(special or inside, key=len, default=None)
    return known[best] if best else None


@cache
def surnames() -> frozenset[str]:
    """First characters of common Chinese names."""
    return frozenset("".join(_lines("surnames.tsv", header=False)))


def is_chinese_name(text: str) -> bool:
    """Whether a text looks like a Chinese person's name of two to four characters."""
    text = re.sub(r"\s+", "", text)
    return (
        2 <= len(text) <= 4
        and text[0] in surnames()
        and all(0x4E00 <= ord(letter) <= 0x9FFF for letter in text)
    )


@cache
def _lines(name: str, header: bool = True) -> tuple[str, ...]:
    text = (resources.files(__package__) / name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return tuple(lines[1:] if header else lines)
