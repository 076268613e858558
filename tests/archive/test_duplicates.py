import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from funduscope import inputs
from funduscope.archive import duplicates
from funduscope.archive.photographs import THUMB


def test_equal_files_are_grouped(tmp_path: Path) -> None:
    contents = {"a": b"one", "b": b"two", "c": b"one", "d": b"longer", "e": b"", "f": b""}
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    files = [(name, tmp_path / name) for name in contents]
    assert duplicates.same_bytes(files) == [["a", "c"]]


def _copies(data: bytes) -> list[bytes]:
    """Re-encoded, halved, brighter."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    half = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.BOX)
    found = []
    for made, quality in (
        (picture, 60),
        (half, 90),
        (ImageEnhance.Brightness(picture).enhance(1.2), 80),
    ):
        stream = io.BytesIO()
        made.save(stream, "JPEG", quality=quality)
        found.append(stream.getvalue())
    return found


def test_planted_copies_are_found_and_strangers_are_not(photographs: list[bytes]) -> None:
    originals = photographs[:12]
    pictures = originals + [copy for data in originals for copy in _copies(data)]
    decoded = [inputs.decode(data, name="x") for data in pictures]
    fields = [inputs.find_field(rgb) for rgb in decoded]
    thumbs = np.stack(
        [inputs.crop_field(rgb, f, THUMB)[..., 1] for rgb, f in zip(decoded, fields, strict=True)]
    )
    hashes = [inputs.phash(inputs.look(rgb, f)) for rgb, f in zip(decoded, fields, strict=True)]
    pairs = duplicates.near(np.array(hashes, np.uint64), thumbs)
    of = [*range(12), *(n for n in range(12) for _ in range(3))]
    assert {(of[a], of[b]) for a, b, _ in pairs} == {(n, n) for n in range(12)}
    found = {(a, b) for a, b, _ in pairs}
    planted = {(n, 12 + 3 * n + k) for n in range(12) for k in range(3)}
    assert len(planted & found) >= 32  # of 36: halves of 160 px have but 80


def test_clusters_are_named_by_their_smallest_member() -> None:
    clusters = duplicates.Clusters()
    clusters.join("c", "d")
    clusters.join("b", "a")
    clusters.join("d", "b")
    assert {clusters.of(x) for x in "abcd"} == {"a"}
    assert clusters.of("e") == "e"
