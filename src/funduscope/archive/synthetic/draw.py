"""Draw the whole archive: photographs by a pool of processes, tables, description, truth."""

from __future__ import annotations

import csv
import multiprocessing
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from funduscope.archive.synthetic.cameras import Camera, Shot, cameras, jpeg, png
from funduscope.archive.synthetic.eyes import Eye
from funduscope.archive.synthetic.objects import draw_object
from funduscope.archive.synthetic.picture import Photograph, photograph
from funduscope.archive.synthetic.plan import DEFECTS, EYES, SITES, Exam, plan_archive
from funduscope.archive.synthetic.sites import LAYOUTS, description, identities
from funduscope.config import Progress, Quiet
from funduscope.errors import ConfigError


@dataclass(frozen=True)
class _Job:
    """One photograph to be written: `path` below the archive, `name` the eye it is filed as."""

    path: str
    exam: str
    site: str
    filed: str
    true: str
    eye: Eye
    camera: Camera
    shot: Shot
    seed: int
    defect: str


@dataclass(frozen=True)
class _Drawn:
    """What the truth needs to know of one photograph."""

    width: int
    height: int
    share: float
    lesions: tuple[tuple[str, float, int, int, int, int], ...]


def draw_archive(
    out: Path,
    *,
    exams: int = 600,
    seed: int,
    size: int = 448,
    progress: Progress | None = None,
    workers: int | None = None,
) -> None:
    """Write a synthetic telemedicine archive of three sites and the truth about it.

    OUT/archive/ holds the sites, OUT/archive.toml describes them to `ingest`, OUT/truth/ is for
    tests only. The same `exams`, `seed` and `size` give the same bytes for any `workers`.

    Args:
        exams: number of exams (both eyes each), at least 6.
        size: height of a typical photograph, px (96-2048).
        workers: processes that draw; by default one a core, at most 8; 1 draws in this process.

    Raises:
        ConfigError: numbers out of range, or OUT/archive exists already.
    """
    _check(out, exams, size)
    shown = progress or Quiet()
    planned = plan_archive(exams, seed)
    jobs = list(_jobs(planned, seed, size))
    root = out / "archive"
    for folder in {str(Path(job.path).parent) for job in jobs}:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for site in SITES:
        (root / site.name).mkdir(parents=True, exist_ok=True)
    shown.start("draw photographs", len(jobs))
    drawn = {}
    for job, result in zip(jobs, _run(root, jobs, workers), strict=True):
        drawn[job.path] = result
        shown.advance()
    shown.done()
    paths = _file_copies(root, planned, jobs)
    rows = _write_tables(root, planned, paths)
    (out / "archive.toml").write_text(description(), encoding="utf-8", newline="\n")
    _write_truth(out / "truth", planned, jobs, drawn, rows)


def _check(out: Path, exams: int, size: int) -> None:
    for name, value, low, high in (("exams", exams, 6, 50_000), ("size", size, 96, 2048)):
        if not low <= value <= high:
            raise ConfigError(
                value,
                place=f"draw_archive, {name}",
                rule=f"{name} lies between {low} and {high}",
                remedy=f"choose {name} in that range",
            )
    if (out / "archive").exists():
        raise ConfigError(
            "the folder exists",
            place=str(out / "archive"),
            rule="an archive is drawn into a new folder",
            remedy="name another folder or remove this one",
        )


def _jobs(planned: Sequence[Exam], seed: int, size: int) -> Iterator[_Job]:
    devices = cameras(size)
    for index, exam in enumerate(planned):
        layout = LAYOUTS[exam.site.name]
        for side in exam.photos:
            true = exam.true_eye(side)
            spoiled = exam.defect if side == exam.defect_eye else ""
            if spoiled == "duplicate_patient":
                continue  # copied from the other patient afterwards
            yield _Job(
                path=f"{exam.site.name}/{layout.photo(exam, side, 1)}",
                exam=exam.number,
                site=exam.site.name,
                filed=side,
                true=true,
                eye=exam.eyes[true],
                camera=devices[exam.camera],
                shot=exam.shots[true],
                seed=int(
                    np.random.SeedSequence([seed, 1, index, EYES.index(true)]).generate_state(1)[0]
                ),
                defect=spoiled,
            )


def _run(root: Path, jobs: Sequence[_Job], workers: int | None) -> Iterator[_Drawn]:
    count = min(workers or min(os.cpu_count() or 1, 8), max(1, len(jobs)))
    if count <= 1:
        for job in jobs:
            yield _draw(root, job)
        return
    # Fresh processes: forking is not safe beside the threads of numeric libraries.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context) as pool:
        yield from pool.map(_draw, [root] * len(jobs), jobs, chunksize=8)


def _draw(root: Path, job: _Job) -> _Drawn:
    """Draw one photograph and write its file; runs in a worker."""
    shown = photograph(job.eye, job.true, job.camera, job.shot, job.seed)
    rgb = shown.rgb
    if job.defect == "not_fundus":
        rgb = draw_object(np.random.default_rng(job.seed), rgb.shape[0], rgb.shape[1])
    data = png(rgb) if job.path.endswith(".png") else jpeg(rgb, job.camera.quality)
    if job.defect == "truncated":
        data = data[: len(data) * 2 // 5]
    elif job.defect == "zero_byte":
        data = b""
    elif job.defect == "text_named_jpg":
        data = b"The image could not be exported (error 0x2F).\r\n"
    (root / job.path).write_bytes(data)
    return _measure(shown)


def _measure(shown: Photograph) -> _Drawn:
    field = max(1, int(shown.field.sum()))
    union: NDArray[np.bool_] = np.zeros_like(shown.field)
    lesions = []
    for name, mask in shown.lesions.items():
        area = int(mask.sum())
        if area:
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
        else:
            box = (0, 0, 0, 0)
        lesions.append((name, area / field, *box))
        union |= mask
    height, width = shown.field.shape
    return _Drawn(width, height, float(union.sum()) / field, tuple(lesions))


def _file_copies(
    root: Path, planned: Sequence[Exam], jobs: Sequence[_Job]
) -> dict[str, dict[str, list[str]]]:
    """Make the planted duplicates; returns exam -> eye -> photographs named in its row."""
    lies = {(job.exam, job.filed): job.path for job in jobs}
    named: dict[str, dict[str, list[str]]] = {}
    for exam in planned:
        layout = LAYOUTS[exam.site.name]
        names = {
            side: [layout.photo(exam, side, 1)] if side in exam.photos else [] for side in EYES
        }
        side = exam.defect_eye
        if exam.defect == "missing_file":
            names[side] = [layout.photo(exam, side, 1)]
        elif exam.defect == "duplicate_name":
            names[side].append(layout.photo(exam, side, 2))
            target = root / exam.site.name / names[side][1]
            target.write_bytes((root / lies[exam.number, side]).read_bytes())
        elif exam.defect == "duplicate_patient":
            target = root / exam.site.name / names[side][0]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((root / lies[exam.borrowed, side]).read_bytes())
        named[exam.number] = names
    return named


def _write_tables(
    root: Path, planned: Sequence[Exam], paths: Mapping[str, Mapping[str, list[str]]]
) -> dict[str, dict[str, Any]]:
    """Write each site's table; returns exam -> row."""
    rows = {exam.number: LAYOUTS[exam.site.name].row(exam, paths[exam.number]) for exam in planned}
    for site in SITES:
        kept = [
            rows[exam.number]
            for exam in planned
            if exam.site is site and exam.defect != "image_without_record"
        ]
        layout = LAYOUTS[site.name]
        (root / site.name / layout.table).write_bytes(layout.dump(kept))
    return rows


def _write_truth(
    folder: Path,
    planned: Sequence[Exam],
    jobs: Sequence[_Job],
    drawn: Mapping[str, _Drawn],
    rows: Mapping[str, Mapping[str, Any]],
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    exams = {exam.number: exam for exam in planned}
    _table(folder / "exams.csv", (_exam_truth(exam) for exam in planned))
    _table(folder / "eyes.csv", (_eye_truth(job, exams[job.exam], drawn[job.path]) for job in jobs))
    _table(
        folder / "lesions.csv",
        (
            {"site": job.site, "exam": job.exam, "eye": job.true, "finding": name,
             "area_share": round(share, 6), "x0": x0, "y0": y0, "x1": x1, "y1": y1}
            for job in jobs
            for name, share, x0, y0, x1, y1 in drawn[job.path].lesions
        ),
    )  # fmt: skip
    _table(
        folder / "identities.csv",
        (
            {
                "site": exam.site.name,
                "exam": exam.number,
                "kind": kind,
                "value": value,
                "place": place,
            }
            for exam in planned
            for kind, value, place in identities(exam, rows[exam.number])
        ),
    )
    _table(folder / "defects.csv", (_defect_truth(exam) for exam in planned if exam.defect))


def _exam_truth(exam: Exam) -> dict[str, Any]:
    person = exam.person
    return {
        "site": exam.site.name,
        "exam": exam.number,
        "patient": person.number,
        "name": person.name,
        "sex": person.sex,
        "birth_date": person.born.isoformat(),
        "exam_date": exam.day.isoformat(),
        "camera": exam.camera,
        "language": exam.report.language,
    }


def _eye_truth(job: _Job, exam: Exam, drawn: _Drawn) -> dict[str, Any]:
    stated = exam.report.stated.get(job.true)
    clean = not exam.defect or (exam.defect_eye not in ("", job.filed))
    return {
        "site": job.site,
        "exam": job.exam,
        "eye": job.true,
        "path": job.path,
        "width": drawn.width,
        "height": drawn.height,
        "clean": int(clean or exam.defect in ("missing_eye", "missing_file", "bad_date")),
        "findings": ";".join(sorted(job.eye.findings)) or "normal",
        "reported": ";".join(sorted(stated.present)) if stated else "",
        "denied": ";".join(sorted(stated.absent)) if stated else "",
        "uncertain": ";".join(sorted(stated.uncertain)) if stated else "",
        "lesion_share": round(drawn.share, 6),
        "cdr": round(job.eye.cdr, 3),
        "quality": job.defect if job.defect in ("too_dark", "blurred") else "good",
    }


def _defect_truth(exam: Exam) -> dict[str, Any]:
    layout = LAYOUTS[exam.site.name]
    copy = 2 if exam.defect == "duplicate_name" else 1
    path = ""
    if exam.defect_eye:
        path = f"{exam.site.name}/{layout.photo(exam, exam.defect_eye, copy)}"
    return {
        "kind": exam.defect,
        "site": exam.site.name,
        "exam": exam.number,
        "path": path,
        "eye": exam.defect_eye,
        "expected": DEFECTS[exam.defect],
        "note": exam.borrowed,
    }


def _table(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    listed = list(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(listed[0]) if listed else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(listed)
