import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from funduscope import archive, inputs
from funduscope.archive import contamination, frames
from funduscope.archive.frames import SIDE
from funduscope.errors import DataError


def _thumb(data: bytes) -> np.ndarray:
    rgb = inputs.decode(data, name="x")
    return frames.thumb(rgb, inputs.find_field(rgb))


def test_photographs_of_a_benchmark_are_found_in_the_archive(
    photographs: list[bytes],
    sheet: Callable[..., Path],
    tmp_path: Path,
    settings: archive.IngestSettings,
) -> None:
    rows = [
        {"image": f"images/{n}.jpg", "patient": str(n), "eye": "R", "text": "normal fundus"}
        for n in range(4)
    ]
    source = sheet(rows, {f"images/{n}.jpg": photographs[n] for n in range(4)})
    benchmark = archive.ingest(source, tmp_path / "benchmark", settings)
    stream = io.BytesIO()
    ImageOps.mirror(Image.open(io.BytesIO(photographs[2]))).save(stream, "JPEG", quality=80)
    ours = [photographs[8], photographs[1], stream.getvalue(), photographs[9]]
    found, counts = contamination.check(
        ["a", "b", "c", "d"], np.stack([_thumb(data) for data in ours]), [benchmark.path]
    )
    assert [(row.image_id, row.mirrored) for row in found] == [("b", False), ("c", True)]
    assert {row.corpus_id for row in found} == {benchmark.id}
    assert len({row.benchmark_image_id for row in found}) == 2
    assert all(row.correlation > 0.7 for row in found)
    assert counts == {benchmark.id: {"seen": 4, "shared": 2, "ours": 2}}


def test_an_ingest_lists_what_it_shares_with_a_benchmark(
    photographs: list[bytes],
    sheet: Callable[..., Path],
    two_eyes: Callable[..., tuple[list[dict[str, str]], dict[str, bytes]]],
    tmp_path: Path,
    settings: archive.IngestSettings,
) -> None:
    rows, files = two_eyes(photographs[:4])
    folder = sheet(rows, files)
    benchmark = archive.ingest(folder, tmp_path / "benchmark", settings)
    stream = io.BytesIO()
    ImageOps.mirror(Image.open(io.BytesIO(photographs[2]))).save(stream, "JPEG", quality=80)
    changed = [photographs[8], photographs[9], stream.getvalue()]
    for name, data in zip(files, changed, strict=False):
        (folder / name).write_bytes(data)
    made = archive.ingest(folder, tmp_path / "made", settings, benchmarks=[benchmark.path])
    assert made.manifest.counts["benchmarks"] == {benchmark.id: {"seen": 4, "shared": 2, "ours": 2}}
    listed = made.rejects.filter(made.rejects["code"] == "in_benchmark")
    assert set(listed["severity"]) == {"review"}
    assert sorted("mirrored" in said for said in listed["detail"]) == [False, True]
    page = (made.path / "report.html").read_text(encoding="utf-8")
    assert benchmark.id in page
    assert {"kind": "benchmark", "id": benchmark.id} in made.manifest.inputs


def test_an_unfinished_benchmark_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        contamination.check([], np.zeros((0, SIDE, SIDE), np.uint8), [tmp_path])
