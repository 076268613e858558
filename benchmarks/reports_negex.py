"""The NegEx sentences: the status rules asked at the place of a given concept."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from ingest_page import Section, table
from reports_page import Count, f1_table

from funduscope.findings.concepts import status_of

F1_LEAST, PUBLISHED = 0.955, 0.947


@dataclass(frozen=True)
class Sentence:
    """One annotated sentence and where its concept stands in it."""

    number: int
    text: str
    start: int
    end: int
    negated: bool
    when: str
    person: str

    @property
    def half(self) -> str:
        """Errors of the sentences of even number were looked at, those of odd number never."""
        return "closed" if self.number % 2 else "open"


@dataclass(frozen=True)
class Answer:
    """What the rules say of one sentence's concept."""

    sentence: Sentence
    negated: bool
    history: bool
    hypothetical: bool
    family: bool
    rules: tuple[str, ...]


def places(concept: str, text: str) -> list[tuple[int, int]]:
    """Where a concept may stand: in capitals, else as given, else the longest part that is there.

    A few sentences hold their concept only in part (a sentence splitter had cut it).
    """
    words = r"\s+".join(re.escape(word) for word in concept.split())
    for spelled in (words.upper(), words):
        found = list(re.finditer(rf"(?<!\w){spelled}(?!\w)", text))
        found = found or list(re.finditer(spelled, text))
        if found:
            return [match.span() for match in found]
    same = SequenceMatcher(None, text.upper(), concept.upper(), autojunk=False)
    part = same.find_longest_match()
    return [(part.a, part.a + part.size)]


def read(path: Path) -> list[Sentence]:
    """The annotated sentences of a table without a header.

    Where a concept stands in capitals twice, rows take its places in order; one row the last
    (`ALLERGIES: no known ALLERGIES`: the first is a heading).
    """
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    left = Counter((row[2], row[3]) for row in rows)
    sentences = []
    for number, _, concept, text, status, when, person in rows:
        found = places(concept, text)
        start, end = found[-min(left[concept, text], len(found))]
        left[concept, text] -= 1
        negated = status == "Negated"
        sentences.append(Sentence(int(number), text, start, end, negated, when, person))
    return sentences


def answers(sentences: Iterable[Sentence]) -> list[Answer]:
    """The reader's answer to every sentence; what it drops as a condition is hypothetical."""
    found = []
    for sentence in sentences:
        state = status_of(sentence.text, sentence.start, sentence.end)
        found.append(
            Answer(
                sentence,
                state.status == "absent",
                state.temporality == "history",
                state.status == "dropped",
                state.experiencer == "family",
                tuple(state.rules),
            )
        )
    return found


def counted(pairs: Iterable[tuple[bool, bool]]) -> Count:
    """The figure on one class, from pairs of (said, true)."""
    listed = list(enumerate(pairs))
    return Count.of({n for n, (said, _) in listed if said}, {n for n, (_, true) in listed if true})


def negation(found: Iterable[Answer]) -> Count:
    """The figure on negation of some answers."""
    return counted((answer.negated, answer.sentence.negated) for answer in found)


def kinds(found: list[Answer]) -> list[str]:
    """Rows on time and person: accuracy, and F1 of the rarer class."""
    pairs = {
        "historical": [(a.history, a.sentence.when == "Historical") for a in found],
        "hypothetical": [(a.hypothetical, a.sentence.when == "Not particular") for a in found],
        "of a relative": [(a.family, a.sentence.person == "Family member") for a in found],
    }
    rows = []
    for name, listed in pairs.items():
        count = counted(listed)
        share = sum(said == true for said, true in listed) / len(listed)
        rows.append(f"| {name} | {share:.3f} | {count.f1:.3f} | {count.there} |")
    return rows


def peer_rows(found: list[Answer], python: Path) -> list[str]:
    """The same sentences by negspacy, in the environment of another Python, and by us."""
    spans = [[a.sentence.text, a.sentence.start, a.sentence.end] for a in found]
    done = subprocess.run(
        [str(python), "-W", "ignore", str(Path(__file__).with_name("reports_peer.py"))],
        input=json.dumps(spans),
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    ours = []
    for _ in told["seconds"]:
        begun = time.process_time()
        answers(answer.sentence for answer in found)
        ours.append(time.process_time() - begun)
    name = ", ".join(f"{package} {number}" for package, number in told["versions"].items())
    theirs = counted(zip(told["negated"], (a.sentence.negated for a in found), strict=True))
    both = ((name, theirs, told["seconds"]), ("funduscope", negation(found), ours))
    lines = [
        f"| {who} | {c.precision:.3f} | {c.recall:.3f} | {c.f1:.3f} | "
        f"{len(found) / statistics.median(took):,.0f} |"
        for who, c, took in both
    ]
    head = "side by side | precision | recall | F1 | sentences a second, one core"
    return table(head, lines)


def section(path: Path, peer: Path | None) -> Section:
    """The section of the page; `peer` is a Python that has negspacy."""
    found = answers(read(path))
    page = Section("NegEx sentences (English, the concept is given)")
    whole = negation(found)
    page.least("negation, F1", whole.f1, F1_LEAST)
    halves = {half: [a for a in found if a.sentence.half == half] for half in ("open", "closed")}
    page.lines += [
        "",
        f"{len(found)} sentences of other specialties; the published NegEx has {PUBLISHED}.",
        "The errors of the even-numbered sentences (open) were looked at while rules were written,",
        "those of the odd-numbered ones never (some four dozen sentences of both kinds were seen",
        "when the place of the concept was sought).",
        *f1_table({"all": whole} | {half: negation(part) for half, part in halves.items()}),
        *table("said of the concept | accuracy | F1 of the class | sentences", kinds(found)),
    ]
    if peer is not None:
        page.lines += peer_rows(found, peer)
    return page
