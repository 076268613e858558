"""Bytes of a photograph -> upright RGB pixels, or a `DataError` that says what is wrong with them.

JPEG goes through simplejpeg (libjpeg-turbo), which can decode straight to a half, a quarter or an
eighth of the size; everything else goes through Pillow. Color profiles are ignored.
"""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image, UnidentifiedImageError

from funduscope.errors import DataError

Photo = npt.NDArray[np.uint8]

# The largest fundus cameras give about 50 megapixels; the limit lies just below the size at which
# Pillow itself starts to warn of decompression bombs.
MAX_PIXELS = 89_000_000
MIN_SIDE = 32
MAX_ASPECT = 8.0
_FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP", "JPEG2000", "PPM", "GIF")
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"II*\0", b"MM\0*", b"GIF8", b"BM")
_ORIENTATION = 0x0112
_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow raises for damaged content; `Warning` where warnings are turned into errors.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    OverflowError,
    TypeError,
    struct.error,
    zlib.error,
    Warning,
)


def decode(data: bytes, *, name: str, min_side: int | None = None) -> Photo:
    """Turn the bytes of an image file into upright RGB pixels.

    Gray, palette, 16-bit and transparent images become 8-bit RGB (transparent parts black, deep
    gray divided by the smallest of 2^8, 2^10, 2^12, 2^14, 2^16 that holds its brightest pixel); of
    several frames the first is taken; the EXIF orientation is applied.

    Args:
        data: the whole file.
        name: what to call the file in an error.
        min_side: if given, the picture may be shrunk by a whole factor as long as its short side
            stays at least this long (px); much faster for large photographs.

    Returns:
        uint8 (H, W, 3).

    Raises:
        DataError: code `empty_file`, `not_an_image`, `truncated`, `bad_shape` or `too_large`.
    """
    if not data:
        raise DataError(
            "0 bytes",
            place=name,
            rule="an image file has content",
            remedy="copy the file again from its source",
            code="empty_file",
        )
    with _open(data, name) as image:
        _check_shape(image.size, name)
        try:
            turn = image.getexif().get(_ORIENTATION, 1)
        except _BROKEN:  # a damaged EXIF block does not make the pixels unreadable
            turn = 1
        if image.format in ("JPEG", "MPO") and image.mode in ("RGB", "L"):
            rgb = _decode_jpeg(data, name, min_side)
        else:
            rgb = None
        if rgb is None:
            rgb = _decode_other(image, name, min_side)
    if turn in _TRANSPOSE:
        rgb = np.asarray(Image.fromarray(rgb).transpose(_TRANSPOSE[turn]))
    return rgb


def _open(data: bytes, name: str) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(str(error), name) from error
    except UnidentifiedImageError as error:
        if data.startswith(_SIGNATURES):
            raise _truncated("its header cannot be read", name) from error
        raise DataError(
            f"starts with {data[:12]!r}",
            place=name,
            rule="a photograph in one of the formats " + ", ".join(_FORMATS),
            remedy="export the photograph as JPEG or PNG",
            code="not_an_image",
        ) from error
    except _BROKEN as error:
        raise _truncated(str(error), name) from error


def _check_shape(size: tuple[int, int], name: str) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise _too_large(f"{width} x {height} px", name)
    short, long = sorted(size)
    if short < MIN_SIDE or long > MAX_ASPECT * short:
        raise DataError(
            f"{width} x {height} px",
            place=name,
            rule=f"short side at least {MIN_SIDE} px, long side at most {MAX_ASPECT:g} times that",
            remedy="give the whole photograph as the camera stored it, not a strip or an icon",
            code="bad_shape",
        )


def _too_large(value: str, name: str) -> DataError:
    return DataError(
        value,
        place=name,
        rule=f"at most {MAX_PIXELS // 1_000_000} megapixels",
        remedy="shrink the photograph (4,000 px on the long side is more than any model reads)",
        code="too_large",
    )


def _truncated(value: str, name: str) -> DataError:
    return DataError(
        value,
        place=name,
        rule="the file is complete and undamaged",
        remedy="copy the file again from its source",
        code="truncated",
    )


def _decode_jpeg(data: bytes, name: str, min_side: int | None) -> Photo | None:
    """Scaled decoding; None when libjpeg-turbo's simple interface cannot read this kind of JPEG."""
    try:
        simplejpeg.decode_jpeg_header(data)
    except ValueError:  # a rare chroma subsampling: Pillow reads it, or says what is wrong
        return None
    least = min_side or 0
    try:
        rgb: Photo = simplejpeg.decode_jpeg(data, "RGB", min_height=least, min_width=least)
    except ValueError as error:
        # Stray bytes between two segments lose no pixel; libjpeg skips them, and so do we.
        if "extraneous bytes" not in str(error):
            raise _truncated(str(error), name) from error
        rgb = simplejpeg.decode_jpeg(data, "RGB", min_height=least, min_width=least, strict=False)
    return rgb


def _decode_other(image: Image.Image, name: str, min_side: int | None) -> Photo:
    try:
        image.load()
        image = _eight_bit(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(str(error), name) from error
    except _BROKEN as error:
        raise _truncated(str(error), name) from error
    factor = min(image.size) // min_side if min_side else 1
    if factor > 1:
        image = image.reduce(factor)
    return np.asarray(image)


def _eight_bit(image: Image.Image) -> Image.Image:
    """Any Pillow image as mode RGB."""
    if image.mode.startswith("I") or image.mode == "F":
        level = np.asarray(image).astype(np.float64)
        top = float(level.max())
        if not np.isfinite(level).all() or level.min() < 0 or top >= 2**16:
            raise ValueError(f"pixel values from {level.min():g} to {top:g}, not 8 to 16 bits")
        bits = next(b for b in (8, 10, 12, 14, 16) if top < 2**b)
        return Image.fromarray((level / 2 ** (bits - 8)).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, image)
    return image.convert("RGB")
