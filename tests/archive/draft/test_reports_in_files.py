"""Drafts of layouts in which each report is a file, and of FHIR resources in files of their own."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from funduscope.archive import pairing
from funduscope.archive.description import load
from funduscope.archive.draft import draft

PICTURE = b"\xff\xd8\xff"
WORDS = ("disc pink", "drusen", "hemorrhages", "macula flat", "cup large", "old scar")


def _archive(root: Path, layout: str) -> None:
    dice = random.Random(3)
    for at in range(24):
        number, patient = f"K{4000 + 7 * at}", f"{300 + at // 2}"
        day = f"20{10 + at % 9}-0{1 + at % 8}-1{at % 9}"
        said = f"Right eye: {dice.choice(WORDS)}. Left eye: {dice.choice(WORDS)}, case {at}."
        labeled = (
            f"Name: Ann N{at}  MRN: {patient}\nExam No: {number}\nExam Date: {day}\n\n{said}\n"
        )
        folder = root / "eyes" / day
        folder.mkdir(parents=True, exist_ok=True)
        names = {
            "labeled": (f"{number}_R.jpg", f"{number}_L.jpg"),
            "path": (f"{patient}_{number}_R.jpg", f"{patient}_{number}_L.jpg"),
            "html": (f"{number}_R.jpg", f"{number}_L.jpg"),
            "json": (f"{number}_R.jpg", f"{number}_L.jpg"),
        }[layout]
        for name in names:
            (folder / name).write_bytes(PICTURE + name.encode())
        if layout == "labeled":
            (folder / f"report {at}.txt").write_text(labeled, encoding="utf-16")
        elif layout == "path":
            (folder / f"{patient}_{number}.txt").write_text(said, encoding="utf-8")
        elif layout == "html":
            rows = "".join(
                f"<tr><td>{a}</td><td>{b}</td></tr>"
                for a, b in (("Patient Name", f"Ann N{at}"), ("Exam No", number))
            )
            (folder / f"r{at}.html").write_text(f"<table>{rows}</table><p>{said}</p>")
        else:
            one = {"examNo": number, "patient": {"patName": f"Ann N{at}"}, "findings": said}
            (folder / f"{number}.json").write_text(json.dumps(one), encoding="utf-8")


@pytest.mark.parametrize("layout", ["labeled", "path", "html", "json"])
def test_one_report_a_file(tmp_path: Path, layout: str) -> None:
    _archive(tmp_path / "archive", layout)
    found = draft(tmp_path / "archive", tmp_path / "out")
    (source,) = found.sources
    assert source["kind"] == ("jsonl" if layout == "json" else "text")
    described = load(tmp_path / "archive", found.description)
    contents = pairing.read_site(tmp_path / "archive", "eyes", list(enumerate(described.source)))
    paired = [(photo, exam) for exam in contents.exams for photo in exam.photos]
    assert len(paired) == 48
    assert {photo.eye for photo, _ in paired} == {"OD", "OS"}
    assert all(len(exam.reports) == 1 for _, exam in paired)
    for _, exam in paired:
        case = exam.reports[0].text.rpartition("case ")[2].rstrip(".")
        assert exam.photos[0].path.rpartition("/")[2].count(f"K{4000 + 7 * int(case)}")
        if layout != "path":
            assert exam.secrets["name"] == (f"Ann N{case}",)
            assert "Ann" not in exam.reports[0].text


def test_fhir_resources_in_files_of_their_own(tmp_path: Path) -> None:
    root = tmp_path / "archive" / "site"
    lines: dict[str, list[dict[str, object]]] = {"Patient": [], "DiagnosticReport": [], "Media": []}
    (root / "pictures").mkdir(parents=True)
    for at in range(12):
        lines["Patient"].append({"id": f"p{at}", "name": [{"text": f"Ann N{at}"}]})
        media = []
        for eye, code in (("r", "24028007"), ("l", "7771000")):
            (root / "pictures" / f"{at}{eye}.jpg").write_bytes(PICTURE)
            media.append({"link": {"reference": f"Media/m{at}{eye}"}})
            lines["Media"].append(
                {
                    "id": f"m{at}{eye}",
                    "content": {"url": f"../pictures/{at}{eye}.jpg"},
                    "bodySite": {"coding": [{"code": code}]},
                }
            )
        lines["DiagnosticReport"].append(
            {
                "id": f"r{at}",
                "subject": {"reference": f"Patient/p{at}"},
                "effectiveDateTime": "2020-01-02",
                "conclusion": f"Drusen, case {at}.",
                "media": media,
            }
        )
    for kind, some in lines.items():
        (root / kind).mkdir()
        text = "\n".join(json.dumps({"resourceType": kind} | one) for one in some)
        (root / kind / "all.ndjson").write_text(text, encoding="utf-8")
    found = draft(tmp_path / "archive", tmp_path / "out")
    described = load(tmp_path / "archive", found.description)
    assert [one.kind for one in described.source] == ["fhir"]
    archive = tmp_path / "archive"
    contents = pairing.read_site(archive, "site", list(enumerate(described.source)))
    assert len(contents.exams) == 12
    for exam in contents.exams:
        assert [photo.eye for photo in exam.photos] == ["OD", "OS"]
        assert exam.secrets["name"] == (f"Ann N{exam.key[1:]}",)
