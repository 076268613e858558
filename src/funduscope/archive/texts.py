"""Reports without identity, what they say of each eye, and the captions of the photographs."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Protocol

from funduscope import findings, pages, tables
from funduscope.archive import redact
from funduscope.archive.description import EyeWords
from funduscope.archive.exams import speaking_of
from funduscope.archive.identity import Pseudonyms
from funduscope.archive.records import Exam, Note, Report
from funduscope.archive.residue_texts import standing
from funduscope.archive.workers import Workers


class Rows(Protocol):
    """Takes rows of a table."""

    def extend(self, rows: Iterable[dict[str, Any]], /) -> None:
        """Take in rows."""


_SEPARATORS = frozenset(" ,;.\u3001\u3002")


@dataclass
class Texts:
    """Where rows of the tables reports, assertions and pairs go; lines for the ledger; counts."""

    reports: Rows
    assertions: Rows
    pairs: Rows
    notes: list[Note] = field(default_factory=list)
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("seen", "kept", "rejected", "review"), 0)
    )


@dataclass
class Draft:
    """A report without identity; `remains` are the kinds of strings that could not be removed."""

    report: Report
    text: str
    remains: tuple[str, ...] = ()


def ours(sites: Iterable[str]) -> tuple[str, ...]:
    """What a corpus says by itself: an identifying string like these words is no leak there.

    The words of tables, findings and pages (with their markup), and the names of the sites, which
    the description publishes.
    """
    written = (tables.IMAGES, tables.REPORTS, tables.ASSERTIONS, tables.PAIRS, tables.REJECTS)
    columns = [column for table in written for column in table.columns]
    words = [word for column in columns for word in (column.name, *column.values)]
    for finding in findings.vocabulary():
        words += [finding.code, *finding.names("en"), *finding.names("zh")]
    for language in pages.LANGUAGES:
        words += pages.Words(language).every()
    empty = pages.report_html((), title="", language="en")
    return ("\x1e".join([*words, *sites]), empty)


def removed(
    exams: Sequence[Exam],
    eye_words: Sequence[Mapping[str, EyeWords]],
    strings: Mapping[str, Iterable[str]],
    said: Iterable[str],
    workers: Workers,
) -> list[list[Draft]]:
    """The reports of each examination without identity.

    Args:
        exams: the examinations.
        eye_words: for each of them, how words on each eye become a report.
        strings: kind -> all identifying strings of the archive. One of another record that stands
            in a report (a doctor's name that this record lacks) is removed as well; where the
            second pass would still find something, it `remains`.
        said: what `ours` gives.
        workers: they share the work.
    """
    both = zip(exams, eye_words, strict=True)
    made = [[Draft(one, one.text) for one in drafts(exam, words)] for exam, words in both]
    flat = [draft for some in made for draft in some]
    known = [_known(exam) for exam, some in zip(exams, made, strict=True) for _ in some]
    jobs = [(draft.text, secrets) for draft, secrets in zip(flat, known, strict=True)]
    for draft, text in zip(flat, workers.submit(_redacted, jobs), strict=True):
        draft.text = text
    found = standing([draft.text for draft in flat], strings, said)
    again = [flat[number] for number in found]
    for draft, kinds in zip(again, found.values(), strict=True):
        others = {
            "identity" if "date" in kind else kind: sorted(some) for kind, some in kinds.items()
        }
        draft.text = redact.redact(draft.text, others)
    left = standing([draft.text for draft in again], strings, said) if again else {}
    for number, kinds in left.items():
        again[number].remains = tuple(sorted(kinds))
    return made


def _redacted(job: tuple[str, Mapping[str, Sequence[str]]]) -> str:
    return redact.redact(*job)


def unsafe_cameras(
    exams: Sequence[Exam], strings: Mapping[str, Iterable[str]], said: Iterable[str]
) -> dict[str, Note]:
    """Names of cameras in which an identifying string stands (a serial number), to be left empty,
    and a line for the ledger on each."""
    place = {exam.camera: exam.place for exam in exams if exam.camera}
    names = sorted(place)
    detail = "the camera's name holds an identifying string; left empty"
    return {
        names[at]: Note(
            place[names[at]], "record", "identity", "identity_remains", detail, "review"
        )
        for at in standing(names, strings, said)
    }


def _known(exam: Exam) -> dict[str, tuple[str, ...]]:
    secrets = dict(exam.secrets)
    if exam.visit is not None:  # dates of the report become days from this one
        secrets["exam_date"] = (exam.visit.isoformat(), *secrets.get("exam_date", ()))
    return secrets


def drafts(exam: Exam, eye_words: Mapping[str, EyeWords]) -> Iterator[Report]:
    """The reports of an examination as written; words per eye are put together, right eye first.

    A report of one eye's row that names no eye would else speak of both.
    """
    yield from _by_row(exam)
    for language, said in sorted(exam.eye_words.items()):
        form = eye_words.get(language, EyeWords())
        sides = (("OD", form.right), ("OS", form.left))
        parts = [text.replace("{}", ", ".join(said[eye])) for eye, text in sides if eye in said]
        yield Report(form.between.join(parts), exam.place, language)


def _by_row(exam: Exam) -> Iterator[Report]:
    """Reports as rows hold them; one of a row that speaks of one eye says so."""
    seen = {photo.eye for photo in exam.photos}
    for report in exam.reports:
        if report.eye is None or report.other is not None or seen <= {report.eye}:
            yield report
        else:
            yield replace(report, text=speaking_of(report.text, report.eye), eye=None)


def add_exam(
    texts: Texts,
    exam: Exam,
    drafted: Sequence[Draft],
    images: Sequence[tuple[str, str]],
    in_review: bool,
    ids: Mapping[str, str],
    pseudonyms: Pseudonyms,
    languages: Sequence[str],
) -> None:
    """Take in the reports of one examination.

    Args:
        texts: where the rows go.
        exam: the examination.
        drafted: its reports, as `removed` gives them.
        images: (image_id, eye) of its photographs that were kept.
        in_review: some of its photographs wait for a person; so does a report without others.
        ids: patient_id, exam_id, site_id.
        pseudonyms: for report_id.
        languages: captions to make.
    """
    for number, draft in enumerate(drafted):
        texts.counts["seen"] += 1
        written, text = draft.report, draft.text
        why = _refused(draft, images, in_review)
        if why is not None:
            code, detail, severity = why
            step = "identity" if code == "identity_remains" else "pairing"
            texts.notes.append(Note(written.place, "report", step, code, detail, severity))
            texts.counts[severity] += 1
            continue
        texts.counts["kept"] += 1
        report_id = pseudonyms("report", exam.site, exam.key, str(number))
        said = _extract(text)
        report = {
            "report_id": report_id,
            **ids,
            "language": findings.language_of(text),
            "text": text,
            "text_sha256": hashlib.sha256(text.encode()).hexdigest(),
        }
        texts.reports.extend([report])
        texts.assertions.extend({"report_id": report_id, **_row(item)} for item in said)
        texts.pairs.extend(
            {"image_id": image_id, "report_id": report_id, "eye": eye, **caption}
            for image_id, eye in images
            for caption in _captions(text, eye, tuple(languages))
        )


def _refused(
    draft: Draft, images: Sequence[tuple[str, str]], in_review: bool
) -> tuple[str, str, str] | None:
    text = draft.text
    other = draft.report.other or findings.other_examination(text)
    if other is not None:
        detail = f"the report of another examination ({other}), not of a fundus photograph"
        return "other_examination", detail, "rejected"
    if draft.report.withdrawn:
        return "withdrawn", "its record says that the report no longer counts", "rejected"
    if draft.remains:
        detail = f"after removal the report still holds a string of: {', '.join(draft.remains)}"
        return "identity_remains", detail, "review"
    if not _extract(text) and not findings.describes_fundus(text):
        return "says_nothing", "the report states nothing about the fundus", "rejected"
    if not images:
        severity = "review" if in_review else "rejected"
        return "no_image", "no photograph of this examination was kept", severity
    return None


def _row(item: findings.Assertion) -> dict[str, Any]:
    return {name: getattr(item, name) for name in item.__dataclass_fields__}


@lru_cache(maxsize=4096)
def _extract(text: str) -> tuple[findings.Assertion, ...]:
    return tuple(findings.extract(text))


@lru_cache(maxsize=4096)
def _captions(text: str, eye: str, languages: tuple[Any, ...]) -> tuple[dict[str, str], ...]:
    """The captions of one eye, each once: two that differ in case, width or separators are one."""
    said = _extract(text)
    made: dict[str, findings.Caption] = {}
    for language in languages:
        for caption in findings.captions(text, said, eye, language=language):
            folded = unicodedata.normalize("NFKC", caption.text).casefold()
            made.setdefault("".join(c for c in folded if c not in _SEPARATORS), caption)
    return tuple(
        {"caption": one.text, "caption_language": one.language, "caption_source": one.source}
        for one in made.values()
    )
