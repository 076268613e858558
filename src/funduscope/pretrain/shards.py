"""Encoded photographs of the pixel files at random, and the crops that training reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from funduscope.errors import DataError
from funduscope.inputs import Field, Photo, crop_field, decode

if TYPE_CHECKING:
    import polars as pl

Ints = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Shards:
    """The pixel files and their blocks (row groups), the units in which bytes are read.

    Attributes:
        files: paths of the files in use.
        file_K, group_K: for each block in use its file and its row group there.
        bytes_K: int64, encoded bytes of the block.
    """

    files: tuple[str, ...]
    file_K: Ints
    group_K: Ints
    bytes_K: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Order:
    """Photographs to be read, self-contained, so that a worker needs no table.

    Attributes:
        window: number of the window; blocks of another window are forgotten.
        places: (file, row group, row, image_id) of each.
        field_N4: center x, y, radius of the field of view, stored width, px; NaN: no field.
    """

    window: int
    places: tuple[tuple[str, int, int, str], ...]
    field_N4: npt.NDArray[np.float32]


class Reader:
    """Reads crops of a fixed size; keeps the blocks of one window in memory, no more.

    The field of view is the one that `ingest` recorded. It was found on another size of the
    picture than `inputs.find_field` would get here: in most photographs the circles differ by a
    hundredth of the radius, less than a training photograph is shifted, and half the time of
    reading one is saved.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._window = -1
        self._blocks: dict[tuple[str, int], Any] = {}

    def read(self, order: Order) -> npt.NDArray[np.uint8]:
        """The crops, uint8 (N, size, size, 3), in the order given.

        Raises:
            DataError: a photograph that is not in its place, or cannot be decoded.
        """
        if order.window != self._window:
            self._blocks.clear()
            self._window = order.window
        made = np.empty((len(order.places), self.size, self.size, 3), np.uint8)
        for place, field, out in zip(order.places, order.field_N4, made, strict=True):
            out[:] = self._crop(*place, field)
        return made

    def encoded(self, file: str, group: int, row: int, image_id: str) -> bytes:
        """The stored bytes of one photograph."""
        names, images = self._block(file, group)
        if row >= len(names) or names[row].as_py() != image_id:
            found = names[row].as_py() if row < len(names) else "nothing"
            raise _corrupt(f"{found} where {image_id} should be", file, group, row)
        data = images[row]["bytes"].as_py()
        if not data:
            raise _corrupt(f"{image_id}: no bytes", file, group, row)
        return bytes(data)

    def _block(self, file: str, group: int) -> Any:
        if (file, group) not in self._blocks:
            import pyarrow as pa
            import pyarrow.parquet as pq

            try:
                with pq.ParquetFile(file) as shard:
                    table = shard.read_row_group(
                        group, columns=["image_id", "image"], use_threads=False
                    )
            except (OSError, pa.ArrowException) as error:
                raise _corrupt(str(error), file, group, None) from error
            self._blocks[file, group] = table["image_id"], table["image"]
        return self._blocks[file, group]

    def _crop(self, file: str, group: int, row: int, image_id: str, field_4: Any) -> Photo:
        data = self.encoded(file, group, row, image_id)
        try:
            rgb = decode(data, name=image_id, min_side=self.size)
        except DataError as error:
            raise _corrupt(f"{image_id}: {error.value}", file, group, row) from error
        x, y, radius, width = (float(v) for v in field_4)
        if np.isnan(radius):
            return crop_field(rgb, None, self.size)
        field = Field(x, y, radius, clipped=False).scaled(rgb.shape[1] / width)
        return crop_field(rgb, field, self.size)


def list_shards(corpora: Sequence[Path], photos: pl.DataFrame) -> tuple[Shards, Ints, Ints]:
    """The pixel files of photographs (corpus, shard, row), the block of each and its row there.

    Raises:
        DataError: a file is not there or has fewer rows than the table says.
    """
    block_N, row_N = np.zeros(photos.height, np.int32), np.zeros(photos.height, np.int32)
    names: list[str] = []
    blocks: list[tuple[int, int, int]] = []
    table = photos.select("corpus", "shard", "row").with_row_index("at")
    for (corpus, shard), some in table.sort("corpus", "shard", "row").group_by(
        "corpus", "shard", maintain_order=True
    ):
        file = corpora[int(str(corpus))] / "pixels" / str(shard)
        starts, sizes = _groups(file, int(some["row"].max()))  # type: ignore[arg-type]
        row = some["row"].to_numpy()
        group = np.searchsorted(starts, row, side="right") - 1
        used, number = np.unique(group, return_inverse=True)
        block_N[some["at"].to_numpy()] = len(blocks) + number
        row_N[some["at"].to_numpy()] = row - starts[group]
        blocks += [(len(names), int(g), sizes[g]) for g in used]
        names.append(str(file))
    columns = np.array(blocks, np.int64).reshape(-1, 3).T
    files, groups, encoded = columns
    shards = Shards(tuple(names), files.astype(np.int32), groups.astype(np.int32), encoded)
    return shards, block_N, row_N


def _groups(file: Path, last: int) -> tuple[npt.NDArray[np.int64], list[int]]:
    """First row and bytes of each row group of a file that holds row `last`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        data = pq.read_metadata(file)
    except (OSError, pa.ArrowException) as error:
        raise _corrupt(str(error), str(file), None, None) from error
    if last >= data.num_rows:
        raise _corrupt(f"{data.num_rows} rows", str(file), None, last)
    groups = [data.row_group(g) for g in range(data.num_row_groups)]
    starts = np.cumsum([0, *(g.num_rows for g in groups[:-1])])
    return starts, [g.total_byte_size for g in groups]


def _corrupt(value: str, file: str, group: int | None, row: int | None) -> DataError:
    place = file
    if group is not None:
        place += f", row group {group}"
    if row is not None:
        place += f", row {row}"
    corpus = Path(file).parent.parent
    return DataError(
        value,
        place=place,
        rule="every photograph of the table images has its bytes in its place, undamaged",
        remedy=f"see what else is damaged with `funduscope check {corpus}`, copy the corpus again "
        "or make it again, then go on with --resume",
        code="corrupt_row",
    )
