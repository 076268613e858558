import csv
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps

from funduscope import inputs
from funduscope.archive import duplicates, fingerprints, frames
from funduscope.archive.duplicates import Copy
from funduscope.archive.frames import SIDE


def _copies(data: bytes) -> list[bytes]:
    """Re-encoded, halved, brighter, cropped, mirrored, mirrored and cropped."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    width, height = picture.size
    half = picture.resize((width // 2, height // 2), Image.Resampling.BOX)
    cropped = picture.crop((width // 12, height // 20, width, height - height // 20))
    found = []
    for made, quality in (
        (picture, 60),
        (half, 90),
        (ImageEnhance.Brightness(picture).enhance(1.2), 80),
        (cropped, 85),
        (ImageOps.mirror(picture), 85),
        (ImageOps.mirror(cropped), 85),
    ):
        stream = io.BytesIO()
        made.save(stream, "JPEG", quality=quality)
        found.append(stream.getvalue())
    return found


def _thumbs(pictures: list[bytes]) -> np.ndarray:
    decoded = [inputs.decode(data, name="x") for data in pictures]
    return np.stack([frames.thumb(rgb, inputs.find_field(rgb)) for rgb in decoded])


@pytest.fixture(scope="module")
def planted(photographs: list[bytes]) -> np.ndarray:
    """Six photographs, then six copies of each."""
    originals = photographs[:6]
    return _thumbs(originals + [copy for data in originals for copy in _copies(data)])


def test_planted_copies_are_found_and_strangers_are_not(planted: np.ndarray) -> None:
    found = duplicates.copies(planted)
    of = [*range(6), *(n for n in range(6) for _ in range(6))]
    assert {(of[c.first], of[c.second]) for c in found} == {(n, n) for n in range(6)}
    pairs = {(c.first, c.second): c for c in found}
    hit = [(n, 6 + 6 * n + k) for n in range(6) for k in range(6) if (n, 6 + 6 * n + k) in pairs]
    assert len(hit) >= 34  # of 36: halves of 160 px have but 80
    for n in range(6):
        assert pairs[n, 6 + 6 * n + 4].mirrored
        assert not pairs[n, 6 + 6 * n].mirrored
    assert all(c.first < c.second and c.score >= duplicates.MIN_CORRELATION for c in found)
    assert found == sorted(found)


@settings(max_examples=3, deadline=None)
@given(st.permutations(range(14)))
def test_the_order_of_photographs_changes_nothing(planted: np.ndarray, order: list[int]) -> None:
    # Two photographs and all their copies.
    some = planted[[0, 1, *range(6, 18)]]
    expected = {(c.first, c.second) for c in duplicates.copies(some)}
    mixed = duplicates.copies(some[order])
    assert {tuple(sorted((order[c.first], order[c.second]))) for c in mixed} == expected


def test_two_sets_are_compared_like_one(planted: np.ndarray) -> None:
    found = duplicates.between(planted[:2], planted[6:18])
    own = duplicates.copies(planted[[0, 1, *range(6, 18)]])
    expected = [(c.first, c.second - 2, c.mirrored) for c in own if c.first < 2 <= c.second]
    assert [(c.first, c.second, c.mirrored) for c in found] == expected
    assert len(expected) >= 11


def test_squeezed_photographs_are_found_again_when_cropped(photographs: list[bytes]) -> None:
    """Their field is an ellipse: what circle is fitted, if any, differs from crop to crop."""
    pictures = []
    for data in photographs[:4]:
        picture = Image.open(io.BytesIO(data)).convert("RGB")
        width, height = picture.size
        inner = picture.crop((0, height // 8, width, height - height // 8)).resize((256, 256))
        for made in (inner, ImageOps.mirror(inner.crop((26, 10, 256, 236)))):
            stream = io.BytesIO()
            made.save(stream, "JPEG", quality=85)
            pictures.append(stream.getvalue())
    found = duplicates.copies(_thumbs(pictures))
    assert [(c.first, c.second, c.mirrored) for c in found] == [
        (n, n + 1, True) for n in range(0, 8, 2)
    ]


def test_a_red_photograph_is_seen_in_grey(photographs: list[bytes]) -> None:
    rgb = np.array(Image.open(io.BytesIO(photographs[0])).convert("RGB"))
    rgb[..., 0] = rgb.mean(axis=2)
    rgb[..., 1:] //= 16
    thumb = frames.thumb(rgb, inputs.find_field(rgb))
    assert thumb.shape == (SIDE, SIDE)
    assert thumb.dtype == np.uint8
    green = inputs.crop_field(rgb, inputs.find_field(rgb), SIDE)[..., 1]
    assert thumb.std() > 3 * green.std()


def test_a_picture_without_a_sure_circle_fills_its_box(planted: np.ndarray) -> None:
    cut = np.zeros_like(planted[0])
    cut[20:68, 30:80] = planted[0, 20:68, 30:80] | 16
    assert frames.sure(planted[:6]).all()
    assert not frames.sure(cut[None]).any()
    np.testing.assert_array_equal(frames.framed(planted[0]), planted[0])
    rows, columns = (np.flatnonzero(frames.framed(cut).any(axis=axis)) for axis in (1, 0))
    assert columns[[0, -1]].tolist() == [0, SIDE - 1]  # the longer side
    assert abs(int(rows[0] + rows[-1]) - (SIDE - 1)) <= 1  # in the middle
    assert frames.box(np.zeros((SIDE, SIDE), np.uint8)) == (1.0, 0.0, 0.0)


def test_black_and_empty_pictures_are_no_copies() -> None:
    assert duplicates.copies(np.zeros((0, SIDE, SIDE), np.uint8)) == []
    assert duplicates.copies(np.zeros((4, SIDE, SIDE), np.uint8)) == []


def test_a_mirrored_picture_inverts_known_bits_of_its_hash(planted: np.ndarray) -> None:
    straight = fingerprints.prints(planted[:6])
    turned = fingerprints.prints(planted[:6, :, ::-1])
    for one, other in ((straight.hashes, turned.hashes), (straight.inner, turned.inner)):
        differ = one ^ other ^ np.uint64(fingerprints.MIRRORED)
        assert np.bitwise_count(differ).max() <= 1
    np.testing.assert_array_equal(fingerprints.mirrored(straight.patches), turned.patches)


@pytest.mark.parametrize(
    ("second", "relation"),
    [
        (("p1", "OD", "f1"), "exact"),
        (("p1", "OD", "f2"), "near"),
        (("p1", "unknown", "f2"), "near"),
        (("p1", "OS", "f1"), "across_eyes"),
        (("p2", "OD", "f1"), "across_patients"),
        (("p2", "OS", "f2"), "across_patients"),
    ],
)
def test_relations(second: tuple[str, str, str], relation: str) -> None:
    patients, eyes, files = zip(("p1", "OD", "f1"), second, strict=True)
    assert duplicates.relation(Copy(0, 1, 0.9, False), patients, eyes, files) == relation


@pytest.mark.realdata
def test_copies_of_the_messy_archive_are_found_and_other_photographs_of_an_eye_are_none(
    shared: Path,
) -> None:
    with tarfile.open(shared / "archive_dev.tar.gz") as archive:
        members = {m.name.removeprefix("./"): m for m in archive if m.isfile()}
        root = next(n for n in members if n.endswith("truth/duplicates.csv"))
        root = root.removesuffix("truth/duplicates.csv")

        def data(name: str) -> bytes:
            stream = archive.extractfile(members[root + name])
            assert stream is not None
            return stream.read()

        text = data("truth/duplicates.csv").decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text)))
        images = csv.DictReader(io.StringIO(data("truth/images.csv").decode("utf-8-sig")))
        broken = {row["file"] for row in images if row["expected"] == "reject"}
        broken -= {
            row[side] for row in rows for side in ("file_a", "file_b") if row["relation"] == "exact"
        }
        names = sorted({row[side] for row in rows for side in ("file_a", "file_b")} - broken)
        names = [n for n in names if root + "archive/" + n in members and not n.endswith(".dcm")]
        thumbs = _thumbs([data(f"archive/{name}") for name in names])
    found = {frozenset((names[c.first], names[c.second])) for c in duplicates.copies(thumbs)}
    there = {
        frozenset((row["file_a"], row["file_b"])): row["relation"]
        for row in rows
        if row["file_a"] in names and row["file_b"] in names
    }
    copied = {pair for pair, told in there.items() if told.startswith(("exact", "near"))}
    assert len(copied) >= 10
    assert len(there) - len(copied) >= 80
    assert found == copied


def test_clusters_are_named_by_their_smallest_member() -> None:
    clusters = duplicates.Clusters()
    clusters.join("c", "d")
    clusters.join("b", "a")
    clusters.join("d", "b")
    assert {clusters.of(x) for x in "abcd"} == {"a"}
    assert clusters.of("e") == "e"
