"""The command of the clinic: `predict`. Base install only: no torch, no tables, no network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from funduscope.cli import options
from funduscope.cli.screen import Screen
from funduscope.errors import DataError

if TYPE_CHECKING:
    from funduscope.deploy import Answer

Images = Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Photographs.")]


def predict(
    images: Images,
    package: Annotated[
        Path | None,
        typer.Option(
            "--package", metavar="P", help="Package made by export. Default: the one that ships."
        ),
    ] = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Score photographs: one score and percentile a finding, or why there is none.

    A score of 0 to 1 ranks photographs, it is no probability; the percentile says how many
    validation eyes score lower. Not a medical device. An unreadable file does not stop the rest;
    the exit code is then 3. With --json: one line an image.
    """
    from funduscope.deploy.predictor import Predictor
    from funduscope.findings import vocabulary

    screen = Screen(quiet=quiet, as_json=json)
    predictor = Predictor(package)
    names = {code: finding.en for code in vocabulary().codes if (finding := vocabulary()[code])}
    failed: DataError | None = None
    for image in images:
        try:
            answer = predictor.predict(image)
        except DataError as error:
            failed = error
            _unreadable(screen, image, error, predictor.package.id)
            continue
        screen.data(answer.to_dict())
        _show(screen, answer, names)
    screen.say("Research software, no medical device. A score ranks, it is no probability.")
    if failed is not None and len(images) == 1 and not json:
        raise failed
    if failed is not None:
        raise typer.Exit(failed.exit_code)


def _show(screen: Screen, answer: Answer, names: dict[str, str]) -> None:
    if answer.refused:
        screen.say(f"{answer.image}: not a fundus photograph; nothing was scored")
        return
    state = "gradable" if answer.gradable else f"ungradable ({answer.reason})"
    rows = sorted(answer.findings, key=lambda f: (f.percentile or 0.0, f.score), reverse=True)
    screen.table(
        f"{answer.image}: {state}",
        ("finding", "score", "percentile"),
        [
            (
                names.get(row.finding, row.finding),
                row.score,
                None if row.percentile is None else round(row.percentile),
            )
            for row in rows
        ],
    )


def _unreadable(screen: Screen, image: Path, error: DataError, package_id: str) -> None:
    screen.say(f"{image}: unreadable ({error.code}): {error.value}; {error.remedy}")
    screen.data(
        {
            "image": str(image),
            "eye": "unknown",
            "gradable": False,
            "refused": True,
            "reason": error.code,
            "findings": [],
            "package_id": package_id,
            "prompt_bank": None,  # nothing was scored
        }
    )
