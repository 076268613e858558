from __future__ import annotations

import ast
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "funduscope"


def listed() -> dict[str, str]:
    """File below src/funduscope -> its words, from the tree in the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = text.split("```\nsrc/funduscope/\n")[1].split("```")[0]
    found: dict[str, str] = {}
    room = ""
    for line in block.splitlines():
        name, _, words = line.strip().partition(" ")
        if name.endswith("/"):
            room = name
        else:
            found[(room if line.startswith("    ") else "") + name] = words.strip()
    return found


def test_the_file_tree_lists_every_file_in_at_most_six_words():
    files = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    tree = listed()
    assert set(tree) == files
    assert {name: words for name, words in tree.items() if not 1 <= len(words.split()) <= 6} == {}


PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def python_files():
    places = (ROOT / "src", ROOT / "tests", ROOT / "benchmarks")
    return [path for place in places for path in sorted(place.rglob("*.py"))]


def test_modules_are_short_and_named_for_what_they_hold():
    assert {
        path.name: count
        for path in python_files()
        if (count := path.read_text(encoding="utf-8").count("\n")) > 400
    } == {}
    long = {
        f"{path.name}:{node.lineno} {node.name}"
        for path in python_files()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= 60
    }
    assert long == set()
    vague = {"utils", "misc", "common", "helpers"}
    assert [path for path in python_files() if path.stem in vague] == []


def test_chinese_stands_only_where_it_may():
    allowed = re.compile(r"src/funduscope/(findings|archive|pages/locales)/|tests/")
    han = re.compile("[\u4e00-\u9fff]")
    sources = [p for p in SOURCE.rglob("*") if p.suffix in (".py", ".toml", ".tsv", ".html")]
    stray = [
        name
        for path in sources
        if han.search(path.read_text(encoding="utf-8"))
        and not allowed.match(name := path.relative_to(ROOT).as_posix())
    ]
    assert stray == []


def test_the_page_of_captions_shows_what_the_code_makes():
    folder = ROOT / "docs" / "reference"
    made = runpy.run_path(str(folder / "make_captions.py"))
    assert len(made["reports"]()) == 2
    assert (folder / "captions.md").read_text(encoding="utf-8") == made["page"]()


@pytest.mark.parametrize("name", ["tables", "vocabulary"])
def test_the_generated_pages_are_what_the_code_says(name):
    folder = ROOT / "docs" / "reference"
    made = runpy.run_path(str(folder / f"make_{name}.py"))["page"]()
    assert (folder / f"{name}.md").read_text(encoding="utf-8") == made
