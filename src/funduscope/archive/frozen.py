"""A frozen set: texts with the readings that people judged, and what reads differently today."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, NamedTuple

from funduscope import findings
from funduscope.archive.marks import Marks
from funduscope.errors import DataError

KIND: Final = "funduscope frozen readings"
FORMAT: Final = 1
LATER: Final = ("better", "worse", "unjudged")


class _Said(NamedTuple):
    """What of a reading is compared: where its words stand and which rule read it may change."""

    eye: str
    finding: str
    status: str
    temporality: str
    experiencer: str
    grade: str | None


@dataclass(frozen=True)
class Change:
    """A reading that appeared or went.

    Attributes:
        text_id: of the text; `text`: the text.
        what: `new` or `gone`.
        reading: its words: eye, finding, status, and what else is unusual.
        effect: `better` (a wrong one went, a missed one came), `worse` (a right one went) or
            `unjudged` (nobody has seen it).
    """

    text_id: str
    text: str
    what: str
    reading: str
    effect: str


def reader_version() -> str:
    """Release and content of what reads reports; it changes with every rule and word."""
    digest = hashlib.sha256()
    package = resources.files("funduscope.findings")
    for folder in (package, package / "data"):
        for item in sorted(folder.iterdir(), key=lambda one: one.name):
            if item.is_file() and item.name.endswith((".py", ".tsv", ".toml")):
                digest.update(item.name.encode() + b"\0" + item.read_bytes() + b"\0")
    try:
        release = version("funduscope")
    except PackageNotFoundError:
        release = "source"
    return f"{release} {digest.hexdigest()[:12]}"


def freeze(corpus_id: str, marked: Sequence[Marks]) -> dict[str, Any]:
    """What readers judged, as a document that `changes` compares with later readings.

    A reading is right or wrong by the majority of those who finished its report, else disputed;
    missed is what any of them added.
    """
    reports = []
    for text_id in sorted({name for one in marked for name in one.reports}):
        seen = [one.reports[text_id] for one in marked if text_id in one.reports]
        judged = []
        for reading in seen[0].right:
            votes = Counter(one.right[reading] for one in seen)
            word = "right" if votes[True] > votes[False] else "wrong"
            word = "disputed" if votes[True] == votes[False] else word
            judged.append({**reading._asdict(), "judged": word})
        missed = sorted({item for one in seen for item in one.missed})
        reports.append(
            {
                "text_id": text_id,
                "text": seen[0].text,
                "readings": judged,
                "missed": [item._asdict() for item in missed],
            }
        )
    body = {
        "kind": KIND,
        "format": FORMAT,
        "corpus": corpus_id,
        "reader_version": reader_version(),
        "readers": sorted(one.reader for one in marked),
        "reports": reports,
    }
    return {**body, "sha256": _digest(body)}


def open_frozen(path: Path) -> dict[str, Any]:
    """Read a frozen set and prove that it is as it was written.

    Raises:
        DataError: no such file, no frozen set, another format, or changed since.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _fault("no such file", path) from None
    except (ValueError, RecursionError) as error:
        raise _fault(f"no JSON ({error})", path) from None
    if not isinstance(found, dict) or found.get("kind") != KIND:
        raise _fault("no frozen set", path)
    if found.get("format") != FORMAT:
        raise _fault(f"format {found.get('format')!r}", path)
    if found.pop("sha256", None) != _digest(found):
        raise _fault("changed or damaged", path)
    return found


def changes(frozen: Mapping[str, Any]) -> list[Change]:
    """Read the texts of a frozen set with today's reader: what is new and what is gone."""
    made: list[Change] = []
    for report in frozen["reports"]:
        judged = {_said(row): str(row["judged"]) for row in report["readings"]}
        missed = {(row["eye"], row["finding"], row["status"]) for row in report["missed"]}
        today = dict.fromkeys(_said(_row(one)) for one in findings.extract(report["text"]))
        place = (report["text_id"], report["text"])
        for said in today:
            if said not in judged:
                effect = "better" if said[:3] in missed else "unjudged"
                made.append(Change(*place, "new", _words(said), effect))
        for said, word in judged.items():
            if said not in today:
                effect = {"right": "worse", "wrong": "better"}.get(word, "unjudged")
                made.append(Change(*place, "gone", _words(said), effect))
    return made


def summary(found: Iterable[Change]) -> str:
    """How many changed, in a few words: `3 readings changed (2 better, 1 worse, 0 unjudged)`."""
    counts = Counter(one.effect for one in found)
    shares = ", ".join(f"{counts[word]} {word}" for word in LATER)
    return f"{counts.total()} readings changed ({shares})"


def _row(one: findings.Assertion) -> dict[str, Any]:
    return {name: getattr(one, name) for name in _Said._fields}


def _said(row: Mapping[str, Any]) -> _Said:
    return _Said(*(row[name] for name in _Said._fields))


def _words(said: _Said) -> str:
    unusual = [
        word
        for word, usual in ((said.temporality, "current"), (said.experiencer, "patient"))
        if word != usual
    ]
    return " ".join([said.finding, said.eye, said.status, *unusual, *filter(None, [said.grade])])


def _digest(body: Mapping[str, Any]) -> str:
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _fault(value: str, path: Path) -> DataError:
    return DataError(
        value,
        place=str(path),
        rule=f"a frozen set (format {FORMAT}) as it was written, with its check sum",
        remedy="copy it again from the folder of `funduscope review reports CORPUS OUT --marks "
        "FILE --freeze`, or freeze anew",
        code="bad_frozen",
    )
