from __future__ import annotations

import itertools
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from funduscope import pages
from funduscope.errors import ConfigError, DataError
from funduscope.pages import words as locale

EVIL = "<script>alert('x')</script>\"&"
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Checker(HTMLParser):
    """Collects what a page holds and stops at tags that do not nest."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len(attrs) == len(dict(attrs)), f"an attribute twice in {tag}"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.text.append(data)

    def values(self, attribute: str) -> list[str]:
        return [found for _, attrs in self.tags if (found := attrs.get(attribute)) is not None]


def every_block(name: str = "glaucoma") -> list[pages.Block]:
    rgb = np.full((24, 24, 3), 120, dtype=np.uint8)
    shares = np.linspace(-1, 1, 576, dtype=np.float32).reshape(24, 24)
    line = np.linspace(0, 1, 5)
    empty = np.empty(0)
    return [
        f"A paragraph about {name}.",
        pages.Facts([("1,200", name)]),
        pages.Table(
            [pages.Column(name), pages.Column("n"), pages.Column("AUROC", 3)],
            [[name, 1242, 0.93912], ["other", 7, None]],
            name,
        ),
        pages.Bars([(name, 1300), ("b", 0)], name),
        pages.Funnel([pages.FunnelRow(name, 12, 9, 2, 1, {"blur": 2, name: 1})]),
        pages.ContactSheet([pages.Photo(rgb, [pages.Caption(name, "en")]), pages.Photo(rgb)], name),
        pages.ContactSheet([pages.Photo(rgb)], name, large=True),
        pages.RocPanels(
            [
                pages.RocPlot(name, line, line**0.5, line, line, line, 0.7, 0.6, 0.8, 3, 1242),
                pages.RocPlot("b", line, line, empty, empty, empty, 0.5, None, None, 1, 2),
            ],
            name,
        ),
        pages.Forest(
            [
                pages.ForestRow(name, 0.71, 0.46, 0.8, 3, 1242, group=name),
                pages.ForestRow("b", 0.9, None, None, 1, 9, group=name),
                pages.ForestRow("c", None, None, None, 0, 9, reason=name, group="other"),
            ],
            name,
        ),
        pages.HeatMap(rgb, shares, name, name),
        pages.LearningCurve([pages.Series(name, [0, 1], [2, 1])], name, name, name),
        pages.CurvePanels([pages.LearningCurve([pages.Series(name, [0, 1], [3, 1])], name, "y")]),
        pages.Timings([(name, 0.21), ("b", 75.2), ("c", 3.0), ("d", 59.97)], name),
    ]


def page(language: str = "en", name: str = "glaucoma") -> str:
    return pages.report_html(
        [pages.Section(f"{name} {at}", [block]) for at, block in enumerate(every_block(name))],
        title=name,
        lead=name,
        language=language,
        made={name: name},
    )


@pytest.fixture(scope="module", params=pages.LANGUAGES)
def checked(request) -> tuple[str, str, Checker]:
    html = page(request.param)
    return request.param, html, Checker(html)


def test_pages_load_nothing_from_anywhere(checked):
    _, html, found = checked
    assert "default-src 'none'" in html
    assert "http" not in html.replace("http-equiv", "")
    assert "@import" not in html
    assert "url(" not in re.sub(r"url\(#[\w-]+\)", "", html)
    assert all(source.startswith("data:image/jpeg;base64,") for source in found.values("src"))
    assert all(target.startswith("#") for target in found.values("href"))
    assert not {tag for tag, _ in found.tags} & {"script", "link", "iframe", "object", "form"}


def test_pages_are_sound_html(checked):
    language, html, found = checked
    assert html.lstrip().startswith("<!DOCTYPE html>")
    assert found.tags[0] == ("html", {"lang": {"en": "en", "zh": "zh-Hans"}[language]})
    ids = found.values("id")
    assert len(ids) == len(set(ids))
    targets = [target[1:] for target in found.values("href")] + found.values("aria-labelledby")
    assert set(targets) <= set(ids)
    assert all(attrs.get("alt") for tag, attrs in found.tags if tag == "img")
    assert all(
        attrs.get("aria-label") or attrs.get("aria-hidden")
        for tag, attrs in found.tags
        if tag == "svg"
    )
    levels = [int(tag[1]) for tag, _ in found.tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))


def test_the_disclaimer_stands_first_last_and_on_every_printed_page(checked):
    language, html, found = checked
    disclaimer = pages.Words(language)("page.disclaimer")
    seen = [text.strip() for text in found.text if text.strip()]
    assert disclaimer in seen[:4]
    assert seen[-1] == disclaimer
    assert f'@bottom-center {{ content: "{disclaimer}"' in html


def test_text_is_escaped_wherever_it_may_stand():
    html = page(name=EVIL)
    found = Checker(html)
    assert "<script" not in html
    # it is shown, though, as it was given: heading, caption, cell, label, name of a curve ...
    assert "".join(found.text).count(EVIL) > 30
    assert EVIL in "".join(found.values("aria-label"))
    assert any(EVIL in alt for alt in found.values("alt"))


def test_both_languages_use_their_words_and_nothing_of_the_other(checked):
    language, _, found = checked
    shown = "".join(found.text)
    other = pages.Words({"en": "zh", "zh": "en"}[language])
    own = pages.Words(language)
    for key in ("funnel.kept", "funnel.reasons", "roc.y", "heat.caption", "forest.counts"):
        assert own(key) in shown
        assert other(key) not in shown
    assert own.reason("blur") in shown


def test_no_word_of_a_locale_file_is_dead():
    """Code names a word whole, or composes it: a fixed prefix and a name that stands in quotes."""
    package = Path(locale.__file__).parent.parent
    sources = [path for end in ("py", "html", "js") for path in package.rglob(f"*.{end}")]
    code = "\n".join(source.read_text(encoding="utf-8") for source in sources)
    by_data = ("reasons.", "remedies.", "values.", "items.")
    keys = {key for key in locale._read("en") if not key.startswith(by_data)}
    composed = ("funnel.", "ingest.", "review.", "mark.", "marks.", "run.")
    dead = set()
    for key in keys:
        names = [key]
        if key.startswith(composed):
            name = key.partition(".")[2]
            names += [name, name.removesuffix("_caption"), name.removesuffix("_is")]
        if not any(f'"{name}"' in code or f"'{name}'" in code for name in names):
            dead.add(key)
    assert dead == set()


def test_numbers_are_set_as_numbers(checked):
    language, html, found = checked
    shown = "".join(found.text)
    cells = re.findall(r'<td class="number">([^<]*)</td>', html)
    assert cells == ["1,242", "0.939", "7", "—"]
    assert "0.460–0.800" in shown
    assert "0.600–0.800" in shown
    if language == "en":
        for duration in ("210 ms", "1 min 15 s", "3.0 s", "1 min 0 s"):
            assert duration in shown


def test_a_forest_puts_its_marks_where_the_numbers_are():
    html = pages.report_html(
        [pages.Section("s", [pages.Forest([pages.ForestRow("a", 0.75, 0.625, 0.875, 1, 2)])])],
        title="t",
        language="en",
    )
    # the scale begins at 0.4: one tenth is a sixth of the width
    assert 'class="dot" style="left:58.333%"' in html
    assert 'class="whisker" style="left:37.5%;right:20.83' in html
    assert 'class="chance" style="left:16.667%"' in html


def test_the_same_data_give_the_same_bytes_and_render_writes_them(tmp_path):
    first = page("zh")
    assert first == page("zh")
    sections = [pages.Section("s", ["p"])]
    pages.render_report(sections, title="t", language="en", out=tmp_path / "report.html")
    written = (tmp_path / "report.html").read_bytes().decode("utf-8")
    assert written == pages.report_html(sections, title="t", language="en")


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (pages.Funnel([pages.FunnelRow("x", 10, 9, 0, 0, {})]), "kept + rejected + review"),
        (pages.Funnel([pages.FunnelRow("x", 10, 9, 1, 0, {})]), "has a reason"),
        (pages.Table([pages.Column("a")], [["1", "2"]]), "one cell for each"),
    ],
)
def test_what_does_not_add_up_is_not_drawn(block, words):
    with pytest.raises(DataError) as caught:
        pages.report_html([pages.Section("s", [block])], title="t", language="en")
    assert words in str(caught.value)


def test_an_unknown_language_is_refused():
    with pytest.raises(ConfigError):
        pages.report_html([], title="t", language="de")


def test_a_map_that_speaks_for_nothing_says_so():
    rgb = np.full((8, 8, 3), 90, dtype=np.uint8)
    block = pages.HeatMap(rgb, np.full((8, 8), -0.2, np.float32), "glaucoma")
    html = pages.report_html([pages.Section("s", [block])], title="t", language="en")
    assert pages.Words("en")("heat.nothing") in html
    assert pages.Words("en")("heat.caption") not in html


def test_importing_needs_the_base_install_only():
    heavy = ("matplotlib", "scipy", "sklearn", "polars", "pyarrow", "torch")
    code = (
        "import sys, funduscope.pages as p\n"
        "p.report_html([p.Section('s', ['x'])], title='t', language='en')\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
