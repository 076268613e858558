"""Archives made to harm: each ends in a corpus and a ledger, or in an error with a remedy."""

from __future__ import annotations

import csv
import html
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from funduscope import store
from funduscope.archive import IngestSettings, draft, ingest, review_quality, review_reports
from funduscope.cli import main as door
from funduscope.errors import DataError

Archive = Callable[..., Path]
Ended = Callable[[store.Corpus], dict[str, list[str]]]


class Hook:
    """A progress that does something once, after so many photographs."""

    def __init__(self, after: int, act: Callable[[], Any]) -> None:
        self.left, self.act = after, act

    def start(self, name: str, total: int) -> None: ...

    def advance(self, units: int = 1) -> None:
        self.left -= units
        if self.left == 0:
            self.act()

    def done(self) -> None: ...


def test_zip_files_that_lead_out_burst_or_lie(
    archive: Archive,
    photographs: list[bytes],
    tmp_path: Path,
    settings: IngestSettings,
    ended: Ended,
) -> None:
    folder = archive([{}] * 8)
    with zipfile.ZipFile(folder / "pack.zip", "w", zipfile.ZIP_DEFLATED) as pack:
        for name in ("../../evil.jpg", "a\\..\\..\\evil.jpg", "/evil.jpg", "C:\\evil.jpg"):
            pack.writestr(name, photographs[10])
        pack.writestr("huge.jpg", b"small")
        pack.getinfo("huge.jpg").file_size = 10_000_000_000
        pack.writestr("liar.jpg", b"\0" * 3_000_000)
        pack.getinfo("liar.jpg").file_size = 300
    with (folder / "exams.csv").open("a", encoding="utf-8") as stream:
        stream.write("L,L,,,,,,OD,,,pack.zip!liar.jpg\n")
    (folder / "cut.zip").write_bytes((folder / "pack.zip").read_bytes()[:999])
    files = sorted(path.name for path in tmp_path.rglob("*"))
    made = ingest(folder, tmp_path / "out", IngestSettings(workers=1, max_failed=1))
    codes = {place: codes for place, codes in ended(made).items() if ".zip" in place}
    assert codes.pop("cut.zip!") == ["truncated"]
    assert codes.pop("pack.zip!huge.jpg") == ["zip_bomb"]
    assert codes.pop("pack.zip!liar.jpg") == ["truncated"]
    assert list(codes.values()) == [["unsafe_path"]] * 4
    assert made.images.height == 8
    new = {path.name for path in tmp_path.rglob("*") if not path.is_relative_to(made.path)}
    assert new - set(files) == {"identity", "key", "locators.csv"}


def test_links_out_of_the_archive_in_circles_and_to_nothing(
    archive: Archive, photographs: list[bytes], tmp_path: Path, ended: Ended
) -> None:
    folder = archive([{}] * 4)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.jpg").write_bytes(photographs[11])
    shutil.make_archive(str(outside / "pack"), "zip", outside, "secret.jpg")
    (folder / "file.jpg").symlink_to(outside / "secret.jpg")
    (folder / "folder").symlink_to(outside)
    (folder / "pack.zip").symlink_to(outside / "pack.zip")
    (folder / "nothing.jpg").symlink_to(folder / "gone.jpg")
    (folder / "self.jpg").symlink_to(folder / "self.jpg")
    (folder / "up").symlink_to(folder)
    (folder / "again.jpg").symlink_to(folder / "0.jpg")
    os.mkfifo(folder / "pipe.jpg")
    made = ingest(folder, tmp_path / "out", IngestSettings(workers=1, max_failed=1))
    assert ended(made) == {
        "file.jpg": ["symlink_outside"],
        "folder": ["symlink_outside"],
        "pack.zip": ["symlink_outside"],
        "nothing.jpg": ["unreadable"],
        "self.jpg": ["unreadable"],
        "pipe.jpg": ["unreadable"],
        "again.jpg": ["no_record"],
    }
    assert made.images.height == 4


FORMULA = re.compile(r"\s*[=+@\-\uff1d\uff0b\uff0d\uff20]")


def test_formulas_are_text_in_every_table_for_people_and_exact_in_the_corpus(
    archive: Archive, tmp_path: Path, settings: IngestSettings
) -> None:
    rows = [
        {"camera": "=1+1", "report": '=HYPERLINK("x") cataract, right eye', "age": "@SUM(1)"},
        {"camera": "\t+1", "sex": "-cmd|' /C calc'!A0", "image": "=cmd.jpg"},
        {"image": "@gone.jpg", "camera": "=2"},
        *[{}] * 6,
    ]
    folder = archive(rows, site="=SITE()")
    (folder / "@gone.jpg").unlink()
    made = ingest(folder, tmp_path / "out", settings)
    review_quality(made.path, tmp_path / "quality")
    review_reports(made.path, tmp_path / "queue")
    tables = sorted(tmp_path.glob("*/*.csv"))
    names = {path.name for path in tables} - {"exams.csv"}
    listed = {"locators.csv", "queue.csv", "rejected.csv", "removed.csv", "sample.csv"}
    assert names == listed | {"to_label.csv"}
    for path in tables:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            cells = [cell for row in csv.reader(stream) for cell in row]
        if path.name != "exams.csv":
            assert [cell for cell in cells if FORMULA.match(cell)] == [], path.name
    assert '=HYPERLINK("x") cataract, right eye' in made.reports["text"].to_list()
    assert set(made.images["site_id"]) == {"=SITE()"}
    assert "=1+1" in made.images["camera"].to_list()


def test_xml_that_explodes_or_reads_other_files_is_a_bad_row(
    photographs: list[bytes], tmp_path: Path, settings: IngestSettings, ended: Ended
) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("Mallory", encoding="utf-8")
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    doctypes = {
        "good": "",
        "laughs": f'<!DOCTYPE r [<!ENTITY l0 "lol">{laughs}]>',
        "outside": f'<!DOCTYPE r [<!ENTITY l9 SYSTEM "{(tmp_path / "secret.txt").as_uri()}">]>',
    }
    for number, (name, doctype) in enumerate(doctypes.items()):
        (folder / f"{number}.jpg").write_bytes(photographs[number])
        said = "cataract" if name == "good" else "&l9;"
        text = f"<r><no>{number}</no><img>{number}.jpg</img><eye>OD</eye><say>{said}</say></r>"
        (folder / f"{name}.xml").write_text(doctype + text, encoding="utf-8")
    (folder / "archive.toml").write_text(
        '[[source]]\nsite = "x"\nkind = "xml"\ntable = "*.xml"\nphotos = ["*.jpg"]\n'
        'check_side = false\ncolumns = { exam = "r.no", images = "r.img", eye = "r.eye", '
        'report = "r.say" }\n',
        encoding="utf-8",
    )
    made = ingest(folder, tmp_path / "out", settings)
    assert made.reports["text"].to_list() == ["cataract"]
    codes_of = ended(made)
    assert codes_of["laughs.xml#1"] == codes_of["outside.xml#1"] == ["bad_row"]
    assert codes_of["1.jpg"] == codes_of["2.jpg"] == ["no_record"]
    assert not [path for path in made.path.rglob("*.*") if b"Mallory" in path.read_bytes()]


SCRIPT = "<script>alert(1)</script>"


def test_markup_of_the_archive_is_text_on_every_page(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = f"\"'><img src=x onerror=alert(1)>{SCRIPT}"
    rows = [
        {"camera": evil, "report": f"{evil} cataract, right eye", "name": f"Ann {SCRIPT}"},
        {"report": f"{html.escape(evil)} &lt cataract <script, right eye"},
        {"camera": "[/bold] \x1b[2J \u202e", "sex": SCRIPT, "age": evil},
        *[{}] * 6,
    ]
    folder = archive(rows, site=f"north \x1b[2J {SCRIPT}")
    for language in ("en", "zh"):
        chosen = IngestSettings(workers=1, language=language)
        made = ingest(folder, tmp_path / language, chosen)
    assert any("onerror" in text for text in made.images["camera"].drop_nulls())
    review_quality(made.path, tmp_path / "quality")
    review_reports(made.path, tmp_path / "queue")
    draft(folder, tmp_path / "draft")
    found = sorted(tmp_path.rglob("*.html"))
    assert {page.parent.name for page in found} == {"en", "zh", "quality", "queue", "draft"}
    for page in found:
        text = page.read_text(encoding="utf-8")
        assert SCRIPT not in text, page
        assert "<img src=x" not in text, page
    for table in ("", "images.parquet", "reports.parquet"):
        with pytest.raises(SystemExit, match="0"):
            door.main(["show", str(made.path / table)])
    assert "\x1b[2J" not in capsys.readouterr().out


NAMES = (
    "line\nbreak.jpg", "tab\there.jpg", "eye \U0001f441\ufe0f.jpg", 'a:b*c?"<x>|.jpg', "CON.jpg",
    "trailing .jpg", "\u202egpj.jpg", "-rf.jpg", "$(reboot).jpg",
)  # fmt: skip


def test_file_names_of_every_kind(
    archive: Archive,
    photographs: list[bytes],
    tmp_path: Path,
    settings: IngestSettings,
    ended: Ended,
) -> None:
    folder = archive([{"image": name} for name in NAMES])
    no_utf8 = folder / os.fsdecode(b"sch\xf6n \xff")
    no_utf8.mkdir()
    (no_utf8 / os.fsdecode(b"m\xe4rz.jpg")).write_bytes(photographs[10])
    for again in ("one", "two"):  # the second run reads the list of places again
        made = ingest(folder, tmp_path / again, settings)
    assert made.images.height == len(NAMES)
    place = os.fsdecode(b"sch\xf6n \xff/m\xe4rz.jpg")
    assert ended(made) == {place: ["no_record"]}
    for path in made.path.rglob("*"):
        assert re.fullmatch(r"[\w.-]+[^.]", path.name)
    drafted = draft(folder, tmp_path / "draft")
    assert ingest(folder, tmp_path / "three", settings, config_path=drafted.description).id


@pytest.mark.parametrize(("broken", "code"), [(1, 3), (0, 0)])
def test_a_tenth_of_the_files_damaged_finishes_and_the_exit_code_says_so(
    archive: Archive,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    broken: int,
    code: int,
) -> None:
    folder = archive([{}] * 10)
    for number in range(broken):
        path = folder / f"{number}.jpg"
        path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(SystemExit) as caught:
        door.main(["ingest", str(folder), str(tmp_path / "out"), "--set", "workers=1"])
    assert (caught.value.code or 0) == code
    made = store.Corpus.open(tmp_path / "out")
    counts = {"seen": 10, "kept": 10 - broken, "rejected": broken, "review": 0}
    assert made.manifest.counts["images"] == counts
    shown = capsys.readouterr()
    assert "next:" in shown.out
    assert f"funduscope show {tmp_path / 'out'}" in shown.out
    assert re.search(rf"images\s+10\s+{10 - broken}\s+{broken}\s+0", shown.out)
    assert re.search(r"photographs .*10/10.* left", shown.err)
    assert ("1 of 10 photographs are damaged files (truncated 1)" in shown.err) == bool(broken)


@pytest.mark.parametrize(("leaves", "workers"), [("nothing", 2), ("an empty folder", 1)])
def test_an_archive_that_goes_away_half_way_is_waited_for(
    archive: Archive, tmp_path: Path, leaves: str, workers: int
) -> None:
    folder = archive([{}] * 8)
    small = IngestSettings(workers=1, exams_per_part=2)
    several = IngestSettings(workers=workers, exams_per_part=2)
    whole = ingest(folder, tmp_path / "whole", small)
    away = tmp_path / "unmounted"

    def unmount() -> None:
        folder.rename(away)
        if leaves != "nothing":
            folder.mkdir()

    out = tmp_path / "out"
    with pytest.raises(DataError) as caught:
        ingest(folder, out, several, progress=Hook(2, unmount))
    assert caught.value.code == "source_gone"
    assert "--resume" in caught.value.remedy
    with pytest.raises(DataError, match="unfinished"):
        store.Corpus.open(out)
    shutil.rmtree(folder, ignore_errors=True)
    away.rename(folder)
    assert ingest(folder, out, small, resume=True).id == whole.id


def test_an_output_that_cannot_be_written(
    archive: Archive, tmp_path: Path, settings: IngestSettings
) -> None:
    folder = archive([{}])
    locked = tmp_path / "locked"
    locked.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(locked)]
    if os.geteuid() != 0:
        locked.chmod(0o500)
    elif subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("root may write everywhere, and this one may not mount")
    try:
        kept_apart = IngestSettings(workers=1, key_file=tmp_path / "key")
        for chosen in (settings, kept_apart):
            with pytest.raises(DataError) as caught:
                ingest(folder, locked / "out", chosen)
            assert caught.value.code == "not_permitted"
            assert str(locked) in caught.value.place
    finally:
        if os.geteuid() == 0:
            subprocess.run(["umount", str(locked)], check=True)


def test_a_key_inside_the_output_is_refused(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    with pytest.raises(SystemExit) as caught:
        door.main(["ingest", str(archive([{}])), str(out), "--set", f"key_file={out}/sub/key"])
    assert caught.value.code == 6
    assert "the key never lies inside OUT" in capsys.readouterr().err
    assert not out.exists()


def test_two_runs_on_one_output_at_once(
    archive: Archive, tmp_path: Path, settings: IngestSettings
) -> None:
    folder, out = archive([{}] * 4), tmp_path / "out"
    codes = []

    def second() -> None:
        for flags in ({}, {"resume": True}, {"force": True}):
            with pytest.raises(DataError, match="another run is writing it") as caught:
                ingest(folder, out, settings, **flags)
            codes.append(caught.value.code)

    made = ingest(folder, out, settings, progress=Hook(2, second))
    assert codes == ["output_taken"] * 3
    assert made.images.height == 4
    assert [path.name for path in out.iterdir() if path.name.startswith(".")] == []
    assert ingest(folder, out, settings, force=True).id == made.id
