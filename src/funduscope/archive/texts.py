"""Reports without identity, what they say of each eye, and the captions of the photographs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from funduscope import findings
from funduscope.archive import redact, scan
from funduscope.archive.description import EyeWords
from funduscope.archive.identity import Pseudonyms
from funduscope.archive.records import Exam, Note, Report


@dataclass
class Texts:
    """Rows of the tables reports, assertions and pairs, lines for the ledger, and counts."""

    reports: list[dict[str, Any]] = field(default_factory=list)
    assertions: list[dict[str, Any]] = field(default_factory=list)
    pairs: list[dict[str, Any]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("seen", "kept", "rejected", "review"), 0)
    )


def drafts(exam: Exam, eye_words: Mapping[str, EyeWords]) -> Iterator[Report]:
    """The reports of an examination as written; words per eye are put together, right eye first."""
    yield from exam.reports
    for language, said in sorted(exam.eye_words.items()):
        form = eye_words.get(language, EyeWords())
        sides = (("OD", form.right), ("OS", form.left))
        parts = [text.replace("{}", ", ".join(said[eye])) for eye, text in sides if eye in said]
        yield Report(form.between.join(parts), exam.place, language)


def add_exam(
    texts: Texts,
    exam: Exam,
    images: Sequence[tuple[str, str]],
    in_review: bool,
    ids: Mapping[str, str],
    pseudonyms: Pseudonyms,
    eye_words: Mapping[str, EyeWords],
    languages: Sequence[str],
) -> None:
    """Take in the reports of one examination.

    Args:
        texts: where the rows go.
        exam: the examination.
        images: (image_id, eye) of its photographs that were kept.
        in_review: some of its photographs wait for a person; so does a report without others.
        ids: patient_id, exam_id, site_id.
        pseudonyms: for report_id.
        eye_words: how the words on each eye become a report.
        languages: captions to make.
    """
    secrets = dict(exam.secrets)
    if exam.visit is not None:  # dates of the report become days from this one
        secrets["exam_date"] = (exam.visit.isoformat(), *secrets.get("exam_date", ()))
    for number, written in enumerate(drafts(exam, eye_words)):
        texts.counts["seen"] += 1
        text = redact.redact(written.text, secrets)
        why = _refused(text, written, exam, images, in_review)
        if why is not None:
            code, detail, severity = why
            step = "identity" if code == "identity_remains" else "pairing"
            texts.notes.append(Note(written.place, "report", step, code, detail, severity))
            texts.counts[severity] += 1
            continue
        texts.counts["kept"] += 1
        report_id = pseudonyms("report", exam.site, exam.key, str(number))
        said = _extract(text)
        texts.reports.append(
            {
                "report_id": report_id,
                **ids,
                "language": findings.language_of(text),
                "text": text,
                "text_sha256": hashlib.sha256(text.encode()).hexdigest(),
            }
        )
        texts.assertions += [{"report_id": report_id, **_row(item)} for item in said]
        for image_id, eye in images:
            texts.pairs += [
                {"image_id": image_id, "report_id": report_id, "eye": eye, **caption}
                for caption in _captions(text, eye, tuple(languages))
            ]


def _refused(
    text: str,
    written: Report,
    exam: Exam,
    images: Sequence[tuple[str, str]],
    in_review: bool,
) -> tuple[str, str, str] | None:
    other = written.other or findings.other_examination(text)
    if other is not None:
        detail = f"the report of another examination ({other}), not of a fundus photograph"
        return "other_examination", detail, "rejected"
    remains = scan.leaks(text, exam.secrets)
    if remains:
        detail = f"after removal the report still holds the record's own {', '.join(remains)}"
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
    said = _extract(text)
    made: dict[str, findings.Caption] = {}
    for language in languages:
        for caption in findings.captions(text, said, eye, language=language):
            made.setdefault(caption.text, caption)
    return tuple(
        {"caption": text, "caption_language": one.language, "caption_source": one.source}
        for text, one in made.items()
    )
