"""The findings as layers of paint: where each lies, how big, what color (sources: see `eyes`)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from funduscope.archive.synthetic.eyes import Eye
from funduscope.archive.synthetic.frame import Frame, Pen, Plane, Rng, clouds, smooth, stamp
from funduscope.archive.synthetic.vessels import fiber_direction

Color = tuple[float, float, float]
_BLOOD: Color = (0.27, 0.045, 0.03)


@dataclass(frozen=True)
class Layer:
    """One coat of paint: `mask` (S, S) 0-1 times `opacity` of `color` (reflectance, 0-1).

    Attributes:
        depth: `choroid` lies under the vessels, `retina` over them.
        counted: whether the mask belongs to the finding's area.
    """

    mask: Plane
    color: Color
    opacity: float
    depth: str = "retina"
    counted: bool = True


def _around(rng: Rng, center: tuple[float, float], low: float, high: float) -> tuple[float, float]:
    """A point `low`-`high` away from `center`, in any direction (units of the arguments)."""
    far, angle = rng.uniform(low, high), rng.uniform(0, 2 * math.pi)
    return center[0] + far * math.cos(angle), center[1] + far * math.sin(angle)


def _inside(eye: Eye, at: tuple[float, float], limit_mm: float) -> bool:
    """Whether a spot lies in the field and off the disc."""
    clear = math.hypot(at[0] - eye.disc[0], at[1] - eye.disc[1]) > 1.15
    return clear and math.hypot(*at) < limit_mm


def _spots(rng: Rng, frame: Frame, eye: Eye, count: int, sizes: tuple[float, float],
           low: float, high: float, ragged: float, soft: float) -> Plane:  # fmt: skip
    """`count` spots of `sizes` (diameter, mm, most of them small) around the fovea."""
    canvas, mm = frame.empty(), frame.mm
    for _ in range(count):
        at = _around(rng, eye.fovea, low, high)
        if not _inside(eye, at, 0.93 / mm):
            continue
        half = (sizes[0] + (sizes[1] - sizes[0]) * rng.beta(1.1, 2.6)) / 2 * mm
        radii = (half, half * rng.uniform(0.65, 1.0))
        stamp(canvas, frame, rng, (at[0] * mm, at[1] * mm), radii, angle=rng.uniform(0, 3.1),
              ragged=ragged if half * frame.radius > 2.5 else 0, soft=soft,
              value=rng.uniform(0.75, 1.0))  # fmt: skip
    return canvas


def dot_blots(rng: Rng, frame: Frame, eye: Eye, severity: float) -> list[Layer]:
    """Dots of 0.06-0.15 mm and blots to 0.5 mm, scattered over the posterior pole."""
    dots = _spots(rng, frame, eye, int(14 + 22 * severity), (0.07, 0.16), 0.5, 5.2, 0, 0.6)
    blots = _spots(rng, frame, eye, int(8 + 20 * severity), (0.18, 0.62), 0.7, 5.0, 0.22, 0.45)
    return [Layer(np.maximum(dots, blots), _BLOOD, 0.86)]


def flames(rng: Rng, frame: Frame, eye: Eye, severity: float) -> list[Layer]:
    """Feathered streaks along the nerve fibers, within three disc diameters of the disc."""
    pen, mm = Pen(frame), frame.mm
    for _ in range(int(3 + 5 * severity)):
        at = _around(rng, eye.disc, 1.3, 4.0)
        if abs(at[1] - eye.disc[1]) < 0.4 or not math.hypot(*at) * mm < 0.9:
            continue
        length = rng.uniform(0.45, 1.2)
        _tuft(rng, pen, eye, at, length, length * rng.uniform(0.22, 0.42), 14, mm)
    return [Layer(pen.plane(1.5), _BLOOD, 0.86)]


def _tuft(rng: Rng, pen: Pen, eye: Eye, at: tuple[float, float], length: float, width: float,
          count: int, mm: float) -> None:  # fmt: skip
    """A bundle of strokes side by side along the fibers at `at` (mm)."""
    angle = float(fiber_direction(eye, np.array(at)))
    cos, sin = math.cos(angle), math.sin(angle)
    for _ in range(count):
        side = rng.normal(0, width / 2.4)
        along = rng.normal(0, length * 0.13)
        spot = (at[0] + along * cos - side * sin, at[1] + along * sin + side * cos)
        size = length * rng.uniform(0.45, 1.0) * math.exp(-((side / width) ** 2))
        pen.spindle((spot[0] * mm, spot[1] * mm), angle + rng.normal(0, 0.07), size * mm,
                    rng.uniform(0.05, 0.12) * mm, rng.uniform(0.7, 1.0))  # fmt: skip


def hard_exudates(rng: Rng, frame: Frame, eye: Eye, severity: float) -> list[Layer]:
    """Waxy yellow grains of 0.05-0.3 mm in clusters and broken rings near the fovea."""
    canvas, mm = frame.empty(), frame.mm
    for _ in range(int(rng.integers(2, 4) + 2 * severity)):
        hub = _around(rng, eye.fovea, 0.7, 3.0)
        if not _inside(eye, hub, 0.85 / mm):
            continue
        ring, turn, arc = rng.uniform(0.25, 0.8), rng.uniform(0, 6.3), rng.uniform(1.8, 6.0)
        for _ in range(int(16 + 18 * severity)):
            angle = turn + rng.uniform(0, arc)
            far = ring * abs(rng.normal(1, 0.28))
            at = (hub[0] + far * math.cos(angle), hub[1] + far * math.sin(angle))
            half = (0.025 + 0.12 * rng.random() ** 3) * mm
            large = half * frame.radius > 2.2
            stamp(canvas, frame, rng, (at[0] * mm, at[1] * mm), (half * 1.5, half),
                  angle=angle + 1.57 + rng.normal(0, 0.5), soft=0.5, value=rng.uniform(0.7, 1),
                  ragged=0.25 if large else 0)  # fmt: skip
    return [Layer(canvas, (0.93, 0.77, 0.30), 0.92)]


def cotton_wool(rng: Rng, frame: Frame, eye: Eye, severity: float) -> list[Layer]:
    """Fluffy white patches of a quarter to a third of a disc, near the arcades."""
    canvas, mm = frame.empty(), frame.mm
    for _ in range(int(3 + 4 * severity)):
        at = _around(rng, eye.disc, 1.5, 3.9)
        if abs(at[1] - eye.disc[1]) < 0.8 or not math.hypot(*at) * mm < 0.88:
            continue
        angle = float(fiber_direction(eye, np.array(at))) + math.pi / 2
        size = rng.uniform(0.2, 0.36) * mm
        for _ in range(3):
            spot = _around(rng, (at[0] * mm, at[1] * mm), 0, size * 0.55)
            stamp(canvas, frame, rng, spot, (size, size * rng.uniform(0.5, 0.75)), angle=angle,
                  ragged=0.22, soft=0.95, value=rng.uniform(0.7, 1.0))  # fmt: skip
    return [Layer(canvas, (0.90, 0.80, 0.62), 0.86)]


def drusen(rng: Rng, frame: Frame, eye: Eye, severity: float) -> list[Layer]:
    """Soft yellow spots, 40-250 um, crowded toward the fovea."""
    canvas, mm = frame.empty(), frame.mm
    for _ in range(int(45 + 65 * severity)):
        at = _around(rng, eye.fovea, 0, 0.3 + 2.2 * rng.random() ** 0.8)
        size = (0.04 + (0.07 + 0.16 * severity) * rng.beta(1.3, 2.2)) * mm
        stamp(canvas, frame, rng, (at[0] * mm, at[1] * mm), (size, size * rng.uniform(0.8, 1)),
              angle=rng.uniform(0, 3), soft=0.8, value=rng.uniform(0.55, 1.0),
              ragged=0.12 if size * frame.radius > 3 else 0)  # fmt: skip
    return [Layer(canvas, (0.88, 0.66, 0.32), 0.78, "choroid")]


def laser(rng: Rng, frame: Frame, eye: Eye, severity: float) -> list[Layer]:
    """Rows of 0.3-0.5 mm burns outside the arcades: pale, with clumped pigment inside."""
    pale, dark, mm = frame.empty(), frame.empty(), frame.mm
    turn, gap = rng.uniform(0, 1), rng.uniform(0.85, 1.1)
    sector = None if severity > 0.45 else rng.uniform(-0.9, 0.9) + (0 if eye.upper else math.pi)
    reach = 0.97 / mm
    for row in np.arange(-reach, reach, gap):
        for column in np.arange(-reach, reach, gap):
            x = column * math.cos(turn) - row * math.sin(turn) + rng.normal(0, 0.12)
            y = column * math.sin(turn) + row * math.cos(turn) + rng.normal(0, 0.12)
            near = math.hypot((x - eye.fovea[0]) / 1.15, y - eye.fovea[1])
            if near < 3.15 or not _inside(eye, (x, y), reach) or rng.random() < 0.1:
                continue
            if math.hypot(x - eye.disc[0], y - eye.disc[1]) < 2.0:
                continue
            bearing = math.atan2(x - eye.fovea[0], -(y - eye.fovea[1]))
            if sector is not None and math.cos(bearing - sector) < 0.15:
                continue
            half, at = rng.uniform(0.15, 0.26) * mm, (x * mm, y * mm)
            stamp(pale, frame, rng, at, (half, half * 0.92), ragged=0.12, soft=0.5,
                  value=rng.uniform(0.6, 1))  # fmt: skip
            if rng.random() < 0.7:
                spot = _around(rng, at, 0, half * 0.35)
                size = half * rng.uniform(0.25, 0.6)
                stamp(dark, frame, rng, spot, (size, size * 0.8), ragged=0.25, soft=0.6)
    return [
        Layer(pale, (0.84, 0.66, 0.42), 0.72, "choroid"),
        Layer(dark, (0.20, 0.10, 0.07), 0.75, "choroid", counted=False),
    ]


def crescent(rng: Rng, frame: Frame, eye: Eye, severity: float) -> list[Layer]:
    """Bare sclera on the temporal edge of the disc, 0.3-1 disc diameters wide."""
    mm = frame.mm
    wide = (0.3 + 0.55 * severity) * eye.disc_mm[0]
    angle = rng.normal(0, 0.3)
    center = (
        eye.disc[0] - 0.5 * wide * math.cos(angle),
        eye.disc[1] + 0.5 * wide * math.sin(angle),
    )
    radii = ((eye.disc_mm[0] + wide) / 2 * mm, (eye.disc_mm[1] * (1.04 + 0.2 * severity)) / 2 * mm)
    bare, rim = frame.empty(), frame.empty()
    at = (center[0] * mm, center[1] * mm)
    stamp(rim, frame, rng, at, (radii[0] * 1.1, radii[1] * 1.08), angle=-angle, soft=0.22)
    stamp(bare, frame, rng, at, radii, angle=-angle, ragged=0.05, soft=0.1)
    grain = clouds(rng, frame.side, 70) * 0.07 + clouds(rng, frame.side, 28) * 0.1
    disc = frame.empty()
    stamp(disc, frame, rng, (eye.disc[0] * mm, eye.disc[1] * mm),
          (eye.disc_mm[0] / 2 * mm, eye.disc_mm[1] / 2 * mm), soft=0.1)  # fmt: skip
    ring = np.clip(rim - bare, 0, 1) * (1 - disc)
    sclera = np.asarray(np.clip(bare * (0.92 + grain), 0, 1) * (1 - disc), np.float32)
    return [
        Layer(ring, (0.30, 0.13, 0.07), 0.5, "choroid", counted=False),
        Layer(sclera, (0.97, 0.82, 0.55), 0.9, "choroid"),
    ]


def membrane(rng: Rng, frame: Frame, eye: Eye, severity: float) -> list[Layer]:
    """A cellophane sheen with fine folds over the macula."""
    mm = frame.mm
    hub = (eye.fovea[0] + rng.normal(0, 0.25), eye.fovea[1] + rng.normal(0, 0.25))
    du, dv = frame.u - hub[0] * mm, frame.v - hub[1] * mm
    far = np.hypot(du, dv) / mm
    turn = np.arctan2(dv, du)
    reach = 1.7 + 0.9 * severity
    near = smooth(far + 0.35 * clouds(rng, frame.side, 9), reach, reach * 0.3)
    warp = clouds(rng, frame.side, 11)
    # Folds run across the macula in one main direction and fan out a little.
    lead = rng.uniform(0, math.pi)
    across = (du * math.sin(lead) - dv * math.cos(lead)) / mm
    folds = smooth(np.cos(across * 13 + warp * 1.9 + 0.6 * np.sin(turn * 2)), 0.25, 1.0)
    folds = folds * smooth(clouds(rng, frame.side, 7), -0.6, 0.8)
    glint = smooth(clouds(rng, frame.side, 19) + 0.5 * warp, 0.0, 1.6)
    sheen = np.clip(0.34 + 0.65 * glint + 0.5 * folds, 0, 1) * near
    return [Layer(np.asarray(sheen, np.float32), (0.93, 0.85, 0.68), 0.46 + 0.22 * severity)]


def occlusion(rng: Rng, frame: Frame, eye: Eye, severity: float) -> list[Layer]:
    """Streaks and blots of blood that fill the sector of one temporal branch vein."""
    pen, canvas, mm = Pen(frame), frame.empty(), frame.mm
    sign = -1 if eye.upper else 1
    pale = frame.empty()
    for index in range(int(48 + 40 * severity)):
        along = 1.1 + 5.2 * rng.beta(1.3, 1.7)
        middle = 0.78 * 4.7 * (math.sqrt(along / 4.7) - 0.16 * (along / 4.7) ** 2) + 0.15
        at = (
            eye.disc[0] - along,
            eye.disc[1] + sign * (middle + rng.normal(0, 0.28 + 0.15 * along)),
        )
        if (at[1] - eye.fovea[1]) * sign < 0.1 or not math.hypot(*at) * mm < 0.97:
            continue
        if index % 3 == 0:
            half = rng.uniform(0.08, 0.24) * mm
            stamp(canvas, frame, rng, (at[0] * mm, at[1] * mm), (half * 1.4, half), ragged=0.25,
                  angle=float(fiber_direction(eye, np.array(at))), soft=0.5)  # fmt: skip
        else:
            length = rng.uniform(0.5, 1.3)
            _tuft(rng, pen, eye, at, length, length * 0.3, 7, mm)
        if index % 14 == 5:
            size = rng.uniform(0.18, 0.3) * mm
            stamp(
                pale, frame, rng, (at[0] * mm, at[1] * mm), (size, size * 0.6), soft=0.9, ragged=0.2
            )
    blood = np.maximum(pen.plane(1.5), canvas)
    return [
        Layer(pale, (0.88, 0.76, 0.56), 0.6, counted=False),
        Layer(blood, _BLOOD, 0.8),
    ]


def myelin(rng: Rng, frame: Frame, eye: Eye, severity: float) -> list[Layer]:
    """A white fan with frayed ends along the fibers, from the disc's upper or lower edge."""
    pen, mm = Pen(frame), frame.mm
    sign = -1 if eye.upper else 1
    spread = 0.35 + 0.2 * severity
    middle = math.radians(rng.uniform(72, 118))
    for _ in range(260):
        angle = middle + rng.normal(0, spread)
        start = 0.42 * eye.disc_mm[1]
        far = start + rng.beta(1.2, 1.8) * (0.9 + 1.3 * severity)
        at = (eye.disc[0] + far * math.cos(angle), eye.disc[1] + sign * far * math.sin(angle))
        direction = float(fiber_direction(eye, np.array(at)))
        pen.spindle((at[0] * mm, at[1] * mm), direction + rng.normal(0, 0.05),
                    rng.uniform(0.3, 0.8) * mm, rng.uniform(0.05, 0.13) * mm,
                    rng.uniform(0.7, 1))  # fmt: skip
    return [Layer(pen.plane(3.0), (0.98, 0.92, 0.74), 0.92)]


def nevus(rng: Rng, frame: Frame, eye: Eye, severity: float) -> list[Layer]:
    """A flat slate-grey oval of 1.2-2.6 mm with a blurred edge, sometimes with drusen on it."""
    mm, body, dust = frame.mm, frame.empty(), frame.empty()
    at = _around(rng, eye.fovea, 2.3, 4.6)
    for _ in range(40):
        if (
            _inside(eye, at, 0.78 / mm)
            and math.hypot(at[0] - eye.disc[0], at[1] - eye.disc[1]) > 1.9
        ):
            break
        at = _around(rng, eye.fovea, 2.0, 4.6)
    half = (0.62 + 0.6 * severity) * mm
    spot = (at[0] * mm, at[1] * mm)
    stamp(body, frame, rng, spot, (half, half * rng.uniform(0.7, 0.95)), angle=rng.uniform(0, 3),
          ragged=0.07, soft=0.38)  # fmt: skip
    for _ in range(int(rng.integers(0, 7))):
        grain = rng.uniform(0.03, 0.07) * mm
        stamp(dust, frame, rng, _around(rng, spot, 0, half * 0.7), (grain, grain), soft=0.7)
    return [
        Layer(
            body * (0.9 + 0.1 * clouds(rng, frame.side, 40)), (0.235, 0.145, 0.105), 0.68, "choroid"
        ),
        Layer(dust, (0.80, 0.62, 0.34), 0.7, "choroid", counted=False),
    ]


Painter = Callable[[Rng, Frame, Eye, float], list[Layer]]
PAINTERS: dict[str, Painter] = {
    "tessellated_fundus": lambda *_: [],
    "optic_disc_cupping": lambda *_: [],
    "media_opacity": lambda *_: [],
    "choroidal_nevus": nevus,
    "drusen": drusen,
    "laser_scar": laser,
    "myopic_crescent": crescent,
    "dot_blot_hemorrhage": dot_blots,
    "flame_hemorrhage": flames,
    "brvo": occlusion,
    "cotton_wool_spot": cotton_wool,
    "hard_exudate": hard_exudates,
    "myelinated_nerve_fibers": myelin,
    "erm": membrane,
}
"""Finding -> its layers, in the order of painting; the three first belong to the eye itself."""
