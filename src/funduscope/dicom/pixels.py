"""The pixels of an object that is passed on: bytes beside the picture removed, or drawn anew."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
)

from funduscope.dicom.codestream import strip_j2k, strip_jpeg
from funduscope.dicom.frames import Frame, Frames

_GRAY_ONLY = (
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "SmallestImagePixelValue",
    "LargestImagePixelValue",
    "WindowCenter",
    "WindowWidth",
    "WindowCenterWidthExplanation",
    "VOILUTFunction",
    "VOILUTSequence",
    "RescaleIntercept",
    "RescaleSlope",
    "RescaleType",
    "ModalityLUTSequence",
    "PresentationLUTShape",
    "PresentationLUTSequence",
    "RedPaletteColorLookupTableDescriptor",
    "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor",
    "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData",
    "SegmentedRedPaletteColorLookupTableData",
    "SegmentedGreenPaletteColorLookupTableData",
    "SegmentedBluePaletteColorLookupTableData",
)
_OP_16_BIT = "1.2.840.10008.5.1.4.1.1.77.1.5.2"
_OP_8_BIT = UID("1.2.840.10008.5.1.4.1.1.77.1.5.1")
_NAME = "the DICOM object"


def clean_pixels(dataset: Dataset, made: Dataset) -> None:
    """Put the pixels of `dataset` into `made` without EXIF, comments or bytes past their end.

    Raises:
        DataError, ValueError: the pixels are damaged or cannot be read.
    """
    if "PixelData" not in dataset:
        return
    frames = Frames(dataset, _NAME)
    syntax = frames.syntax
    if not syntax.is_encapsulated:
        made["PixelData"].value = frames.exact()
        return
    strip: Callable[[bytes], bytes] = bytes
    if syntax in JPEGTransferSyntaxes or syntax in JPEGLSTransferSyntaxes:
        strip = strip_jpeg
    elif syntax in JPEG2000TransferSyntaxes:
        strip = strip_j2k
    clean = [strip(frames.encoded(index)) for index in range(frames.count)]
    if sum(map(len, clean)) + 8 * len(clean) >= 2**32:
        made.PixelData, made.ExtendedOffsetTable, made.ExtendedOffsetTableLengths = (
            encapsulate_extended(clean)
        )
    else:
        made.PixelData = encapsulate(clean)
    made["PixelData"].VR = "OB"
    made["PixelData"].is_undefined_length = True


def redraw(dataset: Dataset, made: Dataset, blank: Callable[[Frame], Frame]) -> None:
    """Decode every frame, blank it, and store the frames in `made` as uncompressed RGB.

    Raises:
        DataError: the pixels are damaged or cannot be read.
        ValueError: `blank` changed the size or type.
    """
    frames = Frames(dataset, _NAME)
    drawn = []
    for index in range(frames.count):
        before = frames.frame(index)
        after = blank(before)
        if after.shape != before.shape or after.dtype != np.uint8:
            raise ValueError("a blanked frame of another size or type")
        drawn.append(np.ascontiguousarray(after).tobytes())
    for keyword in _GRAY_ONLY:
        if keyword in made:
            delattr(made, keyword)
    made.SamplesPerPixel = 3
    made.PhotometricInterpretation = "RGB"
    made.PlanarConfiguration = 0
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit = 7
    made.PixelRepresentation = 0
    made.Rows, made.Columns = before.shape[:2]
    data = b"".join(drawn)
    made.PixelData = data + b"\0" * (len(data) % 2)
    made["PixelData"].VR = "OB"
    made["PixelData"].is_undefined_length = False
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if made.get("SOPClassUID") == _OP_16_BIT:
        made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = _OP_8_BIT
