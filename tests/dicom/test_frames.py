from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from funduscope import dicom
from funduscope.dicom import codestream
from funduscope.dicom.frames import window_levels
from funduscope.errors import DataError


def one(data: bytes) -> np.ndarray:
    return dicom.read(data, name="x.dcm").frame()


@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian],
    ids=lambda uid: uid.name,
)
def test_uncompressed(op, file, rgb, syntax):
    ds = op(rgb)
    ds.file_meta.TransferSyntaxUID = syntax
    assert np.array_equal(one(file(ds)), rgb)


def test_big_endian(op, file):
    gray = (np.arange(48 * 64).reshape(48, 64) * 20).astype(np.uint16)
    ds = op(gray, color="MONOCHROME2")
    ds.PixelData = gray.astype(">u2").tobytes()
    ds.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    assert np.array_equal(one(file(ds))[..., 0], (gray >> 8).astype(np.uint8))


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless], ids=lambda uid: uid.name)
def test_lossless(op, file, rgb, syntax):
    ds = op(rgb)
    ds.compress(syntax, generate_instance_uid=False)
    assert np.array_equal(one(file(ds)), rgb)


def test_jpeg_2000_with_loss(op, file, rgb):
    ds = op(rgb)
    ds.compress(JPEG2000, j2k_cr=[4], generate_instance_uid=False)
    assert np.abs(one(file(ds)).astype(int) - rgb).mean() < 6


@pytest.mark.parametrize("color", ["YBR_FULL_422", "YBR_FULL", "RGB"])
def test_jpeg_whatever_the_tag_says(op, jpeg, encode, file, rgb, color):
    """A JPEG with a JFIF segment is YCbCr, and many archives state RGB for it."""
    ds = jpeg(op(rgb), [encode(rgb)], color=color)
    assert np.abs(one(file(ds)).astype(int) - rgb).max() <= 8


def test_jpeg_of_rgb_components_without_any_mark(op, jpeg, file, rgb):
    """Nothing in the JPEG tells; then the tag counts."""
    stream = io.BytesIO()
    planes = Image.merge("YCbCr", [Image.fromarray(rgb[..., i]) for i in range(3)])
    planes.save(stream, "JPEG", quality=97, subsampling=0)
    data = stream.getvalue()
    length = 2 + struct.unpack(">H", data[4:6])[0]
    bare = data[:2] + data[2 + length :]
    assert not codestream.jpeg_header(bare).jfif
    ds = jpeg(op(rgb), [bare], color="RGB")
    assert np.abs(one(file(ds)).astype(int) - rgb).max() <= 8


def test_gray_jpeg(op, jpeg, file, rgb):
    stream = io.BytesIO()
    Image.fromarray(rgb[..., 0]).save(stream, "JPEG", quality=97)
    ds = jpeg(op(rgb[..., 0], color="MONOCHROME2"), [stream.getvalue()], color="MONOCHROME2")
    shown = one(file(ds))
    assert np.abs(shown[..., 1].astype(int) - rgb[..., 0]).max() <= 8


@pytest.mark.parametrize("way", ["plain", "rle", "jpeg", "j2k"])
def test_frames_one_by_one(op, jpeg, encode, file, rgb, way):
    frames = np.stack([rgb, 255 - rgb, rgb[::-1]])
    ds = op(frames, many=True)
    if way == "jpeg":
        jpeg(ds, [encode(frame) for frame in frames])
    elif way != "plain":
        syntax = RLELossless if way == "rle" else JPEG2000Lossless
        ds.compress(syntax, generate_instance_uid=False)
    seen = dicom.read(file(ds), name="x.dcm")
    assert seen.count == 3
    for frame, shown in zip(frames, seen.frames(), strict=True):
        assert np.abs(shown.astype(int) - frame).max() <= (8 if way == "jpeg" else 0)
    with pytest.raises(IndexError):
        seen.frame(3)


def test_monochrome_1_is_turned(op, file, rgb):
    shown = one(file(op(rgb[..., 0], color="MONOCHROME1")))
    assert np.array_equal(shown[..., 2], 255 - rgb[..., 0])


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_deep_gray_by_its_brightest_pixel(op, file, bits):
    gray = np.linspace(0, 2**bits - 1, 48 * 64).reshape(48, 64).astype(np.uint16)
    shown = one(file(op(gray, color="MONOCHROME2")))
    assert np.array_equal(shown[..., 0], gray >> (bits - 8))


def test_deep_color(op, file, rgb):
    shown = one(file(op(rgb.astype(np.uint16) * 257)))
    assert np.array_equal(shown, rgb)


def test_signed_gray(op, file):
    gray = np.linspace(-(2**15), 2**15 - 1, 48 * 64).reshape(48, 64).astype(np.int16)
    ds = op(gray.view(np.uint16), color="MONOCHROME2", PixelRepresentation=1)
    shown = one(file(ds))[..., 0].astype(int)
    assert shown[0, 0] == 0
    assert shown[-1, -1] == 255
    assert (np.diff(shown.ravel()) >= 0).all()


def test_the_window_of_the_file(op, file):
    gray = np.arange(48 * 64).reshape(48, 64).astype(np.uint16)
    ds = op(gray, color="MONOCHROME2", WindowCenter=["500", "9"], WindowWidth=["101", "9"])
    shown = one(file(ds))[..., 0].ravel()
    assert (shown[:449] == 0).all()
    assert (shown[551:] == 255).all()
    assert shown[500] in (128, 129)


def test_windows_as_the_standard_has_them():
    """PS3.3 C.11.2.1.2.1: c = 2048, w = 4096 is the identity of 12 bits."""
    levels = np.arange(4096, dtype=np.uint16)
    line = window_levels(levels, 2048, 4096)
    assert (line[0], line[-1]) == (0, 255)
    assert np.array_equal(line, np.rint(levels / 4095 * 255).astype(np.uint8))
    exact = window_levels(levels, 10, 5, kind="LINEAR_EXACT")
    assert (exact[7], exact[10], exact[13]) == (0, 128, 255)
    curve = window_levels(levels, 2000, 100, kind="SIGMOID")
    assert curve[2000] == 128
    step = window_levels(levels, 100, 1)
    assert (step[99], step[100]) == (0, 255)


def test_palette(op, file):
    index = (np.arange(48 * 64) % 4).reshape(48, 64).astype(np.uint8)
    ds = op(index, color="PALETTE COLOR")
    colors = np.array([[0, 0, 0], [200, 10, 20], [30, 220, 40], [50, 60, 240]])
    for at, name in enumerate(("Red", "Green", "Blue")):
        setattr(ds, f"{name}PaletteColorLookupTableDescriptor", [4, 0, 16])
        table = (colors[:, at] * 257).astype("<u2").tobytes()
        setattr(ds, f"{name}PaletteColorLookupTableData", table)
    assert np.array_equal(one(file(ds)), colors[index])


def test_ybr_uncompressed(op, file, rgb):
    ybr = np.asarray(Image.fromarray(rgb).convert("YCbCr"))
    shown = one(file(op(ybr, color="YBR_FULL")))
    assert np.abs(shown.astype(int) - rgb).max() <= 3


def test_planes_apart(op, file, rgb):
    ds = op(rgb, PlanarConfiguration=1)
    ds.PixelData = rgb.transpose(2, 0, 1).tobytes()
    assert np.array_equal(one(file(ds)), rgb)


@pytest.mark.parametrize("compressed", [False, True])
def test_shrunk_while_decoding(op, jpeg, encode, file, compressed):
    y, x = np.mgrid[0:240, 0:320]
    large = np.stack([x / 2, y / 2, x * 0 + 70], axis=-1).astype(np.uint8)
    ds = jpeg(op(large), [encode(large)]) if compressed else op(large)
    small = dicom.read(file(ds), name="x").frame(min_side=60)
    assert small.shape == (60, 80, 3)
    assert np.abs(small[30, 40].astype(int) - (80, 60, 70)).max() <= 4


def refused(data: bytes) -> DataError:
    with pytest.raises(DataError) as caught:
        for _ in dicom.read(data, name="the file").frames():
            pass
    assert caught.value.place == "the file"
    return caught.value


def test_too_large_for_its_header(op, file, rgb):
    assert refused(file(op(rgb, Rows=40000, Columns=40000))).code == "too_large"


def test_a_small_header_around_a_huge_jpeg(op, jpeg, encode, file, rgb):
    data = encode(rgb)
    at = data.index(b"\xff\xc0") + 5
    bomb = data[:at] + struct.pack(">HH", 65000, 65000) + data[at + 4 :]
    assert refused(file(jpeg(op(rgb), [bomb]))).code == "too_large"


def test_a_small_header_around_a_huge_jpeg_2000(op, file, rgb):
    ds = op(rgb)
    ds.compress(JPEG2000Lossless, generate_instance_uid=False)
    at = ds.PixelData.index(codestream.J2K_START) + 8
    size = struct.pack(">II", 60000, 60000)
    ds.PixelData = ds.PixelData[:at] + size + ds.PixelData[at + 8 :]
    assert refused(file(ds)).code == "too_large"


def test_strips_and_icons(op, file, rgb):
    assert refused(file(op(np.ascontiguousarray(rgb[:16])))).code == "extreme_shape"
    assert refused(file(op(np.zeros((32, 400, 3), np.uint8)))).code == "extreme_shape"


def test_what_has_no_decoder_here(op, jpeg, encode, file, rgb):
    ds = jpeg(op(rgb), [encode(rgb)])
    ds.file_meta.TransferSyntaxUID = JPEGLSLossless
    found = refused(file(ds))
    assert found.code == "unsupported"
    assert "JPEG-LS" in found.value
    deep = jpeg(op(rgb.astype(np.uint16)), [encode(rgb)])
    assert refused(file(deep)).code == "unsupported"


def test_unknown_colors(op, file, rgb):
    assert refused(file(op(rgb, PhotometricInterpretation="CMYK"))).code == "unsupported"


def test_scrambled_frames_are_the_makers_own(op, file, rgb):
    ds = op(rgb)
    ds.compress(JPEG2000Lossless, generate_instance_uid=False)
    at = ds.PixelData.index(codestream.J2K_START)
    ds.PixelData = ds.PixelData[:at] + bytes(b ^ 0x5A for b in ds.PixelData[at:-8]) + b"\0" * 8
    ds["PixelData"].is_undefined_length = True
    found = refused(file(ds)[:-16] + b"\xfe\xff\xdd\xe0\0\0\0\0")
    assert found.code in ("proprietary", "truncated")


def test_a_private_encoding_is_the_makers_own(op, file, rgb):
    data = file(op(rgb)).replace(b"1.2.840.10008.1.2.1\0", b"1.2.276.0.75.2.1.11\0")
    found = refused(data)
    assert found.code == "proprietary"
    assert "Export" in found.remedy
