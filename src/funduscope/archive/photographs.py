"""One photograph of the archive -> what the corpus stores of it. Runs in worker processes."""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image

from funduscope import dicom, inputs
from funduscope.archive import frames, places
from funduscope.archive.metadata import identifying, strip
from funduscope.errors import DataError
from funduscope.inputs.field import thumbnail

_ORIENTATION = 0x0112
# Judgements are made on a picture of at most this side: the field, quality, kind, copies.
_JUDGED = 640
_ABOUT_SIZE = ("bad_shape", "too_large")
# What the ledger calls what `inputs` says of a file.
_CODES = {"empty_file": "zero_byte", "bad_shape": "extreme_shape"}


@dataclass(frozen=True)
class Job:
    """A photograph to read and how."""

    archive: Path
    path: str
    max_side: int
    jpeg_quality: int
    keep_refused: bool
    look_for_disc: bool
    public: bool
    frame: int = 0
    gradable_from: float = inputs.GRADABLE_FROM
    ocr: bool = False


@dataclass(frozen=True)
class Fault:
    """Why a photograph was not kept; `review` where a person may still decide to keep it."""

    step: str
    code: str
    detail: str
    severity: Literal["rejected", "review"] = "rejected"


@dataclass(frozen=True)
class Reading:
    """A photograph that can be kept.

    Attributes:
        stored: the bytes for the corpus; size and field are in pixels of this picture.
        field: center and radius of the field of view, or None.
        thumb: uint8 (SIDE, SIDE), what copies are sought by (`frames.thumb`).
        disc: `inputs.disc_lead`, on which side the optic disc lies; 0 if it was not looked for.
        source_sha256: of the source file, for public sets.
        identifying: strings of its metadata that could point at a person (not of public sets);
            they serve the search for remains only and are never stored.
    """

    stored: bytes
    suffix: str
    width: int
    height: int
    field: tuple[float, float, float] | None
    gradable: bool
    gradability: float
    reason: str | None
    phash: int
    thumb: npt.NDArray[np.uint8]
    disc: float
    source_sha256: str | None
    identifying: tuple[str, ...] = ()


def read(job: Job) -> Reading | Fault:
    """Read, judge and re-encode where needed; whatever is wrong with it becomes a `Fault`."""
    try:
        return _read(job)
    except DataError as error:
        # What was found may quote the file, and a file may hold anything: only sizes are passed on.
        sizes = f"{error.value}: " if error.code in _ABOUT_SIZE else ""
        code = _CODES.get(error.code, error.code)
        return Fault("read", code, f"{sizes}not so: {error.rule}")
    except OSError as error:
        return Fault("read", "unreadable", type(error).__name__)
    except Exception as error:  # one bad item never stops an archive
        return Fault("read", "unexpected", type(error).__name__)


def _read(job: Job) -> Reading | Fault:
    data = places.read_bytes(job.archive, job.path)
    if (steps := dicom.refusal(job.path, data[:4096])) is not None:
        return Fault("read", "proprietary", steps)
    rgb, stored, lossy = _decoded(job, data)
    # Judged before it is encoded: the stored bytes are not decoded once more only for that.
    small, factor = thumbnail(rgb, _JUDGED)
    part = inputs.find_field(small)
    field = part.scaled(factor) if part else None
    if not job.public:
        rgb, changed = inputs.blank_outside(rgb, field, always=stored is None)
        stored = None if changed else stored
    seen = inputs.look(small, part)
    quality = inputs.assess(seen, gradable_from=job.gradable_from)
    if not (quality.is_fundus or job.keep_refused):
        quality = inputs.featureless(seen, part) or quality
    fault = _refused(small, part, quality, job) or _written(rgb, field, job)
    if fault is not None and fault.code == "not_fundus" and _under_letters(small, part):
        fault = _written(rgb, field, job) or fault
    if fault is not None:
        return fault
    if stored is None:
        stored = _encode(rgb, job.jpeg_quality if lossy else None)
    return Reading(
        stored=stored,
        suffix="png" if stored.startswith(b"\x89PNG") else "jpg",
        width=rgb.shape[1],
        height=rgb.shape[0],
        field=(field.x, field.y, field.radius) if field else None,
        gradable=quality.gradable,
        gradability=quality.gradability,
        reason=quality.reason,
        phash=inputs.phash(seen),
        thumb=frames.thumb(small, part),
        disc=inputs.disc_lead(seen) if job.look_for_disc else 0.0,
        source_sha256=hashlib.sha256(data).hexdigest() if job.public else None,
        identifying=() if job.public else identifying(data),
    )


def _decoded(job: Job, data: bytes) -> tuple[inputs.Photo, bytes | None, bool]:
    """The photograph at its stored size; its bytes if they can stay; whether JPEG will do."""
    if dicom.is_dicom(data) or job.path.lower().endswith((".dcm", ".dicom")):
        rgb = dicom.read(data, name="the DICOM file").frame(job.frame)
        return (_resize(rgb, job.max_side) if max(rgb.shape) > job.max_side else rgb), None, True
    size, upright = _header(data)
    long = max(size)
    shrink = job.max_side / long if long > job.max_side else None
    least = int(min(size) * shrink) if shrink else None
    rgb = inputs.decode(data, name="the photograph", min_side=least)
    if shrink:
        return _resize(rgb, job.max_side), None, True
    return rgb, strip(data) if upright else None, data.startswith(b"\xff\xd8")


def _refused(
    small: inputs.Photo, field: inputs.Field | None, quality: inputs.Quality, job: Job
) -> Fault | None:
    """Why these pixels are not kept, if they are not."""
    if not job.keep_refused:
        kind = inputs.kind_of(small, field)
        if kind == "black":
            return Fault("read", "black_image", "nothing can be seen in the picture")
        if kind == "two_fields":
            detail = "two fields of view in one picture: cut them apart, one file for each eye"
            return Fault("fundus", "stitched_two_eyes", detail, "review")
        if kind == "gray" and (quality.is_fundus or field is not None):
            return Fault("fundus", "not_colour", "red-free or without color: no color photograph")
        if not quality.is_fundus:
            detail = "the picture does not look like a fundus photograph"
            return Fault("fundus", "not_fundus", detail)
    return None


def _under_letters(small: inputs.Photo, field: inputs.Field | None) -> bool:
    """Whether letters alone make a whole round field of view look like no fundus photograph."""
    if field is None or field.clipped:  # lashes and wires of other pictures look like letters
        return False
    boxes = inputs.find_text(small, field)
    cleared = small.copy()
    for box in boxes:
        part = cleared[box.y0 : box.y1, box.x0 : box.x1]
        part[:] = np.median(part.reshape(-1, 3), axis=0)
    return bool(boxes) and inputs.assess(inputs.look(cleared, field)).is_fundus


def _written(rgb: inputs.Photo, field: inputs.Field | None, job: Job) -> Fault | None:
    """Text in the field of view; that of public sets was looked at by those who published them."""
    boxes = [] if job.public else inputs.find_text(rgb, field)
    if not boxes:
        return None
    detail = f"what looks like text in the field of view, {len(boxes)} places"
    if job.ocr:  # a second opinion for the person who looks; it never overrules the first
        detail += f"; tesseract read {sum(inputs.letters_read(rgb, boxes))} letters and digits"
    return Fault("identity", "burned_in_text", detail, "review")


def _header(data: bytes) -> tuple[tuple[int, int], bool]:
    """Width and height, and whether the picture is stored upright; `decode` judges the rest."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(data)) as image:
                return image.size, image.getexif().get(_ORIENTATION, 1) == 1
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            return (1, 1), True


def _resize(rgb: inputs.Photo, max_side: int) -> inputs.Photo:
    factor = max_side / max(rgb.shape[:2])
    size = (max(1, round(rgb.shape[1] * factor)), max(1, round(rgb.shape[0] * factor)))
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BOX, reducing_gap=2.0))


def _encode(rgb: inputs.Photo, quality: int | None) -> bytes:
    """JPEG of that quality; PNG (None) for what was stored without loss and keeps its size."""
    if quality is not None:
        encoded: bytes = simplejpeg.encode_jpeg(
            np.ascontiguousarray(rgb), quality=quality, colorsubsampling="444"
        )
        return encoded
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "PNG")
    return stream.getvalue()
