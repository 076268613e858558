"""Objects made with pydicom; nothing here comes from a patient."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import simplejpeg

pydicom = pytest.importorskip("pydicom")

from pydicom.dataset import Dataset, FileMetaDataset  # noqa: E402
from pydicom.encaps import encapsulate  # noqa: E402
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit  # noqa: E402

from funduscope.dicom.quiet import quiet  # noqa: E402

OP_8 = "1.2.840.10008.5.1.4.1.1.77.1.5.1"
OP_16 = "1.2.840.10008.5.1.4.1.1.77.1.5.2"


def code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def identify(ds: Dataset) -> None:
    """The modules of patient, study, series and equipment; a person who never was."""
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID = OP_8
    ds.SOPInstanceUID = "2.25.1001"
    ds.StudyInstanceUID = "2.25.1002"
    ds.SeriesInstanceUID = "2.25.1003"
    ds.PatientName = "Ouyang^Mingzhu=欧阳^明珠"
    ds.PatientID = "MRN0042718"
    ds.PatientBirthDate = "19620417"
    ds.PatientSex = "F"
    ds.PatientAge = "057Y"
    ds.StudyDate, ds.StudyTime = "20190903", "101500"
    ds.ContentDate, ds.ContentTime = "20190903", "101733"
    ds.AcquisitionDateTime = "20190903101730"
    ds.ReferringPhysicianName = ""
    ds.StudyID = "S77125"
    ds.AccessionNumber = "ACC9917265"
    ds.Modality = "OP"
    ds.SeriesNumber = ds.InstanceNumber = 1
    ds.PatientOrientation = ["L", "F"]
    ds.ImageLaterality = "R"
    ds.Manufacturer = "Canon"
    ds.ManufacturerModelName = "CR-2 AF"
    ds.DeviceSerialNumber = "SN8827164"
    ds.SoftwareVersions = "1.0"
    ds.InstitutionName = "清沅县中医院"


def photograph(ds: Dataset) -> None:
    """The modules of the ophthalmic photograph (PS3.3 A.41)."""
    ds.ImageType = ["ORIGINAL", "PRIMARY", "", "COLOR"]
    ds.BurnedInAnnotation = "NO"
    ds.LossyImageCompression = "00"
    ds.SynchronizationFrameOfReferenceUID = "2.25.1004"
    ds.SynchronizationTrigger = "NO TRIGGER"
    ds.AcquisitionTimeSynchronized = "N"
    ds.AcquisitionContextSequence = []
    device = code("409898007", "SCT", "Fundus Camera")
    ds.AcquisitionDeviceTypeCodeSequence = [device]
    ds.IlluminationTypeCodeSequence = []
    ds.LightPathFilterTypeStackCodeSequence = []
    ds.ImagePathFilterTypeStackCodeSequence = []
    ds.LensesCodeSequence = []
    ds.DetectorType = "CMOS"
    ds.AnatomicRegionSequence = [code("81745001", "SCT", "Eye")]
    ds.PatientEyeMovementCommanded = "NO"
    ds.EmmetropicMagnification = None
    ds.IntraOcularPressure = None
    ds.HorizontalFieldOfView = 45.0
    ds.PupilDilated = "NO"
    ds.RefractiveStateSequence = []


def put_pixels(ds: Dataset, levels: np.ndarray, *, color: str, many: bool = False) -> None:
    """Uncompressed pixels: (H, W), (H, W, 3), or frames of these when `many`."""
    shape = levels.shape[1:] if many else levels.shape
    ds.NumberOfFrames = levels.shape[0] if many else 1
    ds.FrameIncrementPointer = 0x00181063
    ds.FrameTime = 33.0
    ds.Rows, ds.Columns = shape[:2]
    ds.SamplesPerPixel = 3 if len(shape) == 3 else 1
    if len(shape) == 3:
        ds.PlanarConfiguration = 0
    ds.PhotometricInterpretation = color
    if color.startswith("MONO"):
        ds.PresentationLUTShape = "IDENTITY" if color == "MONOCHROME2" else "INVERSE"
    bits = levels.dtype.itemsize * 8
    ds.BitsAllocated = ds.BitsStored = bits
    ds.HighBit = bits - 1
    ds.PixelRepresentation = 0
    if bits == 16:
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = OP_16
    data = levels.tobytes()
    ds.PixelData = data + b"\0" * (len(data) % 2)
    ds["PixelData"].VR = "OB" if bits == 8 else "OW"


Make = Callable[..., Dataset]


def make_op(levels: np.ndarray, *, color: str = "RGB", many: bool = False, **facts: Any) -> Dataset:
    ds = Dataset()
    identify(ds)
    photograph(ds)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = OP_8
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    put_pixels(ds, levels, color=color, many=many)
    with quiet():
        for name, value in facts.items():
            if value is None:
                delattr(ds, name)
            else:
                setattr(ds, name, value)
    return ds


def as_jpeg(ds: Dataset, frames: list[bytes], *, color: str = "YBR_FULL_422") -> Dataset:
    """Replace the pixels by JPEG frames."""
    ds.PixelData = encapsulate(frames)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    ds.PhotometricInterpretation = color
    ds.LossyImageCompression = "01"
    ds.LossyImageCompressionRatio = 10
    ds.LossyImageCompressionMethod = "ISO_10918_1"
    return ds


def file_bytes(ds: Dataset) -> bytes:
    stream = io.BytesIO()
    with quiet():
        pydicom.dcmwrite(stream, ds, enforce_file_format=True)
    return stream.getvalue()


@pytest.fixture(scope="session")
def rgb() -> np.ndarray:
    """A smooth picture in strong colors, 48 x 64: red grows to the right, green downwards."""
    y, x = np.mgrid[0:48, 0:64]
    planes = (x * 3 + 20, y * 4 + 10, 255 - x - y)
    return np.stack(planes, axis=-1).astype(np.uint8)


@pytest.fixture(scope="session")
def op() -> Make:
    """Makes a valid ophthalmic photograph from pixels; `None` takes an attribute away."""
    return make_op


@pytest.fixture(scope="session")
def jpeg() -> Make:
    return as_jpeg


@pytest.fixture(scope="session")
def encode() -> Callable[[np.ndarray], bytes]:
    """RGB as a JPEG of high quality."""
    return lambda rgb: bytes(
        simplejpeg.encode_jpeg(np.ascontiguousarray(rgb), quality=97, colorsubsampling="444")
    )


@pytest.fixture(scope="session")
def file() -> Callable[[Dataset], bytes]:
    return file_bytes
