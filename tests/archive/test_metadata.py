import io

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from funduscope.archive.metadata import identifying, strip

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


def _with_everything(form: str) -> bytes:
    exif = Image.Exif()
    exif[0x010E] = "Zhang Wei 1960-05-06"
    exif[0x010F] = "Topcon"
    exif[0x013B] = "dr.lee"
    exif[0x0132] = "2016:06:04 10:22:11"
    inner = exif.get_ifd(0x8769)
    inner[0xA431] = "SN-889021"
    inner[0x9286] = b"ASCII\0\0\0bed 12, ward 4"
    inner[0x927C] = b"\0\1MAKER patient=Elena\0\2"
    place = exif.get_ifd(0x8825)
    place[1], place[2] = "N", (43.0, 57.0, 22.0)
    place[3], place[4] = "W", (97.0, 23.0, 31.0)
    stream = io.BytesIO()
    Image.new("RGB", (40, 40), (90, 30, 10)).save(stream, form, exif=exif)
    return stream.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF"])
def test_identifying_strings_of_exif(form: str) -> None:
    found = identifying(_with_everything(form))
    expected = ("Zhang Wei 1960-05-06", "1960-05-06", "dr.lee", "2016:06:04 10:22:11", "2016-06-04")
    if form != "TIFF":  # Pillow writes no inner blocks into a TIFF
        expected += (
            "SN-889021",
            "bed 12, ward 4",
            "MAKER patient=Elena",
            "43 57 22 N",
            "97 23 31 W",
        )
    for text in expected:
        assert text in found, text
    assert "Topcon" not in found
    assert found == tuple(sorted(set(found)))


def test_identifying_strings_of_comments_xmp_and_png_text() -> None:
    stream = io.BytesIO()
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><dc:creator>Wang &amp; Li</dc:creator></x:xmpmeta>'
    Image.new("RGB", (40, 40)).save(stream, "JPEG", comment="张伟".encode("gb18030"), xmp=xmp)
    found = identifying(stream.getvalue())
    assert {"张伟", "Wang & Li"} <= set(found)
    assert not any("http" in text or "adobe" in text for text in found)
    text = PngImagePlugin.PngInfo()
    text.add_text("Patient", "White, Elena")
    text.add_itxt("Note", "孙国栋")
    stream = io.BytesIO()
    Image.new("RGB", (40, 40)).save(stream, "PNG", pnginfo=text)
    assert {"White, Elena", "孙国栋"} <= set(identifying(stream.getvalue()))


def test_nothing_to_say_and_damaged_files_are_no_error() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (40, 40)).save(stream, "JPEG")
    assert identifying(stream.getvalue()) == ()
    for data in (b"", b"no image", stream.getvalue()[:30], _with_everything("JPEG")[:150]):
        assert isinstance(identifying(data), tuple)
