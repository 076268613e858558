"""Small archives: drawn ones, and sheets put together by hand from drawn photographs."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from funduscope import findings, store, tables
from funduscope.archive import IngestSettings
from funduscope.archive.synthetic import draw_archive

Sheet = Callable[[Sequence[Mapping[str, str]], Mapping[str, bytes]], Path]


@dataclass(frozen=True)
class Drawn:
    """A drawn archive: `root` holds archive/, archive.toml and truth/."""

    root: Path

    @property
    def archive(self) -> Path:
        return self.root / "archive"

    @property
    def toml(self) -> Path:
        return self.root / "archive.toml"

    def truth(self, name: str) -> list[dict[str, str]]:
        path = self.root / "truth" / f"{name}.csv"
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """Forty examinations of three sites with every defect planted once."""
    root = tmp_path_factory.mktemp("drawn")
    draw_archive(root, exams=40, seed=5, size=160, workers=1)
    return Drawn(root)


@pytest.fixture(scope="session")
def photographs(drawn: Drawn) -> list[bytes]:
    """Sound JPEG photographs of the right eyes of different patients."""
    found = [
        (drawn.archive / row["path"]).read_bytes()
        for row in drawn.truth("eyes")
        if row["clean"] == "1" and row["eye"] == "OD" and row["path"].endswith(".jpg")
    ]
    assert len(found) >= 12
    return found


@pytest.fixture
def sheet(tmp_path: Path) -> Sheet:
    """Writes a folder in the form of the public sets: rows of labels.csv, files under images/."""

    def write(rows: Sequence[Mapping[str, str]], files: Mapping[str, bytes]) -> Path:
        folder = tmp_path / "someset"
        (folder / "images").mkdir(parents=True)
        columns = list(dict.fromkeys(name for row in rows for name in row))
        with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, columns, restval="")
            writer.writeheader()
            writer.writerows(rows)
        for name, data in files.items():
            (folder / name).write_bytes(data)
        return folder

    return write


def _two_eyes(
    pictures: Sequence[bytes], **more: str
) -> tuple[list[dict[str, str]], dict[str, bytes]]:
    rows, files = [], {}
    for number, data in enumerate(pictures):
        name = f"images/{number}.jpg"
        files[name] = data
        rows.append(
            {
                "image": name,
                "patient": str(number // 2),
                "eye": "RL"[number % 2],
                "text": ("normal fundus", "cataract")[number % 2],
                **more,
            }
        )
    return rows, files


@pytest.fixture
def two_eyes() -> Callable[..., tuple[list[dict[str, str]], dict[str, bytes]]]:
    """Rows and files of a sheet: two photographs a patient, right normal, left with a cataract."""
    return _two_eyes


@pytest.fixture
def settings() -> IngestSettings:
    """Everything in this process, so that tests can look on."""
    return IngestSettings(workers=1)


IMAGE = {
    "patient_id_source": "record",
    "site_id": "north",
    "eye_source": "record",
    "modality": "cfp",
    "field": "macula",
    "visit_day": 0,
    "age_years": 50,
    "sex": "female",
    "camera": "Alpha",
    "width_px": 64,
    "height_px": 64,
    "phash": 0,
    "shard": "part-00000.parquet",
    "gradable": True,
    "gradability": 0.9,
    "split": "train",
}


def picture(number: int) -> bytes:
    """A 64 x 64 picture of its own color."""
    pixels = np.full((64, 64, 3), (number % 256, 90, 40), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    return stream.getvalue()


@pytest.fixture
def finished(tmp_path: Path) -> Callable[..., store.Corpus]:
    """A finished corpus put together by hand: finished("name", images, rejects=..., pairs=...).

    Photographs come two an examination, one for each eye; counts follow from the rejects.
    """

    def make(name: str, images: Sequence[Mapping[str, Any]], **rows: Any) -> store.Corpus:
        path = tmp_path / name
        listed = [
            IMAGE
            | {"image_id": f"i{n:03d}", "patient_id": f"p{n // 2}", "exam_id": f"e{n // 2}"}
            | {"eye": ("OD", "OS")[n % 2], "source": f"l{n:03d}", "row": n}
            | image
            for n, image in enumerate(images)
        ]
        rejects = rows.get("rejects", ())
        with store.create(path, kind="corpus", config={}, seed=0) as out:
            for table in (
                tables.IMAGES,
                tables.REPORTS,
                tables.ASSERTIONS,
                tables.PAIRS,
                tables.LABELS,
                tables.REJECTS,
            ):
                found = listed if table is tables.IMAGES else rows.get(table.name, ())
                tables.write(table, tables.frame(table, found), path / f"{table.name}.parquet")
            (path / "pixels").mkdir()
            shard = pa.table(
                {
                    "image_id": [row["image_id"] for row in listed],
                    "image": [{"bytes": picture(n), "path": None} for n in range(len(listed))],
                }
            )
            pq.write_table(shard, path / "pixels" / "part-00000.parquet")
            for item, kept in (("image", len(listed)), ("report", len(rows.get("reports", ())))):
                ends = Counter(row["severity"] for row in rejects if row["item"] == item)
                out.counts[f"{item}s"] = {
                    "seen": kept + ends.total(),
                    "kept": kept,
                    "rejected": ends["rejected"],
                    "review": ends["review"],
                }
        return store.Corpus.open(path)

    return make


@pytest.fixture
def told(finished: Callable[..., store.Corpus]) -> Callable[..., store.Corpus]:
    """A finished corpus of reports as ingest reads them: told([text, ...], sites=["a", ...])."""

    def make(
        texts: Sequence[str], sites: Sequence[str] = ("north",), name: str = "told"
    ) -> store.Corpus:
        reports, said = [], []
        for number, text in enumerate(texts):
            head = {"report_id": f"r{number:04d}", "patient_id": f"p{number}", "text": text}
            head |= {"exam_id": f"e{number}", "site_id": sites[number % len(sites)]}
            digest = hashlib.sha256(text.encode()).hexdigest()
            reports.append(head | {"language": findings.language_of(text), "text_sha256": digest})
            said += [
                {"report_id": f"r{number:04d}"}
                | {field: getattr(one, field) for field in findings.Assertion.__slots__}
                for one in findings.extract(text)
            ]
        return finished(name, [{}], reports=reports, assertions=said)

    return make


DESCRIPTION = """
[[source]]
site = {site}
table = "exams.csv"
check_side = false
photos = ["**/*.jpg"]
[source.columns]
exam = "exam"
patient = "patient"
name = "name"
birth_date = "born"
exam_date = "day"
age = "age"
sex = "sex"
eye = "eye"
camera = "camera"
report = "report"
images = "image"
"""
COLUMNS = (
    *("exam", "patient", "name", "born", "day", "age", "sex", "eye", "camera", "report", "image"),
)
SOUND = {"day": "2019-05-28", "sex": "female", "eye": "OD", "report": "cataract of the right eye"}


@pytest.fixture
def archive(tmp_path: Path, photographs: list[bytes]) -> Callable[..., Path]:
    """Makes an archive of one site: a row and a photograph for each dict of cells."""

    def make(rows: Sequence[Mapping[str, str]], site: str = "north") -> Path:
        folder = tmp_path / "archive"
        folder.mkdir()
        text = DESCRIPTION.format(site=json.dumps(site))
        (folder / "archive.toml").write_text(text, encoding="utf-8")
        with (folder / "exams.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, COLUMNS, restval="")
            writer.writeheader()
            for number, row in enumerate(rows):
                own = {"exam": f"E{number:04d}", "patient": f"P{number:04d}"}
                own["image"] = f"{number}.jpg"
                writer.writerow(SOUND | own | row)
                (folder / (own | row)["image"]).write_bytes(photographs[number])
        return folder

    return make


def _ended(corpus: store.Corpus) -> dict[str, list[str]]:
    """Real place of the lines of the ledger -> their codes."""
    path = corpus.path.parent / "identity" / "locators.csv"
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
        real = {row[0]: row[1] for row in csv.reader(stream)}
    found: dict[str, list[str]] = {}
    for locator, code in corpus.rejects.select("locator", "code").rows():
        found.setdefault(real[locator], []).append(code)
    return found


@pytest.fixture
def ended() -> Callable[[store.Corpus], dict[str, list[str]]]:
    """Tells how records ended: real place of the lines of the ledger -> their codes."""
    return _ended
