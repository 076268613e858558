"""What the parts of file names are: values of a column, dates, words for eye, field and kind."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

from funduscope.archive.draft import dates
from funduscope.archive.draft.tokens import Path, Run, Span
from funduscope.archive.draft.words import is_chinese_name, meanings, plain

_RUNS = 13
_DATE_SHAPES = (
    ("%Y/%m/%d", r"(?<!\d)\d{4}/\d{1,2}/\d{1,2}(?!\d)"),
    ("%Y-%m-%d", r"(?<!\d)\d{4}-\d{1,2}-\d{1,2}(?!\d)"),
    ("%Y.%m.%d", r"(?<!\d)\d{4}\.\d{1,2}\.\d{1,2}(?!\d)"),
    ("%Y_%m_%d", r"(?<!\d)\d{4}_\d{1,2}_\d{1,2}(?!\d)"),
    ("%Y年%m月%d日", r"(?<!\d)\d{4}年\d{1,2}月\d{1,2}日"),
    ("%d-%m-%Y", r"(?<!\d)\d{2}-\d{2}-\d{4}(?!\d)"),
    ("%m-%d-%Y", r"(?<!\d)\d{2}-\d{2}-\d{4}(?!\d)"),
    ("%d.%m.%Y", r"(?<!\d)\d{2}\.\d{2}\.\d{4}(?!\d)"),
    ("%d%b%Y", r"(?<!\d)\d{2}[A-Z][A-Za-z]{2}\d{4}(?!\d)"),
    ("%y.%m.%d", r"(?<!\d)\d{2}\.\d{2}\.\d{2}(?!\d)"),
    ("%y-%m-%d", r"(?<!\d)\d{2}-\d{2}-\d{2}(?!\d)"),
    ("%Y%m%d", r"(?<!\d)(?:19|20)\d{6}(?=\d{6}(?!\d)|(?!\d))"),
    # year, month and day in folders of their own, or together in two
    ("%Y年/%m月/%d日", r"(?<!\d)\d{4}年/\d{1,2}月/\d{1,2}日"),
    ("%Y年/%m月%d日", r"(?<!\d)\d{4}年/\d{1,2}月\d{1,2}日"),
    ("%Y年%m月/%d日", r"(?<!\d)\d{4}年\d{1,2}月/\d{1,2}日"),
    ("%Y/%m月%d日", r"(?<!\d)\d{4}/\d{1,2}月\d{1,2}日"),
    ("%Y年/%m%d", r"(?<!\d)\d{4}年/\d{4}(?!\d)"),
    ("%Y/%m%d", r"(?<!\d)\d{4}/\d{4}(?!\d)"),
    ("%Y/%m-%d", r"(?<!\d)\d{4}/\d{2}-\d{2}(?![\d-])"),
    ("%Y%m/%d", r"(?<!\d)\d{6}/\d{2}(?!\d)"),
    ("%Y-%m/%d", r"(?<!\d)\d{4}-\d{2}/\d{2}(?!\d)"),
    ("%Y-%m", r"(?<!\d)\d{4}-\d{2}(?![\d-])"),
    ("%Y.%m", r"(?<!\d)\d{4}\.\d{2}(?![\d.])"),
    ("%Y年%m月", r"(?<!\d)\d{4}年\d{1,2}月(?!\d)"),
    ("%Y/%m", r"(?<!\d)\d{4}/\d{2}(?!\d)"),
    ("%Y%m", r"(?<!\d)(?:19|20)\d{4}(?!\d)"),
    ("%y%m%d", r"(?<!\d)\d{6}(?!\d)"),
)


def label_columns(
    paths: Sequence[Path], columns: Mapping[str, tuple[str, Collection[str]]]
) -> dict[str, float]:
    """Mark where values of columns stand in the paths; column -> share of the paths.

    Args:
        columns: column -> (group, its values), the most telling first. Two columns of one group
            compete, but for names, of which a path may hold several.
    """
    shares: dict[str, float] = {}
    done: set[str] = set()
    hits = {name: _hits(paths, group, set(values)) for name, (group, values) in columns.items()}
    order = sorted(columns, key=lambda name: -len({s.text for h in hits[name] for s in h}))
    by_group = [
        name
        for group in dict.fromkeys(g for g, _ in columns.values())
        for name in order
        if columns[name][0] == group
    ]
    for name in by_group:
        group = columns[name][0]
        if group in done and group != "name":
            continue
        places: defaultdict[tuple[int, str, str], list[str]] = defaultdict(list)
        for found in hits[name]:
            for span in found:
                places[span.place[:3]].append(span.text)
        # A running number is also a value of a column of small numbers: it has few values.
        good = {
            place
            for place, texts in places.items()
            if len(texts) >= 0.04 * len(paths) and len(set(texts)) >= max(2, 0.02 * len(texts))
        }
        taken = 0
        for path, found in zip(paths, hits[name], strict=True):
            fitting = [s for s in found if s.place[:3] in good and path.free(s.start, s.end)]
            if fitting:
                taken += path.add(max(fitting, key=lambda span: len(span.text)))
        share = taken / len(paths)
        if share < (0.15 if group == "name" else 0.3):
            for path, found in zip(paths, hits[name], strict=True):
                path.spans = [span for span in path.spans if span not in found]
            continue
        shares[name] = share
        done.add(group)
    _merge_names(paths)
    return shares


def _hits(paths: Sequence[Path], group: str, values: set[str]) -> list[list[Span]]:
    shortest = 2 if group == "name" else 1
    longest = max(map(len, values), default=0)
    found: list[list[Span]] = []
    for path in paths:
        here: list[Span] = []
        for first, run in enumerate(path.runs):
            if run.kind == "s":
                continue
            for last in range(first, min(first + _RUNS, len(path.runs))):
                end = path.runs[last]
                if end.text == "/" or end.end - run.start > longest:
                    break
                text = path.text[run.start : end.end]
                if end.kind != "s" and len(text) >= shortest and text in values:
                    here.append(path.span(group, first, last))
        found.append(here)
    return found


def _merge_names(paths: Sequence[Path]) -> None:
    """Family and given name beside one another are one name."""
    for path in paths:
        names = [span for span in path.spans if span.role == "name"]
        for one, other in pairwise(names):
            between = path.text[one.end : other.start]
            if len(between) <= 1 and between != "/" and one in path.spans:
                path.spans = [s for s in path.spans if s not in (one, other)]
                path.add(path.cut("name", one.start, other.end))


def label_dates(paths: Sequence[Path]) -> list[str]:
    """Mark the dates that stand at one place of most paths; the forms they are written in.

    Of several dates (a folder's and a file's) the one that more paths have is taken, days before
    months. Paths that this form does not read may be of an older or newer one.
    """
    forms: list[str] = []
    left = list(paths)
    while left and (best := _best_date(left)) is not None:
        form, chosen = best
        forms.append(form)
        for path, span in zip(left, chosen, strict=True):
            if span is not None:
                path.add(span)
        left = [path for path, span in zip(left, chosen, strict=True) if span is None]
        if len(left) < 0.05 * len(paths):
            break
    return forms


def _best_date(paths: Sequence[Path]) -> tuple[str, list[Span | None]] | None:
    """The form that reads a date in most paths, and where."""
    best: tuple[float, str, list[Span | None]] | None = None
    for rank, (form, shape) in enumerate(_DATE_SHAPES):
        spans: list[list[Span]] = []
        tried: Counter[tuple[int, str, str]] = Counter()
        for path in paths:
            here = []
            for found in re.finditer(shape, path.text):
                span = path.cut("date", found.start(), found.end())
                if not path.free(span.start, span.end):
                    continue
                tried[span.place[:3]] += 1
                day = dates.parsed(found[0], form)
                if day is not None and day.year >= 1985:
                    here.append(span)
            spans.append(here)
        places = Counter(span.place[:3] for here in spans for span in here)
        good = {p for p, n in places.items() if n >= 0.97 * tried[p] and n >= 0.05 * len(paths)}
        chosen = [next((s for s in here if s.place[:3] in good), None) for here in spans]
        share = sum(span is not None for span in chosen) / len(paths) - rank * 0.002
        if share > 0.3 and (best is None or share > best[0]):
            best = (share, form, chosen)
    return best[1:] if best else None


def label_words(paths: Sequence[Path]) -> dict[str, dict[str, str]]:
    """Mark words for eye, field and kind; about -> word as seen -> meaning."""
    eyes = _eyes(paths)
    looks = _looks(paths)
    return {"eye": eyes, "field": looks["field"], "kind": looks["kind"]}


def _candidates(path: Path, known: Mapping[str, str], role: str) -> list[Span]:
    """Spans of listed words: whole runs, two or three runs, or words inside a Chinese run."""
    found: list[Span] = []
    for first, run in enumerate(path.runs):
        if run.kind == "c":
            found += _inside(path, run, known, role)
        if run.kind not in ("l", "c"):
            continue
        for last in (first + 2, first + 1, first):
            if last < len(path.runs) and path.runs[last].kind != "s":
                span = path.span(role, first, last)
                if "/" not in span.text and plain(span.text) in known:
                    found.append(span)
                    break
    return [span for span in found if path.free(span.start, span.end)]


def _inside(path: Path, run: Run, known: Mapping[str, str], role: str) -> list[Span]:
    words = sorted((w for w in known if not w.isascii() and w in run.text), key=len, reverse=True)
    spans: list[Span] = []
    for word in words:
        at = run.start + run.text.index(word)
        if len(word) < len(run.text) and all(
            at + len(word) <= s.start or at >= s.end for s in spans
        ):
            spans.append(path.cut(role, at, at + len(word)))
    return spans


def _eyes(paths: Sequence[Path]) -> dict[str, str]:
    known = meanings("eye")
    spans = [_candidates(path, known, "eye") for path in paths]
    at: defaultdict[tuple[int, str, str, int], Counter[str]] = defaultdict(Counter)
    for here in spans:
        for span in here:
            at[span.place][known[plain(span.text)]] += 1
    both = {
        place: count["OD"] + count["OS"]
        for place, count in at.items()
        if min(count["OD"], count["OS"]) >= max(1, 0.1 * max(count["OD"], count["OS"]))
    }
    both = {p: n for p, n in both.items() if n >= 0.03 * len(paths) or (n >= 4 and len(paths) < 40)}
    seen: dict[str, str] = {}
    for path, here in zip(paths, spans, strict=True):
        fitting = [span for span in here if span.place in both]
        if fitting:
            span = max(fitting, key=lambda s: (both[s.place], len(s.text), s.start))
            if path.add(span):
                seen[span.text] = known[plain(span.text)]
    return seen


def _looks(paths: Sequence[Path]) -> dict[str, dict[str, str]]:
    """Words for field and kind: at their place hardly anything else may stand."""
    about = {word: ("kind", m) for word, m in meanings("kind").items()}
    about |= {word: ("field", m) for word, m in meanings("field").items()}
    words_of = {word: meaning for word, (_, meaning) in about.items()}
    spans = [
        [span for span in _candidates(path, words_of, "look") if not _heads_number(path, span)]
        for path in paths
    ]
    hits = Counter(span.place for here in spans for span in here)
    words: defaultdict[tuple[int, str, str, int], set[str]] = defaultdict(set)
    for here in spans:
        for span in here:
            words[span.place].add(plain(span.text))
    there: Counter[tuple[int, str, str, int]] = Counter()
    for path in paths:
        for at, run in enumerate(path.runs):
            if run.kind in "lc" and path.free(run.start, run.end):
                there[path.span("look", at, at).place] += 1
    good = {
        place
        for place, count in hits.items()
        if count >= max(0.7 * there[place], 0.03 * len(paths))
        and place[1] not in "ld"
        and place[2] != "l"
        and (len(words[place]) > 1 or count < 0.98 * len(paths))
        and (any(len(word) > 1 for word in words[place]) or count > 0.9 * len(paths))
    }
    seen: dict[str, dict[str, str]] = {"field": {}, "kind": {}}
    for path, here in zip(paths, spans, strict=True):
        for span in here:
            if span.place in good and path.free(span.start, span.end):
                topic, meaning = about[plain(span.text)]
                path.add(path.cut(topic, span.start, span.end))
                seen[topic][span.text] = meaning
    return seen


def _heads_number(path: Path, span: Span) -> bool:
    """Whether a word is the letters before a longer number (`M0012345`)."""
    return re.match(r"\d{3}", path.text[span.end :]) is not None


def label_unknown(paths: Sequence[Path]) -> dict[str, str]:
    """Without a table: mark which part groups photographs by patient; group -> why.

    A part that varies, that few photographs share, and that is no running number.
    """
    found: dict[str, str] = {}
    texts: defaultdict[tuple[int, str, str], list[tuple[Path, Span]]] = defaultdict(list)
    for path in paths:
        for at, run in enumerate(path.runs):
            if run.kind == "s" or not path.free(run.start, run.end):
                continue
            first = at
            last = at
            while (
                last + 1 < len(path.runs)
                and path.runs[last + 1].kind not in "sc"
                and run.kind != "c"
            ):
                last += 1
            if at and path.runs[at - 1].kind in "dl" and run.kind != "c":
                continue  # the rest of a mixed number
            span = path.span("patient", first, last)
            texts[span.place[:3]].append((path, span))
    scored: list[tuple[float, str, tuple[int, str, str]]] = []
    for place, here in texts.items():
        distinct = {span.text for _, span in here}
        each = len(here) / len(distinct)
        if len(here) < 0.6 * len(paths) or len(distinct) < 3 or each > 24:
            continue
        names = sum(map(is_chinese_name, distinct)) > 0.7 * len(distinct)
        digits = sum(any(c.isdigit() for c in text) for text in distinct) > 0.8 * len(distinct)
        role = "name" if names else "patient" if digits else ""
        long = min(map(len, distinct)) >= 3
        if role:
            scored.append((each * (2 if place[0] else 1) * (2 if long else 0.5), role, place))
    for role in ("patient", "name"):
        fitting = [item for item in scored if item[1] == role]
        if not fitting:
            continue
        _, _, place = max(fitting)
        for path, span in texts[place]:
            path.add(path.cut(role, span.start, span.end))
        found[role] = "varies from patient to patient, and several photographs share it"
    return found
