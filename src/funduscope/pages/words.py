"""The words of the pages, one locale file a language."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Final

from funduscope.errors import ConfigError

LANGUAGES: Final = ("en", "zh")


class Words:
    """The words of one language, looked up by dotted key: `Words("zh")("funnel.kept")`.

    A word may have fields, `"{n} photographs"`, filled by keyword.

    Raises:
        ConfigError: a language without a locale file.
        KeyError: a key that the locale file lacks (a mistake of ours).
    """

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            raise ConfigError(
                language,
                place="language of the page",
                rule=f"one of {', '.join(LANGUAGES)}",
                remedy="choose one of these",
            )
        self.language: Final = language
        self._words = _read(language)

    def __call__(self, key: str, **fields: object) -> str:
        """The word for `key`, with its fields filled."""
        word = self._words[key]
        return word.format(**fields) if fields else word

    def every(self) -> tuple[str, ...]:
        """All words of the language."""
        return tuple(self._words.values())

    def branch(self, name: str) -> dict[str, str]:
        """All words below a key, `branch("mark")["right"]`, with their fields unfilled."""
        start = f"{name}."
        return {k.removeprefix(start): v for k, v in self._words.items() if k.startswith(start)}

    def reason(self, code: str) -> str:
        """A rejection code in words; one without words of its own is shown as it is."""
        return self._words.get(f"reasons.{code}", code)

    def remedy(self, code: str) -> str:
        """What to do at the source about a rejection code; empty for one without words."""
        return self._words.get(f"remedies.{code}", "")


@cache
def _read(language: str) -> dict[str, str]:
    source = resources.files("funduscope.pages") / "locales" / f"{language}.toml"
    return dict(_flatten(tomllib.loads(source.read_text(encoding="utf-8")), ""))


def _flatten(branch: dict[str, object], prefix: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in branch.items():
        if isinstance(value, dict):
            pairs += _flatten(value, f"{prefix}{name}.")
        else:
            pairs.append((f"{prefix}{name}", str(value)))
    return pairs
