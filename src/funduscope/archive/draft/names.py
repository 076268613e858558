"""A regular expression for file names, learnt from the marked parts of many paths."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from funduscope.archive.draft.keys import GROUPS
from funduscope.archive.draft.tokens import Path, Span

_WEIGHT = {"exam": 4, "patient": 4, "eye": 3, "date": 2, "kind": 2, "field": 1, "name": 1}
_DATE = {"%Y": r"\d{4}", "%y": r"\d{2}", "%m": r"\d{1,2}", "%d": r"\d{1,2}", "%b": "[A-Za-z]{3}"}


@dataclass(frozen=True)
class Pattern:
    """A pattern and how well it does.

    Attributes:
        regex: for `format.file_pattern`.
        groups: its groups.
        read: share of the paths that it reads as they were marked.
        unread: how many paths it does not find at all.
    """

    regex: str
    groups: tuple[str, ...]
    read: float
    unread: int


@dataclass(frozen=True)
class _Piece:
    """A part of a template: filler before it (as a regular expression), the roles it may have."""

    before: str
    role: str
    optional: bool = False


@dataclass
class _Values:
    """Regular expression of each role's values."""

    paths: Sequence[Path]
    date_forms: Sequence[str]
    known: dict[str, str] = field(default_factory=dict)

    def regex(self, role: str) -> str:
        if role not in self.known:
            texts = [s.text for path in self.paths for s in path.spans if s.role == role]
            self.known[role] = self._make(role, texts)
        return self.known[role]

    def _make(self, role: str, texts: Sequence[str]) -> str:
        if role == "name":
            return r"[^/]+?"
        if role == "date" and self.date_forms:
            return "|".join(map(_date, self.date_forms))
        if role in ("eye", "field", "kind"):
            words = sorted(set(texts), key=lambda word: (-len(word), word))
            return "|".join(map(re.escape, words))
        return _number(texts)


def _date(form: str) -> str:
    parts = re.split(r"(%[a-zA-Z])", form)
    text = "".join(_DATE.get(part, re.escape(part)) for part in parts)
    tight = re.fullmatch(r"(?:%[a-zA-Z])+", form) is not None
    return text.replace("{1,2}", "{2}") if tight else text


def _number(texts: Sequence[str]) -> str:
    """Numbers of a record: digits of a fixed or free length, constant letters as they are."""
    if sum(not text.isascii() for text in texts) > 0.5 * len(texts):
        return r"[^/0-9_\-]+?"
    shapes = Counter(re.sub(r"\d+", "0", text) for text in texts)
    shape, count = shapes.most_common(1)[0]
    if count < 0.9 * len(texts):
        signs = {letter for text in texts for letter in text if not letter.isalnum()}
        return f"[A-Za-z0-9{''.join(map(re.escape, sorted(signs)))}]+"
    rows = [re.findall(r"\d+", text) for text in texts if re.sub(r"\d+", "0", text) == shape]
    lengths = [{len(row[at]) for row in rows} for at in range(len(rows[0]))]
    parts = [re.escape(part) for part in shape.split("0")]
    digits = [rf"\d{{{min(one)}}}" if len(one) == 1 else r"\d+" for one in lengths]
    return "".join(a + b for a, b in zip(parts, [*digits, ""], strict=True))


def learn(paths: Sequence[Path], date_forms: Sequence[str]) -> Pattern | None:
    """The pattern that reads the marked parts of most paths; None where nothing is marked."""
    constant = _constants(paths)
    values = _Values(paths, date_forms)
    templates = Counter(_template(path, constant) for path in paths if path.spans)
    if not templates:
        return None
    common = [template for template, _ in templates.most_common(8)]
    tried = {part for template in common for part in _parts(template)}
    scores = {template: _score(template, paths, values) for template in tried}
    best = max(sorted(tried, key=repr), key=lambda one: (scores[one], -len(one)))
    best, _ = _loosen(best, scores[best], paths, values)
    regex = _regex(best, values)
    found = [re.search(regex, path.full) for path in paths]
    marked = [path for path in paths if path.spans]
    roles = {piece.role for piece in best}
    right = sum(_agrees(regex, path, roles) for path in marked)
    groups = tuple(group for group in GROUPS if group in re.compile(regex).groupindex)
    return Pattern(regex, groups, right / len(paths), sum(one is None for one in found))


def _constants(paths: Sequence[Path]) -> frozenset[str]:
    """Words that stand in nearly every path."""
    count = Counter(text for path in paths for text in {run.text for run in path.runs})
    return frozenset(text for text, n in count.items() if n >= 0.9 * len(paths) and len(paths) > 2)


def _template(path: Path, constant: frozenset[str]) -> tuple[_Piece, ...]:
    pieces: list[_Piece] = []
    at = path.text.rfind("/", 0, path.spans[0].start) + 1
    for span in path.spans:
        filler = _filler(path, at, span.start, constant)
        if not pieces:
            filler = f"(?:^|/){filler}"
        pieces.append(_Piece(filler, span.role))
        at = span.end
    return tuple(pieces)


def _filler(path: Path, start: int, end: int, constant: frozenset[str]) -> str:
    """What stands between marked parts, without a word that not nearly every path has."""
    out: list[str] = []
    at = start
    for run in path.runs:
        if run.end <= start or run.start >= end:
            continue
        text = path.text[max(run.start, start) : min(run.end, end)]
        at += len(text)
        if run.kind == "s":
            piece = r"\s*" if text.isspace() else re.escape(text) + ("" if text == "/" else r"\s*")
        elif run.text in constant and text == run.text:
            piece = re.escape(text)
        else:
            piece = {"d": r"\d+", "l": "[A-Za-z]+"}.get(run.kind, r"[^/]+?")
        if not out or out[-1] != piece or piece not in (r"\s*", "[A-Za-z]+", r"[^/]+?"):
            out.append(piece)
    return "".join(out)


def _parts(template: tuple[_Piece, ...]) -> list[tuple[_Piece, ...]]:
    """A template and what remains when its first or last parts are left out."""
    found = []
    for first in range(len(template)):
        for last in range(first + 1, len(template) + 1):
            part = list(template[first:last])
            if first:
                border = "(?:^|/)" if part[0].before.endswith("/") else _behind(part[0].before)
                part[0] = _Piece(border, part[0].role)
            roles = [piece.role for piece in part]
            if len(set(roles)) == len(roles):
                found.append(tuple(part))
    return found


def _behind(before: str) -> str:
    """Stand-in for the filler before a part that became the first: no letter or digit before."""
    sign = re.search(r"(\\?[^A-Za-z0-9\\*+?\])])(?:\\s\*)?$", before)
    return sign[1] if sign else ""


def _regex(template: tuple[_Piece, ...], values: _Values) -> str:
    text = ""
    for piece in template:
        inner = f"(?P<{piece.role}>{values.regex(piece.role)})"
        whole = f"{piece.before}{inner}"
        text += f"(?:{whole})?" if piece.optional else whole
    last = template[-1].role
    ends = values.regex(last)
    if last == "name":
        return text + r"(?=[_.\-/]|$)"
    if last in ("exam", "patient", "date"):
        return text + r"(?!\d)"
    return text + (r"(?![A-Za-z])" if re.search(r"[A-Za-z]", ends) else "")


def _score(template: tuple[_Piece, ...], paths: Sequence[Path], values: _Values) -> float:
    try:
        compiled = re.compile(_regex(template, values))
    except re.error:
        return -1.0
    total = 0.0
    for path in paths:
        found = compiled.search(path.full)
        if found is None:
            continue
        groups = found.groupdict()
        spans = {span.role: span for span in path.spans}
        for role, text in groups.items():
            if text is None:
                continue
            mine = spans.get(role)
            if mine is not None and mine.text == text.strip():
                total += _WEIGHT[role]
            elif mine is not None or role not in ("name", "patient", "exam"):
                total -= _WEIGHT[role]
            else:
                total += 0.5 * _WEIGHT[role]  # a number or name that no row has may still be one
    return total


def _loosen(
    best: tuple[_Piece, ...], score: float, paths: Sequence[Path], values: _Values
) -> tuple[tuple[_Piece, ...], float]:
    """Make parts optional, or add a word that some names have, where that reads more."""
    for _ in range(2):
        best, score = _optional(best, score, paths, values)
        best, score = _added(best, score, paths, values)
        best, score = _widened(best, score, paths, values)
    return best, score


def _widened(
    best: tuple[_Piece, ...], score: float, paths: Sequence[Path], values: _Values
) -> tuple[tuple[_Piece, ...], float]:
    """Let filler hold anything within its folder where that reads more (`828X` among `8281`)."""
    for at, piece in enumerate(best):
        wide = re.sub(r"\\d\+|\[A-Za-z\]\+", r"[^/]+?", piece.before)
        trial = (*best[:at], replace(piece, before=wide), *best[at + 1 :])
        if wide != piece.before and (value := _score(trial, paths, values)) > score:
            best, score = trial, value
    return best, score


def _added(
    best: tuple[_Piece, ...], score: float, paths: Sequence[Path], values: _Values
) -> tuple[tuple[_Piece, ...], float]:
    marked = {span.role for path in paths for span in path.spans}
    for role in ("eye", "field", "kind"):
        if role not in marked or any(piece.role == role for piece in best):
            continue
        for at in range(1, len(best) + 1):
            trial = (*best[:at], _Piece(r"[_\-\s]*", role, optional=True), *best[at:])
            value = _score(trial, paths, values)
            if value > score * 1.002:
                best, score = trial, value
                break
    return best, score


def _optional(
    best: tuple[_Piece, ...], score: float, paths: Sequence[Path], values: _Values
) -> tuple[tuple[_Piece, ...], float]:
    for at in range(1, len(best)):
        piece = best[at]
        if piece.optional or piece.role in ("exam", "patient"):
            continue
        trial = (*best[:at], _Piece(piece.before, piece.role, optional=True), *best[at + 1 :])
        value = _score(trial, paths, values)
        if value > score * 1.002:
            best, score = trial, value
    return best, score


def _agrees(regex: str, path: Path, roles: set[str]) -> bool:
    found = re.search(regex, path.full)
    if found is None:
        return False
    told: dict[str, str | None] = found.groupdict()
    spans: list[Span] = [span for span in path.spans if span.role in roles]
    return all((told.get(span.role) or "").strip() == span.text for span in spans)
