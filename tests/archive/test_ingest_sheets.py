from __future__ import annotations

import csv
import io
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image, ImageFilter

from funduscope import config, inputs, store
from funduscope.archive import IngestSettings, description, ingest, parts
from funduscope.errors import ConfigError, DataError, IdentityError

Sheet = Callable[[Sequence[Mapping[str, str]], Mapping[str, bytes]], Path]
Rows = Callable[..., tuple[list[dict[str, str]], dict[str, bytes]]]


def test_a_sheet_is_read_as_reports_of_patients(
    sheet: Sheet, two_eyes: Rows, photographs: list[bytes], tmp_path: Path, settings: IngestSettings
) -> None:
    rows, files = two_eyes(
        photographs[:4], age=">90", sex="F", labels="dr2;other:odd", licence="L1"
    )
    rows[3]["text"] = ""
    folder = sheet(rows, files)
    made = ingest(folder, tmp_path / "out", settings)
    assert sorted(made.reports["text"]) == [
        "Right eye: normal fundus",
        "Right eye: normal fundus; left eye: cataract",
    ]
    written = made.pairs.filter(pl.col("caption_source") == "report")
    joined = written.join(made.images.select("image_id", image_eye="eye"), on="image_id")
    assert sorted(joined.select("image_eye", "caption").rows()) == [
        ("OD", "normal fundus"),
        ("OD", "normal fundus"),
        ("OS", "cataract"),
    ]
    assert set(made.labels.select("task", "finding", "value", "unit", "source").rows()) == {
        ("icdr", "diabetic_retinopathy", 2.0, "grade", "someset")
    }
    assert made.labels.height == 4
    assert made.rejects.select("item", "code").rows() == [("record", "label_dropped")]
    one = made.images.row(0, named=True)
    assert (one["age_years"], one["sex"], one["licence"]) == (90, "female", "L1")
    assert one["patient_id_source"] == "record"
    assert one["source_sha256"] is not None


def test_an_unknown_sheet_with_odd_values_is_read(
    sheet: Sheet, photographs: list[bytes], tmp_path: Path, settings: IngestSettings
) -> None:
    files = {f"images/{n}.jpg": data for n, data in enumerate(photographs[:4])}
    first, second, third, fourth = files
    folder = sheet(
        [
            {"image": first, "eye": "right", "sex": "Male", "split": "validation", "age": "8 mo"},
            {"image": second.replace("/", "\\"), "eye": "OS", "sex": "2", "split": "holdout"},
            {"image": third, "eye": "both", "age": "n/a", "text": "右眼白内障", "more": "x"},
            {"image": fourth, "eye": "", "text": "drusen, left eye"},
            {"image": "images/absent.jpg"},
        ],
        files,
    )
    text = (folder / "labels.csv").read_text(encoding="utf-8")
    (folder / "labels.csv").write_bytes(text.encode("utf-16"))
    made = ingest(folder, tmp_path / "out", settings)
    assert made.images.height == 4
    facts = made.images.select("eye", "sex", "age_years").rows()
    assert sorted(facts, key=str) == [
        ("OD", "male", 0),
        ("OS", None, None),
        ("unknown", None, None),
        ("unknown", None, None),
    ]
    assert "val" in set(made.images["split"])
    assert sorted(made.rejects["code"]) == [
        "missing_image",
        "no_report",
        "no_report",
        "odd_age",
        "odd_eye",
        "odd_sex",
        "odd_split",
    ]
    assert sorted(made.reports["language"]) == ["en", "zh"]
    # Both reports name an eye that their photograph is not known to show: no caption is guessed.
    assert made.pairs.is_empty()


def test_labels_never_reach_reports_or_pairs(
    sheet: Sheet, two_eyes: Rows, photographs: list[bytes], tmp_path: Path, settings: IngestSettings
) -> None:
    rows, files = two_eyes(photographs[:4], labels="glaucoma")
    folder = sheet(rows, files)
    with_labels = ingest(folder, tmp_path / "with", settings)
    for row in rows:
        row["labels"] = "erm"
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    other = ingest(folder, tmp_path / "other", settings)
    assert set(with_labels.labels["finding"]) == {"glaucoma"}
    assert set(other.labels["finding"]) == {"erm"}
    for table in ("reports", "assertions", "pairs"):
        assert getattr(with_labels, table).equals(getattr(other, table))


def test_a_benchmark_keeps_every_labeled_picture(
    sheet: Sheet, photographs: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(stream, "PNG")
    files = {"images/a.jpg": photographs[0], "images/b.png": stream.getvalue()}
    rows = [{"image": name, "labels": "no_dme"} for name in files]
    made = ingest(sheet(rows, files), tmp_path / "out", IngestSettings(workers=1, modality="oct"))
    assert made.images.height == made.labels.height == 2
    assert made.labels["value"].to_list() == [0.0, 0.0]
    assert made.pairs.is_empty()
    assert set(made.images["patient_id_source"]) == {"image"}
    assert set(made.images["modality"]) == {"oct"}
    refused = inputs.Quality(False, False, 0.0, "not_fundus")
    sound = inputs.Quality(True, True, 1.0, None)
    monkeypatch.setattr(
        inputs, "assess", lambda seen, **_: refused if seen.likeness < 0.5 else sound
    )
    strict = IngestSettings(workers=1, keep_refused=False, max_failed=1)
    fewer = ingest(tmp_path / "someset", tmp_path / "strict", strict)
    assert fewer.rejects.select("step", "code", "severity").rows() == [
        ("fundus", "not_fundus", "rejected")
    ]


def test_a_site_s_own_threshold_goes_before_the_setting(
    sheet: Sheet, photographs: list[bytes], tmp_path: Path
) -> None:
    folder = sheet([{"image": "images/a.jpg"}], {"images/a.jpg": photographs[0]})
    every = ingest(folder, tmp_path / "every", IngestSettings(workers=1, gradable_from=0))
    assert every.images["gradable"].to_list() == [True]
    described = resources.files("funduscope.archive").joinpath("sheet.toml").read_text("utf-8")
    own = tmp_path / "archive.toml"
    own.write_text(described.replace("[[source]]", "[[source]]\ngradable_from = 1", 1))
    image = Image.open(io.BytesIO(photographs[0])).filter(ImageFilter.GaussianBlur(3))
    image.save(folder / "images" / "a.jpg", quality=95)
    settings = IngestSettings(workers=1, gradable_from=0)
    made = ingest(folder, tmp_path / "own", settings, config_path=own)
    assert made.images["gradable"].to_list() == [False]


def test_copies_without_patients_are_one_patient_in_one_split(
    sheet: Sheet, photographs: list[bytes], tmp_path: Path, settings: IngestSettings
) -> None:
    stream = io.BytesIO()
    Image.open(io.BytesIO(photographs[0])).save(stream, "JPEG", quality=70)
    pictures = [photographs[0], stream.getvalue(), *photographs[1:4]]
    files = {f"images/{n}.jpg": data for n, data in enumerate(pictures)}
    splits = ["train", "test", "test", "val", "train"]
    rows = [{"image": n, "split": s} for n, s in zip(files, splits, strict=True)]
    made = ingest(sheet(rows, files), tmp_path / "out", settings)
    assert made.images["patient_id"].n_unique() == 4
    by_patient = made.images.group_by("patient_id").agg(pl.len(), pl.col("split").n_unique())
    assert sorted(by_patient["len"]) == [1, 1, 1, 2]
    assert by_patient["split"].max() == 1
    assert made.rejects["code"].to_list() == ["split_conflict"]
    alone = made.images.join(by_patient.filter(pl.col("len") == 1), on="patient_id")
    assert sorted(alone["split"]) == ["test", "train", "val"]


@pytest.mark.parametrize("published", [True, False])
def test_a_picture_shared_by_two_patients(
    sheet: Sheet,
    photographs: list[bytes],
    tmp_path: Path,
    settings: IngestSettings,
    published: bool,
) -> None:
    stream = io.BytesIO()
    Image.open(io.BytesIO(photographs[0])).save(stream, "JPEG", quality=70)
    files = {"images/a.jpg": photographs[0], "images/b.jpg": stream.getvalue()}
    rows = [
        {"image": name, "patient": str(number), "split": split}
        for number, (name, split) in enumerate(zip(files, ("train", "test"), strict=True))
    ]
    own = tmp_path / "own.toml"
    text = description.SHEET.read_text(encoding="utf-8")
    own.write_text(
        text.replace("published_split = true", f"published_split = {str(published).lower()}"),
        encoding="utf-8",
    )
    made = ingest(sheet(rows, files), tmp_path / "out", settings, config_path=own)
    assert made.images["patient_id"].n_unique() == 2
    codes = sorted(made.rejects["code"])
    if published:
        assert sorted(made.images["split"]) == ["test", "train"]
        assert codes == ["near_duplicate"]
    else:
        assert made.images["split"].n_unique() == 1
        assert codes == ["near_duplicate", "split_conflict"]


def test_a_sheet_whose_photographs_are_missing_says_so(
    sheet: Sheet, two_eyes: Rows, photographs: list[bytes], tmp_path: Path, settings: IngestSettings
) -> None:
    rows, _ = two_eyes(photographs[:2])
    with pytest.raises(DataError, match=r"0 photographs found.*missing_image 2"):
        ingest(sheet(rows, {}), tmp_path / "out", settings)


def test_too_many_failures_end_in_an_error_with_counts(
    sheet: Sheet, two_eyes: Rows, photographs: list[bytes], tmp_path: Path, settings: IngestSettings
) -> None:
    rows, files = two_eyes([*photographs[:2], b"", b"text", photographs[2][:999]])
    folder = sheet(rows, files)
    out = tmp_path / "out"
    with pytest.raises(DataError) as caught:
        ingest(folder, out, settings)
    error = caught.value
    assert error.code == "too_many_failures"
    for word in ("5 photographs", "2 kept", "zero_byte 1", "not_an_image 1", "truncated 1"):
        assert word in error.value
    assert "25%" in error.rule
    assert "max_failed=1" in error.remedy
    with pytest.raises(DataError, match="unfinished"):
        store.Corpus.open(out)
    lenient = IngestSettings(workers=1, max_failed=1)
    made = ingest(folder, out, lenient, resume=True)
    assert made.manifest.counts["images"] == {"seen": 5, "kept": 2, "rejected": 3, "review": 0}


def test_the_same_archive_gives_the_same_id_and_another_key_does_not(
    sheet: Sheet, two_eyes: Rows, photographs: list[bytes], tmp_path: Path, settings: IngestSettings
) -> None:
    folder = sheet(*two_eyes(photographs[:2]))
    one = ingest(folder, tmp_path / "one", settings)
    assert ingest(folder, tmp_path / "two", settings).id == one.id
    other = IngestSettings(workers=1, key_file=tmp_path / "other.key")
    made = ingest(folder, tmp_path / "three", other)
    assert made.id != one.id
    assert set(made.images["patient_id"]).isdisjoint(one.images["patient_id"])
    kinds = [item["kind"] for item in one.manifest.inputs]
    assert kinds == ["archive", "key"]
    key = (tmp_path / "identity" / "key").read_bytes()
    assert all(key not in path.read_bytes() for path in one.path.rglob("*") if path.is_file())


def test_places_that_are_refused(
    sheet: Sheet, two_eyes: Rows, photographs: list[bytes], tmp_path: Path, settings: IngestSettings
) -> None:
    folder = sheet(*two_eyes(photographs[:2]))
    with pytest.raises(DataError, match="inside the archive"):
        ingest(folder, folder / "out", settings)
    inside = IngestSettings(workers=1, key_file=tmp_path / "out" / "key")
    with pytest.raises(IdentityError):
        ingest(folder, tmp_path / "out", inside)
    assert not (tmp_path / "out").exists()


def test_a_missing_column_stops_before_anything_is_written(
    sheet: Sheet, two_eyes: Rows, photographs: list[bytes], tmp_path: Path, settings: IngestSettings
) -> None:
    rows, files = two_eyes(photographs[:2])
    folder = sheet([{"imgae": row["image"]} for row in rows], files)
    with pytest.raises(DataError) as caught:
        ingest(folder, tmp_path / "out", settings)
    assert "did you mean 'imgae'" in caught.value.remedy
    assert not (tmp_path / "out").exists()


def test_unknown_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'max_side'"):
        config.load(IngestSettings, None, ["max_sid=3"])


def test_a_full_disk_leaves_nothing_that_opens_as_whole(
    sheet: Sheet, two_eyes: Rows, photographs: list[bytes], tmp_path: Path, settings: IngestSettings
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)]
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let its root mount a tmpfs")
    try:
        key = IngestSettings(workers=1, key_file=tmp_path / "key")
        folder = sheet(*two_eyes(photographs[:12]))
        with pytest.raises(DataError) as caught:
            ingest(folder, small / "out", key)
        assert caught.value.code == "disk_full"
        assert "--resume" in caught.value.remedy
        with pytest.raises(DataError, match="unfinished"):
            store.Corpus.open(small / "out")
        subprocess.run(["mount", "-o", "remount,size=8m", str(small)], check=True)
        made = ingest(folder, small / "out", key, resume=True)
        assert made.id == ingest(folder, tmp_path / "roomy", key).id
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_full_disk_is_told_from_other_failures(
    sheet: Sheet,
    two_eyes: Rows,
    photographs: list[bytes],
    tmp_path: Path,
    settings: IngestSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = sheet(*two_eyes(photographs[:2]))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parts, "write", full)
    with pytest.raises(DataError, match="no space left"):
        ingest(folder, tmp_path / "out", settings)
    with pytest.raises(DataError, match="unfinished"):
        store.Corpus.open(tmp_path / "out")


@pytest.mark.realdata
def test_every_real_set_is_read(real_data: Path, tmp_path: Path, settings: IngestSettings) -> None:
    sets = sorted(path.parent for path in real_data.glob("*/labels.csv"))
    assert len(sets) >= 8
    for real in sets:
        with (real / "labels.csv").open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))[:6]
        folder = tmp_path / real.name
        for row in rows:
            target = folder / row["image"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((real / row["image"]).read_bytes())
        with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        made = ingest(folder, tmp_path / "out" / real.name, settings)
        assert made.images.height == 6, real.name
        splits = sorted(row["split"] for row in rows)
        assert sorted(made.images["split"]) == splits, real.name
        assert made.labels["image_id"].n_unique() == sum(bool(row["labels"]) for row in rows)
        written = made.pairs.filter(pl.col("caption_source") == "report")
        assert written.height == sum(bool(row["text"]) + bool(row["text_zh"]) for row in rows)
