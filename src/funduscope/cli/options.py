"""Flags that commands share, and how they become settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

import typer

from funduscope import config
from funduscope.config import Settings

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="TOML file of settings (`funduscope config`)."),
]
SetWords = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="One setting, over the file; may repeat."),
]
Seed = Annotated[
    int | None, typer.Option("--seed", metavar="N", help="Seed of all random numbers.")
]
Force = Annotated[bool, typer.Option("--force", help="Begin anew where OUT is taken.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on where OUT's run was interrupted.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress and no summary.")]
Json = Annotated[bool, typer.Option("--json", help="Result as JSON on standard output.")]

S = TypeVar("S", bound=Settings)


def settings(
    model: type[S], file: Path | None, words: list[str] | None, seed: int | None = None
) -> S:
    """The settings of a stage from its flags; `--seed N` is `--set seed=N`."""
    overrides = list(words or ())
    if seed is not None:
        overrides.append(f"seed={seed}")
    return config.load(model, file, overrides)
