"""Photographs in: bytes -> upright RGB -> field of view -> quality -> the numbers a model reads.

Training and the clinic share these very lines. Needs numpy, Pillow and simplejpeg only.
"""

from __future__ import annotations

from funduscope.inputs.crop import crop_field
from funduscope.inputs.disc import CERTAIN, LEAD, disc_lead, disc_side
from funduscope.inputs.features import Look, look
from funduscope.inputs.field import Field, find_field
from funduscope.inputs.hashing import phash
from funduscope.inputs.kind import Kind, kind_of
from funduscope.inputs.ocr import letters_read, tesseract
from funduscope.inputs.photo import Photo, decode
from funduscope.inputs.prepare import ImageSpec, Pixels, Prepared, normalize, prepare, standardize
from funduscope.inputs.quality import GRADABLE_FROM, Quality, assess, featureless
from funduscope.inputs.rim import blank_outside
from funduscope.inputs.text_boxes import Box, find_text

__all__ = [
    "CERTAIN",
    "GRADABLE_FROM",
    "LEAD",
    "Box",
    "Field",
    "ImageSpec",
    "Kind",
    "Look",
    "Photo",
    "Pixels",
    "Prepared",
    "Quality",
    "assess",
    "blank_outside",
    "crop_field",
    "decode",
    "disc_lead",
    "disc_side",
    "featureless",
    "find_field",
    "find_text",
    "kind_of",
    "letters_read",
    "look",
    "normalize",
    "phash",
    "prepare",
    "standardize",
    "tesseract",
]
