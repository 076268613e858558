"""What stored pictures show: planted text, anything outside the field of view, which way is up."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ingest_page import Section, share
from ingest_truth import Corpus, End, Row, Truth
from PIL import Image

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
DARK, SPECKS, LEAST_INSIDE = 40, 0.01, 0.95
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
ORIENTATION = 0x0112


def stored(corpus: Corpus) -> dict[str, bytes]:
    """image_id -> encoded picture."""
    import pyarrow.parquet as pq

    found: dict[str, bytes] = {}
    for path in sorted((corpus.folder / "pixels").glob("*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(batch_size=64):
            for row in batch.to_pylist():
                found[row["image_id"]] = row["image"]["bytes"]
    return found


def decode(data: bytes) -> Pixels:
    """Pixels as they lie in the file, without turning them; (H, W, 3)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB"))


def source(archive: Path, name: str) -> tuple[Pixels, int]:
    """A file of the archive as it lies there, and its EXIF orientation (1: none)."""
    outer, _, member = name.partition("!")
    if member:
        with zipfile.ZipFile(archive / outer) as pack:
            data = pack.read(member)
    else:
        data = (archive / name).read_bytes()
    if data[128:132] == b"DICM":
        import pydicom

        pixels = pydicom.dcmread(io.BytesIO(data)).pixel_array
        while pixels.ndim > 3 or (pixels.ndim == 3 and pixels.shape[-1] not in (3, 4)):
            pixels = pixels[0]
        if pixels.dtype != np.uint8:
            pixels = (pixels / max(1, int(pixels.max())) * 255).astype(np.uint8)
        return np.atleast_3d(pixels)[..., :3], 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB")), int(image.getexif().get(ORIENTATION, 1))


def turned(pixels: Pixels, orientation: int) -> Pixels:
    """Upright pixels of a picture with that EXIF orientation."""
    turn = TURNS.get(orientation)
    return pixels if turn is None else np.asarray(Image.fromarray(pixels).transpose(turn))


def box_mask(
    box: str, shape: tuple[int, int], orientation: int, stored_shape: tuple[int, int]
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Where a planted box (x0 y0 x1 y1 in the file's own pixels) lies in the stored picture."""
    x0, y0, x1, y1 = (int(float(part)) for part in box.split())
    mask = np.zeros(shape, np.uint8)
    mask[max(0, y0) : y1 + 1, max(0, x0) : x1 + 1] = 255
    upright = Image.fromarray(turned(mask, orientation))
    size = (stored_shape[1], stored_shape[0])
    return np.asarray(upright.resize(size, Image.Resampling.NEAREST)) > 0


def blank(pixels: Pixels, mask: np.ndarray[Any, Any]) -> bool:
    """Whether nothing can be seen there: dark, or one color."""
    part = pixels[mask].astype(int)
    if not len(part):
        return False
    dark = (part.max(axis=1) > DARK).mean() <= SPECKS
    even = np.abs(part - np.median(part, axis=0)).max(axis=1)
    return bool(dark or (even > 12).mean() <= SPECKS)


def same_shape(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether a picture was only made smaller or larger."""
    return abs(one[0] / one[1] - other[0] / other[1]) <= 0.02 * one[0] / one[1]


def pixels(truth: Truth, corpus: Corpus, found: Mapping[str, End], archive: Path) -> Section:
    """The section on pixels."""
    section = Section("Pixels")
    pictures = stored(corpus)
    _boxes(section, truth, found, archive, pictures)
    _upright(section, truth, found, archive, pictures)
    _outside(section, corpus, pictures)
    return section


def _boxes(
    section: Section,
    truth: Truth,
    found: Mapping[str, End],
    archive: Path,
    pictures: Mapping[str, bytes],
) -> None:
    boxes: dict[str, list[Row]] = defaultdict(list)
    for row in truth.phi:
        # What was never read shows nothing, and says nothing.
        if row["where"] != "pixels" or not row["box"]:
            continue
        if row["file"] in found and found[row["file"]].outcome != "missing":
            boxes[row["file"]].append(row)
    gone, seen, unplaced = 0, [], []
    inside = {"rejected": 0, "review": 0, "masked": 0, "shown": 0}
    for name, rows in boxes.items():
        place = f"line {truth.number[name]}"
        touching = any(row["note"] == "touching" for row in rows)
        end = found[name]
        if not end.rows:
            gone += not touching
            inside[end.outcome] = inside.get(end.outcome, 0) + touching
            continue
        raw, orientation = source(archive, name)
        shown = False
        for image in end.rows:
            picture = decode(pictures[image["image_id"]])
            if not same_shape(turned(raw, orientation).shape, picture.shape):
                unplaced.append(place)
                shown = True
                continue
            masks = [
                box_mask(r["box"], raw.shape[:2], orientation, picture.shape[:2]) for r in rows
            ]
            shown |= not all(blank(picture, mask) for mask in masks)
        if touching:
            inside["shown" if shown else "masked"] += 1
        elif shown:
            seen.append(place)
        else:
            gone += 1
    section.all(
        "photographs with text outside the circle: none of it shown", gone, gone + len(seen)
    )
    total = sum(inside.values())
    section.all("photographs with text inside: found", total - inside["shown"], total, LEAST_INSIDE)
    how = ", ".join(f"{what} {count}" for what, count in inside.items() if count)
    section.plain("- how they ended", how or "none planted")
    section.examples("Text still shown", seen)
    section.examples("Not of the source's shape, so not measured and counted as shown", unplaced)


def _upright(
    section: Section,
    truth: Truth,
    found: Mapping[str, End],
    archive: Path,
    pictures: Mapping[str, bytes],
) -> None:
    right, wrong = 0, []
    for name, row in truth.images.items():
        if not re.search(r"orientation [2-8]", row["note"]) or not found[name].rows:
            continue
        raw, orientation = source(archive, name)
        picture = small(decode(pictures[found[name].rows[0]["image_id"]]))
        if alike(picture, small(turned(raw, orientation))) > alike(picture, small(raw)):
            right += 1
        else:
            wrong.append(f"line {truth.number[name]}")
    section.all("photographs with an EXIF orientation stored upright", right, right + len(wrong))
    section.examples("Not upright", wrong)


def small(pixels: Pixels) -> np.ndarray[Any, np.dtype[np.float64]]:
    """48 x 48 gray with mean 0 and length 1."""
    gray = Image.fromarray(pixels).convert("L").resize((48, 48), Image.Resampling.BOX)
    values = np.asarray(gray, float)
    values = values - values.mean()
    result: np.ndarray[Any, np.dtype[np.float64]] = values / max(1e-9, np.linalg.norm(values))
    return result


def alike(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    """Correlation of two small pictures."""
    return float((one * other).sum())


def _outside(section: Section, corpus: Corpus, pictures: Mapping[str, bytes]) -> None:
    """Share of stored photographs that are dark outside their field of view."""
    dark, whole, off = 0, 0, []
    for place, row in enumerate(corpus.images):
        if row["fov_radius_px"] is None:
            continue
        picture = decode(pictures[row["image_id"]]).max(axis=2)
        y, x = np.ogrid[: picture.shape[0], : picture.shape[1]]
        distance = np.hypot(x - row["fov_x_px"], y - row["fov_y_px"])
        beyond = picture[distance > 1.02 * row["fov_radius_px"] + 4]
        fine = not len(beyond) or (beyond > DARK).mean() <= 0.001
        whole, dark = whole + 1, dark + fine
        if not fine:
            off.append(f"row {place}")
    section.plain("stored photographs with a circle", share(whole, len(corpus.images)))
    section.all("of those: dark outside the circle", dark, whole)
    section.examples("Rows of images with light outside the circle", off)
