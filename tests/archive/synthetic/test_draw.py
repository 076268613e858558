"""The synthetic archive as a whole: same seed same bytes, defects, identities, truth."""

from __future__ import annotations

import csv
import hashlib
import json
import tomllib
from pathlib import Path

import pytest

from funduscope.archive.synthetic import FINDINGS, draw_archive
from funduscope.archive.synthetic.plan import DEFECTS, plan_archive
from funduscope.errors import ConfigError

EXAMS, SEED, SIZE = 32, 5, 96


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "truth" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def photographs(folder: Path) -> set[str]:
    """Hashes of the drawn photographs (planted empty and text files left out)."""
    root = folder / "archive"
    return {digest for path, digest in hashes(root).items() if (root / path).stat().st_size > 1000
            and path.endswith(("jpg", "png"))}  # fmt: skip


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("synthetic") / "one"
    draw_archive(out, exams=EXAMS, seed=SEED, size=SIZE, workers=1)
    return out


def texts(drawn: Path) -> str:
    """All tables of the three sites as one text."""
    sites = drawn / "archive"
    return "\n".join(
        [
            (sites / "harborview/exams.csv").read_text(encoding="utf-8"),
            (sites / "qingyuan/检查记录.csv").read_text(encoding="gb18030"),
            (sites / "songling/records.jsonl").read_text(encoding="utf-8"),
        ]
    )


def test_same_seed_same_bytes_with_two_workers(drawn: Path, tmp_path: Path) -> None:
    draw_archive(tmp_path / "two", exams=EXAMS, seed=SEED, size=SIZE, workers=2)
    assert hashes(tmp_path / "two") == hashes(drawn)


def test_another_seed_gives_another_archive(drawn: Path, tmp_path: Path) -> None:
    draw_archive(tmp_path / "other", exams=6, seed=SEED + 1, size=SIZE, workers=1)
    first, other = photographs(drawn), photographs(tmp_path / "other")
    assert len(other) >= 6
    assert not first & other


def test_three_layouts_are_described(drawn: Path) -> None:
    described = tomllib.loads((drawn / "archive.toml").read_text(encoding="utf-8"))
    assert [source["encoding"] for source in described["source"]] == ["utf-8", "gb18030", "utf-8"]
    for source in described["source"]:
        folder = drawn / "archive" / source["folder"]
        text = (folder / source["table"]).read_text(encoding=source["encoding"])
        if source["kind"] == "csv":
            header = next(csv.reader(text.splitlines()))
        else:
            first = json.loads(text.splitlines()[0])
            header = [*first, *(f"patient.{key}" for key in first["patient"])]
        for column in source["columns"].values():
            assert set([column] if isinstance(column, str) else column) <= set(header)
        assert any(folder.glob(source["photos"][0]))


def test_every_defect_is_planted(drawn: Path) -> None:
    planted = rows(drawn, "defects.csv")
    assert {row["kind"] for row in planted} == set(DEFECTS)
    path = {row["kind"]: drawn / "archive" / row["path"] for row in planted}
    assert path["zero_byte"].stat().st_size == 0
    assert path["truncated"].read_bytes()[:2] == b"\xff\xd8"
    assert path["truncated"].read_bytes()[-2:] != b"\xff\xd9"
    assert path["text_named_jpg"].read_bytes().startswith(b"The image")
    assert not path["missing_file"].exists()
    assert not path["missing_eye"].exists()
    original = path["duplicate_name"].with_stem(path["duplicate_name"].stem.removesuffix("_2"))
    if "songling" in original.parts:
        original = original.with_name(original.name.replace("-2.", "-1."))
    assert path["duplicate_name"].read_bytes() == original.read_bytes()
    digests = hashes(drawn / "archive")
    copy = digests[path["duplicate_patient"].relative_to(drawn / "archive").as_posix()]
    assert list(digests.values()).count(copy) == 2
    by_exam = {row["kind"]: row["exam"] for row in planted}
    assert by_exam["image_without_record"] not in texts(drawn)
    assert by_exam["report_without_image"] in texts(drawn)


def test_planted_identities_stand_in_the_archive(drawn: Path) -> None:
    text = texts(drawn)
    lost = {
        row["exam"] for row in rows(drawn, "defects.csv") if row["kind"] == "image_without_record"
    }
    names = "\n".join(path.as_posix() for path in (drawn / "archive").rglob("*"))
    seen = set()
    for row in rows(drawn, "identities.csv"):
        if row["exam"] in lost:
            continue
        if row["place"] == "file_name":
            photographed = row["exam"] in names
            assert row["value"] in names or not photographed
        else:
            assert row["value"] in text
        seen.add((row["kind"], row["place"]))
    assert {("name", "text"), ("phone", "text"), ("name", "column"), ("id_card", "column")} <= seen
    assert ("name", "file_name") in seen


def test_truth_covers_every_photograph(drawn: Path) -> None:
    eyes = rows(drawn, "eyes.csv")
    assert len({row["path"] for row in eyes}) == len(eyes)
    copies = {r["path"] for r in rows(drawn, "defects.csv") if r["kind"].startswith("duplicate")}
    listed = {row["path"] for row in eyes} | copies
    on_disk = {
        path.relative_to(drawn / "archive").as_posix()
        for path in (drawn / "archive").rglob("*")
        if path.suffix in (".jpg", ".png")
    }
    assert listed == on_disk


def test_swapped_photographs_say_so_in_the_truth(drawn: Path) -> None:
    swapped = {r["exam"] for r in rows(drawn, "defects.csv") if r["kind"] == "swapped_side"}
    word = {"OD": ("_OD", "右眼", "-R-"), "OS": ("_OS", "左眼", "-L-")}
    for row in rows(drawn, "eyes.csv"):
        agrees = any(part in row["path"] for part in word[row["eye"]])
        assert agrees == (row["exam"] not in swapped)


def test_half_of_the_lesions_are_small(drawn: Path) -> None:
    shares = [float(row["area_share"]) for row in rows(drawn, "lesions.csv")]
    assert len(shares) > 50
    assert sum(share < 0.03 for share in shares) >= len(shares) / 2


def test_a_full_archive_has_every_finding_in_eight_percent_of_eyes() -> None:
    planned = plan_archive(600, 11)
    eyes = [exam.eyes[side] for exam in planned for side in exam.photos]
    for finding in FINDINGS:
        share = sum(finding in eye.findings for eye in eyes) / len(eyes)
        assert 0.07 < share < 0.3, finding
        for site in {exam.site.name for exam in planned}:
            here = [e for exam in planned if exam.site.name == site for e in exam.eyes.values()]
            local = sum(finding in eye.findings for eye in here) / len(here)
            assert share / 2 < local < share * 2, (finding, site)
    assert len({exam.site.name for exam in planned}) == 3
    assert {exam.report.language for exam in planned} == {"zh", "en"}


def test_bad_numbers_and_existing_folder_are_refused(drawn: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="exams"):
        draw_archive(tmp_path / "x", exams=2, seed=0)
    with pytest.raises(ConfigError, match="size"):
        draw_archive(tmp_path / "x", exams=6, seed=0, size=20)
    with pytest.raises(ConfigError, match="exists"):
        draw_archive(drawn, exams=6, seed=0, size=SIZE)


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []

    class Listener:
        def start(self, name: str, total: int) -> None:
            told.append((name, total))

        def advance(self, units: int = 1) -> None:
            told.append(("advance", units))

        def done(self) -> None:
            told.append(("done", 0))

    draw_archive(tmp_path / "x", exams=6, seed=2, size=96, workers=1, progress=Listener())
    assert told[0][0] == "draw photographs"
    assert sum(units for name, units in told if name == "advance") == told[0][1]
    assert told[-1] == ("done", 0)
