"""A made-up truth of two persons, and corpora of it made right and wrong, for the judge."""

from __future__ import annotations

import csv
import importlib
import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

FOLDER = Path(__file__).parents[2] / "benchmarks"
MODULES = (
    "ingest",
    "ingest_corrections",
    "ingest_contents",
    "ingest_measures",
    "ingest_page",
    "ingest_pixels",
    "ingest_search",
    "ingest_truth",
)
SIDE = 96
TEXTS = {
    "R1": "患者陈小雨，电话13000000001。右眼：杯盘比0.4，见微血管瘤。左眼：未见出血。",
    "R2": "Mr Cotton seen 2020-01-05. OD: cotton wool spot. OS: drusen.",
    "R3": "右眼B超：后巩膜葡萄肿，眼轴29.1mm",
    "R4": "/",
}


@pytest.fixture(scope="module")
def judge():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})


def image(file, patient, visit, eye="OD", **change):
    return {
        "file": file,
        "patient": patient,
        "visit": visit,
        "site": "A",
        "eye": eye,
        "field": "macula",
        "kind": "cfp",
        "expected": "keep",
        "reason": "ok",
        "also_ok": "",
        "burned_in_text": "none",
        "note": "",
    } | change


def phi(number, kind, value, **change):
    blank = dict.fromkeys(
        ("canonical", "file", "where", "field", "report", "start", "end", "box", "note"), ""
    )
    return {"phi": number, "type": kind, "value": value} | blank | change


def in_text(number, kind, value, report, **change):
    start = TEXTS[report].index(value)
    end = start + len(value)
    return phi(
        number, kind, value, report=report, field="t", start=start, end=end, where="x", **change
    )


def mention(report, evidence):
    start = TEXTS[report].index(evidence)
    return {"report": report, "field": "t", "start": start, "evidence": evidence}


TRUTH = {
    "images": [
        image("a/1_OD.jpg", "P1", "V1"),
        image("a/1_OS.jpg", "P1", "V1", "OS", note="exif orientation 6"),
        image("a/1_OD_copy.jpg", "P1", "V1", expected="reject", reason="exact_duplicate"),
        image("z.zip!2_OD.jpg", "P2", "V2"),
        image("a/2_OS.jpg", "P2", "V3", "OS"),
        image("a/empty.jpg", "P1", "V1", expected="reject", reason="zero_byte"),
        image("a/dark.jpg", "P2", "V2", expected="review", reason="ungradable", also_ok="keep"),
    ],
    "reports": [
        {
            "report": key,
            "locator": f"a/t.csv#no={key}",
            "patient": {"R2": "P2"}.get(key, "P1"),
            "visit": {"R2": "V2", "R4": "V3"}.get(key, "V1"),
            "site": "A",
            "language": "en" if key == "R2" else "zh",
            "kind": {"R3": "bscan", "R4": "empty"}.get(key, "cfp"),
            "text": text,
            "fields": json.dumps({"t": text}),
            "special": "",
        }
        for key, text in TEXTS.items()
    ],
    "pairs": [
        {"image": file, "report": report, "eye": eye, "requirement": what, "why": ""}
        for file, report, eye, what in (
            ("a/1_OD.jpg", "R1", "OD", "must"),
            ("a/1_OS.jpg", "R1", "OS", "must"),
            ("a/1_OD_copy.jpg", "R1", "OD", "may"),
            ("z.zip!2_OD.jpg", "R2", "OD", "must"),
            ("a/1_OD.jpg", "R3", "OD", "must_not"),
        )
    ],
    "phi": [
        in_text("H1", "name", "陈小雨", "R1"),
        in_text("H2", "phone", "13000000001", "R1", canonical="13000000001"),
        in_text("H3", "name", "Cotton", "R2"),
        in_text("H4", "date", "2020-01-05", "R2", canonical="2020-01-05"),
        phi("H5", "exam_no", "00007", where="x"),
        phi("H6", "name", "陈^小雨", where="dicom", canonical="陈小雨"),
        phi("H7", "date", "x", where="pixels", file="a/1_OS.jpg", box="2 3 20 10", note="outside"),
    ],
    "mentions": [
        mention("R1", "微血管瘤"),
        mention("R1", "出血"),
        mention("R2", "drusen"),
    ],
    "duplicates": [
        {
            "group": "D1",
            "file_a": "a/1_OD.jpg",
            "file_b": "a/1_OD_copy.jpg",
            "relation": "exact",
            "expected": "keep one of the two",
        },
        {
            "group": "D2",
            "file_a": "z.zip!2_OD.jpg",
            "file_b": "a/2_OS.jpg",
            "relation": "same_eye_other_visit",
            "expected": "keep both, same patient, same split",
        },
    ],
    "patients": [
        {"patient": "P1", "sex": "F", "birth_date": "1960-02-01"},
        {"patient": "P2", "sex": "M", "birth_date": "1925-02-01"},
    ],
    "visits": [
        {"visit": "V1", "patient": "P1", "site": "A", "date": "2020-01-01", "special": ""},
        {"visit": "V2", "patient": "P2", "site": "A", "date": "2020-01-05", "special": ""},
        {"visit": "V3", "patient": "P2", "site": "B", "date": "2021-01-05", "special": ""},
    ],
}


def encoded(rgb, kind="PNG", **more):
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, kind, **more)
    return stream.getvalue()


def scene(seed):
    """A disc with a bright spot on one side: no turn of it looks the same."""
    y, x = np.mgrid[:SIDE, : SIDE + 24]
    disc = np.hypot(x - 60, y - 48) < 40
    rgb = np.where(disc[..., None], 90 + seed, 0).astype(np.uint8) * np.ones(3, np.uint8)
    rgb[30:50, 70:84] = 220
    return rgb


@pytest.fixture
def truth(judge, tmp_path):
    folder = tmp_path / "made" / "truth"
    folder.mkdir(parents=True)
    for name, rows in TRUTH.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(dict.fromkeys(k for row in rows for k in row)))
            writer.writeheader()
            writer.writerows(rows)
    archive = tmp_path / "made" / "archive" / "a"
    archive.mkdir(parents=True)
    raw = np.asarray(Image.fromarray(scene(1)).transpose(Image.Transpose.ROTATE_90)).copy()
    raw[3:11, 2:21] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    (archive / "1_OS.jpg").write_bytes(encoded(raw, "JPEG", exif=exif))
    return judge.ingest_truth.Truth.read(folder)


def stored_image(file, patient, exam, eye, **change):
    return {
        "image_id": file.strip("a/z.ipgj!"),
        "patient_id": patient,
        "exam_id": exam,
        "eye": eye,
        "split": {"p1": "train", "p2": "test"}[patient],
        "visit_day": 366 if exam == "e3" else 0,
        "age_years": 59 if patient == "p1" else 90,
        "sex": "female" if patient == "p1" else "male",
        "source": f"l-{file}",
        "fov_x_px": 60.0,
        "fov_y_px": 48.0,
        "fov_radius_px": 40.0,
    } | change


def right():
    """Tables of a corpus in which everything ended as it should."""
    files = (
        ("a/1_OD.jpg", "p1", "e1", "OD"),
        ("a/1_OS.jpg", "p1", "e1", "OS"),
        ("z.zip!2_OD.jpg", "p2", "e2", "OD"),
        ("a/2_OS.jpg", "p2", "e3", "OS"),
        ("a/dark.jpg", "p2", "e2", "OD"),
    )
    texts = {
        "r1": "患者[姓名]，电话[号码]。右眼:杯盘比0.4，见微血管瘤。\n左眼:未见出血。",
        "r2": "Mr [name] seen [date]. OD: cotton wool spot. OS: drusen.",
    }
    return {
        "images": [stored_image(*row) for row in files],
        "reports": [
            {
                "report_id": key,
                "patient_id": key.replace("r", "p"),
                "exam_id": key.replace("r", "e"),
                "site_id": "a",
                "language": "en" if key == "r2" else "zh",
                "text": text,
            }
            for key, text in texts.items()
        ],
        "assertions": [{"report_id": "r1", "finding": "microaneurysm", "status": "present"}],
        "pairs": [
            {"image_id": image_id, "report_id": report, "eye": eye, "caption": caption}
            for image_id, report, eye in (
                ("1_OD", "r1", "OD"),
                ("1_OS", "r1", "OS"),
                ("2_OD", "r2", "OD"),
            )
            for caption in ("fundus photograph", "眼底照相")
        ],
        "rejects": [
            {"locator": f"l-{file}", "item": item, "code": code, "severity": "rejected"}
            for file, item, code in (
                ("a/1_OD_copy.jpg", "image", "exact_duplicate"),
                ("a/empty.jpg", "image", "zero_byte"),
                ("a/t.csv#5", "report", "says_nothing"),
                ("a/t.csv#4", "report", "other_examination"),
            )
        ],
    }


def write(judge, folder, tables, blobs=None):
    """A corpus on disk, read back as the judge reads it."""
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    (folder / "pixels").mkdir(parents=True)
    for name, rows in tables.items():
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{name}.parquet")
    made = {row["image_id"]: encoded(scene(n)) for n, row in enumerate(tables["images"])}
    pictures = [
        {"image_id": key, "image": {"bytes": data, "path": key}}
        for key, data in (made | (blobs or {})).items()
    ]
    pq.write_table(pa.Table.from_pylist(pictures), folder / "pixels" / "part-00007.parquet")
    counts = {}
    for item in ("image", "report"):
        kept = len(tables[f"{item}s"])
        ledger = [row["severity"] for row in tables["rejects"] if row["item"] == item]
        ended = {key: ledger.count(key) for key in ("rejected", "review")}
        counts[f"{item}s"] = {"seen": kept + len(ledger), "kept": kept} | ended
    (folder / "manifest.json").write_text(json.dumps({"counts": counts}), encoding="utf-8")
    locators = folder.parent / "identity" / "locators.csv"
    locators.parent.mkdir(exist_ok=True)
    places = {row["source"] for row in tables["images"]} | {r["locator"] for r in tables["rejects"]}
    with locators.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(
            [("locator", "path"), *((place, place[2:]) for place in sorted(places))]
        )
    return judge.ingest_truth.Corpus.read(folder, locators)


def verdicts(judge, truth, corpus):
    """Name of figure -> reached, of the whole page."""
    run = judge.ingest.Run(corpus.folder, corpus.folder.parent / "identity" / "locators.csv")
    archive = truth.folder.parent / "archive"
    sections = judge.ingest.judge(archive, truth, run, None)
    return {figure.name: figure.reached for s in sections for figure in s.figures}


def missed(judge, truth, corpus):
    return sorted(
        name for name, reached in verdicts(judge, truth, corpus).items() if reached is False
    )


def take(tables, name, **where):
    """Take the rows out that are so."""
    rows = tables[name]
    tables[name] = [r for r in rows if any(r[key] != value for key, value in where.items())]
    assert len(tables[name]) < len(rows)


def change(tables, name, where, **to):
    rows = [row for row in tables[name] if all(row[k] == v for k, v in where.items())]
    assert rows
    for row in rows:
        row.update(to)


@pytest.fixture(scope="session")
def made():
    """What the tests make corpora with."""
    names = (encoded, scene, stored_image, right, write, verdicts, missed, take, change)
    return SimpleNamespace(TEXTS=TEXTS, **{one.__name__: one for one in names})
