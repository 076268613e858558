"""Small archives: drawn ones, and sheets put together by hand from drawn photographs."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

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
