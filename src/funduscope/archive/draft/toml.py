"""Guesses as TOML text: each line with why it was guessed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from funduscope.archive.draft.keys import FORMAT, SECTIONS, SETTINGS

_WIDTH = 100


@dataclass(frozen=True)
class Guess:
    """A value of the description and why it was guessed."""

    value: Any
    why: str = ""


@dataclass
class SourceDraft:
    """One `[[source]]`: dotted key -> guess, and lines about what could not be guessed."""

    guesses: dict[str, Guess] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)

    def set(self, key: str, value: Any, why: str = "") -> None:
        """Guess a value; empty ones are left out."""
        if value not in (None, "", [], {}, ()):
            self.guesses[key] = Guess(value, why)

    def get(self, key: str) -> Any:
        """The guessed value, or None."""
        found = self.guesses.get(key)
        return found.value if found else None

    def plain(self) -> dict[str, Any]:
        """The source as a nested dict."""
        found: dict[str, Any] = {}
        for key, guess in self.guesses.items():
            *sections, last = key.split(".")
            place = found
            for section in sections:
                place = place.setdefault(section, {})
            place[last] = guess.value
        return found


def render(sources: Sequence[SourceDraft], head: Sequence[str]) -> str:
    """The whole file as TOML."""
    lines = [*(f"# {line}" if line else "#" for line in head), "", f"format = {FORMAT}"]
    for source in sources:
        lines += ["", *_source(source)]
    return "\n".join(lines) + "\n"


def _source(source: SourceDraft) -> list[str]:
    site, kind = source.get("site"), source.get("kind")
    lines = [f"# --- {one_line(str(site))}: {kind} ---", "[[source]]"]
    for key in SETTINGS:
        if key in source.guesses:
            lines += _line(key, source.guesses[key])
    lines += [f"# ? {one_line(text)}" for text in source.open]
    for section, keys in SECTIONS.items():
        present = [key for key in keys if f"{section}.{key}" in source.guesses]
        flat = [k for k in present if not isinstance(source.get(f"{section}.{k}"), dict)]
        if flat:
            lines += ["", f"[source.{section}]"]
        for key in flat:
            lines += _line(key, source.guesses[f"{section}.{key}"])
        for key in present:
            guess = source.guesses[f"{section}.{key}"]
            if key in flat:
                continue
            lines += ["", *_comment(guess.why), f"[source.{section}.{key}]"]
            lines += [f"{_text(word)} = {_text(meaning)}" for word, meaning in guess.value.items()]
    return lines


def _line(key: str, guess: Guess) -> list[str]:
    return [*_comment(guess.why), f"{key} = {_value(guess.value)}"]


def _comment(why: str) -> list[str]:
    return [f"# {one_line(why)}"] if why else []


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(text: str) -> str:
    """A TOML string; a literal one where it spares backslashes (as in regular expressions)."""
    if "\\" in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def one_line(text: str) -> str:
    """Text as a comment: no line break, no control character."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
