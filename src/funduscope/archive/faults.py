"""When an ingest stops: the archive went away, its disk is full, too much of it was damaged.

One bad photograph is a line in the ledger; these are not about one photograph.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from funduscope import store
from funduscope.archive import places
from funduscope.archive.photographs import Fault, Job, Reading
from funduscope.archive.records import Note
from funduscope.archive.settings import IngestSettings
from funduscope.errors import DataError

DAMAGED = ("zero_byte", "truncated", "not_an_image", "unreadable", "unexpected")
"""Codes of files that a copy or a disk has spoiled, not of photographs that are no use."""

_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)


def while_there(
    jobs: Sequence[Job], results: Iterable[Reading | Fault]
) -> Iterator[Reading | Fault]:
    """The results of the jobs, as long as the archive is there to be read.

    Raises:
        DataError: the folder of a photograph is gone; what is read is whole and kept.
    """
    for job, result in zip(jobs, results, strict=True):
        unread = isinstance(result, Fault) and result.code == "unreadable"
        if unread and places.gone(job.archive, job.path):
            raise _source_gone((job.archive / job.path).parent)
        yield result


def _source_gone(folder: Path) -> DataError:
    return DataError(
        "the archive went away while it was read",
        place=str(folder),
        rule="ARCHIVE can be read until the end; what is missing is not taken for rejected",
        remedy="mount or connect it again, then repeat the command with --resume",
        code="source_gone",
    )


@contextmanager
def of_the_disk(archive: Path, out: Path) -> Iterator[None]:
    """Within, errors of the operating system are told as what they mean to a run.

    Raises:
        DataError: the disk is full, the archive went away, something may not be read or written.
    """
    try:
        yield
    except OSError as error:
        raise _meaning(error, archive, out) from error


def _meaning(error: OSError, archive: Path, out: Path) -> Exception:
    if error.errno == errno.ENOSPC:
        return DataError(
            "no space left on the disk",
            place=str(out),
            rule="the corpus fits on its disk; nothing unfinished is ever opened as whole",
            remedy="free space there, then repeat the command with --resume",
            code="disk_full",
        )
    if error.errno in _NOT_ALLOWED:
        return DataError(
            error.strerror or type(error).__name__,
            place=str(error.filename or out),
            rule="ARCHIVE can be read; OUT and the folder of the key can be written",
            remedy="correct the permissions, or give another OUT (and --set key_file=PATH)",
            code="not_permitted",
        )
    if places.is_empty(archive):
        return _source_gone(archive)
    return error


def too_many(
    images: Mapping[str, int], notes: Sequence[Note], settings: IngestSettings
) -> DataError | None:
    """The error of an ingest in which too much was rejected, if it was."""
    seen, rejected = images["seen"], images["rejected"]
    if seen and images["kept"] and rejected <= settings.max_failed * seen:
        return None
    rejects = [n for n in notes if n.item == "image" and n.severity == "rejected"]
    listed = _listed(n.code for n in (rejects if seen else notes))
    return DataError(
        f"{seen} photographs found, {images['kept']} kept, {rejected} rejected ({listed})",
        place="ARCHIVE",
        rule="some photographs are kept and at most "
        f"{settings.max_failed:.0%} are rejected (max_failed)",
        remedy="correct the source or its description, or keep what there is: "
        "--resume --set max_failed=1",
        code="too_many_failures",
    )


def damaged(corpus: store.Corpus, settings: IngestSettings) -> DataError | None:
    """What the end of a finished ingest must tell: so many files that its source is not sound."""
    rejects = corpus.rejects.filter(corpus.rejects["item"] == "image")
    codes = [code for code in rejects["code"] if code in DAMAGED]
    seen = corpus.manifest.counts["images"]["seen"]
    if len(codes) <= settings.max_damaged * seen:
        return None
    return DataError(
        f"{len(codes)} of {seen} photographs are damaged files ({_listed(codes)})",
        place=str(corpus.path),
        rule=f"at most {settings.max_damaged:.0%} of an archive's files are damaged (max_damaged); "
        "the corpus is finished without them",
        remedy="copy these files again from where they come (locators.csv beside the key names "
        "them) and repeat the command with --force, or use the corpus as it is",
        code="damaged_files",
    )


def _listed(codes: Iterable[str]) -> str:
    found = Counter(codes).most_common()
    return ", ".join(f"{code} {count}" for code, count in found) or "none"
