"""Canaries in DICOM objects through `ingest`, and what `deidentify` leaves: a page of results.

    python benchmarks/dicom_canaries.py TABLE docs/results/ingest/dicom.md

TABLE is DICOM PS3.15, Table E.1-1, as tab-separated text with a column `tag`. Into drawn
photographs of six encodings a canary of its own goes for each attribute of the table that can hold
one, and for private blocks, nested sequences, file meta, preamble, and the compressed frames; six
copies of each are then broken in different ways. All of them go through the command `ingest`. The
same search must find every canary in the files and none in what came out. Nothing is looked for in
`identity/`, the site's own folder beside the corpus.
"""

from __future__ import annotations

import argparse
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dicom_planting as planting
import numpy as np
from ingest_page import Section, table

from funduscope import dicom
from funduscope.archive.synthetic.cameras import Shot, cameras
from funduscope.archive.synthetic.eyes import draw_eye, draw_patient
from funduscope.archive.synthetic.picture import photograph
from funduscope.dicom.reading import parse

TESTS = Path(__file__).parents[1] / "tests"
DESCRIPTION = 'format = 1\n\n[[source]]\nsite = "north"\nkind = "dicom"\n'
SIZE = 256
DAY_SHIFT = -20_000
"""So far that no shifted date is another canary."""


def photographs(made: Mapping[str, Callable[..., Any]]) -> dict[str, Any]:
    """Valid ophthalmic photographs, one an encoding, each of a patient of its own."""
    rng = np.random.default_rng(11)
    camera = cameras(SIZE)["FC-45"]
    drawn = [draw_eye(rng, draw_patient(rng, 50 + number), {}) for number in range(7)]
    eyes = [photograph(eye, "OD", camera, Shot(), eye.seed).rgb for eye in drawn]
    make = made["make_op"]
    found = {
        "uncompressed": make(eyes[0]),
        "jpeg": made["as_jpeg"](make(eyes[1]), [planting.talkative_jpeg(eyes[1])]),
        "jpeg2000": make(eyes[2]),
        "rle": make(eyes[3]),
        "16bit": make(eyes[4][..., 1].astype(np.uint16) * 200, color="MONOCHROME2"),
        "frames": make(np.stack(eyes[5:7]), many=True),
    }
    found["jpeg2000"].compress("1.2.840.10008.1.2.4.90", generate_instance_uid=False)
    found["rle"].compress("1.2.840.10008.1.2.5", generate_instance_uid=False)
    return found


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder: its name, its bytes, and the values of Parquet columns."""
    import pyarrow.parquet as pq

    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        yield f"name of {name}", name.encode("utf-8", "surrogateescape")
        if path.is_file():
            yield name, path.read_bytes()
        if path.suffix == ".parquet":
            for row in pq.read_table(path).to_pylist():
                yield f"{name}, values", b"\0".join(values(row))


def values(cell: object) -> Iterator[bytes]:
    """The texts and bytes in a value of a table."""
    if isinstance(cell, dict):
        for one in cell.values():
            yield from values(one)
    elif isinstance(cell, list):
        for one in cell:
            yield from values(one)
    elif cell is not None:
        yield cell if isinstance(cell, bytes) else str(cell).encode()


def search(forms: Mapping[str, set[bytes]], where: Iterator[tuple[str, bytes]]) -> dict[str, str]:
    """Canary -> a place where one of its forms stands."""
    from ahocorasick_rs import BytesAhoCorasick

    owner = {form: name for name, some in forms.items() for form in some}
    patterns = list(owner)
    finder = BytesAhoCorasick(patterns)
    found: dict[str, str] = {}
    for place, data in where:
        for number, _, _ in finder.find_matches_as_indexes(data, overlapping=True):
            found.setdefault(owner[patterns[number]], place)
    return found


def ingest(work: Path, name: str, *more: str) -> tuple[Path, Path, int]:
    """Run the command; folder of the corpus, what it said, its exit code."""
    out, log = work / name / "corpus", work / f"{name}.log"
    words = ["ingest", str(work / "archive"), str(out), *more]
    with log.open("wb") as stream:
        command = [sys.executable, "-m", "funduscope", *words]
        code = subprocess.run(command, stdout=stream, stderr=stream, check=False).returncode
    return out, log, code


def ended(corpus: Path) -> tuple[int, Counter[str]]:
    """How many photographs were kept; codes of the others."""
    import pyarrow.parquet as pq

    kept = pq.read_table(corpus / "images.parquet").num_rows
    rejects = pq.read_table(corpus / "rejects.parquet").to_pylist()
    return kept, Counter(row["code"] for row in rejects if row["item"] == "image")


def through_ingest(work: Path, attributes: planting.Attributes) -> tuple[Section, list[Any]]:
    """Canaries through the command, and the valid objects that held them."""
    section = Section("Canaries through `ingest`")
    made = runpy.run_path(str(TESTS / "dicom" / "conftest.py"))
    archive = work / "archive"
    archive.mkdir()
    (archive / "archive.toml").write_text(DESCRIPTION, encoding="utf-8")
    forms: dict[str, set[bytes]] = {}
    valid, places = [], Counter[str]()
    files = 0
    for salt, (name, ds) in enumerate(photographs(made).items()):
        planted = planting.plant(ds, attributes, salt)
        data = planted.bytes(made["file_bytes"])
        valid.append(data)
        for ending, content in {"whole": data, **planted.broken(made["file_bytes"])}.items():
            file = archive / f"ZQNAME{salt}{ending.upper()}K" / f"{name}-{ending}.dcm"
            file.parent.mkdir()
            file.write_bytes(content)
            files += 1
        forms |= planted.forms
        places += planted.places
    there = search(forms, contents(archive))
    corpus, log, code = ingest(work, "out", "--set", "max_failed=1")
    _, other_log, failed = ingest(work, "failing", "--set", "max_failed=0.1")
    if not (corpus / "manifest.json").exists():
        raise SystemExit(f"no corpus was made:\n{log.read_text(encoding='utf-8')}")
    kept, codes = ended(corpus)
    outcome = [*contents(corpus), *contents(work / "failing" / "corpus")]
    outcome += [(path.name, path.read_bytes()) for path in (log, other_log)]
    names = {path.parent.name: {path.parent.name.encode()} for path in archive.rglob("*.dcm")}
    left = search(forms | names, iter(outcome))
    section.plain("attributes of the table", attributes.listed)
    each = f"{places['table'] // len(valid)}, and private ones"
    section.plain("of these planted in each object", each)
    section.plain("objects, 6 whole and 36 broken", files)
    section.all("canaries that the search finds in the objects", len(there), len(forms))
    section.plain("photographs kept", kept)
    said = ", ".join(f"{name} {count}" for name, count in sorted(codes.items()))
    section.plain("photographs rejected or put to review", said)
    section.plain("exit code; of a run that may reject no more than 10%", f"{code}; {failed}")
    section.none("canaries in corpus, rejects, report, manifest, stdout and stderr", len(left))
    section.lines += table("where | canaries", [f"| {k} | {v} |" for k, v in places.items()])
    section.lines += ["", "Two ages and two small numbers (AS, US) can hold no canary."]
    section.examples("Left", [f"{name} in {place}" for name, place in sorted(left.items())])
    return section, [*valid, forms]


def through_deidentify(valid: list[bytes], forms: Mapping[str, set[bytes]]) -> Section:
    """What `deidentify` leaves of the same canaries, and whether objects stay valid."""
    section = Section("`deidentify`")
    made = []
    for data in valid:
        cleaned = dicom.deidentify(parse(data, name="x"), pseudonym, day_shift=DAY_SHIFT)
        made.append(dicom.to_bytes(cleaned))
    left = search(forms, ((str(number), data) for number, data in enumerate(made)))
    section.none(f"canaries in {len(made)} objects after it", len(left))
    section.examples("Left", sorted(left))
    if shutil.which("dciodvfy") is None:
        section.lines += ["", "Debian's dicom3tools is not installed: validity was not looked at."]
        return section
    judge = runpy.run_path(str(TESTS / "services" / "test_validity.py"))
    made_by = runpy.run_path(str(TESTS / "dicom" / "conftest.py"))
    before, after, rows = 0, 0, []
    for kind, ds in judge["photographs"](made_by).items():
        with tempfile.TemporaryDirectory() as folder:
            first = judge["errors"](made_by["file_bytes"](ds), Path(folder)).total()
            ways: dict[str, dict[str, Any]] = {
                "dates emptied": {},
                "dates shifted": {"day_shift": -40},
                "pixels redrawn": {"pixels": lambda frame: frame},
            }
            counts = [
                judge["errors"](
                    dicom.to_bytes(dicom.deidentify(ds, pseudonym, **how)), Path(folder)
                ).total()
                for how in ways.values()
            ]
        before, after = before + first * len(ways), after + sum(counts)
        rows.append(f"| {kind} | {first} | " + " | ".join(map(str, counts)) + " |")
    section.none("errors that `dciodvfy` finds after it and not before", max(0, after - before))
    section.lines += table("object | before | " + " | ".join(ways), rows)
    return section


def pseudonym(kind: str, value: str) -> str:
    """A stand-in for the site's keyed pseudonyms."""
    return f"{kind[0]}{sum(value.encode()) * 2654435761 % 2**40:010x}"


def main() -> None:
    """Plant, ingest, search, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path, help="PS3.15 Table E.1-1 as TSV")
    parser.add_argument("out", type=Path, help="page to write")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        attributes = planting.Attributes.read(asked.table)
        first, (*valid, forms) = through_ingest(Path(folder), attributes)
        sections = [first, through_deidentify(valid, forms)]
    lines = ["    python benchmarks/dicom_canaries.py TABLE docs/results/ingest/dicom.md", ""]
    lines += ["Every canary is a string of its own; the search also knows its other forms (dates"]
    lines += ["with separators, UTF-16, lower case). Parquet is searched as it lies and unpacked."]
    for section in sections:
        lines += ["", f"### {section.title}"]
        lines += table("figure | value | target | ", [one.cells() for one in section.figures])
        lines += section.lines
    text = "\n".join([*lines, ""])
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
