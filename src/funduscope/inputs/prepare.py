"""The one road from the bytes of a photograph to the numbers an image tower reads.

Training, embedding and the clinic all call `prepare`, so they cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field as Setting
from pydantic import PositiveFloat

from funduscope.config import Settings
from funduscope.inputs.crop import crop_field
from funduscope.inputs.features import look
from funduscope.inputs.field import Field, find_field
from funduscope.inputs.light import local_contrast
from funduscope.inputs.photo import Photo, decode
from funduscope.inputs.quality import Quality, assess

Pixels = npt.NDArray[np.float32]

# Decode a little larger than the model reads, so that a field that does not fill the picture is
# still shrunk, not enlarged.
_OVERSIZE = 1.25


class ImageSpec(Settings):
    """How a photograph becomes the input of an image tower; travels with the weights."""

    size: int = Setting(default=224, ge=32, le=2048, description="side of the input, px")
    mean: tuple[float, float, float] = Setting(
        default=(127 / 255, 127 / 255, 127 / 255),
        description="subtracted from each channel (red, green, blue) on the scale 0..1",
    )
    std: tuple[PositiveFloat, PositiveFloat, PositiveFloat] = Setting(
        default=(128 / 255, 128 / 255, 128 / 255),
        description="each channel is divided by this, on the scale 0..1",
    )
    crop: Literal["field"] = Setting(
        default="field",
        description="field: the square around the circle of the field of view, black outside it",
    )
    light: Literal["camera", "local"] = Setting(
        default="camera",
        description="camera: brightness as stored, less mean, by std; local: contrast to the "
        "surroundings, without the camera's light (mean and std are not used)",
    )


@dataclass(frozen=True)
class Prepared:
    """One photograph, ready for a model.

    Attributes:
        image: float32 (3, S, S), normalized.
        crop: uint8 (S, S, 3), the same before normalization, to be shown to people.
        quality: whether it is a fundus photograph and gradable.
        field: the circle in pixels of the photograph as it was decoded; None if no rim was seen.
    """

    image: Pixels
    crop: Photo
    quality: Quality
    field: Field | None


def standardize(planes: Pixels, spec: ImageSpec) -> Pixels:
    """Crops on the scale 0..1 -> what the tower reads; float32 (..., 3, S, S) both."""
    if spec.light == "local":
        return local_contrast(planes)
    mean, std = (np.array(v, np.float32)[:, None, None] for v in (spec.mean, spec.std))
    result: Pixels = (planes - mean) / std
    return result


def normalize(crop: Photo, spec: ImageSpec) -> Pixels:
    """uint8 (S, S, 3) -> float32 (3, S, S), as `standardize` does."""
    planes = np.ascontiguousarray(crop.transpose(2, 0, 1))
    return standardize(planes * np.float32(1 / 255), spec)


def prepare(data: bytes, spec: ImageSpec, *, name: str) -> Prepared:
    """Decode, find the field, judge, crop and normalize one photograph.

    Args:
        data: the whole image file.
        spec: size and normalization, from the model that will read it.
        name: what to call the file in an error.

    Raises:
        DataError: see `decode`. A poor photograph is no error: look at `quality`.
    """
    rgb = decode(data, name=name, min_side=round(_OVERSIZE * spec.size))
    field = find_field(rgb)
    crop = crop_field(rgb, field, spec.size)
    return Prepared(normalize(crop, spec), crop, assess(look(rgb, field)), field)
