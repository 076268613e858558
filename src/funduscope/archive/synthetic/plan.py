"""Which exams the archive holds and what is wrong with some of them, before anything is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np

from funduscope.archive.synthetic.cameras import Shot
from funduscope.archive.synthetic.eyes import Eye, draw_eye, revisit
from funduscope.archive.synthetic.frame import Rng
from funduscope.archive.synthetic.people import Person, draw_findings, draw_person
from funduscope.archive.synthetic.reports import Report, write_report

EYES = ("OD", "OS")
DEFECTS: dict[str, str] = {
    "truncated": "rejected",
    "zero_byte": "rejected",
    "text_named_jpg": "rejected",
    "not_fundus": "rejected",
    "missing_file": "rejected",
    "missing_eye": "kept",
    "duplicate_name": "rejected",
    "duplicate_patient": "review",
    "too_dark": "kept",
    "blurred": "kept",
    "swapped_side": "review",
    "report_without_image": "rejected",
    "image_without_report": "kept",
    "image_without_record": "review",
    "bad_date": "kept",
}
"""Planted defect -> what ingest should do with the item."""
_RATE = 0.009  # share of exams with each defect
_SECOND_VISIT = 0.06


@dataclass(frozen=True)
class SitePlan:
    """What differs between the sites besides their files."""

    name: str
    prefix: str
    languages: Mapping[str, float]
    cameras: Mapping[str, float]


SITES: tuple[SitePlan, ...] = (
    SitePlan("harborview", "HV-", {"en": 1.0}, {"FC-45": 0.5, "RX-50": 0.3, "FC-45 II": 0.2}),
    SitePlan("qingyuan", "JC", {"zh": 1.0}, {"FC-45": 0.3, "Orion N": 0.5, "HandEye 3": 0.2}),
    SitePlan(
        "songling",
        "SL",
        {"zh": 0.55, "en": 0.45},
        {"RX-50": 0.4, "FC-45 II": 0.3, "HandEye 3": 0.3},
    ),
)


@dataclass
class Exam:
    """One exam of both eyes.

    Attributes:
        number: of the exam at its site. shots, photos: per eye; `photos` lists the eyes that are
        photographed. defect: a key of `DEFECTS` and the eye it concerns, or empty.
        borrowed: of a photograph that belongs to another patient: (exam, eye) it is copied from.
    """

    site: SitePlan
    number: str
    person: Person
    day: date
    camera: str
    eyes: Mapping[str, Eye]
    report: Report
    shots: dict[str, Shot]
    photos: list[str] = field(default_factory=lambda: list(EYES))
    defect: str = ""
    defect_eye: str = ""
    borrowed: str = ""

    def true_eye(self, side: str) -> str:
        """The eye in the photograph that is filed as `side`."""
        if self.defect == "swapped_side":
            return EYES[1 - EYES.index(side)]
        return side


def plan_archive(exams: int, seed: int) -> list[Exam]:
    """Draw `exams` exams over the three sites, with their reports and defects."""
    rng = np.random.default_rng([seed, 0])
    counts = [len(part) for part in np.array_split(np.arange(exams), len(SITES))]
    planned = []
    for site, count in zip(SITES, counts, strict=True):
        planned += _plan_site(rng, site, count)
    _plant_defects(rng, planned)
    return planned


def _choose(rng: Rng, shares: Mapping[str, float]) -> str:
    names = list(shares)
    weights = np.array([shares[name] for name in names])
    return names[int(rng.choice(len(names), p=weights / weights.sum()))]


def _plan_site(rng: Rng, site: SitePlan, count: int) -> list[Exam]:
    tilt = float(rng.uniform(0.93, 1.08))
    exams: list[Exam] = []
    numbers = rng.permutation(90000)[:count] + 10000
    day = date(2017, 3, 1) + timedelta(days=int(rng.integers(0, 200)))
    for index in range(count):
        day += timedelta(days=int(rng.integers(0, 7)))
        if exams and rng.random() < _SECOND_VISIT:
            known = exams[int(rng.integers(len(exams)))]
            person, eyes = known.person, {s: revisit(rng, known.eyes[s]) for s in EYES}
        else:
            language = _choose(rng, site.languages)
            person = draw_person(rng, f"{rng.integers(10**7, 10**8)}", language, tilt)
            findings = draw_findings(rng, person)
            eyes = {side: draw_eye(rng, person.patient, findings[side]) for side in EYES}
        exams.append(
            Exam(
                site=site,
                number=f"{site.prefix}{numbers[index]:05d}",
                person=person,
                day=day,
                camera=_choose(rng, site.cameras),
                eyes=eyes,
                report=write_report(rng, person, eyes, day),
                shots={side: _shot(rng) for side in EYES},
            )
        )
    return exams


def _shot(rng: Rng) -> Shot:
    return Shot(light=float(rng.uniform(0.85, 1.12)), blur=float(rng.gamma(1.2, 0.35)))


def _plant_defects(rng: Rng, exams: list[Exam]) -> None:
    """Give some exams a defect each: at least one of every kind, on at most half of the exams."""
    order = list(rng.permutation(len(exams)))
    each = max(1, round(_RATE * len(exams)))
    room = len(exams) // 2
    kinds = [kind for _ in range(each) for kind in DEFECTS][:room]
    rng.shuffle(kinds)
    sound = [exams[index] for index in order[len(kinds) :]]
    for kind, index in zip(kinds, order, strict=False):
        exam = exams[index]
        exam.defect, exam.defect_eye = kind, str(rng.choice(EYES))
        _spoil(rng, exam, sound)


def _spoil(rng: Rng, exam: Exam, sound: list[Exam]) -> None:
    side, kind = exam.defect_eye, exam.defect
    if kind in ("too_dark", "blurred"):
        dark = kind == "too_dark"
        exam.shots[side] = Shot(0.05, 0.5) if dark else Shot(1.0, float(rng.uniform(13, 18)))
        blind = frozenset({side})
        exam.report = write_report(rng, exam.person, exam.eyes, exam.day, blind)
    elif kind == "report_without_image":
        exam.photos, exam.defect_eye = [], ""
    elif kind in ("missing_eye", "missing_file"):
        exam.photos = [other for other in EYES if other != side]
    elif kind == "image_without_report":
        exam.report = replace(exam.report, body="", impression="", stated={}, planted=())
        exam.defect_eye = ""
    elif kind == "duplicate_patient":
        others = [o for o in sound if o.person.number != exam.person.number]
        exam.borrowed = others[int(rng.integers(len(others)))].number
    elif kind in ("swapped_side", "image_without_record", "bad_date"):
        exam.defect_eye = ""
