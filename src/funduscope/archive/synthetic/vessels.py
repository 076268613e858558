"""The vessel tree: four arcades of arteries and veins that branch, thin out and avoid the fovea."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from funduscope.archive.synthetic.eyes import Eye
from funduscope.archive.synthetic.frame import Frame, Pen, Plane, Rng

Points = NDArray[np.float64]
_STEP_MM = 0.14
_ARCADE = 0.78  # height of an arcade in disc-fovea distances where it passes the fovea
_AVASCULAR_MM = 0.35


@dataclass(frozen=True)
class Vessel:
    """One branch: `points` (n, 2) in mm, `widths` (n) in mm, `goal`: how it was steered."""

    points: Points
    widths: NDArray[np.float64]
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
    """The vessels of `eye` out to `reach_mm` from the field's center, in three generations."""
    vessels = _walk(rng, eye, _trunks(rng, eye), reach_mm)
    parents = vessels
    for spacing, share in ((1.15, 0.62), (0.95, 0.62)):
        seeds = [seed for vessel in parents for seed in _sprout(rng, eye, vessel, spacing, share)]
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
    seeds = []
    for artery in (False, True):
        width = (0.098 if artery else 0.142) * rng.uniform(0.92, 1.08)
        for down in (-1, 1):
            for goal, first in (("arcade", 105), ("nasal", 62)):
                angle = math.radians(first + (9 if artery else -7) + rng.normal(0, 6)) * down
                start = (
                    eye.disc[0] + 0.10 + rng.normal(0, 0.04) + (0.05 if artery else 0),
                    eye.disc[1] + down * rng.uniform(0.02, 0.12),
                )
                size = width * (1.0 if goal == "arcade" else 0.78)
                seeds.append(_Seed(start, angle, size, 95, goal, artery))
    for _ in range(int(rng.integers(3, 6))):
        # Fine twigs from the disc's temporal and nasal edge.
        side = math.pi if rng.random() < 0.65 else 0.0
        angle = side + rng.normal(0, 0.45)
        at = (eye.disc[0] + 0.5 * math.cos(angle), eye.disc[1] + 0.5 * math.sin(angle))
        goal = "macula" if side else "out"
        seeds.append(_Seed(at, angle, 0.045, int(rng.integers(10, 22)), goal, rng.random() < 0.5))
    return seeds


def _sprout(rng: Rng, eye: Eye, parent: Vessel, spacing: float, share: float) -> list[_Seed]:
    """Side branches along `parent`, about `spacing` mm apart, alternating sides."""
    seeds: list[_Seed] = []
    place = rng.uniform(0.35, 1.0) * spacing + (0.55 if parent.goal in ("arcade", "nasal") else 0)
    turn = 1 if rng.random() < 0.5 else -1
    while (index := int(place / _STEP_MM)) < len(parent.points) - 3:
        at, ahead = parent.points[index], parent.points[index + 1]
        heading = math.atan2(ahead[1] - at[1], ahead[0] - at[0])
        angle = heading + turn * rng.uniform(0.5, 1.0)
        width = parent.widths[index] * rng.uniform(share - 0.16, share + 0.1)
        toward = (eye.fovea[0] - at[0]) * math.cos(angle) + (eye.fovea[1] - at[1]) * math.sin(angle)
        near = math.hypot(eye.fovea[0] - at[0], eye.fovea[1] - at[1]) < 4.2
        goal = "macula" if toward > 0 and near else "out"
        steps = int(rng.uniform(9, 26) * (1.5 if width > 0.05 else 1.0))
        if width > 0.014:
            seeds.append(_Seed((at[0], at[1]), angle, width, steps, goal, parent.artery))
        turn = -turn if rng.random() < 0.85 else turn
        place += spacing * rng.uniform(0.55, 1.5)
    return seeds


def _walk(rng: Rng, eye: Eye, seeds: list[_Seed], reach_mm: float) -> list[Vessel]:
    """Grow all seeds at once, one step at a time (arrays over seeds)."""
    if not seeds:
        return []
    at = np.array([seed.at for seed in seeds])
    angle = np.array([seed.angle for seed in seeds])
    steps = np.array([seed.steps for seed in seeds])
    goals = np.array([seed.goal for seed in seeds])
    down = np.where(np.sin(angle) >= 0, 1.0, -1.0)
    longest = int(steps.max())
    wander = rng.normal(0, 1, (longest, len(seeds))) * (0.05 + 0.22 * eye.patient.tortuosity)
    bend = np.zeros(len(seeds))
    pull = rng.uniform(0.05, 0.11, len(seeds))
    alive = np.ones(len(seeds), bool)
    length = np.ones(len(seeds), int)
    path = np.empty((longest + 1, len(seeds), 2))
    path[0] = at
    for step in range(longest):
        aim = _aim(eye, at, goals, down)
        bend = 0.82 * bend + 0.42 * wander[step] - 0.05 * bend
        gain = np.where((goals == "arcade") & (step < 60), 0.22, pull)
        angle = angle + gain * np.sin(aim - angle) + 0.6 * bend
        at = at + _STEP_MM * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        path[step + 1] = at
        near = np.hypot(at[:, 0] - eye.fovea[0], at[:, 1] - eye.fovea[1])
        alive &= (step < steps) & (np.hypot(at[:, 0], at[:, 1]) < reach_mm) & (near > _AVASCULAR_MM)
        length += alive
        if not alive.any():
            break
    vessels = []
    for index, seed in enumerate(seeds):
        count = int(length[index])
        if count < 4:
            continue
        thin = 1 - 0.62 * np.linspace(0, 1, count) ** 0.8
        vessels.append(Vessel(path[:count, index], seed.width * thin, seed.artery, seed.goal))
    return vessels


def _aim(eye: Eye, at: Points, goals: NDArray[np.str_], down: NDArray[np.float64]) -> Points:
    """The heading each tip would like to have, radians."""
    apart = eye.disc[0] - eye.fovea[0]
    temporal = np.maximum(eye.disc[0] - at[:, 0], 0.05)
    # An arcade rises like a root and sinks back toward the raphe beyond the fovea.
    share = temporal / apart
    height = _ARCADE * apart * (np.sqrt(share) - 0.16 * share**2)
    slope = _ARCADE * (0.5 / np.sqrt(share) - 0.32 * share)
    error = (down * height - (at[:, 1] - eye.disc[1])) / 0.9
    arcade = np.arctan2(down * slope + error, -1.0)
    nasal = np.arctan2(down * 0.55, 0.6)
    macula = np.arctan2(eye.fovea[1] - at[:, 1], eye.fovea[0] - at[:, 0])
    hub = (0.45 * eye.fovea[0] + 0.55 * eye.disc[0], eye.disc[1])
    outward = np.arctan2(at[:, 1] - hub[1], at[:, 0] - hub[0])
    choices = [goals == "arcade", goals == "nasal", goals == "macula"]
    return np.select(choices, [arcade, np.broadcast_to(nasal, arcade.shape), macula], outward)


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
        pen.line(points, widths.tolist(), level)
        if vessel.widths[0] > 0.05:
            reflex.line(points, (widths * 0.3).tolist(), 0.9 if vessel.artery else 0.45)
    return Tree(veins.plane(), arteries.plane(), reflex.plane())
