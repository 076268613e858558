import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from funduscope import archive, inputs
from funduscope.archive import contamination
from funduscope.archive.fingerprints import SIDE
from funduscope.errors import DataError


def _thumb(data: bytes) -> np.ndarray:
    rgb = inputs.decode(data, name="x")
    return inputs.crop_field(rgb, inputs.find_field(rgb), SIDE)[..., 1]


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
    found, summaries = contamination.check(
        ["a", "b", "c", "d"], np.stack([_thumb(data) for data in ours]), [benchmark.path]
    )
    assert [(row.image_id, row.mirrored) for row in found] == [("b", False), ("c", True)]
    assert {row.corpus_id for row in found} == {benchmark.id}
    assert len({row.benchmark_image_id for row in found}) == 2
    assert all(row.correlation > 0.7 for row in found)
    assert summaries == [contamination.Summary(benchmark.id, 4, 2, 2)]


def test_an_unfinished_benchmark_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        contamination.check([], np.zeros((0, SIDE, SIDE), np.uint8), [tmp_path])
