"""`show REPORT.txt`: a report with what was read from it, and the rules that decided.

What a clinician and a developer look at when they ask why a report was read as it was.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from funduscope.cli.screen import Screen, harmless
from funduscope.errors import DataError, missing_extra
from funduscope.findings import Assertion, Vocabulary, extract, language_of, scales, vocabulary

# Status -> style on a terminal, mark before the words elsewhere.
STYLES = {"present": "bold red", "uncertain": "bold yellow", "absent": "green"}
MARKS = {"present": "+", "uncertain": "?", "absent": "-"}
_MIXED_STYLE, _MIXED_MARK = "bold magenta", "!"
_HISTORY, _PAST_MARK = "dim underline", "~"
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_CONTROL_SHARE = 0.01  # of a text's signs; more are a file of another kind


@dataclass(frozen=True)
class _Span:
    """Words of the report and what was read from them; `number` is their line in the table."""

    start: int
    end: int
    number: int
    rows: tuple[Assertion, ...]

    @property
    def status(self) -> str:
        """The status that all rows share, or `mixed`."""
        found = {row.status for row in self.rows}
        return found.pop() if len(found) == 1 else "mixed"

    @property
    def past(self) -> bool:
        """Whether everything read here is history."""
        return all(row.temporality == "history" for row in self.rows)

    @property
    def style(self) -> str:
        """How the words look on a terminal."""
        style = STYLES.get(self.status, _MIXED_STYLE)
        return f"{style} {_HISTORY}" if self.past else style

    @property
    def opening(self) -> str:
        """What stands before the words where there is no color: `[-4:`."""
        mark = MARKS.get(self.status, _MIXED_MARK)
        return f"[{mark}{self.number}{_PAST_MARK if self.past else ''}:"


def show_report(screen: Screen, thing: str) -> None:
    """The text of a report with what was read from it, then every assertion with its rules."""
    data = sys.stdin.buffer.read() if thing == "-" else Path(thing).read_bytes()
    text, encoding = _decoded(data, "standard input" if thing == "-" else thing)
    rows = extract(text)
    words = vocabulary()
    screen.data(
        {
            "kind": "report",
            "path": thing,
            "encoding": encoding,
            "language": language_of(text),
            "vocabulary": {"version": words.version, "hash": words.hash},
            "text": text,
            "assertions": [_json_of(row, text, words) for row in rows],
        }
    )
    if screen.quiet or screen.as_json:
        return
    spans = _spans(rows)
    name = "standard input" if thing == "-" else Path(thing).name
    screen.say(f"{name}: {language_of(text)}, {encoding}, {len(rows)} assertions")
    for line in _counts(rows):
        screen.say(line)
    screen.say("")
    screen.draw(_page(text, spans, color=screen.colored, utf=screen.unicode))
    if not rows:
        screen.say("\nNothing is asserted here: no finding of the vocabulary was met.")
        screen.next("funduscope show vocabulary")
        return
    screen.say("")
    screen.draw(_legend(color=screen.colored, spans=spans))
    screen.say("")
    screen.draw(_assertions(text, spans, words))
    _say_conflicts(screen, rows)
    screen.next(f"funduscope show vocabulary {rows[0].finding}")


def _decoded(data: bytes, place: str) -> tuple[str, str]:
    """The text of a file and its encoding, by the rule that ingest keeps (UTF-8, GB18030, ...)."""
    try:
        text, encoding = data.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        try:
            from funduscope.archive.encodings import decode
        except ImportError as error:
            raise missing_extra(error.name or "charset_normalizer", "archive") from None
        found = decode(data)
        text, encoding = (found.text, found.encoding) if found else ("\0", "none")
    controls = sum(sign < " " and sign not in "\t\n\r\f" for sign in text)
    if controls > _CONTROL_SHARE * len(text):
        raise DataError(
            f"{len(data)} bytes that are no text",
            place=place,
            rule="a report is a text file (UTF-8, GB18030, ...), a corpus is a folder",
            remedy="save the report as plain text; an archive is read by `funduscope ingest`",
            code="not_text",
        )
    return text.replace("\r\n", "\n").replace("\r", "\n"), encoding


def _json_of(row: Assertion, text: str, words: Vocabulary) -> dict[str, Any]:
    finding = words[row.finding]
    said = text[row.start_char : row.end_char]
    return {**asdict(row), "en": finding.en, "zh": finding.zh, "words": said}


def _counts(rows: Sequence[Assertion]) -> list[str]:
    """One line an eye: `  OD       5 present, 1 absent`."""
    lines = []
    for eye in ("OD", "OS", "unknown"):
        found = [row.status for row in rows if row.eye == eye]
        said = ", ".join(f"{found.count(status)} {status}" for status in STYLES if status in found)
        lines += [f"  {eye:<8}{said}"] if found else []
    return lines


def _spans(rows: Iterable[Assertion]) -> list[_Span]:
    places: dict[tuple[int, int], list[Assertion]] = {}
    for row in rows:
        places.setdefault((row.start_char, row.end_char), []).append(row)
    return [
        _Span(start, end, number, tuple(found))
        for number, ((start, end), found) in enumerate(sorted(places.items()), start=1)
    ]


def _page(text: str, spans: list[_Span], *, color: bool, utf: bool) -> Table:
    """The report line by line; overlapping spans are all marked, the last one gives the color."""
    clean = Text(harmless(text.rstrip("\n")))
    for span in sorted(spans, key=lambda s: s.start - s.end) if color else ():
        clean.stylize(span.style, span.start, span.end)
    pieces: list[tuple[int, int, Text]] = []  # place, order at one place, what is put there
    for span in spans:
        if color:
            number = str(span.number)
            raised = number.translate(_SUPERSCRIPT) if utf else f"^{number}"
            pieces.append((span.end, 0, Text(raised, "dim")))
        else:
            pieces.append((span.start, 1, Text(span.opening)))
            pieces.append((span.end, 0, Text("]")))
    marked, place = Text(), 0
    for at, _, piece in sorted(pieces, key=lambda p: p[:2]):
        marked.append_text(clean[place:at] if at > place else Text())
        marked.append_text(piece)
        place = max(place, at)
    marked.append_text(clean[place:])
    page = Table.grid(padding=(0, 2, 0, 0))
    page.add_column(justify="right", style="dim", no_wrap=True)
    page.add_column(overflow="fold")
    for line, content in enumerate(marked.split("\n", allow_blank=True), start=1):
        page.add_row(str(line), content)
    return page


def _legend(*, color: bool, spans: list[_Span]) -> Text:
    kinds = {span.status for span in spans}
    legend = Text("legend: ")
    for status in (*STYLES, "mixed"):
        if status in kinds:
            style = STYLES.get(status, _MIXED_STYLE) if color else ""
            mark = "" if color else MARKS.get(status, _MIXED_MARK) + " "
            legend.append(f"{mark}{status}", style)
            legend.append("   ")
    if any(span.past for span in spans):
        legend.append("history" if color else f"{_PAST_MARK} history", _HISTORY if color else "")
        legend.append("   ")
    legend.append("numbers: see the table")
    return legend


def _assertions(text: str, spans: list[_Span], words: Vocabulary) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("eye", width=7)
    table.add_column("finding", overflow="fold", width=_longest(spans))
    table.add_column("status, grade", overflow="fold", width=16)
    table.add_column("words and rules", overflow="fold")
    for span in spans:
        said = " ".join(harmless(text[span.start : span.end]).split())
        for place, same in enumerate(_by_eyes(span.rows)):
            row = same[0]
            finding = words[row.finding]
            names = [finding.en] if finding.en != finding.code.replace("_", " ") else []
            table.add_row(
                str(span.number) if place == 0 else "",
                " ".join(other.eye for other in same),
                Text.assemble((finding.code, "bold"), ("\n".join(["", *names, finding.zh]), "dim")),
                _status(row),
                Text.assemble(said if place == 0 else "", (_rules(same), "dim")),
            )
    return table


def _longest(spans: list[_Span]) -> int:
    """Width of the longest code, so that none is broken."""
    return max(22, *(len(row.finding) for span in spans for row in span.rows))


def _by_eyes(rows: Sequence[Assertion]) -> list[list[Assertion]]:
    """Rows that say the same of one eye and of the other, together."""
    found: dict[tuple[object, ...], list[Assertion]] = {}
    for row in rows:
        told = asdict(row)
        key = tuple(told[name] for name in told if name not in ("eye", "rule"))
        found.setdefault(key, []).append(row)
    return list(found.values())


def _rules(same: list[Assertion]) -> str:
    """The rules that decided; where the eyes differ, each eye's own."""
    if len({row.rule for row in same}) == 1:
        return "\n" + same[0].rule.replace("+", " + ")
    return "".join(f"\n{row.eye}: {row.rule.replace('+', ' + ')}" for row in same)


def _status(row: Assertion) -> Text:
    """Status, then what is unusual: history, family, a grade with its meaning."""
    status = Text.assemble((row.status, STYLES[row.status]))
    for word, usual in ((row.temporality, "current"), (row.experiencer, "patient")):
        if word != usual:
            status.append(f"\n{word}", "dim")
    if row.grade:
        code, _, value = row.grade.partition(":")
        scale = scales().get(code)
        step = scale.value(value) if scale else None
        status.append(f"\n{row.grade}", "bold")
        status.append(f"\n{step.en.partition(':')[0]}" if step else "", "dim")
    return status


def _say_conflicts(screen: Screen, rows: Sequence[Assertion]) -> None:
    """Statements of a report that contradict each other: both are kept, a person should look."""
    found: dict[tuple[str, str, str], set[str]] = {}
    for row in rows:
        found.setdefault((row.eye, row.finding, row.experiencer), set()).add(row.status)
    for (eye, finding, _), statuses in found.items():
        if len(statuses) > 1:
            where = "no eye named" if eye == "unknown" else eye
            said = " and ".join(status for status in STYLES if status in statuses)
            screen.say(f"look: {finding}, {where}, is stated {said}")
