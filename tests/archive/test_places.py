from __future__ import annotations

import io
import zipfile
from pathlib import Path

from funduscope.archive import places


def test_links_and_zip_files_inside_zip_files_are_told(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as pack:
        pack.writestr(link, "../../secret.jpg")
        pack.writestr("b.zip", _zip({"x/1.jpg": b"one", "c.zip": b"PK", "../2.jpg": b"two"}))
        pack.writestr("d.zip", b"PK")
    found = {entry.path: entry.fault and entry.fault[0] for entry in
             places.entries(tmp_path, ".", ["*/*/x/*.jpg", "**/*"])}  # fmt: skip
    assert found == {
        "a.zip!link.jpg": "symlink_outside",
        "a.zip!b.zip!x/1.jpg": None,
        "a.zip!b.zip!c.zip": "zip_in_zip",
        "a.zip!b.zip!../2.jpg": "unsafe_path",
        "a.zip!d.zip": "truncated",
    }
    assert places.read_bytes(tmp_path, "a.zip!b.zip!x/1.jpg") == b"one"
    assert places.size(tmp_path, "a.zip!b.zip!x/1.jpg") == 3
    assert places.as_folders("a.zip!b.zip!x/1.jpg") == "a.zip/b.zip/x/1.jpg"


def _zip(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as pack:
        for name, data in files.items():
            pack.writestr(name, data)
    return stream.getvalue()


def test_links_and_members_that_lead_out_or_burst_are_not_opened(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (archive / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    with zipfile.ZipFile(archive / "b.zip", "w", zipfile.ZIP_DEFLATED) as pack:
        pack.writestr("a/1.jpg", b"one")
        pack.writestr("../../evil.jpg", b"evil")
        pack.writestr("bomb.png", b"\0" * 40_000_000)
    found = {entry.path: entry.fault and entry.fault[0] for entry in
             places.entries(archive, ".", ["**/*"])}  # fmt: skip
    assert found == {
        "b.zip!../../evil.jpg": "unsafe_path",
        "b.zip!a/1.jpg": None,
        "b.zip!bomb.png": "zip_bomb",
        "link.jpg": "symlink_outside",
    }
    assert places.read_bytes(archive, "b.zip!a/1.jpg") == b"one"
    assert places.size(archive, "b.zip!a/1.jpg") == 3
    assert sorted(path.name for path in tmp_path.rglob("evil*")) == []
