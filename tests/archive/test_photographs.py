import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from funduscope import inputs
from funduscope.archive import photographs as module
from funduscope.archive.frames import SIDE
from funduscope.archive.photographs import Fault, Job, Reading
from funduscope.archive.workers import Workers


def _job(tmp_path: Path, data: bytes, **changes: object) -> Job:
    path = tmp_path / "photo"
    path.write_bytes(data)
    job = Job(tmp_path, "photo", 1024, 95, keep_refused=True, look_for_disc=False, public=False)
    return replace(job, **changes)


def _saved(data: bytes, form: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.open(io.BytesIO(data)).save(stream, form, **options)
    return stream.getvalue()


def _clean(data: bytes) -> bytes:
    """The photograph as a camera without noise would have stored it: black outside the field."""
    rgb = inputs.decode(data, name="x")
    blank, _ = inputs.blank_outside(rgb, inputs.find_field(rgb), always=True)
    stream = io.BytesIO()
    Image.fromarray(blank).save(stream, "JPEG", quality=97, subsampling=0)
    return stream.getvalue()


def _read(job: Job) -> Reading:
    result = module.read(job)
    assert isinstance(result, Reading), result
    return result


def test_a_clean_photograph_is_stored_as_it_is(tmp_path: Path, photographs: list[bytes]) -> None:
    clean = _saved(photographs[0], "JPEG", quality=90)
    found = _read(_job(tmp_path, clean, public=True, look_for_disc=True))
    assert found.stored == clean
    assert found.source_sha256 == hashlib.sha256(clean).hexdigest()
    rgb = inputs.decode(clean, name="x")
    field = inputs.find_field(rgb)
    assert field is not None
    assert (found.height, found.width) == rgb.shape[:2]
    assert found.field == (field.x, field.y, field.radius)
    assert found.phash == inputs.phash(inputs.look(rgb, field))
    assert found.disc > inputs.LEAD
    assert found.thumb.shape == (SIDE, SIDE)


def test_metadata_goes_without_loss(tmp_path: Path, photographs: list[bytes]) -> None:
    clean = _clean(photographs[0])
    exif = Image.Exif()
    exif[0x010E] = "Zhang Wei"
    planted = clean[:2] + b"\xff\xfe\x00\x0bZhang Wei" + clean[2:]
    assert _read(_job(tmp_path, planted)).stored == clean
    assert _read(_job(tmp_path, planted)).source_sha256 is None


def test_a_rotated_photograph_is_stored_upright(tmp_path: Path, photographs: list[bytes]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    rotated = _saved(photographs[0], "JPEG", quality=95, exif=exif)
    found = _read(_job(tmp_path, rotated))
    plain = Image.open(io.BytesIO(found.stored))
    assert not plain.getexif()
    expected = inputs.decode(rotated, name="x").astype(int)
    assert (found.height, found.width) == expected.shape[:2]
    assert np.abs(np.asarray(plain).astype(int) - expected).mean() < 3


def test_large_ones_shrink_to_the_longest_side(tmp_path: Path, photographs: list[bytes]) -> None:
    picture = Image.open(io.BytesIO(photographs[0])).convert("RGB").resize((900, 600))
    for form in ("JPEG", "PNG"):
        stream = io.BytesIO()
        picture.save(stream, form)
        found = _read(_job(tmp_path, stream.getvalue(), max_side=300))
        assert (found.width, found.height, found.suffix) == (300, 200, "jpg")
        stored = np.asarray(Image.open(io.BytesIO(found.stored))).astype(int)
        small = np.asarray(picture.resize((300, 200), Image.Resampling.BOX)).astype(int)
        assert np.abs(stored - small).mean() < 3


def test_other_formats_become_png(tmp_path: Path, photographs: list[bytes]) -> None:
    for form in ("TIFF", "BMP"):
        data = _saved(photographs[0], form)
        found = _read(_job(tmp_path, data))
        assert found.suffix == "png"
        stored = np.asarray(Image.open(io.BytesIO(found.stored)))
        rgb = inputs.decode(data, name="x")
        expected, _ = inputs.blank_outside(rgb, inputs.find_field(rgb), always=True)
        assert (stored == expected).all()


def test_sixteen_bit_and_gray_png_are_kept(tmp_path: Path, photographs: list[bytes]) -> None:
    gray = np.asarray(Image.open(io.BytesIO(photographs[0])).convert("L"))
    for plane in (gray, gray.astype(np.uint16) * 257):
        stream = io.BytesIO()
        Image.fromarray(plane).save(stream, "PNG")
        found = _read(_job(tmp_path, stream.getvalue()))
        assert found.stored == stream.getvalue()
        assert (found.height, found.width) == gray.shape


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "zero_byte"),
        (b"Patient Zhang Wei, a text file named .jpg", "not_an_image"),
    ],
)
def test_bad_files_are_faults(tmp_path: Path, data: bytes, code: str) -> None:
    found = module.read(_job(tmp_path, data))
    assert isinstance(found, Fault)
    assert (found.step, found.code) == ("read", code)
    assert "Zhang" not in found.detail


def test_truncated_elongated_and_vanished(tmp_path: Path, photographs: list[bytes]) -> None:
    cut = module.read(_job(tmp_path, photographs[0][: len(photographs[0]) // 2]))
    assert isinstance(cut, Fault)
    assert cut.code == "truncated"
    stream = io.BytesIO()
    Image.new("RGB", (20_000, 10)).save(stream, "JPEG")
    long = module.read(_job(tmp_path, stream.getvalue()))
    assert isinstance(long, Fault)
    assert long.code == "extreme_shape"
    assert "20000 x 10" in long.detail
    gone = _job(tmp_path, b"")
    (tmp_path / "photo").unlink()
    assert module.read(gone) == Fault("read", "unreadable", "FileNotFoundError")


def test_what_is_no_fundus_is_kept_only_where_told(
    tmp_path: Path, photographs: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = inputs.Quality(False, False, 0.0, "not_fundus")
    monkeypatch.setattr(inputs, "assess", lambda *_, **__: refused)
    kept = _read(_job(tmp_path, photographs[0]))
    assert (kept.gradable, kept.reason) == (False, "not_fundus")
    found = module.read(_job(tmp_path, photographs[0], keep_refused=False))
    assert isinstance(found, Fault)
    assert (found.step, found.code) == ("fundus", "not_fundus")


def test_an_even_round_field_is_kept_as_blurred(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        inputs, "assess", lambda *_, **__: inputs.Quality(False, False, 0.0, "not_fundus")
    )
    rows, columns = np.indices((300, 300))
    shade = np.stack([150 + rows / 8, 140 + columns / 8, 110 - rows / 9], axis=2)
    disk = np.where((np.hypot(rows - 150, columns - 150) < 140)[..., None], shade, 0)
    for pixels, kept in ((disk, True), (disk[:, 90:], False), (shade, False)):
        stream = io.BytesIO()
        Image.fromarray(pixels.astype(np.uint8)).save(stream, "PNG")
        found = module.read(_job(tmp_path, stream.getvalue(), keep_refused=False))
        assert isinstance(found, Reading if kept else Fault)
        if isinstance(found, Reading):
            assert (found.gradable, found.gradability, found.reason) == (False, 0.0, "blur")


def test_a_site_decides_from_where_on_a_photograph_is_gradable(
    tmp_path: Path, photographs: list[bytes]
) -> None:
    blurred = Image.open(io.BytesIO(photographs[0])).filter(ImageFilter.GaussianBlur(3))
    stream = io.BytesIO()
    blurred.save(stream, "PNG")
    found = _read(_job(tmp_path, stream.getvalue()))
    assert 0 < found.gradability < 1
    for step, gradable in ((-0.01, True), (0.01, False)):
        job = _job(tmp_path, stream.getvalue(), gradable_from=found.gradability + step)
        again = _read(job)
        assert (again.gradable, again.gradability) == (gradable, found.gradability)
        assert (again.reason is None) == gradable


def test_two_processes_give_what_one_gives(tmp_path: Path, photographs: list[bytes]) -> None:
    jobs = []
    for number, data in enumerate([*photographs[:3], b""]):
        path = tmp_path / str(number)
        path.write_bytes(data)
        jobs.append(replace(_job(tmp_path, b""), path=str(number)))
    with Workers(1) as one, Workers(2) as two:
        alone = list(one.submit(module.read, jobs))
        both = list(two.submit(module.read, jobs))
    assert [type(x) for x in both] == [Reading] * 3 + [Fault]
    for a, b in zip(alone[:3], both[:3], strict=True):
        assert isinstance(a, Reading)
        assert isinstance(b, Reading)
        assert (a.stored, a.phash) == (b.stored, b.phash)
    assert alone[3] == both[3]


def _wide(data: bytes, text: str = "", at: tuple[int, int] = (4, 4)) -> bytes:
    """The photograph on a wide black canvas, text written on it; PNG."""
    inner = Image.open(io.BytesIO(_clean(data)))
    image = Image.new("RGB", (inner.width + 200, inner.height))
    image.paste(inner, (100, 0))
    ImageDraw.Draw(image).text(at, text, (255, 255, 255), ImageFont.load_default(size=14))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def test_text_outside_the_field_is_blanked(tmp_path: Path, photographs: list[bytes]) -> None:
    data = _wide(photographs[0], "Zhang Wei")
    found = _read(_job(tmp_path, data))
    stored = np.asarray(Image.open(io.BytesIO(found.stored)))
    assert stored[:, :90].max() == 0
    assert found.stored != _read(_job(tmp_path, data, public=True)).stored == data


def test_text_in_the_field_goes_to_review(tmp_path: Path, photographs: list[bytes]) -> None:
    size = Image.open(io.BytesIO(photographs[0])).size
    at = (100 + size[0] // 4, size[1] // 2)
    fault = module.read(_job(tmp_path, _wide(photographs[0], "20160604", at)))
    assert isinstance(fault, Fault)
    assert (fault.step, fault.code, fault.severity) == ("identity", "burned_in_text", "review")
    assert isinstance(module.read(_job(tmp_path, _wide(photographs[0]))), Reading)


def test_letters_that_hide_a_fundus(tmp_path: Path, photographs: list[bytes]) -> None:
    data = _wide(photographs[0], "20160604", (140, 90))
    rgb = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    field = inputs.find_field(rgb)
    assert module._under_letters(rgb, field) == bool(inputs.find_text(rgb, field))
    assert not module._under_letters(np.full((200, 300, 3), 240, np.uint8), None)


def test_kinds_that_are_no_color_photograph(tmp_path: Path, photographs: list[bytes]) -> None:
    rgb = np.asarray(Image.open(io.BytesIO(_clean(photographs[0]))))
    other = np.asarray(Image.open(io.BytesIO(_clean(photographs[1]))).resize(rgb.shape[1::-1]))
    cases = {
        ("black_image", "rejected"): rgb // 64,
        ("not_colour", "rejected"): np.repeat(rgb[..., 1:2], 3, axis=2),
        ("stitched_two_eyes", "review"): np.concatenate([rgb, other], axis=1),
    }
    for (code, severity), pixels in cases.items():
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "PNG")
        fault = module.read(_job(tmp_path, stream.getvalue(), keep_refused=False))
        assert isinstance(fault, Fault), code
        assert (fault.code, fault.severity) == (code, severity)
        assert isinstance(module.read(_job(tmp_path, stream.getvalue())), Reading)


def test_metadata_is_handed_on_but_not_of_public_sets(
    tmp_path: Path, photographs: list[bytes]
) -> None:
    exif = Image.Exif()
    exif[0x013B] = "Zhang Wei"
    data = _saved(photographs[0], "JPEG", exif=exif)
    assert _read(_job(tmp_path, data)).identifying == ("Zhang Wei",)
    assert _read(_job(tmp_path, data, public=True)).identifying == ()
