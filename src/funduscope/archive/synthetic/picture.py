"""From an eye to its photograph: retina, lesions, optics, camera.

Reflectance is composed as logarithms (blood and pigment absorb: they multiply the light), then
lit, blurred, veiled and recorded by the camera.
Shape legend: S = side of the drawing, H, W = height, width of the photograph.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from funduscope.archive.synthetic.cameras import Camera, Shot, expose
from funduscope.archive.synthetic.eyes import FINDINGS, Eye
from funduscope.archive.synthetic.frame import Frame, Plane, Rng, clouds, smooth, stamp
from funduscope.archive.synthetic.lesions import PAINTERS, Color, Layer
from funduscope.archive.synthetic.vessels import Tree, grow, raster, wrinkle

# Share of the light that blood absorbs per color (log), oxygenated arteries a little less.
_VEIN = (0.44, 1.12, 0.74)
_ARTERY = (0.22, 0.80, 0.58)


@dataclass(frozen=True)
class Photograph:
    """A drawn photograph and where its lesions are.

    Attributes:
        rgb: (H, W, 3) uint8. lesions: finding -> (H, W) bool, without media opacity, whose veil
        is everywhere. field: (H, W) bool, the pixels of the field of view. cdr: as drawn.
    """

    rgb: NDArray[np.uint8]
    lesions: dict[str, NDArray[np.bool_]]
    field: NDArray[np.bool_]


def photograph(eye: Eye, side: str, camera: Camera, shot: Shot, seed: int) -> Photograph:
    """Draw `eye` as the `side` ("OD" or "OS") seen by `camera`; `seed`: of this one exposure."""
    rng = np.random.default_rng(eye.seed)
    frame = Frame(camera.radius, camera.degrees)
    planes = _background(rng, frame, eye)
    layers = {
        name: paint(rng, frame, eye, eye.findings[name])
        for name, paint in PAINTERS.items()
        if name in eye.findings
    }
    flat = [layer for group in layers.values() for layer in group]
    for layer in flat:
        if layer.depth == "choroid":
            _cover(planes, layer.mask * np.float32(layer.opacity), layer.color)
    cup = _disc(rng, frame, eye, planes)
    tree = _vessels(rng, frame, eye)
    _bleed(planes, tree)
    for layer in flat:
        if layer.depth == "retina":
            _cover(planes, layer.mask * np.float32(layer.opacity), layer.color)
    regions = {name: _region(frame, group) for name, group in layers.items()}
    if "optic_disc_cupping" in eye.findings:
        regions["optic_disc_cupping"] = cup > 0.5
    if "tessellated_fundus" in eye.findings:
        regions["tessellated_fundus"] = frame.r < 1
    regions.pop("media_opacity", None)
    haze = eye.findings.get("media_opacity", 0.0)
    mirrored = side == "OS"
    turned = np.stack([_turn(plane, mirrored) for plane in planes])
    rgb, place = expose(np.random.default_rng(seed), frame, turned, haze, camera, shot)
    inside = place(frame.r < 1)
    lesions = {
        name: place(_turn(regions[name], mirrored)) & inside for name in FINDINGS if name in regions
    }
    return Photograph(rgb, lesions, inside)


def _turn(plane: NDArray[np.generic], mirrored: bool) -> NDArray[np.generic]:
    return plane[:, ::-1] if mirrored else plane


def _region(frame: Frame, layers: list[Layer]) -> NDArray[np.bool_]:
    region = np.zeros((frame.side, frame.side), bool)
    for layer in layers:
        if layer.counted:
            region |= layer.mask > 0.3
    return region


def _cover(planes: list[Plane], mask: Plane, color: Color) -> None:
    """Lay an opaque color over the reflectance, where `mask` is not zero."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    for plane, part in zip(planes, color, strict=True):
        plane[box] += mask[box] * (np.float32(math.log(part)) - plane[box])


def _background(rng: Rng, frame: Frame, eye: Eye) -> list[Plane]:
    """Choroid, pigment epithelium, nerve fibers, macula: log reflectance per color, (S, S) each."""
    coarse, mm, dark = frame.coarse(2), frame.mm, eye.dark
    side = coarse.side
    far = np.hypot(coarse.u - eye.fovea[0] * mm, coarse.v - eye.fovea[1] * mm) / mm
    mottle = 0.075 * clouds(rng, side, 5) + 0.025 * clouds(rng, side, side // 6)
    # Choroidal vessels show away from the macula, where the pigment epithelium is thin.
    mesh = _choroid(rng, coarse) * smooth(far, 0.4, 3.4) * np.float32(dark)
    pit = np.exp(-((far / 0.38) ** 2))
    macula = np.exp(-((far / 1.25) ** 2))
    fibers = _fibers(rng, coarse, eye) * np.float32(0.12 - 0.06 * dark)
    reflex = _foveal_reflex(rng, eye, far)
    tone = eye.patient.pigment
    # A thin pigment epithelium lets the red choroid through.
    base = (0.60 - 0.09 * tone, 0.262 - 0.05 * tone - 0.03 * dark, 0.118 - 0.03 * tone)
    weights = (
        # mottle, mesh, pit, macula, fibers, reflex
        (0.8, 0.32, -0.22, -0.13, 0.35, 0.5),
        (1.2, 0.46, -0.46, -0.27, 1.0, 1.0),
        (1.1, 0.34, -0.40, -0.38, 1.1, 1.1),
    )
    grain = clouds(rng, frame.side, frame.side // 4) * np.float32(0.018)
    planes = []
    for level, (a, b, c, d, e, f) in zip(base, weights, strict=True):
        plane = a * mottle + b * mesh + c * pit + d * macula + e * fibers + f * reflex
        planes.append(frame.grow(np.asarray(plane + math.log(level), np.float32)) + grain)
    return planes


def _choroid(rng: Rng, frame: Frame) -> Plane:
    """The mesh of choroidal vessels: -1 in the dark gaps to 1 on the bands."""
    side = frame.side
    turn = np.abs(np.arctan2(frame.v, frame.u)) * np.float32((side - 1) / math.pi)
    row = (np.sqrt(frame.r) * np.float32(side * 0.14) + 4 * clouds(rng, side, 9)).astype(np.int32)
    column = (turn + np.float32(0.035 * side) * clouds(rng, side, 8)).astype(np.int32)
    # Bands that fan out from the pole toward the vortex veins, and links between them.
    fan = clouds(rng, side, 30)[row % side, column % side]
    bands = np.exp(-((fan / 0.6) ** 2))
    links = np.exp(-((clouds(rng, side, 20) / 0.5) ** 2))
    mesh = 0.75 * bands + 0.5 * links + 0.2 * clouds(rng, side, 11)
    return np.asarray(1.5 * np.minimum(mesh, 1.1) - 1.0, np.float32)


def _fibers(rng: Rng, frame: Frame, eye: Eye) -> Plane:
    """Fine bright lines along the nerve fibers, strongest above and below the disc."""
    mm = frame.mm
    nasal = (frame.u - eye.disc[0] * mm) / mm
    down = (frame.v - eye.disc[1] * mm) / mm
    run = np.where(nasal < 0, -np.sqrt(np.abs(nasal)) * 1.3, nasal)
    label = np.arctan2(down, run)
    lines = np.interp(np.linspace(0, 720, 721), np.arange(0, 724, 3), rng.standard_normal(242))
    index = ((label / np.float32(2 * math.pi) + 0.5) * 719).astype(np.int32)
    far = np.hypot(nasal, down)
    strength = np.exp(-((far / 2.6) ** 2)) * (0.25 + np.abs(np.sin(label)))
    return np.asarray((0.8 + lines.astype(np.float32)[index]) * strength, np.float32)


def _foveal_reflex(rng: Rng, eye: Eye, far: Plane) -> Plane:
    """The glint of the pit and the ring around the macula, plain in the young; `far` in mm."""
    young = max(0.0, (50 - eye.patient.age) / 40)
    size, level, ring = rng.uniform(0.06, 0.09), 0.15 + 0.35 * young, 0.10 * young * rng.random()
    if {"erm", "drusen", "media_opacity", "hard_exudate"} & set(eye.findings):
        return np.zeros_like(far)
    glint = level * np.exp(-((far / size) ** 2)) + ring * np.exp(-(((far - 1.05) / 0.16) ** 2))
    return np.asarray(glint, np.float32)


def _disc(rng: Rng, frame: Frame, eye: Eye, planes: list[Plane]) -> Plane:
    """Paint the disc's rim and cup; returns the cup, (S, S) 0-1."""
    mm = frame.mm
    at = (eye.disc[0] * mm, eye.disc[1] * mm)
    radii = (eye.disc_mm[0] / 2 * mm, eye.disc_mm[1] / 2 * mm)
    angle = rng.normal(0, 0.12)
    halo, rim, cup = frame.empty(), frame.empty(), frame.empty()
    stamp(halo, frame, rng, at, (radii[0] * 1.25, radii[1] * 1.22), angle=angle, soft=0.7)
    stamp(rim, frame, rng, at, radii, angle=angle, ragged=0.02, soft=0.16)
    middle = (at[0] - 0.10 * (1 - eye.cdr) * radii[0], at[1])
    # A glaucomatous cup is higher than wide and has a sharper edge.
    deep = eye.cdr > 0.6
    size = (radii[0] * eye.cdr * (0.97 if deep else 1.0), radii[1] * eye.cdr)
    stamp(cup, frame, rng, middle, size, angle=angle, ragged=0.03, soft=0.3 if deep else 0.65)
    _cover(planes, halo * np.float32(0.16), (0.72, 0.42, 0.22))
    tint = rng.normal(0, 0.02)
    _cover(planes, rim * np.float32(0.86), (0.86, 0.545 + tint, 0.31))
    # The temporal rim is paler than the nasal one.
    side = smooth((at[0] - frame.u) / np.float32(radii[0]), -0.4, 1.0) * rim
    _cover(planes, side * np.float32(0.42), (0.93, 0.73, 0.48))
    _cover(planes, cup * np.float32(0.9 if deep else 0.74), (0.985, 0.87, 0.63))
    if deep:
        dots = clouds(rng, frame.side, frame.side // 5)
        _cover(planes, smooth(dots, 0.7, 1.6) * cup * np.float32(0.25), (0.75, 0.60, 0.42))
    return cup


def _vessels(rng: Rng, frame: Frame, eye: Eye) -> Tree:
    vessels = grow(rng, eye, 1.03 / frame.mm)
    if "erm" in eye.findings:
        vessels = wrinkle(eye, vessels, 0.5 + 0.5 * eye.findings["erm"])
    return raster(frame, vessels)


def _bleed(planes: list[Plane], tree: Tree) -> None:
    """Let the blood of the vessels absorb light; the column's middle reflects some."""
    for plane, vein, artery in zip(planes, _VEIN, _ARTERY, strict=True):
        plane -= np.maximum(tree.veins * np.float32(vein), tree.arteries * np.float32(artery))
        plane += tree.reflex * np.float32(0.28 * artery)
