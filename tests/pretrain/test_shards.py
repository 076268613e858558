from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from funduscope import store
from funduscope.errors import DataError
from funduscope.inputs import crop_field, decode, find_field
from funduscope.pretrain.shards import Order, Reader, list_shards


def order(places: list[tuple[str, int, int, str]], field: object = (np.nan,) * 4) -> Order:
    return Order(0, tuple(places), np.array([field] * len(places), np.float32))


def part(archive: Path) -> str:
    return str(archive / "pixels" / "part-00000.parquet")


def damage(path: Path, row: int, name: str | None = None, data: bytes | None = None) -> None:
    """Write the shard again with one row changed."""
    table = pq.read_table(part(path))
    rows = table.to_pylist()
    rows[row]["image_id"] = name or rows[row]["image_id"]
    rows[row]["image"]["bytes"] = rows[row]["image"]["bytes"] if data is None else data
    pq.write_table(pa.Table.from_pylist(rows, table.schema), part(path), row_group_size=7)


def test_every_photograph_is_found_in_its_block(archive: Path) -> None:
    corpus = store.Corpus.open(archive)
    photos = corpus.images.with_columns(corpus=0).sort("image_id", descending=True)
    shards, block, row = list_shards([archive], photos)
    assert shards.group_K.tolist() == [0, 1, 2]
    assert (shards.bytes_K > 0).all()
    stored = dict(corpus.pixels())
    reader = Reader(32)
    for name, b, r in zip(photos["image_id"], block, row, strict=True):
        file = shards.files[shards.file_K[b]]
        assert reader.encoded(file, int(shards.group_K[b]), int(r), name) == stored[name]


def test_a_crop_is_cut_where_the_table_says_that_the_field_lies(archive: Path) -> None:
    data = dict(store.Corpus.open(archive).pixels())["i0OD"]
    rgb = decode(data, name="i0OD")
    field = find_field(rgb)
    assert field is not None
    recorded = (field.x, field.y, field.radius, rgb.shape[1])
    [crop] = Reader(40).read(order([(part(archive), 0, 0, "i0OD")], recorded))
    shrunk = decode(data, name="i0OD", min_side=40)
    same = crop_field(shrunk, field.scaled(shrunk.shape[1] / rgb.shape[1]), 40)
    assert np.abs(crop.astype(int) - same).max() <= 1  # the table holds float32
    [whole] = Reader(40).read(order([(part(archive), 0, 0, "i0OD")]))
    np.testing.assert_array_equal(whole, crop_field(shrunk, None, 40))


def test_only_the_blocks_of_one_window_are_kept(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    real = pq.ParquetFile
    monkeypatch.setattr(pq, "ParquetFile", lambda file: opened.append(file) or real(file))
    reader = Reader(32)
    one = [(part(archive), 0, 0, "i0OD"), (part(archive), 0, 1, "i0OS")]
    field = np.full((2, 4), np.nan, np.float32)
    reader.read(Order(0, tuple(one), field))
    reader.read(Order(0, tuple(one), field))
    assert len(opened) == 1
    reader.read(Order(1, tuple(one), field))
    assert len(opened) == 2


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"data": b"\xff\xd8\xff broken"}, "i1OD"),
        ({"data": b""}, "i1OD: no bytes"),
        ({"name": "other"}, "other where i1OD should be"),
    ],
)
def test_a_corrupt_row_is_named_with_its_place(
    make_archive: Callable[..., Path], change: dict, found: str
) -> None:
    path = make_archive("c")
    damage(path, 2, **change)
    reader = Reader(32)
    assert reader.read(order([(part(path), 0, 1, "i0OS")])).any()
    with pytest.raises(DataError, match=found) as raised:
        reader.read(order([(part(path), 0, 2, "i1OD")]))
    assert raised.value.place.endswith("part-00000.parquet, row group 0, row 2")
    assert f"check {path}" in raised.value.remedy
    assert raised.value.code == "corrupt_row"


def test_a_damaged_or_short_file_is_named(make_archive: Callable[..., Path]) -> None:
    path = make_archive("c")
    photos = store.Corpus.open(path).images.with_columns(corpus=0)
    table = pq.read_table(part(path)).slice(0, 5)
    pq.write_table(table, part(path))
    with pytest.raises(DataError, match="5 rows"):
        list_shards([path], photos)
    Path(part(path)).write_bytes(b"nothing")
    with pytest.raises(DataError, match="part-00000"):
        list_shards([path], photos)
    with pytest.raises(DataError, match="part-00000"):
        Reader(32).encoded(part(path), 0, 0, "i0OD")
