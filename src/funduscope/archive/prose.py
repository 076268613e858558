"""One report a file: plain text or HTML, whose labeled lines become columns.

`Name: Ann Novak   Sex: F` and the cells of an HTML form are facts; what is left is the `body`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html.parser import HTMLParser

from funduscope.archive.readers import Given, Row, Sheet, filled

TEXT, BODY = "text", "body"
_BREAKS = frozenset(
    (
        *("br", "p", "div", "tr", "table", "ul", "ol", "li", "hr", "section", "article", "header"),
        *("footer", "pre", "body", "head", "h1", "h2", "h3", "h4", "h5", "h6", "dl", "dt", "dd"),
        *("form", "fieldset"),
    )
)
_HAN = "\u3400-\u9fff"
_HAN_PAIR = re.compile(f"[{_HAN}]{{2}}")
_HIDDEN = frozenset(("script", "style", "template", "title"))
_LABEL = re.compile(
    r"(?:(?<=\n)|(?<=[\t|;,\uff0c\uff1b\u3000])|(?<=\s\s)|\A"
    r"|(?<=\s)(?=[^\s:\uff1a]{1,12}[:\uff1a]))"
    r"[ \t\u3000*#>\-\u3010\[]*"
    r"(?P<label>[^\W\d_][^\n\t:\uff1a|;,.\u3002\uff0c\uff1b]{0,30}?)"
    r"[\u3011\]* ]*(?:[:\uff1a][ \t\u3000]*|\t+(?=\S))"
)


def read_text(given: Given) -> Sheet:
    """One row a file: `text` (all of it), `body`, and the labels.

    Labels are those that the source names, `one|other` where reports differ. A label of the report
    runs over several lines, any other to the end of its line or the next label. `body` is the text
    without the others.
    """
    sheet = Sheet(columns=dict.fromkeys((TEXT, BODY)))
    columns = given.source.columns.roles()
    reports = set(columns.get("report", ())) - {TEXT, BODY}
    named = {name for role in columns.values() for name in role} - reports - set(sheet.columns)
    labels = {label for name in named for label in name.split("|")}
    for table in given.tables[: given.limit]:
        decoded = given.text(table, sheet)
        sheet.forms[table] = (decoded.encoding, None)
        text = plain(decoded.text, table)
        said = facts(text, labels)
        cells = {
            name: next((said[one] for one in name.split("|") if one in said), "") for name in named
        }
        body = cut(text, labels)
        sections = {label: section(body, label, reports) for label in reports}
        sheet.columns.update(dict.fromkeys([*cells, *sections]))
        every = {**cells, **sections, TEXT: text, BODY: body}
        sheet.rows.append(Row(table, 1, filled(every.items())))
    return sheet


def labels_of(text: str) -> list[str]:
    """Everything in a text that looks like the label of a value, in order."""
    return list(dict.fromkeys(_clean(found["label"]) for found in _LABEL.finditer(text)))


def facts(text: str, labels: Iterable[str]) -> dict[str, str]:
    """Label -> its value on the same line, the first one that is not empty."""
    found: dict[str, str] = {}
    for label, start, end, _ in _values(text, set(labels)):
        if value := text[start:end].strip(" \t\u3000|;,\uff0c\uff1b\u3002"):
            found.setdefault(label, value)
    return found


def cut(text: str, labels: Iterable[str]) -> str:
    """The text without these labels and their values, and without lines that are empty now."""
    parts, at = [], 0
    for _, _, end, begin in _values(text, set(labels)):
        parts.append(text[at:begin])
        at = end
    lines = "".join([*parts, text[at:]]).split("\n")
    return "\n".join(line.strip() for line in lines if re.search(r"\w", line))


def section(text: str, label: str, labels: Iterable[str]) -> str:
    """What stands under a label, up to the next of the labels or the end."""
    places = sorted(
        (found.start(), found.end(), name)
        for name in labels
        for found in re.finditer(rf"(?m)^\W*{re.escape(name)}\W*?(?:[:\uff1a\u3011]|\t|$)", text)
    )
    for at, (_, end, name) in enumerate(places):
        if name == label:
            stop = places[at + 1][0] if at + 1 < len(places) else len(text)
            return text[end:stop].strip()
    return ""


def plain(text: str, name: str) -> str:
    """A report's text; of HTML what a reader sees, cells of a row parted by tabs."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if name.lower().endswith((".htm", ".html")) or re.match(r"\s*<(?:!doctype|html)", text, re.I):
        reader = _Markup()
        reader.feed(text)
        reader.close()
        text = "".join(reader.parts)
    lines = (re.sub(r"[ \xa0]*\t[ \xa0]*", "\t", line).strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _values(text: str, labels: set[str]) -> list[tuple[str, int, int, int]]:
    """Label, where its value begins and ends, where the label begins; on one line each."""
    marks = [(found.start(), found.end(), _clean(found["label"])) for found in _marks(text, labels)]
    found = []
    for at, (begin, start, label) in enumerate(marks):
        if label not in labels:
            continue
        line = text.find("\n", start)
        end = len(text) if line < 0 else line
        if at + 1 < len(marks):
            end = min(end, marks[at + 1][0])
        sentence = text.find("\u3002", start, end)  # a fact is no sentence; the next one is prose
        end = end if sentence < 0 else sentence + 1
        found.append((label, start, max(start, end), begin))
    return found


def _marks(text: str, labels: set[str]) -> list[re.Match[str]]:
    """Labels in a text: those that are known, and others where a wide gap stands before them."""
    if not labels:
        return []
    spaced = "|".join(map(_spaced, sorted(labels, key=len, reverse=True)))
    own = re.compile(
        rf"(?:(?<![^\W\d_])|(?<=[\u3400-\u9fff]))(?P<label>{spaced})[ \u3011\]*]*"
        r"(?:[:\uff1a][ \t\u3000]*|\t+(?=\S))"
    )
    first = {found.start(): found for found in own.finditer(text)}
    taken = [(found.start(), found.end()) for found in first.values()]
    for found in _LABEL.finditer(text):
        at = found.start("label")
        if found[0].endswith("\t"):
            continue  # a cell beside another: only a known label says which is the value
        gap = re.search(
            r"(?:\n|\A|\t|  |\u3000|\|)[ \t\u3000*#>\-\u3010\[]*\Z", text[max(0, at - 8) : at]
        )
        if gap and all(found.end() <= start or end <= at for start, end in taken):
            first.setdefault(at, found)
    return [first[at] for at in sorted(first)]


def _spaced(label: str) -> str:
    """A label as a pattern: blanks may part its Chinese characters, to make columns even."""
    words = [
        "".join(
            sign
            if not at or not _HAN_PAIR.fullmatch(word[at - 1 : at + 1])
            else f"[ \u3000]*{sign}"
            for at, sign in enumerate(map(re.escape, word))
        )
        for word in label.split(" ")
    ]
    return "[ \u3000]+".join(words)


def _clean(label: str) -> str:
    return re.sub(rf"(?<=[{_HAN}]) (?=[{_HAN}])", "", " ".join(label.split()))


class _Markup(HTMLParser):
    """The text of an HTML page: blocks are lines, cells are parted by tabs."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A block begins a line, whatever its attributes say."""
        del attrs
        self.hidden += tag in _HIDDEN
        if tag in _BREAKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """A block ends a line, a cell ends with a tab."""
        self.hidden -= tag in _HIDDEN and self.hidden > 0
        if tag in _BREAKS:
            self.parts.append("\n")
        elif tag in ("td", "th"):
            self.parts.append("\t")

    def handle_data(self, data: str) -> None:
        """Line breaks of the source are blanks."""
        if not self.hidden:
            self.parts.append(re.sub(r"\s+", " ", data))
