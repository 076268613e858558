"""What needs the whole archive at once: copies, splits, reports, tables, counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

from funduscope import store, tables
from funduscope.archive import (
    contamination,
    duplicates,
    faults,
    identity,
    labels,
    overview,
    parts,
    persons,
    plan,
    residue,
    splits,
    texts,
)
from funduscope.archive.frames import Thumbs
from funduscope.archive.identity import Pseudonyms
from funduscope.archive.parts import Kept, Part
from funduscope.archive.records import Exam, Note, Photo
from funduscope.archive.settings import IngestSettings
from funduscope.archive.texts import Texts
from funduscope.archive.workers import Workers
from funduscope.errors import IdentityError

REPORT_FREE = "no_report"


def write(
    output: store.Output,
    planned: plan.Plan,
    done: Sequence[Part],
    settings: IngestSettings,
    pseudonyms: Pseudonyms,
    key_file: Path,
    workers: Workers,
    benchmarks: Sequence[str | Path] = (),
) -> None:
    """Write the tables of a corpus whose pixel files are all there, and fill in its counts.

    Raises:
        DataError: more photographs were rejected than the settings allow.
    """
    corpus = _Corpus(planned, done, settings, pseudonyms)
    thumbs = parts.thumbs(output.path, done)
    corpus.cluster(thumbs)
    shared = corpus.shared_with(benchmarks, thumbs)
    del thumbs  # before its file goes
    corpus.split()
    given, dropped = labels.rows_of(planned, corpus.kept)
    with ExitStack() as stack:
        images, reports, assertions, pairs, labeled = (
            stack.enter_context(tables.Writer(table, output.path / f"{table.name}.parquet"))
            for table in (
                tables.IMAGES,
                tables.REPORTS,
                tables.ASSERTIONS,
                tables.PAIRS,
                tables.LABELS,
            )
        )
        images.extend(corpus.image_rows())
        said = corpus.texts(Texts(reports, assertions, pairs), workers)
        labeled.extend(given)
    notes = [*planned.notes, *corpus.faults(), *corpus.notes, *said.notes, *dropped]
    _tally(output, planned, corpus, notes, said)
    if shared:
        output.counts["benchmarks"] = shared
    ledger = [_ledger_row(note, pseudonyms) for note in notes]
    with tables.Writer(tables.REJECTS, output.path / "rejects.parquet") as rejects:
        rejects.extend(sorted(ledger, key=lambda row: tuple(row.values())))
    report = output.path / "report.html"
    overview.write_report(
        overview.unfinished(output.path, output.counts), report, settings.language
    )
    places = {note.place for note in notes} | {p.place for e in planned.exams for p in e.photos}
    places |= {report.place for exam in planned.exams for report in exam.reports}
    identity.write_locators(key_file, {pseudonyms("locator", place): place for place in places})
    too_many = faults.too_many(output.counts["images"], notes, settings)
    if too_many is not None:
        raise too_many
    parts.clear(output.path)
    _search(output.path, planned, workers.count)


def _search(corpus: Path, planned: plan.Plan, threads: int) -> None:
    """Search every byte of what was written for every identifying string that was read.

    Raises:
        IdentityError: one is still there; the corpus gets no manifest.
    """
    hits = residue.scan(corpus, plan.identifying(planned), ours=_ours(planned), threads=threads)
    if hits:
        shown = "; ".join(f"{hit.file}, {hit.place}: {hit.kind}" for hit in hits[:5])
        raise IdentityError(
            f"{len(hits)} places with an identifying string: {shown}",
            place=str(corpus),
            rule="nothing that points at a person is in any byte of a corpus",
            remedy="add the column it comes from to `identity` in the description, or report the "
            "kind of string; then begin anew with --force. The folder is unfinished: do not pass "
            "it on",
        )


def _ours(planned: plan.Plan) -> tuple[str, ...]:
    return texts.ours(sorted({exam.site for exam in planned.exams}))


class _Corpus:
    """The photographs kept, and what is decided over all of them."""

    def __init__(
        self,
        planned: plan.Plan,
        done: Sequence[Part],
        settings: IngestSettings,
        pseudonyms: Pseudonyms,
    ) -> None:
        self.planned = planned
        self.done = done
        self.settings = settings
        self.pseudonyms = pseudonyms
        self.kept: list[Kept] = [kept for part in done for kept in part.kept]
        self.notes: list[Note] = []
        self.patients = self._persons()
        self.strings, self.ours = plan.identifying(planned), _ours(planned)
        self.unsafe = texts.unsafe_cameras(planned.exams, self.strings, self.ours)
        self.notes += self.unsafe.values()
        self.units: list[str] = []
        self.splits: dict[str, str] = {}

    def _persons(self) -> list[str]:
        """Pseudonym of the patient of each examination; one for all numbers of one person."""
        exams = self.planned.exams
        numbers = [plan.patient_id(exam, self.pseudonyms) for exam in exams]
        found = persons.same_persons(
            persons.Record(
                number, {} if "patient" in exam.unsure else exam.secrets, exam.sex, exam.birth
            )
            for number, exam in zip(numbers, exams, strict=True)
        )
        place = {number: exam.place for number, exam in zip(numbers, exams, strict=True)}
        for _, second, reason in found.unions:
            detail = f"one person under two numbers: {persons.REASONS[reason]}"
            note = Note(place[second], "record", "split", "same_person", detail, "review")
            self.notes.append(note)
        return [found.of[number] for number in numbers]

    def exam(self, kept: Kept) -> Exam:
        """The examination of a photograph."""
        return self.planned.exams[kept.exam]

    def cluster(self, thumbs: Thumbs) -> None:
        """Join patients that share a picture; only unnamed ones become one patient."""
        joined, same = duplicates.Clusters(), duplicates.Clusters()
        for copy in duplicates.copies(thumbs):
            one, other, score = self.kept[copy.first], self.kept[copy.second], copy.score
            a, b = self.patients[one.exam], self.patients[other.exam]
            if a == b and self._photo(one).path == self._photo(other).path:
                continue  # pictures of one file
            if a == b:
                self._note(other, "near_duplicate", f"nearly the same picture twice ({score:.2f})")
                continue
            if self.exam(one).patient is None and self.exam(other).patient is None:
                joined.join(a, b)
                same.join(a, b)
                continue
            detail = f"shows the same picture as one of another patient ({score:.2f})"
            if self._published(one) and self._published(other):
                self._note(other, "near_duplicate", detail + "; the published splits are kept")
            else:
                joined.join(a, b)
                self._note(other, "near_duplicate", detail + "; both are in one split")
        self.units = [joined.of(name) for name in self.patients]
        self.patients = [same.of(name) for name in self.patients]

    def shared_with(
        self, benchmarks: Sequence[str | Path], thumbs: Thumbs
    ) -> dict[str, dict[str, int]]:
        """Note the photographs that benchmarks hold too; the counts of each benchmark."""
        of = {kept.image_id: kept for kept in self.kept}
        rows, counts = contamination.check(list(of), thumbs, benchmarks)
        for row in rows:
            self._note(of[row.image_id], "in_benchmark", row.said)
        return counts

    def _published(self, kept: Kept) -> bool:
        """Whether the split of this photograph was published and stays comparable with others'."""
        exam = self.exam(kept)
        source = self.planned.description.source[exam.source]
        return source.published_split and exam.photos[kept.photo].split is not None

    def _note(self, kept: Kept, code: str, detail: str) -> None:
        """A line for the ledger on a photograph that stays."""
        place = self._photo(kept).place
        self.notes.append(Note(place, "record", "split", code, detail, "review"))

    def _photo(self, kept: Kept) -> Photo:
        return self.exam(kept).photos[kept.photo]

    def split(self) -> None:
        """Give each unit of patients its split."""
        units = [self.units[kept.exam] for kept in self.kept]
        wanted = [self.exam(kept).photos[kept.photo].split for kept in self.kept]
        names: dict[str, str] = {}
        for number, exam in enumerate(self.planned.exams):
            name = f"{exam.site}\x1f{exam.patient or exam.key}"
            names[self.units[number]] = min(name, names.get(self.units[number], name))
        self.splits, torn = splits.assign(units, wanted, names, self.settings)
        first = dict(zip(reversed(units), reversed(self.kept), strict=True))
        for unit in torn:
            detail = "the source puts one patient (or copies of one picture) into several splits"
            self._note(first[unit], "split_conflict", detail + f"; all are in {self.splits[unit]}")

    def image_rows(self) -> Iterator[dict[str, Any]]:
        """Rows of the table images."""
        first = self._first_visits()
        for part in self.done:
            for kept in part.kept:
                yield self._image_row(kept, part.name, first)

    def _first_visits(self) -> Mapping[str, date]:
        """Of each patient, among the visits of which something is left: no bad file moves them."""
        first: dict[str, date] = {}
        kept = {one.exam for one in self.kept}
        for number, exam in enumerate(self.planned.exams):
            left = number in kept or exam.reports or exam.eye_words
            if exam.visit is not None and left:
                patient = self.patients[number]
                first[patient] = min(exam.visit, first.get(patient, exam.visit))
        return first

    def _image_row(self, kept: Kept, shard: str, first: Mapping[str, date]) -> dict[str, Any]:
        exam = self.exam(kept)
        photo = exam.photos[kept.photo]
        source = self.planned.description.source[exam.source]
        patient = self.patients[kept.exam]
        x, y, radius = kept.field or (None, None, None)
        return {
            "image_id": kept.image_id,
            "patient_id": patient,
            "patient_id_source": "image" if exam.patient is None else "record",
            "exam_id": self.exam_id(exam),
            "site_id": exam.site,
            "eye": photo.eye,
            "eye_source": photo.eye_source,
            "modality": self.settings.modality or source.modality,
            "field": photo.field,
            "volume_id": self._volume_id(exam, photo),
            "frame": photo.frame,
            "visit_day": (exam.visit - first[patient]).days if exam.visit else None,
            "age_years": exam.age,
            "sex": exam.sex,
            "camera": None if exam.camera in self.unsafe else exam.camera,
            "source": self.pseudonyms("locator", photo.place),
            "licence": photo.licence,
            "source_sha256": kept.source_sha256,
            "width_px": kept.width,
            "height_px": kept.height,
            "fov_x_px": x,
            "fov_y_px": y,
            "fov_radius_px": radius,
            "gradable": kept.gradable,
            "gradability": kept.gradability,
            "ungradable_reason": kept.reason,
            "phash": kept.phash,
            "split": self.splits[self.units[kept.exam]],
            "shard": shard,
            "row": kept.row,
        }

    def _volume_id(self, exam: Exam, photo: Photo) -> str | None:
        """Pseudonym of the file that holds several pictures."""
        return None if photo.frame is None else self.pseudonyms("volume", exam.site, photo.path)

    def exam_id(self, exam: Exam) -> str:
        """Pseudonym of an examination."""
        return self.pseudonyms("exam", exam.site, exam.key)

    def texts(self, said: Texts, workers: Workers) -> Texts:
        """Reports, assertions, pairs of all examinations, taken into `said`."""
        images: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for kept in self.kept:
            eye = self.exam(kept).photos[kept.photo].eye
            images[kept.exam].append((kept.image_id, eye))
        reported = {exam.site for exam in self.planned.exams if exam.reports or exam.eye_words}
        in_review = {
            fault[0] for part in self.done for fault in part.faults if fault[-1] == "review"
        }
        broken = sum(note.item == "report" for note in self.planned.notes)
        said.counts.update(seen=broken, review=broken)
        eye_words = [
            self.planned.description.source[e.source].eye_words for e in self.planned.exams
        ]
        drafted = texts.removed(self.planned.exams, eye_words, self.strings, self.ours, workers)
        for number, exam in enumerate(self.planned.exams):
            ids = {
                "patient_id": self.patients[number],
                "exam_id": self.exam_id(exam),
                "site_id": exam.site,
            }
            texts.add_exam(
                said,
                exam,
                drafted[number],
                images[number],
                number in in_review,
                ids,
                self.pseudonyms,
                self.settings.captions,
            )
            silent = not exam.reports and not exam.eye_words
            if silent and images[number] and exam.site in reported:
                detail = "photographs without a report: kept, in no pair"
                note = Note(exam.place, "record", "pairing", REPORT_FREE, detail, "review")
                said.notes.append(note)
        return said

    def faults(self) -> list[Note]:
        """Lines for the ledger on photographs that were not kept."""
        return [
            Note(
                self.planned.exams[exam].photos[photo].place, "image", step, code, detail, severity
            )
            for part in self.done
            for exam, photo, step, code, detail, severity in part.faults
        ]


def _tally(
    output: store.Output,
    planned: plan.Plan,
    corpus: _Corpus,
    notes: Sequence[Note],
    said: Texts,
) -> None:
    """Fill in the counts; every record seen was kept, rejected or put to review."""
    of_images = Counter(note.severity for note in notes if note.item == "image")
    output.counts["images"] = {
        "seen": planned.photographs,
        "kept": len(corpus.kept),
        "rejected": of_images["rejected"],
        "review": of_images["review"],
    }
    output.counts["reports"] = dict(said.counts)
    for item, count in output.counts.items():
        ended = count["kept"] + count["rejected"] + count["review"]
        assert count["seen"] == ended, f"{item}: {count}"


def _ledger_row(note: Note, pseudonyms: Pseudonyms) -> dict[str, str]:
    return {
        "locator": pseudonyms("locator", note.place),
        "item": note.item,
        "step": note.step,
        "code": note.code,
        "detail": note.detail,
        "severity": note.severity,
    }
