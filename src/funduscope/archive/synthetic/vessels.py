"""The vessel tree: four arcades of arteries and veins that branch, thin out and avoid the fovea."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from funduscope.archive.synthetic.eyes import Eye
from funduscope.archive.synthetic.frame import Frame, Pen, Plane, Rng

Points = NDArray[np.float64]
_STEP_MM = 0.17
_ARCADE = 0.78  # height of an arcade in disc-fovea distances where it passes the fovea
_AVASCULAR_MM = 0.35


@dataclass(frozen=True)
class Vessel:
    """One branch: `points` (n, 2) in mm, `widths` (n) in mm, `goal`: how it was steered."""

    points: Points
    widths: NDArray[np.floating[Any]]
    artery: bool
    goal: str


def fiber_direction(eye: Eye, at: Points) -> NDArray[np.float64]:
    """Angle (radians) of the nerve fibers away from the disc at points (n, 2) in mm.

    Temporal to the disc the fibers arch around the fovea like parabolas, nasally they are radial.
    """
    nasal, down = at[..., 0] - eye.disc[0], at[..., 1] - eye.disc[1]
    slope = np.where(nasal < 0, down / (2 * np.maximum(-nasal, 0.25)), down)
    run = np.where(nasal < 0, -1.0, nasal)
    return np.asarray(np.arctan2(slope, run))


def grow(rng: Rng, eye: Eye, reach_mm: float) -> list[Vessel]:
    """The vessels of `eye` out to `reach_mm` from the field's center, in four generations."""
    parents = _walk(rng, eye, _trunks(rng, eye), reach_mm)
    vessels = parents
    for spacing, share in ((1.05, 0.64), (1.0, 0.66), (1.2, 0.7)):
        dice = cycle(rng.random(4001).tolist())
        seeds = [seed for vessel in parents for seed in _sprout(dice, eye, vessel, spacing, share)]
        parents = _walk(rng, eye, seeds, reach_mm)
        vessels = vessels + parents
    return vessels


@dataclass(frozen=True)
class _Seed:
    at: tuple[float, float]
    angle: float
    width: float
    steps: int
    goal: str
    artery: bool


def _trunks(rng: Rng, eye: Eye) -> list[_Seed]:
    """The arcades and nasal vessels where they leave the disc."""
    seeds = []
    for artery in (False, True):
        width = (0.108 if artery else 0.152) * rng.uniform(0.92, 1.08)
        for down in (-1, 1):
            for goal, first in (("arcade", 105), ("nasal", 62)):
                angle = math.radians(first + (9 if artery else -7) + rng.normal(0, 6)) * down
                start = (
                    eye.disc[0] + 0.10 + rng.normal(0, 0.04) + (0.05 if artery else 0),
                    eye.disc[1] + down * rng.uniform(0.02, 0.12),
                )
                size = width * (1.0 if goal == "arcade" else 0.78)
                seeds.append(_Seed(start, angle, size, 78, goal, artery))
    return seeds


def _twigs(dice: Iterator[float], eye: Eye) -> list[_Seed]:
    """Fine branches from the disc's temporal and nasal edge."""
    seeds = []
    for index in range(4):
        side = math.pi if index else 0.0
        angle = side + (next(dice) - 0.5) * 1.5
        at = (eye.disc[0] + 0.5 * math.cos(angle), eye.disc[1] + 0.5 * math.sin(angle))
        steps = 8 + int(10 * next(dice))
        goal = "macula" if side else "out"
        seeds.append(_Seed(at, angle, 0.045, steps, goal, next(dice) < 0.5))
    return seeds


def _sprout(
    dice: Iterator[float], eye: Eye, parent: Vessel, spacing: float, share: float
) -> list[_Seed]:
    """Side branches along `parent`, about `spacing` mm apart, alternating sides."""
    trunk = parent.goal in ("arcade", "nasal")
    seeds = _twigs(dice, eye) if trunk and parent.artery and parent.goal == "nasal" else []
    place = (0.35 + 0.65 * next(dice)) * spacing + (0.55 if trunk else 0)
    turn = 1 if next(dice) < 0.5 else -1
    while (index := int(place / _STEP_MM)) < len(parent.points) - 2:
        at, ahead = parent.points[index], parent.points[index + 1]
        angle = math.atan2(ahead[1] - at[1], ahead[0] - at[0]) + turn * (0.5 + 0.5 * next(dice))
        width = parent.widths[index] * (share - 0.16 + 0.26 * next(dice))
        away = (eye.fovea[0] - at[0], eye.fovea[1] - at[1])
        inward = away[0] * math.cos(angle) + away[1] * math.sin(angle) > 0
        goal = "macula" if inward and math.hypot(*away) < 4.2 else "out"
        steps = int((7 + 14 * next(dice)) * (1.5 if width > 0.05 else 1.0))
        if width > 0.02:
            seeds.append(_Seed((at[0], at[1]), angle, width, steps, goal, parent.artery))
        turn = -turn if next(dice) < 0.85 else turn
        place += spacing * (0.55 + 0.95 * next(dice))
    return seeds


def _walk(rng: Rng, eye: Eye, seeds: list[_Seed], reach_mm: float) -> list[Vessel]:
    """Grow all seeds at once, one step at a time; places are complex numbers, nasal + i down."""
    if not seeds:
        return []
    at = np.array([complex(*seed.at) for seed in seeds])
    heading = np.exp(1j * np.array([seed.angle for seed in seeds]))
    steps = np.array([seed.steps for seed in seeds])
    longest = int(steps.max())
    aim = _arches(eye, seeds) if seeds[0].goal in ("arcade", "nasal") else _spokes(eye, seeds)
    wander = rng.normal(0, 1, (longest, len(seeds))) * (0.025 + 0.075 * eye.patient.tortuosity)
    gain = rng.uniform(0.06, 0.13, len(seeds))
    gain[[seed.goal == "arcade" for seed in seeds]] = 0.28
    bend = np.zeros(len(seeds))
    path = np.empty((longest + 1, len(seeds)), complex)
    path[0] = at
    for step in range(longest):
        bend = 0.78 * bend + wander[step]
        heading = (heading + gain * aim(at)) * (1 + 1j * bend)
        heading = heading / np.abs(heading)
        at = at + _STEP_MM * heading
        path[step + 1] = at
    fovea = complex(*eye.fovea)
    free = (np.abs(path) < reach_mm) & (np.abs(path - fovea) > _AVASCULAR_MM)
    free &= np.arange(longest + 1)[:, None] <= steps
    length = np.where(free.all(axis=0), longest + 1, np.argmin(free, axis=0))
    points = np.stack([path.real, path.imag], axis=-1)
    order = np.arange(longest + 1)
    vessels = []
    for index, seed in enumerate(seeds):
        count = int(length[index])
        if count >= 4:
            widths = seed.width * (1 - 0.58 / count * order[:count])
            vessels.append(Vessel(points[:count, index], widths, seed.artery, seed.goal))
    return vessels


Aim = Callable[[NDArray[np.complex128]], NDArray[np.complex128]]


def _arches(eye: Eye, seeds: list[_Seed]) -> Aim:
    """Where the trunks want to go: the arcades around the fovea, the nasal ones outward."""
    apart = eye.disc[0] - eye.fovea[0]
    down = np.array([1.0 if math.sin(seed.angle) >= 0 else -1.0 for seed in seeds])
    nasal = np.array([seed.goal == "nasal" for seed in seeds])
    # Vein and artery of a pair run a little apart.
    lift = np.array([1.0 if seed.artery else 1.07 for seed in seeds])
    outward = 0.68 + 0.73j * down

    def aim(at: NDArray[np.complex128]) -> NDArray[np.complex128]:
        share = np.maximum(eye.disc[0] - at.real, 0.05) / apart
        root = np.sqrt(share)
        # An arcade rises like a root and sinks back toward the raphe beyond the fovea.
        height = _ARCADE * lift * apart * (root - 0.16 * share * share)
        slope = _ARCADE * (0.5 / root - 0.32 * share)
        error = (down * height - (at.imag - eye.disc[1])) / 0.9
        arch = -1 + 1j * (down * slope + error)
        return np.where(nasal, outward, arch / np.abs(arch))

    return aim


def _spokes(eye: Eye, seeds: list[_Seed]) -> Aim:
    """Where side branches want to go: toward the fovea, or away from the posterior pole."""
    fovea = complex(*eye.fovea)
    hub = complex(0.45 * eye.fovea[0] + 0.55 * eye.disc[0], eye.disc[1])
    center = np.array([fovea if seed.goal == "macula" else hub for seed in seeds])
    sign = np.array([-1.0 if seed.goal == "macula" else 1.0 for seed in seeds])

    def aim(at: NDArray[np.complex128]) -> NDArray[np.complex128]:
        away = at - center
        return np.asarray(sign * away / (np.abs(away) + 1e-6))

    return aim


def wrinkle(eye: Eye, vessels: list[Vessel], strength: float) -> list[Vessel]:
    """Draw the vessels around the fovea together, as a contracted membrane does."""
    pulled = []
    for vessel in vessels:
        away = vessel.points - np.array(eye.fovea)
        near = np.exp(-((np.hypot(away[:, 0], away[:, 1]) / 1.9) ** 2))[:, None]
        wave = 0.09 * np.sin(vessel.points[:, ::-1] * 9.0)
        points = vessel.points - away * near * 0.32 * strength + wave * near * strength
        pulled.append(Vessel(points, vessel.widths, vessel.artery, vessel.goal))
    return pulled


@dataclass(frozen=True)
class Tree:
    """The vessel tree in pixels: how much of each pixel is vein, artery, light reflex; (S, S)."""

    veins: Plane
    arteries: Plane
    reflex: Plane


def raster(frame: Frame, vessels: list[Vessel]) -> Tree:
    """Draw the vessels; thin ones are fainter because less blood lies in the way of the light."""
    veins, arteries, reflex = Pen(frame), Pen(frame), Pen(frame)
    for vessel in sorted(vessels, key=lambda one: float(one.widths[0])):
        pen = arteries if vessel.artery else veins
        points, widths = vessel.points * frame.mm, vessel.widths * frame.mm
        level = min(1.0, 0.32 + 0.68 * float(vessel.widths[0]) / 0.09)
        pen.line(points, widths.tolist(), level, 4 if vessel.widths[0] > 0.06 else 30)
        if vessel.widths[0] > 0.06:
            reflex.line(points, (widths * 0.3).tolist(), 0.9 if vessel.artery else 0.45)
    return Tree(veins.plane(), arteries.plane(), reflex.plane())
