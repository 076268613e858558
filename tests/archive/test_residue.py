from __future__ import annotations

import base64
import datetime
import gzip
import io
import json
import shutil
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from funduscope.archive import residue, residue_texts
from funduscope.archive.residue import Hit

ROOT = Path(__file__).parents[2]
STRINGS = {
    "name": ["张伟", "Hugo Pemberton", "Novak^Irene"],
    "identity": ["619903196112113622", "161-3915-8484", "h.pemberton@example.com"],
    "patient": ["000292", "HV-21-00001", "4570"],
    "exam_date": ["2016-02-10"],
}


def jpeg(**kwargs: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((16, 16, 3), 90, np.uint8)).save(stream, "JPEG", **kwargs)
    return stream.getvalue()


def png(chunks: PngInfo | None = None) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((16, 16, 3), 90, np.uint8)).save(stream, "PNG", pnginfo=chunks)
    return stream.getvalue()


def parquet(column: pa.Array, metadata: dict[str, str] | None = None, name: str = "text") -> bytes:
    stream = io.BytesIO()
    schema = pa.schema([pa.field(name, column.type)], metadata=metadata)
    pq.write_table(pa.table([column], schema=schema), stream, compression="zstd")
    return stream.getvalue()


def kinds(tmp_path: Path, data: bytes, name: str = "file") -> set[str]:
    (tmp_path / name).write_bytes(data)
    return {hit.kind for hit in residue.scan(tmp_path, STRINGS)}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("患者张伟。", "name"),
        ("张 伟", "name"),
        ("张·伟", "name"),
        ("hugo pemberton", "name"),
        ("PEMBERTON, HUGO", "name"),
        ("pemberton_hugo.jpg", "name"),
        ("HugoPemberton", "name"),
        ("Ｈｕｇｏ Ｐｅｍｂｅｒｔｏｎ", "name"),
        ("Mr Pemberton came", "name"),
        ("Irene Novak", "name"),
        ("６１９９０３１９６１１２１１３６２２", "identity"),
        ("6199 0319 6112 1136 22", "identity"),
        ("16139158484", "identity"),
        ("161 3915 8484", "identity"),
        ("h.pemberton@example.com", "identity"),
        ("no. 000292,", "patient"),
        ("00 02 92", "patient"),
        ("hv2100001", "patient"),
        ("2016年2月10日", "exam_date"),
        ("20160210", "exam_date"),
        ("2016/2/10", "exam_date"),
        ("10.02.2016", "exam_date"),
        ("Feb 10, 2016", "exam_date"),
        ("10 February 2016", "exam_date"),
        ("\\u5f20\\u4f1f", "name"),
        ("&#24352;&#20255;", "name"),
        ("%E5%BC%A0%E4%BC%9F", "name"),
        ("%D5%C5%CE%B0", "name"),
    ],
)
def test_a_string_is_found_in_a_text_however_written(tmp_path, text, kind):
    assert kinds(tmp_path, f"one line\n{text}\nand more".encode()) == {kind}


PLACES = {
    "utf8": lambda text: b"before " + text.encode() + b" after",
    "gb18030": lambda text: b"before " + text.encode("gb18030") + b" after",
    "utf16": lambda text: text.encode("utf-16"),
    "utf16 le inside": lambda text: b"\x01\x02before\x00" + text.encode("utf-16-le") + b"\x00\x00",
    "utf16 be inside": lambda text: b"\x01\x02before\x00" + text.encode("utf-16-be") + b"\x00\x00",
    "after utf8": lambda text: b"{}\n" + text.encode("utf-16-le"),
    "json": lambda text: json.dumps({"a": [text]}).encode(),
    "jpeg comment": lambda text: jpeg(comment=text.encode()),
    "jpeg comment gb18030": lambda text: jpeg(comment=text.encode("gb18030")),
    "jpeg comment utf16": lambda text: jpeg(comment=text.encode("utf-16-be")),
    "jpeg exif": lambda text: jpeg(exif=b"Exif\x00\x00" + text.encode("utf-16-le")),
    "jpeg tail": lambda text: jpeg() + text.encode(),
    "png text": lambda text: png(_text_chunk(text, packed=False)),
    "png packed text": lambda text: png(_text_chunk(text, packed=True)),
    "png tail": lambda text: png() + text.encode(),
    "gzip": lambda text: gzip.compress(text.encode()),
    "zip": lambda text: _zipped("a.txt", text.encode()),
    "zip in zip": lambda text: _zipped("a.zip", _zipped("b.txt", text.encode())),
    "zip member name": lambda text: _zipped(f"{text}.txt", b""),
    "npz": lambda text: _npz(text),
    "parquet": lambda text: parquet(pa.array(["", f"said {text}, then"])),
    "parquet list": lambda text: parquet(pa.array([["", text]])),
    "parquet structure": lambda text: parquet(pa.array([{"a": {"b": text}}])),
    "parquet dictionary": lambda text: parquet(pa.array([text, "b"]).dictionary_encode()),
    "parquet bytes": lambda text: parquet(pa.array([text.encode()])),
    "parquet jpeg": lambda text: parquet(pa.array([jpeg(comment=text.encode())])),
    "parquet metadata": lambda text: parquet(pa.array(["x"]), {"note": text}),
    "parquet column name": lambda text: parquet(pa.array(["x"]), name=text),
    "base64 in html": lambda text: _html(jpeg(comment=text.encode())),
}


def _text_chunk(text: str, *, packed: bool) -> PngInfo:
    chunks = PngInfo()
    chunks.add_itxt("Note", text, zip=packed)
    return chunks


def _zipped(name: str, data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return stream.getvalue()


def _npz(text: str) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, names=np.array([text]))
    return stream.getvalue()


def _html(data: bytes) -> bytes:
    return b'<img src="data:image/jpeg;base64,' + base64.b64encode(data) + b'">'


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("text", "kind"), [("张伟", "name"), ("Hugo Pemberton", "name"), ("000292", "patient")]
)
def test_a_string_planted_in_each_place_is_found(tmp_path, place, text, kind):
    assert kinds(tmp_path, PLACES[place](text)) == {kind}
    assert kinds(tmp_path, PLACES[place]("nothing")) == set()


def test_numbers_and_days_in_columns_of_numbers_are_found(tmp_path):
    columns = [
        pa.array([16139158484, 3]),
        pa.array([16139158484.0, 3.5]),
        pa.array([datetime.date(2016, 2, 10)]),
        pa.array([datetime.datetime(2016, 2, 10, 9, 30)]),
    ]
    found = [kinds(tmp_path, parquet(column)) for column in columns]
    assert found == [{"identity"}, {"identity"}, {"exam_date"}, {"exam_date"}]


def test_file_and_folder_names_are_searched_and_not_shown(tmp_path):
    (tmp_path / "张伟").mkdir()
    (tmp_path / "张伟" / "x_000292_OD.jpg").write_bytes(jpeg())
    (tmp_path / "Hugo").mkdir()
    (tmp_path / "Hugo" / "Pemberton.txt").write_text("16139158484", encoding="utf-8")
    hits = residue.scan(tmp_path, STRINGS)
    assert {hit.kind for hit in hits} == {"name", "patient", "identity"}
    shown = " ".join(f"{hit.file} {hit.place}" for hit in hits)
    for secret in ("张", "000292", "Pemberton", "16139158484"):
        assert secret not in shown


def test_a_hit_tells_file_and_place(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "pixels.parquet").write_bytes(
        parquet(pa.array([jpeg(comment="张伟".encode())]))
    )
    assert residue.scan(tmp_path, STRINGS) == [
        Hit("a/pixels.parquet", "column 1, rows 0-0, JPEG segment COM", "name")
    ]


def test_the_bytes_of_a_file_not_yet_written_are_searched(tmp_path):
    also = {"manifest.json": json.dumps({"source": "张伟"}).encode()}
    assert [hit.file for hit in residue.scan(tmp_path, STRINGS, also=also)] == ["manifest.json"]


def test_picture_bits_count_from_six_bytes(tmp_path):
    noise = np.random.default_rng(3).integers(0, 255, 4000, np.uint8).tobytes()
    for text, found in (("刘春花".encode(), {"name"}), ("张伟".encode("gb18030"), set())):
        data = jpeg().replace(b"\xff\xd9", noise.replace(b"\xff", b"\x00") + text + b"\xff\xd9")
        (tmp_path / "a.jpg").write_bytes(data)
        hits = residue.scan(tmp_path, {"name": ["张伟", "刘春花"]})
        assert {hit.kind for hit in hits} == found


@pytest.mark.parametrize(
    ("patterns", "size", "shortest"),
    [(10, 10_000, 6), (2000, 10**8, 6), (20_000, 10**8, 7), (20_000, 10**10, 8)],
)
def test_the_shortest_pattern_in_picture_bits_follows_from_the_chance(patterns, size, shortest):
    assert residue.shortest_dense(patterns, size) == shortest
    assert patterns * size / 256**shortest < residue.CHANCE


@pytest.mark.parametrize(
    "text",
    [
        "3f0002929a1c44e0b7d2f1a8c0ffee00",  # a digest
        "p00029200aa11bb22cc",
        "0.000292",
        "1000292",
        '{"bytes": 4570, "rows": 16139}',
        "a lesion of 4570 um",
        "位于明显的扩张，伟大",
        "in the young field it may",
        "20160210000123",
        "pembertonian hugolin",
        "2016",
        "C/D 0.3, A/V=2:3",
        "右眼：视盘边界清，色淡红",
    ],
)
def test_what_only_looks_alike_is_not_found(tmp_path, text):
    strings = {**STRINGS, "name": [*STRINGS["name"], "于明", "May Young", "Field", "张"]}
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    assert residue.scan(tmp_path, strings) == []


def test_values_of_neighboring_rows_do_not_join(tmp_path):
    assert kinds(tmp_path, parquet(pa.array(["张", "伟", "0002", "92"]))) == set()


def test_an_empty_list_finds_nothing(tmp_path):
    (tmp_path / "a").write_text("x", encoding="utf-8")
    assert residue.scan(tmp_path, {}) == []
    assert residue.scan(tmp_path, {"name": ["", "a", "张"]}) == []


def test_more_strings_than_one_reading_takes_are_all_found(tmp_path, monkeypatch):
    monkeypatch.setattr(residue_texts, "BATCH", 2)
    text = "张伟 619903196112113622 hv-21-00001 2016-02-10"
    assert kinds(tmp_path, text.encode()) == {"name", "identity", "patient", "exam_date"}


def test_broken_containers_are_searched_as_bytes(tmp_path):
    packed = b"PK\x03\x04" + b"\x00" * 600 + "刘春花".encode()
    (tmp_path / "a.zip").write_bytes(packed)
    (tmp_path / "b.gz").write_bytes(b"\x1f\x8b" + "刘春花".encode())
    assert len(residue.scan(tmp_path, {"name": ["刘春花"]})) == 2
    assert zlib.compress(packed)


@given(
    name=st.text("王李张刘陈国建文丽明华", min_size=3, max_size=3),
    before=st.text("abc 右眼。\n", max_size=30),
    encoding=st.sampled_from(["utf-8", "gb18030", "utf-16-le", "utf-16-be"]),
)
@settings(max_examples=40, deadline=None)
def test_a_name_is_found_in_every_encoding(tmp_path_factory, name, before, encoding):
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "a").write_bytes(f"{before}{name}".encode(encoding))
    assert [hit.kind for hit in residue.scan(folder, {"name": [name]})][:1] == ["name"]


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("residue_forms", "from funduscope.archive import redact_words"),
        ("redact_own", "from funduscope.archive import residue_forms"),
    ],
)
def test_the_passes_may_not_import_each_other(tmp_path, module, line):
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("*.egg-info"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    path = tmp_path / "src" / "funduscope" / "archive" / f"{module}.py"
    path.write_text(path.read_text(encoding="utf-8") + f"\n\ndef _lazily():\n    {line}\n")
    shown = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "src"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 1
    assert f"funduscope.archive.{module} -> funduscope.archive.{line.split()[-1]}" in shown.stdout
