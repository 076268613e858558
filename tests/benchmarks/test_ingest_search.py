from __future__ import annotations

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

ABSENT = "planted strings absent from every byte"
LEFT = "short numbers and everyday words left in reports where planted"


def keep_a_name(tables, made):
    tables["reports"][0]["text"] += "陈小雨"


def space_a_name(tables, made):
    tables["pairs"][0]["caption"] += " 陈 小　雨 "


def write_a_number_wide(tables, made):
    tables["rejects"][0]["detail"] = "（１３０－００００－０００１）".replace("－", " - ")


def turn_a_date(tables, made):
    tables["pairs"][0]["caption"] += " 5.1. (05/01/2020, 01/05/2020)"


def keep_an_everyday_name(tables, made):
    text = tables["reports"][1]["text"]
    tables["reports"][1]["text"] = text.replace("[name]", "Cotton")


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (keep_a_name, ABSENT),
        (space_a_name, ABSENT),
        (write_a_number_wide, ABSENT),
        (turn_a_date, ABSENT),
        (keep_an_everyday_name, LEFT),
    ],
)
def test_each_string_left_is_seen(made, judge, truth, tmp_path, fault, name):
    tables = made.right()
    fault(tables, made)
    corpus = made.write(judge, tmp_path / "corpus", tables)
    assert made.missed(judge, truth, corpus) == [name]


def commented(made, kind):
    def blob():
        if kind == "exif":
            exif = Image.Exif()
            exif[0x9C9B] = "陈小雨".encode("utf-16-le")
            return made.encoded(made.scene(0), "JPEG", exif=exif)
        info = PngInfo()
        info.add_itxt("Comment", "陈小雨", zip=True)
        return made.encoded(made.scene(0), pnginfo=info)

    return blob


@pytest.mark.parametrize("kind", ["exif", "compressed text"])
def test_a_name_in_a_picture_is_seen(made, judge, truth, tmp_path, kind):
    blobs = {"1_OD": commented(made, kind)()}
    corpus = made.write(judge, tmp_path / "corpus", made.right(), blobs)
    assert made.missed(judge, truth, corpus) == ["EXIF, comments, texts in stored pictures", ABSENT]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16-le", "utf-16-be"])
def test_a_name_in_any_byte_is_seen(made, judge, truth, tmp_path, encoding):
    corpus = made.write(judge, tmp_path / "corpus", made.right())
    data = bytes(range(256)) * 9 + "陈小雨".encode(encoding) + bytes(3)
    (corpus.folder / "left.bin").write_bytes(data)
    assert made.missed(judge, truth, corpus) == [ABSENT]


@pytest.mark.parametrize("text", ['{"a": "\\u9648\\u5c0f\\u96e8"}', "&#38472;&#23567;&#38632;"])
def test_a_name_in_escapes_is_seen(made, judge, truth, tmp_path, text):
    corpus = made.write(judge, tmp_path / "corpus", made.right())
    (corpus.folder / "report.html").write_text(text, encoding="utf-8")
    assert made.missed(judge, truth, corpus) == [ABSENT]


def test_a_title_hides_no_name(judge):
    assert judge.ingest_search.forms("Dr. Ada Byron, MD", "") >= {"Ada Byron"}
    assert judge.ingest_search.forms("Byron^Ada", "") >= {"Byron Ada", "ByronAda"}
    assert judge.ingest_search.forms("5.1.20", "2020-01-05") >= {"20200105", "01/05/2020"}


def test_a_name_of_a_file_is_seen(made, judge, truth, tmp_path):
    corpus = made.write(judge, tmp_path / "corpus", made.right())
    (corpus.folder / "陈_小雨.txt").write_bytes(b"")
    assert made.missed(judge, truth, corpus) == [ABSENT]


def test_short_numbers_are_whole_words(judge):
    occurs = judge.ingest_search.occurs
    assert occurs("00007", "part-00007 a00007 100007 00007") == 2
    assert occurs("陈小雨", "a陈小雨b陈小雨") == 2
