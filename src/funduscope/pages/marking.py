"""The page on which people mark what the program read in reports: one file, used offline."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from funduscope.pages.report import asset, environment
from funduscope.pages.words import LANGUAGES, Words

READING: Final = (
    *("eye", "finding", "status", "temporality", "experiencer", "grade", "start_char", "end_char"),
)
"""The fields of a reading, in the order in which the page takes them."""


def render_marking(
    reports: Sequence[Mapping[str, Any]],
    findings: Sequence[Sequence[str]],
    *,
    corpus: str,
    sample: str,
    language: str,
    out: Path,
) -> None:
    """Write the marking page; it saves a file that names the corpus and the sample.

    The page opens from a folder, loads nothing and sends nothing.

    Args:
        reports: in the order shown: `text_id`, `text`, `weight` (as text) and `readings`, each
            with the fields of `READING`; places count characters, not UTF-16 units.
        findings: those that can be added: code, Chinese name, English name, further names.
        corpus: id of the corpus.
        sample: id of the sample.
        language: `en` or `zh`, to begin with; the page can be switched.
        out: the file.
    """
    words = Words(language)
    data = {
        "corpus": corpus,
        "sample": sample,
        "language": language,
        "fields": READING,
        "reports": reports,
        "findings": findings,
        "words": {name: Words(name).branch("mark") for name in LANGUAGES},
        "disclaimer": {name: Words(name)("page.disclaimer") for name in LANGUAGES},
    }
    # `<` would end the element, wherever it stands in a report
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    page = (
        environment()
        .get_template("mark.html")
        .render(
            words=words,
            style=Markup(asset("style.css") + asset("mark.css")),
            script=Markup(asset("mark.js")),
            data=Markup(text),
        )
    )
    out.write_text(page, encoding="utf-8", newline="\n")
