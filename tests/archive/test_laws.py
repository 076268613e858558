"""What holds for any archive."""

from __future__ import annotations

import csv
import io
import os
import random
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from funduscope import store
from funduscope.archive import IngestSettings, ingest, redact

few = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate,),  # making a failing archive smaller would take minutes
    suppress_health_check=list(HealthCheck),
)

DESCRIPTION = """
[[source]]
site = "north"
table = "exams.csv"
check_side = false
[source.columns]
exam = "exam"
patient = "patient"
exam_date = "day"
eye = "eye"
report = "report"
images = "image"
split = "split"
[source.format]
file_pattern = '(?P<patient>P\\d)_(?P<date>\\d{8})'
"""
TABLES = ("images", "reports", "assertions", "pairs", "labels")


def _write(
    folder: Path, patients: Sequence[int], pictures: Sequence[bytes], **files: bytes
) -> Path:
    """An archive: the photographs of the first half in a folder, of the second half in a ZIP."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "photos").mkdir(parents=True)
    (folder / "archive.toml").write_text(DESCRIPTION, encoding="utf-8")
    half = len(pictures) // 2
    names = [
        f"photos/{n}.jpg" if n < half else f"pack.zip!in/{n}.jpg" for n in range(len(pictures))
    ]
    for name, data in zip(names[:half], pictures, strict=False):
        (folder / name).write_bytes(data)
    with zipfile.ZipFile(folder / "pack.zip", "w") as pack:
        for number in range(half, len(pictures)):
            pack.writestr(f"in/{number}.jpg", pictures[number])
    with (folder / "exams.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("exam", "patient", "day", "eye", "report", "image", "split"))
        for number, (name, patient) in enumerate(zip(names, patients, strict=True)):
            split = ("train", "test", "")[number % 3]
            row = (
                f"E{number}",
                f"P{patient}",
                f"2019-05-{number + 10}",
                "OD",
                "cataract, right eye",
            )
            writer.writerow((*row, name, split))
    return folder


class Bench:
    """A folder to work in and photographs; a list of them hypothesis would print byte by byte."""

    def __init__(self, root: Path, photographs: list[bytes]) -> None:
        self.root, self.photographs = root, photographs

    @property
    def folder(self) -> Path:
        return self.root / "archive"


@pytest.fixture
def bench(tmp_path: Path, photographs: list[bytes]) -> Bench:
    return Bench(tmp_path, photographs)


def _ingest(folder: Path, name: str) -> store.Corpus:
    out = folder.parent / name
    return ingest(folder, out, IngestSettings(workers=1, max_failed=1), force=True)


PIECES = ("张伟", "姓名：张伟，男", "Zhang Wei", "Mr. Wei ZHANG", "13912345678", "住院号 A0012345",
          "A0012345", "2019年5月28日", "2019-06-02", "3 days ago", "双眼底未见异常", "OD: drusen",
          "C/D 0.4", "医师：李娜", "Dr. Li", "me@site.org", "微信 wei_1985", "[name]", "<b>",
          "&lt;", "110101199003070038", "，", "\n", " ", "days", "0.3", "右眼")  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=9), st.sampled_from(("", " ", "，", "\n")))
@settings(max_examples=60, deadline=None)
def test_identity_that_was_removed_is_removed(pieces: list[str], between: str) -> None:
    own = {
        "name": ("张伟", "Zhang Wei"),
        "patient": ("A0012345",),
        "exam_date": ("2019-05-28",),
    }
    once = redact.redact(between.join(pieces), own)
    assert redact.redact(once, own) == once


@few
@given(
    patients=st.lists(st.integers(0, 5), min_size=8, max_size=8),
    originals=st.lists(st.integers(0, 5), min_size=8, max_size=8),
)
def test_no_patient_and_no_copies_in_two_splits(
    patients: list[int], originals: list[int], bench: Bench
) -> None:
    pictures = []
    for number, original in enumerate(originals):
        stream = io.BytesIO()
        with Image.open(io.BytesIO(bench.photographs[original])) as image:
            image.save(stream, "JPEG", quality=86 + number)
        pictures.append(stream.getvalue())
    made = _ingest(_write(bench.folder, patients, pictures), "out")
    assert made.images.height >= 6
    copy_of = {f"E{number}": original for number, original in enumerate(originals)}
    splits: dict[object, set[str]] = {}
    for row in made.images.iter_rows(named=True):
        splits.setdefault(row["patient_id"], set()).add(row["split"])
        splits.setdefault(copy_of[_exam(made, row["source"])], set()).add(row["split"])
    assert {len(found) for found in splits.values()} == {1}


def _exam(made: store.Corpus, locator: str) -> str:
    with (made.path.parent / "identity" / "locators.csv").open(encoding="utf-8") as stream:
        real = {row[0]: row[1] for row in csv.reader(stream)}
    return f"E{Path(real[locator]).stem}"


class _Shuffled:
    """A folder's entries as another disk would list them."""

    def __init__(self, entries: Any, seed: int) -> None:
        with entries:
            self.entries = list(entries)
        random.Random(seed).shuffle(self.entries)

    def __enter__(self) -> Iterator[Any]:
        return iter(self.entries)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.entries)

    def __exit__(self, *_: object) -> None: ...


@few
@given(seed=st.integers(0, 999))
def test_the_order_of_files_on_disk_changes_nothing(seed: int, bench: Bench) -> None:
    folder = _write(bench.folder, range(8), bench.photographs[:8])
    for number in range(8, 12):  # known by their names alone, copies among them
        path = folder / "photos" / f"P{number % 3}_201905{10 + number % 3}_{number}.jpg"
        path.write_bytes(bench.photographs[number - number % 2])
    first = _ingest(folder, "first")
    with zipfile.ZipFile(folder / "pack.zip") as pack:
        members = {name: pack.read(name) for name in pack.namelist()}
    names = sorted(members)
    random.Random(seed).shuffle(names)
    with zipfile.ZipFile(folder / "pack.zip", "w") as pack:
        for name in names:
            pack.writestr(name, members[name])
    original, listed = os.scandir, os.listdir
    with (
        mock.patch("os.scandir", lambda *a: _Shuffled(original(*a), seed)),
        mock.patch("os.listdir", lambda *a: random.Random(seed).sample(x := listed(*a), len(x))),
    ):
        second = _ingest(folder, "second")
    assert second.id == first.id
    assert second.manifest.files == first.manifest.files


BAD = {
    "empty": b"",
    "text": b"no photograph",
    "zeros": b"\0" * 999,
    "cut": None,
    "page": b"<html></html>",
}


@few
@given(
    bad=st.sampled_from(sorted(BAD)),
    name=st.sampled_from(("photos/x.jpg", "P1_20180101_x.jpg", "new/P7_20190511.png", "0.dcm")),
)
def test_one_bad_file_more_changes_only_the_ledger(bad: str, name: str, bench: Bench) -> None:
    folder = _write(bench.folder, [0, 0, 1, 1, 2, 2, 3, 3], bench.photographs[:8])
    before = _ingest(folder, "before")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(bench.photographs[9][:999] if BAD[bad] is None else BAD[bad])
    after = _ingest(folder, "after")
    for table in TABLES:
        assert getattr(after, table).equals(getattr(before, table)), table
    assert list(after.pixels()) == list(before.pixels())
    was, now = before.manifest.counts, after.manifest.counts
    assert now["reports"] == was["reports"]
    gained = {word: now["images"][word] - was["images"][word] for word in now["images"]}
    assert gained.pop("seen") == 1
    assert sorted(gained.values()) == [0, 0, 1]
    assert gained["kept"] == 0
    more = after.rejects.join(before.rejects, on=before.rejects.columns, how="anti")
    lost = before.rejects.join(after.rejects, on=before.rejects.columns, how="anti")
    assert lost.is_empty()
    assert more.filter(pl.col("item") == "image").height == 1
