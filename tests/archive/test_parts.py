import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from funduscope.archive import parts
from funduscope.archive.frames import SIDE
from funduscope.archive.parts import Part
from funduscope.archive.photographs import Reading


def _reading(value: int) -> Reading:
    return Reading(
        stored=bytes([value]) * 10,
        suffix="jpg",
        width=20,
        height=10,
        field=(10.0, 5.0, 4.5) if value else None,
        gradable=True,
        gradability=0.5,
        reason=None,
        phash=2**64 - 1 - value,
        thumb=np.full((SIDE, SIDE), value, np.uint8),
        disc=0.0,
        source_sha256=None,
    )


def test_a_part_comes_back_as_it_was_written(tmp_path: Path) -> None:
    part = Part(3)
    readings = [_reading(0), _reading(1)]
    for number, reading in enumerate(readings):
        parts.keep(part, 7, number, f"id{number}", reading)
    part.faults.append((8, 0, "read", "truncated", "cut", "rejected"))
    assert parts.read(tmp_path, 3) is None
    parts.write(tmp_path, part, readings)
    assert parts.read(tmp_path, 3) == part
    assert (parts.thumbs(tmp_path, [part])[:, 0, 0] == [0, 1]).all()
    stored = pq.read_table(tmp_path / "pixels" / "part-00003.parquet")
    assert stored["image_id"].to_pylist() == ["id0", "id1"]
    assert stored["image"].to_pylist()[1] == {"bytes": b"\x01" * 10, "path": "id1.jpg"}
    features = json.loads(stored.schema.metadata[b"huggingface"])["info"]["features"]
    assert features["image"] == {"_type": "Image"}
    parts.clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["pixels"]


def test_a_part_without_photographs(tmp_path: Path) -> None:
    parts.write(tmp_path, Part(0), [])
    assert parts.read(tmp_path, 0) == Part(0)
    assert parts.thumbs(tmp_path, [Part(0)]).shape == (0, SIDE, SIDE)
