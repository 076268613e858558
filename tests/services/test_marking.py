"""The marking page in a real browser: by keyboard alone, saved, closed, gone on with."""

from __future__ import annotations

import json
import runpy
import time
import zlib
from pathlib import Path

import pytest

from funduscope import pages, store, tables
from funduscope.archive import review_marks, review_reports
from funduscope.findings import extract, vocabulary

pytestmark = pytest.mark.services

TEXTS = (
    "\U00020bb7 RE: hemorrhage, no drusen. LE: </script><b>cataract</b>",
    "双眼视网膜出血，余未见异常。",
    "Photographs of both eyes.",
)


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "mark.html"
    fields = pages.READING
    pages.render_marking(
        [
            {
                "text_id": f"t{number}",
                "text": text,
                "weight": "1.5",
                "readings": [[getattr(one, name) for name in fields] for one in extract(text)],
            }
            for number, text in enumerate(TEXTS)
        ],
        [(one.code, one.zh, one.en, *one.zh_synonyms, *one.en_synonyms) for one in vocabulary()],
        corpus="c" * 32,
        sample="s" * 16,
        language="en",
        out=path,
    )
    return path


def shown(browser, name):
    return browser.run(f"document.getElementById('{name}').textContent")


def saved(tmp_path, browser):
    for _ in range(200):
        files = sorted((tmp_path / "downloads").glob("*.json"))
        if files:
            return json.loads(files[-1].read_text(encoding="utf-8"))
        time.sleep(0.05)  # the download is the browser's own doing
    pytest.fail("nothing was downloaded within ten seconds")


def test_a_reader_marks_everything_by_keyboard(page, browser, tmp_path):
    one = browser()
    one.open(page)
    count = [len(extract(text)) for text in TEXTS]
    assert count[0] >= 3
    assert one.run("document.querySelector('.text mark.now').textContent") == "hemorrhage"
    one.press("ArrowDown")
    assert one.run("document.querySelector('.text mark.now').textContent") == "drusen"
    one.press("ArrowUp", "1", "w", *"r" * (count[0] - 2))
    assert one.run("document.querySelectorAll('#readings li.right').length") == count[0] - 1
    assert one.run("document.querySelectorAll('#readings li.wrong').length") == 1
    # what was missed: found by its Chinese name, eye and status with the keys of the form
    one.press("m")
    one.write("黄斑前膜")
    one.press("Enter", "ArrowDown", "Tab", "Space", "Enter")
    assert "left eye · present" in shown(one, "missed")
    one.press("Enter")
    assert shown(one, "place").startswith("Report 2 of 3")
    # both languages; then an unmarked reading holds the reader back
    one.press("l")
    assert shown(one, "place").startswith("第 2 份")
    one.press("Enter")
    assert f"{count[1]}" in shown(one, "said")
    one.press(*"1" * count[1], "Enter")
    assert one.run("document.getElementById('nothing').hidden") is (count[2] > 0)
    one.press(*"1" * count[2], "Enter")
    assert shown(one, "progress") == "已完成 3 / 3 份报告"
    one.press("Enter")  # on the button that has the focus: it asks for the reader first
    one.write("R1")
    one.press("Escape", "s")
    file = saved(tmp_path, one)
    body = {key: value for key, value in file.items() if key != "crc32"}
    plain = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    assert file["crc32"] == f"{zlib.crc32(plain):08x}"
    assert [report["done"] for report in file["reports"]] == [True, True, True]
    assert file["reports"][0]["missed"] == [{"finding": "erm", "eye": "OS", "status": "present"}]
    assert [row["right"] for row in file["reports"][0]["readings"]][:2] == [True, False]
    assert one.said == []
    assert [url for url in one.asked if not url.startswith(("file:", "blob:"))] == []


def test_marks_survive_the_browser_and_a_foreign_file_is_refused(page, browser, tmp_path):
    one = browser()
    one.open(page)
    one.press("1", "2")
    one.run("document.getElementById('reader').focus()")
    one.write("R2")
    one.close()
    two = browser()
    two.open(page)
    assert two.run("document.getElementById('reader').value") == "R2"
    assert two.run("document.querySelectorAll('#readings li.right').length") == 1
    assert two.run("document.querySelectorAll('#readings li.wrong').length") == 1
    two.press("s")
    file = saved(tmp_path, two)
    for changed, taken in ((file | {"reader": "R3"}, False), (file, True)):
        text = json.dumps(json.dumps(changed, ensure_ascii=False))
        two.run(
            f"""(() => {{
              const box = new DataTransfer();
              box.items.add(new File([{text}], "marks.json"));
              document.getElementById("load").files = box.files;
              document.getElementById("load").dispatchEvent(new Event("change"));
            }})()"""
        )
        two.call("Runtime.evaluate", expression="Promise.resolve()", awaitPromise=True)
        words = "Loaded" if taken else "holds no marks"
        for _ in range(100):
            if words in shown(two, "said"):
                break
            time.sleep(0.05)  # the file is read in its own time
        assert words in shown(two, "said")


def test_every_control_is_large_enough_to_touch_and_nothing_runs_off_a_phone(page, browser):
    one = browser()
    for width in (1280, 375):
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
        one.call("Emulation.setDeviceMetricsOverride", **size)
        one.open(page)
        small = one.run(
            """[...document.querySelectorAll("button, input[type=text], fieldset label, .button")]
            .map((item) => [item.textContent, item.getBoundingClientRect()])
            .filter(([, box]) => box.height < 44 || box.width < 44).map(([text]) => text)"""
        )
        assert small == []
        assert one.run("document.documentElement.scrollWidth") <= width


@pytest.fixture
def corpus(tmp_path):
    """A corpus of three reports, two of them alike, and no photographs."""
    rows = runpy.run_path(str(Path(__file__).parents[1] / "cli" / "test_review.py"))["told"]()
    path = tmp_path / "corpus"
    with store.create(path, kind="corpus", config={}, seed=0):
        for name in ("images", "reports", "assertions", "pairs", "labels", "rejects"):
            table = tables.TABLES[name]
            data = tables.frame(table, rows.get(name, []))
            tables.write(table, data, path / f"{name}.parquet")
    return path


def test_what_the_browser_saves_becomes_figures(corpus, browser, tmp_path):
    made = review_reports(corpus, tmp_path / "queue")
    one = browser()
    one.open(made.path / "mark.html")
    one.run("document.getElementById('reader').focus()")
    one.write("读者 1")
    one.press("Escape")
    for drawn in made.sample.reports:
        one.press(*("2" if row.finding == "cataract" else "1" for row in drawn.readings), "Enter")
    one.press("Escape", "s")
    saved(tmp_path, one)
    [file] = (tmp_path / "downloads").glob("*.json")
    found = review_marks(corpus, tmp_path / "marked", files=[file])
    assert (found.reports, found.readers) == (2, ("读者 1",))
    assert found.figures[0].precision.value == pytest.approx(3 / 5)
