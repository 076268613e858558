from __future__ import annotations

import json
import re

import pytest

from funduscope import pages
from funduscope.errors import ConfigError
from funduscope.findings import extract, vocabulary

EVIL = "OD: </script><script>alert(1)</script> <!-- drusen & \u2028 {{ 7 * 7 }}"


def render(tmp_path, texts, language="en"):
    out = tmp_path / "mark.html"
    reports = [
        {
            "text_id": f"t{number}",
            "text": text,
            "weight": "1",
            "readings": [[getattr(one, name) for name in pages.READING] for one in extract(text)],
        }
        for number, text in enumerate(texts)
    ]
    rows = [(one.code, one.zh, one.en, *one.zh_synonyms, *one.en_synonyms) for one in vocabulary()]
    pages.render_marking(reports, rows, corpus="c", sample="s", language=language, out=out)
    return out.read_text(encoding="utf-8")


def test_the_page_is_one_file_that_asks_for_nothing(tmp_path):
    html = render(tmp_path, ["OD: drusen."])
    assert "default-src 'none'" in html
    assert not re.search(r"https?://|\bsrc=|<link|@import|url\(|fetch\(|XMLHttp", html)
    assert "eval(" not in html
    assert "innerHTML" not in html


@pytest.mark.parametrize(("language", "tag"), [("en", "en"), ("zh", "zh-Hans")])
def test_both_languages_travel_along(tmp_path, language, tag):
    html = render(tmp_path, ["OD: drusen."], language)
    assert f'<html lang="{tag}">' in html
    data = json.loads(re.search(r'id="data">(.*?)</script>', html, re.S)[1])
    assert data["language"] == language
    assert data["words"]["zh"].keys() == data["words"]["en"].keys()
    script = html.split("<script>")[1]
    used = set(re.findall(r'\bword\(\s*"(\w+)"', script)) | set(
        re.findall(r'data-word="(\w+)"', html)
    )
    assert used <= data["words"]["en"].keys()
    assert "not for diagnosis" in data["disclaimer"]["en"]


def test_a_report_cannot_leave_its_place(tmp_path):
    html = render(tmp_path, [EVIL])
    assert html.count("</script>") == 2
    assert "alert(1)" in html
    assert "<script>alert" not in html
    data = json.loads(re.search(r'id="data">(.*?)</script>', html, re.S)[1])
    assert data["reports"][0]["text"] == EVIL


def test_a_hundred_reports_stay_below_a_megabyte(tmp_path):
    text = "右眼视网膜出血，未见渗出。Left eye: possible macular hole, no drusen. " * 12
    html = render(tmp_path, [f"{text}{number}" for number in range(100)])
    assert len(html.encode()) < 1_000_000


def test_an_unknown_language_is_refused(tmp_path):
    with pytest.raises(ConfigError):
        render(tmp_path, [], "fr")
