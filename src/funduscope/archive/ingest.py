"""A messy archive of photographs and reports -> a de-identified corpus.

Tables first (`records`), then photographs part by part (`photographs`, `parts`), then what needs
all of them at once: copies, splits, reports, ledger. Every record ends as kept, rejected or in
review.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from funduscope import findings, inputs, store
from funduscope.archive import description as descriptions
from funduscope.archive import (
    dicom_server,
    faults,
    finish,
    frozen,
    identity,
    parts,
    photographs,
    places,
    plan,
)
from funduscope.archive.description import Source
from funduscope.archive.metadata import identifying
from funduscope.archive.parts import Part
from funduscope.archive.photographs import Fault, Job, Reading
from funduscope.archive.records import Exam
from funduscope.archive.settings import IngestSettings
from funduscope.archive.workers import Workers
from funduscope.config import Progress, Quiet
from funduscope.errors import DataError

_DISC_SIDE = {"OD": 1, "OS": -1}
"""Half of the picture (right: 1) with the optic disc: toward the nose, as seen by the camera."""

_NO_PART_OF_IT = {"key_file", "workers", "max_failed", "max_damaged"}
"""Settings that change nothing of the corpus."""
_WRONG_SIDE: plan.Outcome = (
    "pairing",
    "eye_conflict",
    "the optic disc lies where the recorded eye cannot have it",
    "review",
)
_NOT_KEPT: dict[str, plan.Outcome] = {
    "external": ("fundus", "not_fundus", "its name says the outer eye", "rejected"),
    "red_free": ("fundus", "not_colour", "its name says red-free", "rejected"),
    "both_eyes": ("pairing", "stitched_two_eyes", "its name says both eyes", "review"),
}
"""Kind of a photograph by its name -> how it ends."""


def ingest(
    archive: str | Path,
    out: str | Path,
    settings: IngestSettings | None = None,
    *,
    config_path: str | Path | None = None,
    benchmarks: Sequence[str | Path] = (),
    resume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> store.Corpus:
    """Turn an archive into a corpus.

    Args:
        archive: folder with tables and photographs; only read (but see `dicom_server`).
        out: new folder for the corpus.
        settings: sizes, shares, places; the defaults if None.
        config_path: description of the archive; default: its own `archive.toml`, or the ready
            sheet for a folder with `labels.csv`.
        benchmarks: finished corpora; photographs that the archive shares with them are listed.
        resume: go on with a run that was interrupted; finished parts are not read again.
        force: begin anew, whatever lies in `out`.
        progress: told about each photograph.

    Returns:
        The opened corpus.

    Raises:
        ConfigError: mistakes in the description.
        DataError: no archive, or it went away; no such column; `out` is taken or cannot be
            written; too many photographs failed.
        IdentityError: the key file would lie inside the archive or the corpus.
    """
    archive, out = Path(archive), Path(out)
    settings, progress = settings or IngestSettings(), progress or Quiet()
    described = descriptions.load(archive, Path(config_path) if config_path else None)
    _keep_apart(archive, out)
    key_file = identity.key_path(settings.key_file, out, archive)
    with faults.of_the_disk(archive, out):
        pseudonyms = identity.Pseudonyms(identity.open_key(key_file))
        described = dicom_server.fetch(archive, described, progress, resume=resume)
        planned = plan.make(archive, described, pseudonyms)
        with (
            store.create(
                out,
                kind="corpus",
                config=settings.model_dump(mode="json", exclude=_NO_PART_OF_IT),
                seed=settings.seed,
                inputs=_inputs(archive, planned, pseudonyms, benchmarks),
                resume=resume,
                force=force,
            ) as output,
            Workers(settings.workers) as workers,
        ):
            words = findings.vocabulary()
            output.extra["vocabulary"] = {"version": words.version, "hash": words.hash}
            output.extra["reader_version"] = frozen.reader_version()
            done = _photographs(archive, out, planned, settings, workers, progress)
            finish.write(output, planned, done, settings, pseudonyms, key_file, workers, benchmarks)
    return store.Corpus.open(out)  # type: ignore[no-any-return]


def _inputs(
    archive: Path,
    planned: plan.Plan,
    pseudonyms: identity.Pseudonyms,
    benchmarks: Sequence[str | Path],
) -> list[dict[str, str]]:
    """What the corpus is made from, for its manifest."""
    return [
        {"kind": "archive", "id": planned.input_id, "path": str(archive)},
        {"kind": "key", "id": pseudonyms.fingerprint},
        *({"kind": "benchmark", "id": one.id} for one in map(store.Corpus.open, benchmarks)),
    ]


def _keep_apart(archive: Path, out: Path) -> None:
    if out.resolve().is_relative_to(archive.resolve()):
        raise DataError(
            str(out),
            place="OUT",
            rule="the corpus does not lie inside the archive it is made from",
            remedy="give an OUT outside the archive",
        )


def _photographs(
    archive: Path,
    out: Path,
    planned: plan.Plan,
    settings: IngestSettings,
    workers: Workers,
    progress: Progress,
) -> list[Part]:
    """Read all photographs, part by part; the next part is being read while one is written."""
    step = settings.exams_per_part
    starts = range(0, len(planned.exams), step)
    parts_done = [parts.read(out, number) for number in range(len(starts))]
    jobs = [_jobs(archive, planned, settings, start, start + step) for start in starts]
    progress.start("photographs", sum(len(some) for some in jobs))
    seen: dict[str, tuple[int, int]] = {}
    todo = [number for number, part in enumerate(parts_done) if part is None]
    begun: dict[int, Iterator[Reading | Fault]] = {}
    for number, start in enumerate(starts):
        part = parts_done[number]
        if part is None:
            for ahead in [n for n in todo if n >= number][:2]:
                if ahead not in begun:
                    begun[ahead] = workers.submit(photographs.read, jobs[ahead])
            exams = planned.exams[start : start + step]
            reader = _Part(planned, number, start, exams, seen, progress)
            part = reader.read(faults.while_there(jobs[number], begun.pop(number)))
            parts.write(out, part, reader.readings)
            parts_done[number] = part
            planned.seen.update(text for r in reader.readings for text in r.identifying)
        else:
            progress.advance(len(jobs[number]))
            planned.seen.update(_identifying(archive, planned, part))
        seen.update((kept.image_id, (kept.exam, kept.photo)) for kept in part.kept)
    progress.done()
    return [part for part in parts_done if part is not None]


def _identifying(archive: Path, planned: plan.Plan, part: Part) -> Iterator[str]:
    """Strings in the files of a part that an earlier run read; they are kept nowhere."""
    for kept in part.kept:
        exam = planned.exams[kept.exam]
        if not planned.description.source[exam.source].public:
            yield from identifying(places.read_bytes(archive, exam.photos[kept.photo].path))


def _jobs(
    archive: Path, planned: plan.Plan, settings: IngestSettings, start: int, stop: int
) -> list[Job]:
    jobs = []
    for exam in planned.exams[start:stop]:
        source = planned.description.source[exam.source]
        for photo in exam.photos:
            if photo.path in planned.known:
                continue
            jobs.append(
                Job(
                    archive=archive,
                    path=photo.path,
                    max_side=settings.max_side,
                    jpeg_quality=settings.jpeg_quality,
                    keep_refused=_keeps_refused(source, settings),
                    look_for_disc=source.check_side and photo.eye in _DISC_SIDE,
                    public=source.public,
                    frame=photo.frame or 0,
                    gradable_from=_first(source.gradable_from, settings.gradable_from),
                    ocr=settings.ocr == "tesseract" and bool(inputs.tesseract()),
                )
            )
    return jobs


def _first(own: float | None, general: float) -> float:
    return general if own is None else own


def _keeps_refused(source: Source, settings: IngestSettings) -> bool:
    return source.keep_refused if settings.keep_refused is None else settings.keep_refused


class _Part:
    """Decides, examination by examination, what of one part is kept."""

    def __init__(
        self,
        planned: plan.Plan,
        number: int,
        start: int,
        exams: Sequence[Exam],
        seen: dict[str, tuple[int, int]],
        progress: Progress,
    ) -> None:
        self.planned = planned
        self.part = Part(number)
        self.start = start
        self.exams = exams
        self.seen = dict(seen)
        self.progress = progress
        self.readings: list[Reading] = []

    def read(self, results: Iterator[Reading | Fault]) -> Part:
        """Take the results in order."""
        for number, exam in enumerate(self.exams, start=self.start):
            read: dict[int, Reading | Fault] = {}
            for index, photo in enumerate(exam.photos):
                known = self.planned.known.get(photo.path)
                if known is not None:
                    self.part.faults.append((number, index, *known))
                    continue
                read[index] = next(results)
                self.progress.advance(1)
            turned = _wrong_sides(exam, read)
            for index, result in read.items():
                self._decide(number, index, exam, result, index in turned)
        return self.part

    def _decide(
        self, number: int, index: int, exam: Exam, result: Reading | Fault, turned: bool
    ) -> None:
        if isinstance(result, Fault):
            fault = (result.step, result.code, result.detail, result.severity)
            self.part.faults.append((number, index, *fault))
            return
        image_id = hashlib.sha256(result.stored).hexdigest()[:32]
        outcome = (
            self._copy(image_id, exam)
            or self._named(exam, index)
            or (_WRONG_SIDE if turned else None)
        )
        if outcome is not None:
            self.part.faults.append((number, index, *outcome))
            return
        self.seen[image_id] = (number, index)
        parts.keep(self.part, number, index, image_id, result)
        self.readings.append(result)

    def _copy(self, image_id: str, exam: Exam) -> plan.Outcome | None:
        """The same stored bytes as an earlier photograph (they differed in metadata only)."""
        if image_id not in self.seen:
            return None
        other = self.planned.exams[self.seen[image_id][0]]
        if (other.site, plan.whose(other)) == (exam.site, plan.whose(exam)):
            return "read", "exact_duplicate", "the same picture as another", "rejected"
        detail = "the same picture is filed under another patient"
        return "pairing", "duplicate_across_patients", detail, "review"

    def _named(self, exam: Exam, index: int) -> plan.Outcome | None:
        """What the name of the file, or the lack of an eye, decides."""
        photo = exam.photos[index]
        source = self.planned.description.source[exam.source]
        if photo.kind != "cfp":
            return _NOT_KEPT[photo.kind]
        if photo.eye == "unknown" and (exam.reports or exam.eye_words) and not source.keep_refused:
            return "pairing", "eye_unknown", "nothing tells which eye this is", "review"
        return None


def _wrong_sides(exam: Exam, read: Mapping[int, Reading | Fault]) -> set[int]:
    """Photographs whose optic disc lies where the recorded eye cannot have it.

    One alone must be certain; of both eyes of an examination (swapped as a rule) each is a witness
    of the other, and so are two of one eye with their discs on opposite sides where the other eye
    has none. One with a witness for the recorded eye must be certain, too. A photograph that is
    centered on the disc says nothing.
    """
    leads = {
        index: result.disc * _DISC_SIDE[exam.photos[index].eye]
        for index, result in read.items()
        if isinstance(result, Reading)
        and exam.photos[index].eye in _DISC_SIDE
        and exam.photos[index].field != "disc"
    }
    against = {index for index, lead in leads.items() if lead < -inputs.LEAD}
    eyes = {photo.eye for photo in exam.photos}
    backed = {exam.photos[index].eye for index, lead in leads.items() if lead > inputs.LEAD}
    swapped = len({exam.photos[index].eye for index in against}) > 1 and not backed
    if swapped or (len(eyes) == 1 and backed):
        return against
    return {index for index in against if leads[index] < -inputs.CERTAIN}
