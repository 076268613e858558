from __future__ import annotations

import io

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from funduscope.dicom import codestream as c


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def picture(rgb: np.ndarray, form: str, **how: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, form, **how)
    return stream.getvalue()


@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_stripped_bit_for_bit(rgb, progressive):
    data = picture(rgb, "JPEG", quality=90, progressive=progressive)
    dirty = data[:2] + segment(0xE1, b"Exif\0\0 someone") + segment(0xFE, b"someone") + data[2:]
    clean = c.strip_jpeg(dirty + b"someone")
    assert b"someone" not in clean
    assert np.array_equal(simplejpeg.decode_jpeg(clean), simplejpeg.decode_jpeg(data))
    assert c.strip_jpeg(clean) == clean


def test_comments_between_the_scans(rgb):
    data = picture(rgb, "JPEG", quality=90, progressive=True)
    at = data.rindex(b"\xff\xda")
    dirty = data[:at] + segment(0xFE, b"someone") + data[at:]
    assert b"someone" not in c.strip_jpeg(dirty)


def test_jpeg_header(rgb):
    found = c.jpeg_header(picture(rgb, "JPEG"))
    assert (found.width, found.height, found.bits, found.jfif) == (64, 48, 8, True)
    assert len(found.ids) == 3
    marked = c.jpeg_header(c.jpeg_as_rgb(picture(rgb, "JPEG")))
    assert marked.adobe == 0


def test_j2k_stripped(rgb):
    data = picture(rgb, "JPEG2000", no_jp2=True)
    at = data.index(b"\xff\x52")  # before the coding style
    dirty = data[:at] + segment(0x64, b"\0\1someone") + data[at:]
    clean = c.strip_j2k(dirty + b"someone")
    assert b"someone" not in clean
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(clean))), rgb)
    assert c.j2k_size(clean) == (64, 48)


def test_jp2_boxes_are_opened(rgb):
    data = picture(rgb, "JPEG2000")
    assert data.startswith(c.JP2_START)
    assert c.j2k_size(data) == (64, 48)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(c.strip_j2k(data)))), rgb)


@pytest.mark.parametrize("read", [c.jpeg_header, c.strip_jpeg, c.j2k_size, c.strip_j2k])
def test_damage_is_a_value_error(read, rgb):
    form = "JPEG" if "jpeg" in read.__name__ else "JPEG2000"
    data = picture(rgb, form, no_jp2=True) if form == "JPEG2000" else picture(rgb, form)
    for end in (0, 1, 2, 4, 10, 20, 23):
        with pytest.raises(ValueError):
            read(data[:end])
    with pytest.raises(ValueError):
        read(b"\0" * 40)


@settings(deadline=None, max_examples=80)
@given(st.binary(max_size=120))
def test_any_bytes_behind_a_signature(data):
    for start, read in (
        (c.JPEG_START, c.strip_jpeg),
        (c.JPEG_START, c.jpeg_header),
        (c.J2K_START, c.strip_j2k),
        (c.JP2_START, c.j2k_size),
    ):
        try:
            read(start + data)
        except ValueError:
            continue
