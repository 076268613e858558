from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from funduscope.errors import DataError
from funduscope.inputs import decode

Encode = Callable[..., bytes]


def save(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds almost nothing."""
    data = save(Image.new("L", (40, 40)))
    import struct
    import zlib

    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return data[:12] + head + struct.pack(">I", zlib.crc32(head)) + data[33:]


JPEG = save(
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 90, 3), np.uint8)), "JPEG"
)
PNG = save(Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 90, 3), np.uint8)))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"this is a letter, not a photograph" * 40, "not_an_image"),
        (b"\0" * 5000, "not_an_image"),
        (JPEG[: len(JPEG) // 2], "truncated"),
        (JPEG[:-2], "truncated"),
        (JPEG[:100], "truncated"),
        (PNG[: len(PNG) // 2], "truncated"),
        (PNG[:20], "truncated"),
        (save(Image.new("RGB", (20_000, 10))), "bad_shape"),
        (save(Image.new("RGB", (20_000, 10)), "JPEG"), "bad_shape"),
        (save(Image.new("RGB", (31, 31))), "bad_shape"),
        (save(Image.new("RGB", (40, 321))), "bad_shape"),
        (png_header(60_000, 60_000), "too_large"),
        (png_header(9_500, 9_500), "too_large"),
        (png_header(9_440, 9_440), "too_large"),
    ],
)
def test_bad_files_are_named(data: bytes, code: str) -> None:
    with pytest.raises(DataError) as caught:
        decode(data, name="somewhere/photo.jpg")
    error = caught.value
    assert error.code == code
    assert error.place == "somewhere/photo.jpg"
    assert error.value
    assert error.rule
    assert error.remedy


@settings(deadline=None, max_examples=60)
@given(cut=st.integers(1, len(JPEG) - 1))
def test_a_jpeg_cut_anywhere_is_refused(cut: int) -> None:
    with pytest.raises(DataError) as caught:
        decode(JPEG[:cut], name="x")
    assert caught.value.code in ("truncated", "not_an_image")


@settings(deadline=None, max_examples=60)
@given(data=st.binary(min_size=1, max_size=300))
def test_any_bytes_give_pixels_or_a_data_error(data: bytes) -> None:
    for start in (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"BM"):
        try:
            rgb = decode(start + data, name="x")
        except DataError:
            continue
        assert rgb.dtype == np.uint8


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP"])
def test_lossless_formats_give_the_same_pixels(kind: str) -> None:
    rgb = np.random.default_rng(1).integers(0, 255, (50, 70, 3), np.uint8)
    image = Image.fromarray(rgb)
    options = {"lossless": True} if kind == "WEBP" else {}
    assert np.array_equal(decode(save(image, kind, **options), name="x"), rgb)


def test_jpeg_agrees_with_pillow() -> None:
    ours = decode(JPEG, name="x").astype(int)
    theirs = np.asarray(Image.open(io.BytesIO(JPEG)).convert("RGB")).astype(int)
    assert np.abs(ours - theirs).max() <= 2


ramp = np.tile(np.arange(64), (64, 1))


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ((ramp * 1024).astype(np.uint16), ramp * 4),  # 16 bits used
        ((ramp * 64).astype(np.uint16), ramp * 4),  # 12 bits used
        ((ramp * 4).astype(np.uint16), ramp * 4),  # 8 bits in a 16-bit file
    ],
)
def test_sixteen_bit_gray_keeps_its_range(level: np.ndarray, expected: np.ndarray) -> None:
    rgb = decode(save(Image.fromarray(level)), name="x")
    assert np.array_equal(rgb[..., 0], expected)
    assert np.array_equal(rgb[..., 0], rgb[..., 2])


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_gray_becomes_three_equal_channels(kind: str) -> None:
    rgb = decode(save(Image.fromarray((ramp * 4).astype(np.uint8)), kind), name="x")
    assert rgb.shape == (64, 64, 3)
    assert np.array_equal(rgb[..., 0], rgb[..., 1])
    assert np.abs(rgb[..., 0].astype(int) - ramp * 4).max() < 12


def test_transparent_parts_become_black() -> None:
    rgba = np.full((40, 40, 4), 200, np.uint8)
    rgba[..., 3] = 255
    rgba[:20, :, 3] = 0
    for image in (Image.fromarray(rgba), Image.fromarray(rgba).convert("LA")):
        rgb = decode(save(image), name="x")
        assert (rgb[:20] == 0).all()
        assert (rgb[20:] == 200).all()


def test_palette_and_its_transparent_color() -> None:
    image = Image.new("P", (40, 40), 1)
    image.putpalette([10, 20, 30, 200, 100, 50])
    assert (decode(save(image), name="x") == (200, 100, 50)).all()
    assert (decode(save(image, transparency=1), name="x") == 0).all()


def test_cmyk_jpeg_and_one_bit_png() -> None:
    red = Image.new("RGB", (40, 40), (200, 40, 30))
    rgb = decode(save(red.convert("CMYK"), "JPEG", quality=95), name="x")
    assert np.abs(rgb.astype(int) - (200, 40, 30)).max() < 12
    assert (decode(save(Image.new("1", (40, 40), 1)), name="x") == 255).all()


def test_float_pixels_are_refused() -> None:
    with pytest.raises(DataError, match="not 8 to 16 bits"):
        decode(save(Image.new("F", (40, 40), -3.0), "TIFF"), name="x")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_turned_photograph_comes_out_upright(orientation: int, kind: str) -> None:
    upright = np.zeros((48, 80, 3), np.uint8)
    upright[:24, :40] = 250
    turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the inverse transposition
    stored = Image.fromarray(upright)
    if orientation in turns:
        stored = stored.transpose(Image.Transpose(turns[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    rgb = decode(save(stored, kind, exif=exif), name="x")
    assert rgb.shape == upright.shape
    assert np.abs(rgb.astype(int) - upright).mean() < 2


def test_stray_bytes_between_segments_do_no_harm() -> None:
    end = JPEG.rindex(b"\xff\xd9")
    stray = JPEG[:end] + b"\0" * 8 + JPEG[end:]
    assert np.array_equal(decode(stray, name="x"), decode(JPEG, name="x"))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("least", [100, 220, 450, 900, 2000])
def test_scaled_decoding_keeps_the_short_side(kind: str, least: int, encode: Encode) -> None:
    big = np.asarray(
        Image.fromarray(np.tile(ramp * 4, (1, 1)).astype(np.uint8)).resize((1200, 900))
    )
    rgb = decode(encode(np.stack([big] * 3, axis=2), kind), name="x", min_side=least)
    assert min(rgb.shape[:2]) >= min(least, 900)
    assert min(rgb.shape[:2]) <= max(2 * least, 900 if least > 450 else 0)
    assert abs(rgb.mean() - big.mean()) < 2
