"""The order of an ingest, fixed before the first photograph is read."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from funduscope.archive import places, readers
from funduscope.archive.description import Description, Source
from funduscope.archive.identity import Pseudonyms
from funduscope.archive.pairing import Contents, read_site
from funduscope.archive.records import Exam, Note
from funduscope.errors import DataError

_PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"II*\0", b"MM\0*", b"GIF8", b"BM", b"RIFF", b"\xff\x4f")

Outcome = tuple[str, str, str, str]
"""step, code, detail, severity of a photograph that is not kept."""


@dataclass(frozen=True)
class Plan:
    """What will be read.

    Attributes:
        exams: in corpus order: source by source, then by pseudonym, which says nothing of names.
        notes: lines for the ledger from the tables.
        known: place of a photograph -> why it is not read at all (the same bytes as another).
        photographs: how many photographs the archive holds; each picture of a file is one.
        seen: identifying strings that belong to no examination.
        input_id: hash of the description, the tables, and the names and sizes of photographs.
    """

    description: Description
    exams: list[Exam]
    notes: list[Note]
    known: dict[str, Outcome]
    photographs: int
    seen: set[str]
    input_id: str


def make(archive: Path, description: Description, pseudonyms: Pseudonyms) -> Plan:
    """Read the tables and list the photographs.

    Raises:
        DataError: a table or a column of it is missing; two sites hold one photograph.
    """
    sites = _sites(archive, description)
    contents = [read_site(archive, site, some) for site, some in sites]
    _check_apart([site for site, _ in sites], contents)
    exams = sorted((e for c in contents for e in c.exams), key=lambda e: _order(e, pseudonyms))
    listed = sorted({name for c in contents for name in c.photos})
    return Plan(
        description=description,
        exams=exams,
        notes=[note for c in contents for note in c.notes],
        known=_known(archive, exams, description),
        photographs=len(listed) + sum(c.further for c in contents),
        seen={text for c in contents for text in c.seen},
        input_id=_input_id(archive, description, listed),
    )


def _check_apart(sites: Sequence[str], contents: Sequence[Contents]) -> None:
    """Hold the sites to photographs of their own: one under two sites would be two patients'."""
    owner: dict[str, str] = {}
    for site, content in zip(sites, contents, strict=True):
        for name in content.photos:
            if owner.setdefault(name, site) != site:
                raise DataError(
                    name,
                    place=f"the sites {owner[name]} and {site}",
                    rule="a photograph belongs to one site",
                    remedy="narrow `folder` or `photos` of one of them in the description",
                    code="two_sites",
                )


def _sites(archive: Path, description: Description) -> list[tuple[str, list[tuple[int, Source]]]]:
    """The sources of each site, with their places in the description."""
    sites: dict[str, list[tuple[int, Source]]] = {}
    for index, source in enumerate(description.source):
        name = source.site or (archive / source.folder).resolve().name
        sites.setdefault(name, []).append((index, source))
    return list(sites.items())


def patient_id(exam: Exam, pseudonyms: Pseudonyms) -> str:
    """Pseudonym of the patient; of the examination, where the source names no patient."""
    if exam.patient is None:
        return pseudonyms("patient", exam.site, "exam", exam.key)
    return pseudonyms("patient", exam.site, "record", exam.patient)


def whose(exam: Exam) -> str:
    """Whom copies of one picture must belong to: unnamed photographs with reports are each apart.

    Unnamed ones without reports may be anybody's; copies of them are one patient.
    """
    if exam.patient is not None:
        return exam.patient
    return exam.key if exam.reports or exam.eye_words else ""


def _order(exam: Exam, pseudonyms: Pseudonyms) -> tuple[int, str, int, str]:
    day = exam.visit.toordinal() if exam.visit else 0
    return exam.source, patient_id(exam, pseudonyms), day, exam.key


def _known(archive: Path, exams: Sequence[Exam], description: Description) -> dict[str, Outcome]:
    """Photographs that are byte for byte another's.

    Of one patient's copies the first stays. Copies under several patients or eyes all go to
    review, since nobody can say whose they are; a labeled set keeps the first.
    """
    owner = {
        photo.path: (exam.site, whose(exam), photo.eye, exam.source)
        for exam in exams
        for photo in exam.photos
    }
    order = {name: number for number, name in enumerate(owner)}
    outcomes: dict[str, Outcome] = {}
    for group in _same_bytes(archive, list(owner)):
        names = sorted(group, key=order.__getitem__)
        owners = [owner[name] for name in names]
        labeled = all(description.source[source].keep_refused for *_, source in owners)
        if not labeled and len({(site, patient) for site, patient, *_ in owners}) > 1:
            detail = "the same file is filed under several patients"
            for name in names:
                outcomes[name] = ("pairing", "duplicate_across_patients", detail, "review")
        elif not labeled and len({eye for _, _, eye, _ in owners}) > 1:
            detail = "the same file is filed under both eyes"
            for name in names:
                outcomes[name] = ("pairing", "duplicate_other_eye", detail, "review")
        else:
            for name in names[1:]:
                outcomes[name] = ("read", "exact_duplicate", "the same file as another", "rejected")
    return outcomes


def _same_bytes(archive: Path, names: Sequence[str]) -> list[list[str]]:
    """Groups of files that are equal byte for byte; only files of equal size are read."""
    by_size: dict[int, list[str]] = defaultdict(list)
    for name in names:
        by_size[places.size(archive, name)].append(name)
    by_hash: dict[bytes, list[str]] = defaultdict(list)
    for size, group in by_size.items():
        if size > 0 and len(group) > 1:
            for name in group:
                data = places.read_bytes(archive, name)
                if _is_picture(data):  # equal texts or zeros are no copies of a photograph
                    by_hash[hashlib.sha256(data).digest()].append(name)
    return [sorted(group) for group in by_hash.values() if len(group) > 1]


def _is_picture(data: bytes) -> bool:
    """By its first bytes."""
    return data.startswith(_PICTURES) or data[128:132] == b"DICM" or data[4:8] == b"jP  "


def _input_id(archive: Path, description: Description, listed: Sequence[str]) -> str:
    digest = hashlib.sha256(json.dumps(description.model_dump(), sort_keys=True).encode())
    for source in description.source:
        if source.kind not in ("folder", "dicom"):
            for table in readers.tables_of(archive, source):
                digest.update(places.read_bytes(archive, table))
    for name in listed:
        size = places.size(archive, name)
        digest.update(f"{name}\0{size}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:32]


def identifying(planned: Plan) -> dict[str, set[str]]:
    """Kind -> every string seen that points at a person: the records' own, and those of files."""
    found: dict[str, set[str]] = defaultdict(set)
    for exam in planned.exams:
        for role, values in exam.secrets.items():
            found[role].update(values)
        found["file"].update(exam.seen)
    found["file"].update(planned.seen)
    return found
