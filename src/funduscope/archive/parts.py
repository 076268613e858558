"""The pixel files of a corpus, written part by part so that a killed run goes on where it stopped.

`pixels/part-NNNNN.parquet` holds the photographs of a fixed run of examinations. Beside it, until
the corpus is whole, `.work/part-NNNNN.json` and `.npy` keep what was found out about them; the
JSON is written last, so a part is done exactly if its JSON is there.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from funduscope import store
from funduscope.archive.frames import SIDE
from funduscope.archive.photographs import Reading

_WORK = ".work"
_GROUP = 128
_FEATURES = {"image_id": {"dtype": "string", "_type": "Value"}, "image": {"_type": "Image"}}


@dataclass(frozen=True)
class Kept:
    """A photograph that is in a part: which one of the archive it is, and what was measured."""

    exam: int
    photo: int
    image_id: str
    row: int
    width: int
    height: int
    field: tuple[float, float, float] | None
    gradable: bool
    gradability: float
    reason: str | None
    phash: int
    source_sha256: str | None


@dataclass
class Part:
    """One part: photographs kept, those not kept as (exam, photo, step, code, detail, severity)."""

    number: int
    kept: list[Kept] = field(default_factory=list)
    faults: list[tuple[int, int, str, str, str, str]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """File name under pixels/."""
        return f"part-{self.number:05d}.parquet"


def keep(part: Part, exam: int, photo: int, image_id: str, reading: Reading) -> None:
    """Note a photograph as the next row of the part."""
    part.kept.append(
        Kept(
            exam=exam,
            photo=photo,
            image_id=image_id,
            row=len(part.kept),
            width=reading.width,
            height=reading.height,
            field=reading.field,
            gradable=reading.gradable,
            gradability=reading.gradability,
            reason=reading.reason,
            phash=reading.phash,
            source_sha256=reading.source_sha256,
        )
    )


def write(out: Path, part: Part, readings: Sequence[Reading]) -> None:
    """Write the part's pixel file, then its notes; `readings` are those kept, in order."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    work = out / _WORK
    work.mkdir(exist_ok=True)
    (out / "pixels").mkdir(exist_ok=True)
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    info = json.dumps({"info": {"features": _FEATURES}})
    schema = pa.schema([("image_id", pa.string()), ("image", image)]).with_metadata(
        {"huggingface": info}
    )
    target = out / "pixels" / part.name
    unfinished = target.with_name(target.name + ".part")
    # Encoded photographs do not shrink further; small row groups let a reader stream.
    with pq.ParquetWriter(unfinished, schema, compression="none") as writer:
        for start in range(0, len(readings), _GROUP):
            rows = [
                {
                    "image_id": kept.image_id,
                    "image": {"bytes": one.stored, "path": f"{kept.image_id}.{one.suffix}"},
                }
                for kept, one in zip(
                    part.kept[start : start + _GROUP],
                    readings[start : start + _GROUP],
                    strict=True,
                )
            ]
            writer.write_table(pa.Table.from_pylist(rows, schema))
    unfinished.replace(target)
    thumbs = np.stack([r.thumb for r in readings]) if readings else _no_thumbs()
    store.write_bytes(work / f"{target.stem}.npy", thumbs.tobytes())
    body = {"kept": [asdict(k) for k in part.kept], "faults": part.faults}
    store.write_json(work / f"{target.stem}.json", body)


def read(out: Path, number: int) -> Part | None:
    """The notes of a finished part; None if it is not finished."""
    part = Part(number)
    path = out / _WORK / f"{Path(part.name).stem}.json"
    if not path.is_file():
        return None
    body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for one in body["kept"]:
        one["field"] = tuple(one["field"]) if one["field"] else None
        part.kept.append(Kept(**one))
    part.faults = [tuple(fault) for fault in body["faults"]]
    return part


def thumbs(out: Path, parts: Sequence[Part]) -> npt.NDArray[np.uint8]:
    """The thumbnails of all photographs kept, in order, uint8 (N, SIDE, SIDE); mapped."""
    together = out / _WORK / "thumbs"
    with together.open("wb") as stream:
        for part in parts:
            stream.write((out / _WORK / f"{Path(part.name).stem}.npy").read_bytes())
    if not together.stat().st_size:
        return _no_thumbs()
    return np.memmap(together, np.uint8, "r").reshape(-1, SIDE, SIDE)


def clear(out: Path) -> None:
    """Take the notes away; the corpus is whole without them."""
    shutil.rmtree(out / _WORK, ignore_errors=True)


def _no_thumbs() -> npt.NDArray[np.uint8]:
    return np.zeros((0, SIDE, SIDE), np.uint8)
