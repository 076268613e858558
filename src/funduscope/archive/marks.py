"""Files of marks, as mark.html saves them: read, and held against the corpus they are about."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from funduscope import store
from funduscope.archive.marking_sample import Reading, readings
from funduscope.errors import DataError
from funduscope.findings import vocabulary

FORMAT: Final = 1
_SAVE_AGAIN: Final = "open mark.html, load the last file that it saved, and save it again"


class Missed(NamedTuple):
    """What a report says and the program did not read."""

    finding: str
    eye: str
    status: str


@dataclass(frozen=True)
class Marked:
    """A report that a reader finished.

    Attributes:
        report_id: the first report of the corpus with this text.
        text: of the corpus.
        weight: reports of the corpus that it stands for.
        right: each reading of the program, and whether the reader agrees.
        missed: what the reader added.
    """

    report_id: str
    text: str
    weight: float
    right: dict[Reading, bool]
    missed: tuple[Missed, ...]


@dataclass(frozen=True)
class Marks:
    """One reader's file.

    Attributes:
        reader: code of the reader.
        path: the file.
        sample: id of the sample that was marked.
        shown: reports of the sample.
        reports: text id -> the finished ones.
    """

    reader: str
    path: Path
    sample: str
    shown: int
    reports: dict[str, Marked]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Missed(_Form):
    finding: str
    eye: Literal["OD", "OS", "unknown"]
    status: Literal["present", "absent", "uncertain"]


class _Reading(_Form):
    eye: str
    finding: str
    status: str
    temporality: str
    experiencer: str
    grade: str | None
    start_char: int
    end_char: int
    right: bool | None


class _Report(_Form):
    text_id: str
    weight: str = Field(pattern=r"^\d{1,12}(\.\d{1,6})?$")
    done: bool
    readings: list[_Reading]
    missed: list[_Missed]


class _File(_Form):
    kind: Literal["funduscope marks"]
    format: Literal[1]
    corpus: str
    sample: str
    reader: str = Field(min_length=1, max_length=20)
    reports: list[_Report]
    crc32: str


def read_marks(paths: Sequence[Path], corpus: store.Corpus) -> list[Marks]:
    """Read the files of one or several readers about one sample of a corpus.

    Raises:
        DataError: a file that cannot be read, was changed, or is of another corpus or sample; a
            finding, text or reading that does not exist; two files of one reader; nothing finished.
    """
    files = [(Path(path), _read(Path(path), corpus)) for path in paths]
    if not files:
        raise _fault("no file", "--marks", "a file that mark.html saved", _SAVE_AGAIN)
    for what in ("sample", "reader"):
        _check_together(files, what)
    known = _Known(corpus, [report.text_id for _, file in files for report in file.reports])
    made = [_marks(path, file, known) for path, file in files]
    if not any(one.reports for one in made):
        raise _fault(
            "no finished report",
            ", ".join(str(path) for path, _ in files),
            "marks: a report counts when all its readings are marked and it was finished",
            "finish reports on mark.html (the wide button, or Enter), and save the file again",
        )
    return made


def _read(path: Path, corpus: store.Corpus) -> _File:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        said = body.pop("crc32", None) if isinstance(body, dict) else None
        plain = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    except FileNotFoundError:
        raise _fault("no such file", str(path), "a file that mark.html saved", "") from None
    except (ValueError, RecursionError) as error:
        raise _fault(f"no JSON ({error})", str(path), "a file that mark.html saved") from None
    if not isinstance(body, dict) or body.get("kind") != "funduscope marks":
        raise _fault("no marks", str(path), "a file that mark.html saved")
    if body.get("format") != FORMAT:
        rule = f"format {FORMAT}"
        raise _fault(f"format {body.get('format')!r}", str(path), rule, "use the release it is of")
    if said != f"{zlib.crc32(plain):08x}":
        rule = "the file as mark.html saved it, with the check sum of its content"
        raise _fault("changed or damaged", str(path), rule)
    try:
        file = _File.model_validate({**body, "crc32": said})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        value = f"{first.get('input')!r:.80}: {first['msg']}"
        raise _fault(value, f"{path}, {place}", "the form that mark.html saves") from None
    if file.corpus != corpus.id:
        raise _fault(
            f"marks of the corpus {file.corpus}",
            str(path),
            f"marks of this corpus, {corpus.id}",
            "name the corpus that the page was made from; after a new ingest, mark again",
            code="other_corpus",
        )
    return file


def _check_together(files: Sequence[tuple[Path, _File]], what: str) -> None:
    seen = Counter(getattr(file, what) for _, file in files)
    places = ", ".join(str(path) for path, _ in files)
    if what == "sample" and len(seen) > 1:
        rule = "marks that are counted together are of one sample, drawn by one seed"
        remedy = "count the files of each mark.html by themselves"
        raise _fault(f"samples {', '.join(sorted(seen))}", places, rule, remedy)
    twice = [name for name, count in seen.items() if count > 1]
    if what == "reader" and twice:
        remedy = "leave out the older file; two persons need two reader codes"
        raise _fault(f"two files of {twice[0]!r}", places, "one file a reader", remedy)


class _Known:
    """Texts and readings of the corpus, by text id."""

    def __init__(self, corpus: store.Corpus, text_ids: Sequence[str]) -> None:
        table = corpus.reports
        rows = table.filter(table["text_sha256"].is_in(list(set(text_ids)))).sort("report_id")
        self.texts: dict[str, tuple[str, str]] = {}
        for text_id, report_id, text in rows.select("text_sha256", "report_id", "text").iter_rows():
            self.texts.setdefault(text_id, (report_id, text))
        self.readings = readings(corpus, [report_id for report_id, _ in self.texts.values()])


def _marks(path: Path, file: _File, known: _Known) -> Marks:
    reports: dict[str, Marked] = {}
    seen: set[str] = set()
    for number, report in enumerate(file.reports, start=1):
        place = f"{path}, report {number}"
        if report.text_id in seen or report.text_id not in known.texts:
            value = "the same text twice" if report.text_id in seen else "an unknown text"
            raise _fault(f"{value}, {report.text_id[:16]}", place, "texts of the corpus, each once")
        seen.add(report.text_id)
        one = _marked(report, known, place)
        if report.done:
            reports[report.text_id] = one
    return Marks(file.reader, path, file.sample, len(file.reports), reports)


def _marked(report: _Report, known: _Known, place: str) -> Marked:
    report_id, text = known.texts[report.text_id]
    there = known.readings.get(report_id, ())
    said = {Reading(**row.model_dump(exclude={"right"})): row.right for row in report.readings}
    strange = [one for one in said if one not in there]
    if strange or len(said) != len(there):
        value = " ".join(strange[0][:3]) if strange else f"{len(said)} of {len(there)} readings"
        rule = "each reading of the corpus' table assertions once, and no other"
        raise _fault(value, place, rule, code="unknown_reading")
    if report.done and None in said.values():
        raise _fault("an unmarked reading", place, "a finished report has all readings marked")
    if float(report.weight) < 1:
        raise _fault(f"weight {report.weight}", place, "a text stands for one report or more")
    right = {reading: bool(value) for reading, value in said.items()}
    missed = tuple(Missed(one.finding, one.eye, one.status) for one in report.missed)
    _check_missed(missed, right, place)
    return Marked(report_id, text, float(report.weight), right, missed)


def _check_missed(missed: Sequence[Missed], right: dict[Reading, bool], place: str) -> None:
    agreed = {Missed(one.finding, one.eye, one.status) for one, yes in right.items() if yes}
    for one in missed:
        if one.finding not in vocabulary():
            rule = "a finding that was missed is one of the vocabulary's codes"
            raise _fault(one.finding, place, rule, code="unknown_finding")
        if one in agreed or missed.count(one) > 1:
            value = f"missed: {' '.join(one)}"
            raise _fault(value, place, "what was missed stands neither twice nor among the right")


def _fault(
    value: str, place: str, rule: str, remedy: str = _SAVE_AGAIN, *, code: str = "bad_marks"
) -> DataError:
    remedy = remedy or "give the file that the page saved (often in the folder of downloads)"
    return DataError(value, place=place, rule=rule, remedy=remedy, code=code)
