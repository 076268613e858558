from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image

from funduscope import store
from funduscope.archive import IngestSettings, ingest, photographs
from funduscope.errors import DataError
from funduscope.findings import vocabulary

Sheet = Callable[[Sequence[Mapping[str, str]], Mapping[str, bytes]], Path]
Rows = Callable[..., tuple[list[dict[str, str]], dict[str, bytes]]]


@pytest.fixture(scope="module")
def corpus(drawn: Any, tmp_path_factory: pytest.TempPathFactory) -> store.Corpus:
    """The drawn archive, ingested in small parts."""
    out = tmp_path_factory.mktemp("out") / "corpus"
    small = IngestSettings(workers=1, exams_per_part=10)
    return ingest(drawn.archive, out, small, config_path=drawn.toml)


def _ended(corpus: store.Corpus) -> dict[str, tuple[str, str]]:
    """Real place of every line of the ledger -> code and severity."""
    path = corpus.path.parent / "identity" / "locators.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        real = {row["locator"]: row["path"] for row in csv.DictReader(stream)}
    rows = corpus.rejects.iter_rows(named=True)
    return {real[row["locator"]]: (row["code"], row["severity"]) for row in rows}


EXPECTED = {
    "truncated": ("truncated", "rejected"),
    "zero_byte": ("zero_byte", "rejected"),
    "text_named_jpg": ("not_an_image", "rejected"),
    "not_fundus": ("not_fundus", "rejected"),
    "duplicate_name": ("exact_duplicate", "rejected"),
    "duplicate_patient": ("duplicate_across_patients", "review"),
}


@pytest.mark.parametrize("kind", sorted(EXPECTED))
def test_planted_files_end_as_the_truth_says(drawn: Any, corpus: store.Corpus, kind: str) -> None:
    defects = [row for row in drawn.truth("defects") if row["kind"] == kind]
    assert defects
    for row in defects:
        assert _ended(corpus)[row["path"]] == EXPECTED[kind]
        assert row["expected"] == EXPECTED[kind][1]


def test_planted_records_end_as_the_truth_says(drawn: Any, corpus: store.Corpus) -> None:
    codes = corpus.rejects.group_by("item", "code", "severity").len().rows()
    planted = [row["kind"] for row in drawn.truth("defects")]
    assert ("image", "eye_conflict", "review", 2 * planted.count("swapped_side")) in codes
    assert ("record", "missing_image", "rejected", planted.count("missing_file")) in codes
    assert ("record", "no_report", "review", planted.count("image_without_report")) in codes
    assert ("image", "no_record", "review", 2 * planted.count("image_without_record")) in codes
    assert corpus.rejects.filter(pl.col("code") == "unexpected").is_empty()


def test_every_record_is_accounted_for(drawn: Any, corpus: store.Corpus) -> None:
    files = [path for path in drawn.archive.rglob("*") if path.suffix in (".jpg", ".png")]
    images = corpus.manifest.counts["images"]
    assert images["seen"] == len(files)
    for item, count in corpus.manifest.counts.items():
        assert count["seen"] == count["kept"] + count["rejected"] + count["review"], item
    ledger = corpus.rejects.filter(pl.col("item") == "image")
    assert ledger.height == images["rejected"] + images["review"]
    assert ledger["locator"].is_unique().all()
    assert corpus.images.height == images["kept"]
    assert corpus.reports.height == corpus.manifest.counts["reports"]["kept"]
    assert corpus.manifest.extra["vocabulary"]["hash"] == vocabulary().hash


def test_sound_eyes_are_kept_with_their_own_words(drawn: Any, corpus: store.Corpus) -> None:
    ended = _ended(corpus)
    sound = [row for row in drawn.truth("eyes") if row["clean"] == "1"]
    lost = [row["path"] for row in sound if row["path"] in ended]
    assert len(lost) <= 0.02 * len(sound), lost
    paired = set(corpus.pairs["image_id"])
    assert len(paired) >= 0.95 * corpus.images.height
    reports = corpus.reports.select("report_id", "exam_id")
    images = corpus.images.select("image_id", "exam_id", image_eye="eye")
    joined = corpus.pairs.join(reports, on="report_id").join(images, on="image_id")
    assert (joined["exam_id"] == joined["exam_id_right"]).all()
    assert (joined["eye"] == joined["image_eye"]).all()


def test_no_planted_identity_is_in_any_byte(drawn: Any, corpus: store.Corpus) -> None:
    held = [path.read_bytes() for path in corpus.path.rglob("*") if path.is_file()]
    held.append(corpus.reports.write_csv().encode())
    held.append(corpus.pairs.write_csv().encode())
    held.append(corpus.rejects.write_csv().encode())
    held.append(corpus.images.write_csv().encode())
    identities = {row["value"] for row in drawn.truth("identities")}
    long = {value for value in identities if len(value.encode()) >= 6}
    assert len(long) > 100
    left = [value for value in long for data in held if value.encode() in data]
    assert left == []


def test_patients_visits_and_ages(drawn: Any, corpus: store.Corpus) -> None:
    images = corpus.images
    assert images.group_by("patient_id").agg(pl.col("split").n_unique())["split"].max() == 1
    assert images["visit_day"].min() == 0
    assert images["age_years"].drop_nulls().is_between(10, 90).all()
    assert images["age_years"].null_count() <= 4
    assert set(images["sex"].drop_nulls()) == {"female", "male"}
    assert set(images["site_id"]) == {"harborview", "qingyuan", "songling"}
    assert set(images["eye_source"]) == {"record", "filename"}


def test_pixels_are_whole_and_eyes_are_neighbors(corpus: store.Corpus) -> None:
    names = []
    for name, data in corpus.pixels():
        names.append(name)
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            row = corpus.images.row(len(names) - 1, named=True)
            assert image.size == (row["width_px"], row["height_px"])
    assert names == corpus.images["image_id"].to_list()
    runs = corpus.images["exam_id"].rle().struct.field("value")
    assert runs.is_unique().all()
    assert sorted(set(corpus.images["shard"])) == [f"part-{n:05d}.parquet" for n in range(4)]
    store.verify(corpus.path)


class _Killed(BaseException):
    """Stands for a kill: nothing in the program catches it."""


class _Stop:
    """A progress that kills the run after so many photographs."""

    def __init__(self, after: int) -> None:
        self.left = after

    def start(self, name: str, total: int) -> None: ...

    def advance(self, units: int = 1) -> None:
        self.left -= units
        if self.left < 0:
            raise _Killed

    def done(self) -> None: ...


def test_a_killed_run_is_refused_resumed_and_equals_an_unbroken_one(
    drawn: Any, corpus: store.Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = corpus.path.parent / "killed"
    small = IngestSettings(workers=1, exams_per_part=10)
    with pytest.raises(_Killed):
        ingest(drawn.archive, out, small, config_path=drawn.toml, progress=_Stop(50))
    with pytest.raises(DataError, match="unfinished") as caught:
        store.Corpus.open(out)
    assert f"funduscope ingest {drawn.archive} {out} --resume" in caught.value.remedy
    with pytest.raises(DataError, match="interrupted"):
        ingest(drawn.archive, out, small, config_path=drawn.toml)
    whole = len(list((out / ".work").glob("*.json")))
    assert whole == 2
    reads = []
    original = photographs.read
    monkeypatch.setattr(photographs, "read", lambda job: reads.append(job) or original(job))
    resumed = ingest(drawn.archive, out, small, config_path=drawn.toml, resume=True)
    assert 0 < len(reads) < corpus.images.height - 20
    assert resumed.id == corpus.id
    assert resumed.manifest.files == corpus.manifest.files


def test_a_process_killed_outright_resumes(
    sheet: Sheet, two_eyes: Rows, photographs: list[bytes], tmp_path: Path
) -> None:
    folder = sheet(*two_eyes(photographs[:6]))
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from funduscope.archive import IngestSettings, ingest, parts\n"
        "write = parts.write\n"
        "def once(out, part, readings):\n"
        "    write(out, part, readings)\n"
        "    os.kill(os.getpid(), 9)\n"
        "parts.write = once\n"
        "archive, out = map(Path, sys.argv[1:])\n"
        "ingest(archive, out, IngestSettings(workers=1, exams_per_part=1))\n"
    )
    out = tmp_path / "out"
    command = [sys.executable, "-c", program, str(folder), str(out)]
    killed = subprocess.run(command, capture_output=True, check=False)
    assert killed.returncode == -9, killed.stderr
    with pytest.raises(DataError, match="unfinished"):
        store.Corpus.open(out)
    # The rest by two processes: how many there are is no part of the result either.
    resumed = ingest(folder, out, IngestSettings(workers=2, exams_per_part=1), resume=True)
    whole = ingest(folder, tmp_path / "whole", IngestSettings(workers=1, exams_per_part=1))
    assert resumed.id == whole.id
    assert resumed.images["shard"].n_unique() == 3
