from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from funduscope.inputs import decode, disc_side, find_field, look

Draw = Callable[..., np.ndarray]


def side_of(rgb: np.ndarray) -> str | None:
    return disc_side(look(rgb, find_field(rgb)))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_drawn_disc_is_found_and_mirrors(seed: int, side: str, draw: Draw) -> None:
    rgb = draw(seed, 300, side)
    assert side_of(rgb) == side
    mirrored = np.ascontiguousarray(rgb[:, ::-1])
    assert side_of(mirrored) == {"left": "right", "right": "left"}[side]


def test_no_answer_without_evidence() -> None:
    flat = np.full((200, 200, 3), (150, 80, 40), np.uint8)
    assert side_of(flat) is None
    assert side_of(np.zeros((100, 300, 3), np.uint8)) is None


def test_no_answer_when_both_halves_are_alike(draw: Draw) -> None:
    half = draw(0)[:, 150:]
    twin = np.concatenate([half[:, ::-1], half], axis=1)
    assert side_of(twin) is None


@pytest.mark.realdata
def test_right_eyes_have_it_on_the_right(
    shared: Path, real: Callable[[str, int], list[Path]]
) -> None:
    with (shared / "data" / "odir" / "labels.csv").open(encoding="utf-8") as file:
        eyes = {Path(row["image"]).name: row["eye"] for row in csv.DictReader(file)}
    right = answered = 0
    paths = real("odir", 60)
    for path in paths:
        rgb = decode(path.read_bytes(), name=path.name)
        side = side_of(rgb)
        answered += side is not None
        right += side == {"R": "right", "L": "left"}[eyes[path.name]]
    assert answered >= 0.75 * len(paths)
    assert right >= 0.9 * answered
