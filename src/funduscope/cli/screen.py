"""What a command shows: progress with the time left, a summary, the next command; or JSON."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from funduscope import config

_WIDE = 1000


class Bars:
    """`config.Progress` drawn by rich on standard error, with the time left."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def start(self, name: str, total: int) -> None:
        """A new step of `total` units begins."""
        self._task = self._progress.add_task(name, total=total)

    def advance(self, units: int = 1) -> None:
        """`units` more of the current step are done."""
        if self._task is not None:
            self._progress.advance(self._task, units)

    def done(self) -> None:
        """The current step is over."""
        if self._task is not None:
            self._progress.update(self._task, total=self._progress.tasks[-1].completed)
            self._task = None


class Screen:
    """Where a command's words go: people read standard output, machines read JSON there."""

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self.quiet = quiet
        self.as_json = as_json
        self.console = Console(highlight=False, soft_wrap=True)

    @contextmanager
    def progress(self) -> Iterator[config.Progress]:
        """Progress bars on standard error, or nothing with --quiet or --json."""
        if self.quiet or self.as_json:
            yield config.Quiet()
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True)) as progress:
            yield Bars(progress)

    def say(self, text: str) -> None:
        """A line for people."""
        if not (self.quiet or self.as_json):
            self.console.print(harmless(text), markup=False)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A table for people; numbers stand to the right, None is a dash."""
        if self.quiet or self.as_json or not rows:
            return
        drawn = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for at, name in enumerate(columns):
            numbers = all(isinstance(row[at], int | float | None) for row in rows)
            drawn.add_column(name, justify="right" if numbers else "left", overflow="fold")
        for row in rows:
            drawn.add_row(*(_cell(value) for value in row))
        Console(highlight=False).print(drawn)

    @property
    def colored(self) -> bool:
        """Whether people look at colors: a terminal, and nobody set NO_COLOR."""
        console = self.console
        return console.is_terminal and console.color_system is not None and not console.no_color

    @property
    def unicode(self) -> bool:
        """Whether every sign can be written; some Windows consoles know their code page only."""
        return self.console.encoding.lower().startswith("utf")

    def draw(self, drawing: RenderableType, *, wide: bool = False) -> None:
        """A drawing of rich for people; `wide` ones are not wrapped for a file or a pipe."""
        if self.quiet or self.as_json:
            return
        width = _WIDE if wide and not self.console.is_terminal else None
        Console(highlight=False, width=width).print(drawing)

    def data(self, value: Mapping[str, Any]) -> None:
        """The result for machines: one line of JSON."""
        if self.as_json:
            print(json.dumps(value, ensure_ascii=False, sort_keys=True, default=str), flush=True)

    def next(self, *commands: str) -> None:
        """What to run next."""
        self.say("next:")
        for command in commands:
            self.say(f"  {command}")


def _cell(value: object) -> Text:
    """What a cell shows; nothing in it is markup."""
    if value is None:
        return Text("-")
    return Text(f"{value:.3f}" if isinstance(value, float) else harmless(str(value)))


def harmless(text: str) -> str:
    """Text whose signs are signs, not commands of the terminal; an archive may hold any."""
    return "".join(
        "\ufffd" if unicodedata.category(sign) in ("Cc", "Cf") and sign != "\n" else sign
        for sign in text
    )
