import io

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from funduscope.archive.metadata import strip

PLANTED = b"Zhang Wei 1950"


def _picture() -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    return Image.fromarray(noise)


def _jpeg(**options: object) -> bytes:
    stream = io.BytesIO()
    _picture().save(stream, "JPEG", **options)
    return stream.getvalue()


def _pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010E] = PLANTED.decode()
    return exif


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("restart", [0, 1])
def test_jpeg_loses_its_metadata_and_not_one_pixel(progressive: bool, restart: int) -> None:
    plain = _jpeg(progressive=progressive, restart_marker_rows=restart)
    full = _jpeg(
        progressive=progressive,
        restart_marker_rows=restart,
        exif=_exif(),
        comment=PLANTED,
        icc_profile=b"profile" + PLANTED,
    )
    assert PLANTED in full
    assert strip(full + PLANTED) == plain
    assert (_pixels(plain) == _pixels(full)).all()


def test_a_clean_file_stays_byte_for_byte() -> None:
    assert strip(_jpeg()) == _jpeg()


def test_the_color_transform_of_cmyk_stays() -> None:
    stream = io.BytesIO()
    _picture().convert("CMYK").save(stream, "JPEG")
    data = stream.getvalue()
    kept = strip(data)
    assert kept is not None
    assert (_pixels(kept) == _pixels(data)).all()


def test_png_loses_its_texts() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Patient", PLANTED.decode())
    info.add_itxt("Doctor", PLANTED.decode())
    stream = io.BytesIO()
    _picture().save(stream, "PNG", pnginfo=info, exif=_exif())
    data = stream.getvalue() + PLANTED
    kept = strip(data)
    assert PLANTED in data
    assert kept is not None
    assert PLANTED not in kept
    assert (_pixels(kept) == _pixels(data)).all()


@pytest.mark.parametrize("data", [b"", b"II*\0", b"\xff\xd8", _jpeg()[:200], b"\xff\xd8\xff\xe0"])
def test_what_it_does_not_know_is_left_to_others(data: bytes) -> None:
    assert strip(data) is None
