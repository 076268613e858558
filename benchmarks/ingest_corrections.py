"""Corrections of a drafted `archive.toml`: applied, and counted by site.

A file of corrections is TOML with one table a site; each line in it is one correction by hand:

    [some_hospital]
    "columns.exam" = "Accession"     # of the site's first source
    "2.encoding" = "gb18030"         # of its second source
    "drop 3" = true                  # its third source goes
    "new" = {table = "x.csv", ...}   # one more source

"-" as a value takes a key out.
"""

from __future__ import annotations

import copy
import difflib
import json
import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from typing import Any

TAKE_OUT = "-"


def correct(
    draft: Mapping[str, Any], corrections: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The description with the corrections applied; a site or source not there is an error."""
    made = copy.deepcopy(dict(draft))
    sources: list[dict[str, Any]] = made.setdefault("source", [])
    dropped = []
    for site, lines in corrections.items():
        own = [source for source in sources if source.get("site") == site]
        if not own:
            raise SystemExit(f"corrections: the draft has no site {site!r}")
        for key, value in lines.items():
            if key == "new":
                sources.append({"site": site, **value})
                continue
            number, path = 1, key
            if told := re.match(r"(?:drop )?(\d+)(?:\.|$)", key):
                number, path = int(told[1]), key[told.end() :]
            if number > len(own):
                raise SystemExit(f"corrections: {site!r} has no source {number}")
            if key.startswith("drop "):
                dropped.append(own[number - 1])
            else:
                _put(own[number - 1], path.split("."), value)
    made["source"] = [s for s in sources if not any(s is gone for gone in dropped)]
    return made


def _put(source: dict[str, Any], path: list[str], value: object) -> None:
    for part in path[:-1]:
        source = source.setdefault(part, {})
    if value == TAKE_OUT:
        source.pop(path[-1], None)
    else:
        source[path[-1]] = value


def lines_by_site(corrections: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """How many corrections each site needed."""
    return {site: len(lines) for site, lines in corrections.items()}


def changed_by_site(draft: str, final: str) -> dict[str, int]:
    """Lines that differ between a draft and the file made of it by hand, by site.

    Comments and empty lines count for nothing; a line put in another's place counts once.
    """
    found: Counter[str] = Counter()
    one, other = _plain(draft), _plain(final)
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind != "equal":
            site = _site(other, c) or _site(one, a)
            found[site] += max(b - a, d - c)
    return dict(found)


def _plain(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _site(lines: list[str], at: int) -> str:
    """The site of the `[[source]]` a line belongs to."""
    starts = [n for n, line in enumerate(lines) if line == "[[source]]"]
    begin = max((n for n in starts if n <= at), default=0)
    end = min((n for n in starts if n > at), default=len(lines))
    for line in lines[begin:end]:
        if told := re.match(r"site\s*=\s*(.+)", line):
            return str(tomllib.loads(f"site = {told[1]}")["site"])
    return ""


def to_toml(value: Mapping[str, Any]) -> str:
    """A description as TOML: plain values first, `source` as tables, the rest inline."""
    lines = [f"{_key(k)} = {_inline(v)}" for k, v in value.items() if k != "source"]
    for source in value.get("source", ()):
        lines += ["", "[[source]]"]
        lines += [f"{_key(k)} = {_inline(v)}" for k, v in source.items()]
    return "\n".join(lines) + "\n"


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _text(key)


def _text(text: str) -> str:
    # JSON escapes are TOML's, but for the delete sign.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _inline(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(k)} = {_inline(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return str(value)
