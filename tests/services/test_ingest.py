"""Ingest from a real DICOMweb server gives what ingest of the same files gives."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from funduscope.archive import IngestSettings, ingest
from funduscope.archive.synthetic.cameras import Shot, cameras
from funduscope.archive.synthetic.eyes import draw_eye, draw_patient
from funduscope.archive.synthetic.picture import photograph
from funduscope.dicom import Server

pytestmark = pytest.mark.services

SOURCE = '[[source]]\nsite = "north"\nfolder = "pacs"\nkind = '
SERVER = '"dicomweb"\n[source.server]\nuser = "PACS_USER"\npassword = "PACS_WORD"\npage = 2\n'
# Where a file lies is all that may differ; what follows from it are two pseudonyms.
OF_PLACES = ("source", "volume_id")


@pytest.fixture(scope="module")
def sent(orthanc, objects):
    """Bytes of photographs on the server: one of two frames, one gray, one JPEG 2000."""
    rng = np.random.default_rng(4)
    camera = cameras(160)["FC-45"]
    drawn = [draw_eye(rng, draw_patient(rng, 50 + number), {}) for number in range(6)]
    eyes = [photograph(eye, "OD", camera, Shot(), eye.seed).rgb for eye in drawn]
    pixels = [eyes[0], eyes[1], np.stack(eyes[2:4]), eyes[4][..., 1], eyes[5]]
    files = []
    for number, levels in enumerate(pixels):
        ds = objects["make_op"](
            levels,
            many=levels.ndim == 4,
            color="MONOCHROME2" if levels.ndim == 2 else "RGB",
            StudyInstanceUID=f"2.25.91{number}",
            SeriesInstanceUID=f"2.25.92{number}",
            SOPInstanceUID=f"2.25.93{number}",
            PatientID=f"MRN-77000{number}",
        )
        if number == 4:
            ds.compress("1.2.840.10008.1.2.4.90", generate_instance_uid=False)
        files.append(objects["file_bytes"](ds))
        orthanc.ask("/instances", files[-1])
    return files


def corpus(folder, text, **more):
    """Rows of images and rejects without their places, pixels, counts."""
    (folder / "archive").mkdir(exist_ok=True)
    (folder / "archive" / "archive.toml").write_text(text, encoding="utf-8")
    settings = IngestSettings(workers=1, key_file=folder.parent / "key")
    made = ingest(folder / "archive", folder / "corpus", settings, **more)
    images = pq.read_table(made.path / "images.parquet").to_pylist()
    rejects = pq.read_table(made.path / "rejects.parquet").to_pylist()
    rows = [{k: v for k, v in row.items() if k not in OF_PLACES} for row in images]
    ends = sorted((row["item"], row["code"], row["detail"]) for row in rejects)
    pixels = pq.read_table(made.path / "pixels" / "part-00000.parquet").to_pylist()
    return made, (rows, ends, pixels, made.manifest.counts["images"])


def test_the_corpus_is_the_same(orthanc, sent, tmp_path, monkeypatch):
    monkeypatch.setenv("PACS_USER", "reader")
    monkeypatch.setenv("PACS_WORD", "open sesame")
    (tmp_path / "files" / "archive" / "pacs").mkdir(parents=True)
    for number, data in enumerate(sent):
        (tmp_path / "files" / "archive" / "pacs" / f"{number}.dcm").write_bytes(data)
    _, expected = corpus(tmp_path / "files", SOURCE + '"dicom"\n')
    assert expected[3] == {"seen": 6, "kept": 5, "rejected": 1, "review": 0}

    text = SOURCE + SERVER + f'url = "{orthanc.url}"\n'
    (tmp_path / "server").mkdir()
    first, found = corpus(tmp_path / "server", text)
    assert found == expected

    # Again, with the server down half-way: the second run fetches only the rest.
    given = []
    retrieve = Server.retrieve

    def counted(self, place):
        given.append(place)
        if len(given) == 3:
            raise KeyboardInterrupt
        return retrieve(self, place)

    monkeypatch.setattr(Server, "retrieve", counted)
    (tmp_path / "again").mkdir()
    with pytest.raises(KeyboardInterrupt):
        corpus(tmp_path / "again", text)
    second, found = corpus(tmp_path / "again", text)
    assert found == expected
    assert len(given) == 3 + len(sent) - 2
    assert first.manifest.inputs[0]["id"] == second.manifest.inputs[0]["id"]
    for path in sorted(first.path.rglob("*.parquet")):
        assert (second.path / path.relative_to(first.path)).read_bytes() == path.read_bytes()
