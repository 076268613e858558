"""DICOM objects through `ingest`: every encoding, every frame, every refusal, nothing lost."""

from __future__ import annotations

import csv
import io

import numpy as np
import pyarrow.parquet as pq
import pytest
from pydicom.uid import JPEG2000Lossless, JPEGLossless, RLELossless

from funduscope.archive import IngestSettings, ingest
from funduscope.archive.synthetic.cameras import Shot, cameras
from funduscope.archive.synthetic.eyes import draw_eye, draw_patient
from funduscope.archive.synthetic.picture import photograph

DESCRIPTION = 'format = 1\n\n[[source]]\nsite = "north"\nkind = "dicom"\nfolder = "pacs"\n'


@pytest.fixture(scope="module")
def eyes():
    """Pixels of drawn photographs of six right eyes."""
    rng = np.random.default_rng(3)
    camera = cameras(160)["FC-45"]
    drawn = [draw_eye(rng, draw_patient(rng, 50 + number), {}) for number in range(6)]
    return [photograph(eye, "OD", camera, Shot(), eye.seed).rgb for eye in drawn]


def compressed(ds, syntax):
    ds.compress(syntax, generate_instance_uid=False)
    return ds


@pytest.fixture
def make(op):
    """Makes objects of patients of their own."""
    count = iter(range(100))

    def made(levels, **more):
        number = next(count)
        uids = {
            name: f"2.25.{at}{number:04d}"
            for at, name in enumerate(
                ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"), start=70
            )
        }
        return op(levels, PatientID=f"MRN-{number:06d}", **uids, **more)

    return made


def run(tmp_path, files, description=DESCRIPTION, folder="pacs"):
    """The corpus's rows, its counts, and code and step by path of what is not kept."""
    archive = tmp_path / "archive"
    (archive / folder).mkdir(parents=True)
    (archive / "archive.toml").write_text(description, encoding="utf-8")
    for name, data in files.items():
        (archive / folder / name).write_bytes(data)
    settings = IngestSettings(workers=1, max_failed=1.0)
    corpus = ingest(archive, tmp_path / "out" / "corpus", settings)
    with (tmp_path / "out" / "identity" / "locators.csv").open(encoding="utf-8") as stream:
        place = {row["locator"]: row["path"] for row in csv.DictReader(stream)}
    tables = [pq.read_table(corpus.path / f"{name}.parquet") for name in ("images", "rejects")]
    images, rejects = (table.to_pylist() for table in tables)
    kept = {place[row["source"]].removeprefix(f"{folder}/"): row for row in images}
    assert len(kept) == len(images)
    ends = {
        place[row["locator"]].removeprefix(f"{folder}/"): row["code"]
        for row in rejects
        if row["item"] == "image"
    }
    return kept, corpus.manifest.counts["images"], ends


def test_every_encoding_is_kept(tmp_path, eyes, make, jpeg, encode, file):
    plain = make(eyes[0])
    files = {
        "plain.dcm": file(plain),
        "jpeg.dcm": file(jpeg(make(eyes[1]), [encode(eyes[1])])),
        "jpeg2000": file(compressed(make(eyes[2]), JPEG2000Lossless)),
        "1.2.840.17": file(compressed(make(eyes[3]), RLELossless)),
        "deep.dcm": file(make(eyes[4].astype(np.uint16) * 256)),
    }
    kept, counts, ends = run(tmp_path, files)
    assert set(kept) == set(files)
    assert counts == {"seen": 5, "kept": 5, "rejected": 0, "review": 0}
    assert not ends
    for row in kept.values():
        assert (row["eye"], row["eye_source"]) == ("OD", "dicom")
        assert (row["camera"], row["age_years"], row["visit_day"]) == ("Canon CR-2 AF", 57, 0)
        assert (row["volume_id"], row["frame"]) == (None, None)


def test_every_refusal_has_its_reason(tmp_path, eyes, make, jpeg, encode, file):
    rgb = eyes[0]
    lossless = jpeg(make(rgb), [encode(rgb)])
    lossless.file_meta.TransferSyntaxUID = JPEGLossless
    no_pixels = make(rgb)
    del no_pixels.PixelData, no_pixels.Rows
    no_pixels.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.11"
    secret = file(jpeg(make(rgb), [encode(rgb)]))
    secret = secret.replace(b"1.2.840.10008.1.2.4.50", b"1.2.276.0.75.2.2.70.99")
    files = {
        "kept.dcm": file(make(eyes[1])),
        "gray.dcm": file(make(rgb[..., 1], color="MONOCHROME2")),
        "inverse.dcm": file(make(255 - rgb[..., 1], color="MONOCHROME1")),
        "deep.dcm": file(make(rgb[..., 1].astype(np.uint16) * 200, color="MONOCHROME2")),
        "lossless.dcm": file(lossless),
        "cut.dcm": file(make(rgb))[:-5000],
        "empty.dcm": b"",
        "text.dcm": b"no DICOM object at all",
        "report.dcm": file(no_pixels),
        "volume.fda": b"FOCTFDA" + bytes(600),
        "secret.dcm": secret,
    }
    kept, counts, ends = run(tmp_path, files)
    assert set(kept) == {"kept.dcm"}
    assert ends == {
        "gray.dcm": "not_colour",
        "inverse.dcm": "not_colour",
        "deep.dcm": "not_colour",
        "lossless.dcm": "unsupported",
        "cut.dcm": "truncated",
        "empty.dcm": "zero_byte",
        "text.dcm": "not_an_image",
        "report.dcm": "not_an_image",
        "volume.fda": "proprietary",
        "secret.dcm": "proprietary",
    }
    assert counts == {"seen": 11, "kept": 1, "rejected": 10, "review": 0}


def test_each_frame_is_a_photograph(tmp_path, eyes, make, jpeg, encode, file):
    frames = np.stack(eyes[:3])
    broken = [encode(eyes[3]), encode(eyes[4])[:900], encode(eyes[5])]
    files = {
        "many.dcm": file(make(frames, many=True)),
        "jpeg.dcm": file(jpeg(make(np.stack(eyes[3:6]), many=True), broken)),
    }
    kept, counts, ends = run(tmp_path, files)
    assert set(kept) == {
        *("many.dcm", "many.dcm#frame=1", "many.dcm#frame=2"),
        *("jpeg.dcm", "jpeg.dcm#frame=2"),
    }
    assert ends == {"jpeg.dcm#frame=1": "truncated"}
    assert counts == {"seen": 6, "kept": 5, "rejected": 1, "review": 0}
    for name in files:
        rows = [row for place, row in kept.items() if place.startswith(name)]
        assert len({row["volume_id"] for row in rows}) == 1
        assert len({row["exam_id"] for row in rows}) == 1
    assert kept["many.dcm"]["volume_id"] != kept["jpeg.dcm"]["volume_id"]
    assert {place: row["frame"] for place, row in kept.items()} == {
        **{"many.dcm": 0, "many.dcm#frame=1": 1, "many.dcm#frame=2": 2},
        **{"jpeg.dcm": 0, "jpeg.dcm#frame=2": 2},
    }


def test_copies_of_an_object_are_copies_frame_by_frame(tmp_path, eyes, make, file):
    data = file(make(np.stack(eyes[:2]), many=True))
    kept, counts, ends = run(tmp_path, {"a.dcm": data, "b.dcm": data})
    assert set(kept) == {"a.dcm", "a.dcm#frame=1"}
    assert ends == {"b.dcm": "exact_duplicate", "b.dcm#frame=1": "exact_duplicate"}
    assert counts == {"seen": 4, "kept": 2, "rejected": 2, "review": 0}


def table(*rows):
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerows([("exam", "patient", "eye", "photo", "report"), *rows])
    return stream.getvalue().encode()


def test_a_table_may_name_objects(tmp_path, eyes, make, file):
    """The frames are its rows' photographs; the object's own eye is heard."""
    files = {
        "many.dcm": file(make(np.stack(eyes[:2]), many=True)),
        "other.dcm": file(make(eyes[2])),
        "nobody.dcm": file(make(np.stack(eyes[3:5]), many=True)),
        "rows.csv": table(
            ("E1", "P000001", "", "many.dcm", "Normal fundus."),
            ("E2", "P000002", "OS", "other.dcm", "Normal fundus."),
        ),
    }
    description = (
        'format = 1\n\n[[source]]\nsite = "north"\nfolder = "pacs"\ntable = "rows.csv"\n'
        '[source.columns]\nexam = "exam"\npatient = "patient"\neye = "eye"\nimages = "photo"\n'
        'report = "report"\n'
    )
    kept, counts, ends = run(tmp_path, files, description)
    assert set(kept) == {"many.dcm", "many.dcm#frame=1"}
    assert {(row["eye"], row["eye_source"]) for row in kept.values()} == {("OD", "dicom")}
    assert ends == {
        "other.dcm": "eye_conflict",
        "nobody.dcm": "no_record",
        "nobody.dcm#frame=1": "no_record",
    }
    assert counts == {"seen": 5, "kept": 2, "rejected": 0, "review": 3}
