"""The reader's words come from the language, not from the development sentences.

No word list and no string of the code may hold a run of 8 or more characters of a development
sentence that is no vocabulary entry. Marks and blanks do not count; names of the vocabulary are
taken out of a run first. In English one word reaches 8 characters, so that a run counts from three
words on; everyday phrases of denial and place are listed below.

Half of the sentences stay unread: of those a failure tells our entry and a number, no more.
"""

from __future__ import annotations

import ast
import csv
import hashlib
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from funduscope import findings
from funduscope.findings import vocabulary

ROOM = Path(findings.__path__[0])
LENGTH, LEFT, WORDS = 8, 3, 3
# Plain English and triggers of the published NegEx list.
EVERYDAY = (
    "no evidence of", "no evidence for", "cannot be ruled out", "not be ruled out", "was ruled out",
    "has been ruled out", "no change in", "not consistent with", "in the left eye",
    "in the right eye", "of the left eye", "of the right eye", "on fundus photography",
)  # fmt: skip
_MARKS = re.compile(r"[^0-9a-z\u3400-\u9fff ]+")
_HAN = re.compile(r"[\u3400-\u9fff]")


def plain(text: str) -> str:
    """Canonical width, small letters, without marks; blanks only between Latin words."""
    text = _MARKS.sub(" ", unicodedata.normalize("NFKC", text).lower())
    text = re.sub(r"(?<=[\u3400-\u9fff]) +| +(?=[\u3400-\u9fff])", "", text)
    return re.sub(" +", " ", text).strip()


def names() -> list[str]:
    """The names of the vocabulary, longest first."""
    found = {plain(n) for f in vocabulary() for n in (f.code, *f.names("zh"), *f.names("en"))}
    return sorted(found - {""}, key=len, reverse=True)


def strings(value: Any) -> Iterator[str]:
    """All strings of nested lists and tables."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)


def entries() -> dict[str, str]:
    """Every entry of our word lists and every string of the code -> the file it stands in."""
    found: dict[str, str] = {}
    for path in sorted((*ROOM.rglob("*.tsv"), *ROOM.rglob("*.toml"), *ROOM.rglob("*.py"))):
        text = path.read_text(encoding="utf-8")
        if path.stem in ("vocabulary", "traditional"):
            continue
        if path.suffix == ".py":
            nodes = ast.walk(ast.parse(text))
            parts = [n.value for n in nodes if isinstance(n, ast.Constant)]
            told = [
                line for part in parts if isinstance(part, str) for line in re.split(r"[\n|]", part)
            ]
        elif path.suffix == ".toml":
            told = list(strings(tomllib.loads(text)))
        else:
            told = re.split(r"[\t\n;]", text)
        found |= {plain(one): path.name for one in told if len(plain(one)) >= LENGTH}
    return found


def sentences(folder: Path) -> dict[str, bool]:
    """Development sentence -> whether it is of the closed half."""
    with (folder / "report_traps_dev.tsv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    return {plain(row["text"]): closed(row["id"].partition(".")[0]) for row in rows}


def closed(text_id: str) -> bool:
    """Whether a text is of the half that is scored but never read."""
    return int(hashlib.sha256(text_id.encode()).hexdigest(), 16) % 2 == 1


def runs(entry: str, sentence: str) -> Iterator[str]:
    """The longest runs of at least 8 characters that an entry shares with a sentence."""
    start = 0
    while start + LENGTH <= len(entry):
        end = start + LENGTH
        if entry[start:end] not in sentence:
            start += 1
            continue
        while end < len(entry) and entry[start : end + 1] in sentence:
            end += 1
        yield whole(entry, start, end)
        start = end - LENGTH + 1


def whole(entry: str, start: int, end: int) -> str:
    """A run without the pieces of Latin words at its ends."""
    run = entry[start:end]
    if re.match(r"[a-z0-9]{2}", entry[start - 1 : start + 1]) and start:
        run = re.sub(r"^[a-z0-9]+", "", run)
    if re.match(r"[a-z0-9]{2}", entry[end - 1 : end + 1]):
        run = re.sub(r"[a-z0-9]+$", "", run)
    return run.strip()


def counts(run: str, known: list[str]) -> bool:
    """Whether a run is more than vocabulary and everyday phrases."""
    if len(run) < LENGTH or any(run in phrase for phrase in (*known, *EVERYDAY)):
        return False
    for name in known:
        if name in run:
            run = re.sub(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", " ", run)
    rest = run.replace(" ", "")
    if _HAN.search(rest):
        return len(rest) > LEFT
    return len(rest) >= LENGTH and len(run.split()) >= WORDS


@pytest.mark.realdata
def test_no_word_list_and_no_rule_holds_a_piece_of_a_development_sentence(shared):
    known, ours = names(), entries()
    told: list[str] = []
    hidden: Counter[tuple[str, str]] = Counter()
    for sentence, unread in sentences(shared / "reference" / "nlp").items():
        for entry, file in ours.items():
            for run in runs(entry, sentence):
                if not counts(run, known):
                    continue
                if unread:
                    hidden[file, entry] += 1
                else:
                    told.append(f"{file}: {run!r} in {entry!r}")
    told += [f"{file}: {entry!r}, {n} runs, closed half" for (file, entry), n in hidden.items()]
    if told:
        pytest.fail("\n".join(told), pytrace=False)


def test_what_counts():
    known = names()
    assert counts("缺血型不除外出血", known)
    assert not counts("眼底未见明显异常", known)
    assert not counts("no evidence of", known)
    assert counts("the lens looks a bit odd today", known)
    assert not counts("suspicious", known)
    assert list(runs("右眼黄斑水肿未见出血", "今日右眼黄斑水肿未见好转")) == ["右眼黄斑水肿未见"]
