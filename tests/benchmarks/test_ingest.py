"""The judge of an ingest, on a made-up truth of two persons and corpora made right and wrong."""

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

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

FOLDER = Path(__file__).parents[2] / "benchmarks"
MODULES = ("ingest_truth", "ingest_measures", "ingest_search", "ingest_pixels", "ingest")
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


def test_a_right_corpus_reaches_every_target(judge, truth, tmp_path):
    found = verdicts(judge, truth, write(judge, tmp_path / "corpus", right()))
    assert [name for name, reached in found.items() if reached is False] == []
    judged = [name for name, reached in found.items() if reached]
    assert len(judged) > 35
    assert "photographs with an EXIF orientation stored upright" in judged
    assert "spans of evidence lost from stored reports" in judged


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


def lose_a_file(tables):
    take(tables, "rejects", locator="l-a/empty.jpg")


def name_it_otherwise(tables):
    change(tables, "rejects", {"locator": "l-a/empty.jpg"}, code="truncated")


def keep_both_copies(tables):
    tables["images"].append(stored_image("a/1_OD_copy.jpg", "p1", "e1", "OD"))
    take(tables, "rejects", code="exact_duplicate")


def lose_a_report(tables):
    take(tables, "reports", report_id="r2")
    take(tables, "pairs", report_id="r2")
    row = {"locator": "l-a/t.csv#3", "item": "report", "code": "no_image", "severity": "rejected"}
    tables["rejects"].append(row)


def lose_a_report_silently(tables):
    take(tables, "rejects", code="says_nothing")


def pair_across(tables):
    tables["pairs"].append({"image_id": "2_OD", "report_id": "r1", "eye": "OD", "caption": "x"})


def mix_two_reports(tables):
    text = tables["reports"][0]["text"]
    tables["reports"][0]["text"] = f"{text}\n{TEXTS['R3']}"


def turn_an_eye(tables):
    change(tables, "pairs", {"image_id": "1_OS"}, eye="OD")


def lose_a_word(tables):
    text = tables["reports"][1]["text"]
    tables["reports"][1]["text"] = text.replace("drusen", "[name]")


def keep_a_name(tables):
    tables["reports"][0]["text"] += "陈小雨"


def space_a_name(tables):
    tables["pairs"][0]["caption"] += " 陈 小　雨 "


def write_a_number_wide(tables):
    tables["rejects"][0]["detail"] = "（１３０－００００－０００１）".replace("－", " - ")


def turn_a_date(tables):
    tables["pairs"][0]["caption"] += " 5.1. (05/01/2020, 01/05/2020)"


def keep_an_everyday_name(tables):
    text = tables["reports"][1]["text"]
    tables["reports"][1]["text"] = text.replace("[name]", "Cotton")


def part_a_person(tables):
    change(tables, "images", {"image_id": "2_OS"}, patient_id="p3")


def part_a_person_and_split(tables):
    change(tables, "images", {"image_id": "2_OS"}, split="val")


def age_wrong(tables):
    change(tables, "images", {"image_id": "2_OS"}, age_years=95)


def days_wrong(tables):
    change(tables, "images", {"image_id": "2_OS"}, visit_day=300)


def take_for_a_copy(tables):
    row = {"locator": "l-a/2_OS.jpg", "item": "record", "code": "near_duplicate"}
    tables["rejects"].append(row | {"severity": "review"})


def make_things_up(tables):
    row = {"report_id": "r1", "finding": "drusen", "status": "absent"}
    tables["reports"].append(
        {
            "report_id": "r9",
            "patient_id": "p9",
            "exam_id": "e9",
            "site_id": "a",
            "language": "en",
            "text": "Nothing like any report of the truth was ever written here.",
        }
    )
    tables["assertions"].append(row)


ABSENT = "planted strings absent from every byte"
SPLIT = "copies or photographs of one eye in two splits"


@pytest.mark.parametrize(
    ("fault", "names"),
    [
        (lose_a_file, {"images that ended as expected"}),
        (name_it_otherwise, {"of those not kept: code names the reason"}),
        (keep_both_copies, {"exact copies of which both are kept", "planted copies found"}),
        (lose_a_report, {"reports that had to be kept and were"}),
        (lose_a_report_silently, {"reports of the truth in neither corpus nor ledger"}),
        (pair_across, {"wrong pairs among those made"}),
        (mix_two_reports, {"wrong pairs among those made"}),
        (turn_an_eye, {"eye right among pairs made"}),
        (lose_a_word, {"spans of evidence lost from stored reports"}),
        (keep_a_name, {ABSENT}),
        (space_a_name, {ABSENT}),
        (write_a_number_wide, {ABSENT}),
        (turn_a_date, {ABSENT}),
        (
            keep_an_everyday_name,
            {"short numbers and everyday words left in reports where planted"},
        ),
        (part_a_person, {"persons with two numbers", "persons of two sites with one number"}),
        (part_a_person_and_split, {"persons in two splits", SPLIT}),
        (age_wrong, {"photographs with an age wrong by more than a year", "ages above 90"}),
        (days_wrong, {"persons of two visits with the true days between them"}),
        (take_for_a_copy, {"other photographs of an eye taken for copies"}),
        (make_things_up, {"stored reports that are none of the truth's"}),
    ],
)
def test_each_fault_is_seen(judge, truth, tmp_path, fault, names):
    tables = right()
    fault(tables)
    assert names <= set(missed(judge, truth, write(judge, tmp_path / "corpus", tables)))


def test_of_two_copies_either_may_stay(judge, truth, tmp_path):
    tables = right()
    change(tables, "images", {"image_id": "1_OD"}, source="l-a/1_OD_copy.jpg")
    change(tables, "rejects", {"code": "exact_duplicate"}, locator="l-a/1_OD.jpg")
    assert missed(judge, truth, write(judge, tmp_path / "corpus", tables)) == []


def commented(kind):
    def blob():
        if kind == "exif":
            exif = Image.Exif()
            exif[0x9C9B] = "陈小雨".encode("utf-16-le")
            return encoded(scene(0), "JPEG", exif=exif)
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("Comment", "陈小雨", zip=True)
        return encoded(scene(0), pnginfo=info)

    return blob


@pytest.mark.parametrize("kind", ["exif", "compressed text"])
def test_a_name_in_a_picture_is_seen(judge, truth, tmp_path, kind):
    blobs = {"1_OD": commented(kind)()}
    corpus = write(judge, tmp_path / "corpus", right(), blobs)
    assert missed(judge, truth, corpus) == ["EXIF, comments, texts in stored pictures", ABSENT]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16-le", "utf-16-be"])
def test_a_name_in_any_byte_is_seen(judge, truth, tmp_path, encoding):
    corpus = write(judge, tmp_path / "corpus", right())
    data = bytes(range(256)) * 9 + "陈小雨".encode(encoding) + bytes(3)
    (corpus.folder / "left.bin").write_bytes(data)
    assert missed(judge, truth, corpus) == [ABSENT]


@pytest.mark.parametrize("text", ['{"a": "\\u9648\\u5c0f\\u96e8"}', "&#38472;&#23567;&#38632;"])
def test_a_name_in_escapes_is_seen(judge, truth, tmp_path, text):
    corpus = write(judge, tmp_path / "corpus", right())
    (corpus.folder / "report.html").write_text(text, encoding="utf-8")
    assert missed(judge, truth, corpus) == [ABSENT]


def test_a_title_hides_no_name(judge):
    assert judge.ingest_search.forms("Dr. Ada Byron, MD", "") >= {"Ada Byron"}
    assert judge.ingest_search.forms("Byron^Ada", "") >= {"Byron Ada", "ByronAda"}
    assert judge.ingest_search.forms("5.1.20", "2020-01-05") >= {"20200105", "01/05/2020"}


def test_a_name_of_a_file_is_seen(judge, truth, tmp_path):
    corpus = write(judge, tmp_path / "corpus", right())
    (corpus.folder / "陈_小雨.txt").write_bytes(b"")
    assert missed(judge, truth, corpus) == [ABSENT]


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        ("text", "photographs with text outside the circle: none of it shown"),
        ("turned", "photographs with an EXIF orientation stored upright"),
    ],
)
def test_pixels_are_looked_at(judge, truth, tmp_path, spoil, name):
    picture = scene(1).copy()
    if spoil == "text":
        # The box (2 3 20 10) of a file that is turned by a quarter lies at the upper right.
        picture[2:21:4, -11:-3] = 255
    else:
        picture = np.asarray(Image.fromarray(picture).transpose(Image.Transpose.ROTATE_90))
    corpus = write(judge, tmp_path / "corpus", right(), {"1_OS": encoded(picture)})
    assert name in missed(judge, truth, corpus)


def test_a_page_says_what_is_missed_and_takes_other_pages_in(judge, tmp_path):
    section = judge.ingest.Section("Things")
    section.none("bad things", 2)
    section.all("good things", 9, 9)
    (tmp_path / "speed.md").write_text("fast enough\n", encoding="utf-8")
    text = judge.ingest.page([section], tmp_path, "command")
    assert "1 of 2 targets reached." in text
    assert "| bad things | 2 | 0 | **MISSED** |" in text
    assert "## Speed and memory\n\nfast enough\n" in text


def test_short_numbers_are_whole_words(judge):
    occurs = judge.ingest_search.occurs
    assert occurs("00007", "part-00007 a00007 100007 00007") == 2
    assert occurs("陈小雨", "a陈小雨b陈小雨") == 2


def test_corrections_are_applied_and_counted(judge):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        module = importlib.import_module("ingest_corrections")
    import tomllib

    draft = {"format": 1, "source": [{"site": "a", "columns": {"x": "1"}}, {"site": "a"}]}
    lines = {
        "a": {"columns.x": '"陈"\n', "2.values.eye": {"OD": ["R", "右"]}, "new": {"kind": "csv"}}
    }
    made = module.correct(draft, lines)
    assert tomllib.loads(module.to_toml(made)) == made
    assert made["source"] == [
        {"site": "a", "columns": {"x": '"陈"\n'}},
        {"site": "a", "values": {"eye": {"OD": ["R", "右"]}}},
        {"site": "a", "kind": "csv"},
    ]
    assert module.lines_by_site(lines) == {"a": 3}
    assert len(module.correct(draft, {"a": {"drop 2": True}})["source"]) == 1
    with pytest.raises(SystemExit, match="no site"):
        module.correct(draft, {"b": {"columns.x": "1"}})
    one = '[[source]]\nsite = "a"\nx = 1\n\n[[source]]\nsite = "b"\ny = 2\n'
    other = '# why\n[[source]]\nsite = "a"\nx = 1\n[[source]]\nsite = "b"\ny = 3\nz = 4\n'
    assert module.changed_by_site(one, other) == {"b": 2}
