"""Pictures that are not fundus photographs: the named negative set of `refusals.py`.

Every picture has a set, a name and a half ("fit" or "held", by a hash of the name of what it was
made from): weights and thresholds were chosen on "fit" only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skimage
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from funduscope.errors import DataError
from funduscope.inputs import Photo, decode

# Debian 12 packages with pictures; `apt-get download NAME && dpkg -x NAME*.deb FOLDER/NAME`.
WALLPAPERS = (
    "desktop-base",
    "lomiri-wallpapers-16.04",
    "lomiri-wallpapers-20.04",
    "mate-backgrounds",
    "plasma-workspace-wallpapers",
    "ukui-wallpapers",
)
STAMPS = "tuxpaint-stamps-default"
# Photographs of the retina among scikit-image's samples.
_RETINA = ("retina.jpg", "microaneurysms.png")
# The set that a figure is promised for: other pictures that people do send, and round objects on
# black. The rest is made to be hard: things cut out, circles cut from photographs, some of them
# tinted like a retina, and skin.
NAMED = (
    "scikit-image samples",
    "Debian wallpapers",
    "unam_oct",
    "drawings",
    "noise",
    "balls on black",
    "plain disks",
)
_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".gif", ".webp")


@dataclass(frozen=True)
class Picture:
    """One picture: its set, its name, its half, and uint8 (H, W, 3) pixels."""

    set: str
    name: str
    half: str
    rgb: Photo


def half_of(source: str) -> str:
    """Which half everything made from `source` belongs to."""
    return "fit" if hashlib.sha256(source.encode()).digest()[0] % 2 else "held"


def negatives(data: Path, packages: Path | None) -> Iterator[Picture]:
    """All sets; `data` holds `unam_oct`, `packages` the unpacked Debian packages."""
    photos = list(_scikit_image())
    yield from photos
    if packages is not None:
        walls = list(_wallpapers(packages))
        photos += walls
        yield from walls
        yield from _stamps(packages)
    yield from _oct(data)
    for picture in photos:
        if min(picture.rgb.shape[:2]) >= 64:
            yield from _disks(picture)
    for kind in KINDS:
        for index in range(300):
            yield drawn(kind, index)


def _read(path: Path) -> Photo | None:
    try:
        return decode(path.read_bytes(), name=path.name, min_side=512)
    except DataError:  # icons and strips: refused already by `decode`
        return None


def _scikit_image() -> Iterator[Picture]:
    folder = Path(skimage.__file__).parent / "data"
    for path in sorted(folder.iterdir()):
        if path.suffix in _SUFFIXES and path.name not in _RETINA:
            rgb = _read(path)
            if rgb is not None:
                yield Picture("scikit-image samples", path.name, half_of(path.name), rgb)


def _wallpapers(packages: Path) -> Iterator[Picture]:
    for package in WALLPAPERS:
        seen = set()
        for path in sorted((packages / package).rglob("*")):
            if path.suffix not in _SUFFIXES or path.is_symlink() or "icons" in path.parts:
                continue
            rgb = _read(path)
            theme = path.parent.parent if path.parent.name.startswith("images") else path
            key = str(theme.relative_to(packages))
            if rgb is None or key in seen:  # one size of each is enough
                continue
            seen.add(key)
            yield Picture("Debian wallpapers", key, half_of(key), rgb)


def _stamps(packages: Path) -> Iterator[Picture]:
    """Photographs and drawings of single things, cut out, on black."""
    for path in sorted((packages / STAMPS).rglob("*.png")):
        rgb = _read(path)
        if rgb is not None and rgb.max() > 20:  # some are drawn in black
            yield Picture("Tux Paint stamps on black", path.name, half_of(path.stem), rgb)


def _oct(data: Path) -> Iterator[Picture]:
    for path in sorted((data / "unam_oct" / "images").iterdir()):
        patient = path.name.split("_")[0]
        yield Picture(
            "unam_oct", path.name, half_of(patient), decode(path.read_bytes(), name=path.name)
        )


def _disks(picture: Picture) -> Iterator[Picture]:
    """Three circles cut from an ordinary photograph, on black; the last one tinted red-orange."""
    rng = _random(picture.name)
    for turn in range(3):
        kind = "tinted disks of photographs" if turn == 2 else "disks of photographs"
        rgb = cut_disk(picture.rgb, rng, tinted=turn == 2)
        yield Picture(kind, f"{picture.name} #{turn}", picture.half, rgb)


def cut_disk(rgb: Photo, rng: np.random.Generator, *, tinted: bool) -> Photo:
    """A random circle out of a picture, on black; tinted: its gray in a red-orange color."""
    height, width = rgb.shape[:2]
    side = int(rng.uniform(0.5, 1.0) * min(height, width))
    top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
    cut = Image.fromarray(rgb[top : top + side, left : left + side]).resize((320, 320))
    level = np.asarray(cut).astype(float)
    if tinted:
        color = rng.uniform((0.9, 0.5, 0.2), (1.2, 0.7, 0.5))
        level = level.mean(axis=2, keepdims=True) * color
    return on_black(level, rng)


def on_black(level: np.ndarray, rng: np.random.Generator) -> Photo:
    """Cut the inscribed circle out of a square picture and lay it on black with a margin."""
    side = level.shape[0]
    axis = np.arange(side) - (side - 1) / 2
    level = np.where((np.hypot(axis[:, None], axis) < side / 2)[..., None], level, 0)
    margin = [(int(m), int(n)) for m, n in rng.integers(0, side // 6, (2, 2))]
    return np.pad(level.clip(0, 255).astype(np.uint8), (*margin, (0, 0)))


def _random(name: str) -> np.random.Generator:
    return np.random.default_rng(list(hashlib.sha256(name.encode()).digest()[:8]))


def drawn(kind: str, index: int) -> Picture:
    """Picture number `index` of a kind made by code; the same every time."""
    name = f"{kind} {index}"
    return Picture(kind, name, half_of(name), KINDS[kind](_random(name)))


def _fractal(rng: np.random.Generator, side: int, steepness: float) -> np.ndarray:
    """Noise whose amplitude falls with frequency as 1 / f^steepness; mean 0, spread 1."""
    row, column = np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None, :]
    frequency = np.hypot(row, column)
    frequency[0, 0] = np.inf
    wave = np.fft.fft2(rng.standard_normal((side, side))) / frequency**steepness
    plane = np.fft.ifft2(wave).real
    return (plane - plane.mean()) / plane.std()


def _noise(rng: np.random.Generator) -> Photo:
    side = int(rng.integers(128, 400))
    base = rng.uniform(30, 220, 3)
    if rng.random() < 0.5:
        level = base + rng.uniform(10, 70) * rng.standard_normal((side, side, 3))
    else:
        shared = _fractal(rng, side, rng.uniform(0.3, 1.2))[..., None]
        level = base + shared * rng.uniform(20, 70, 3)
    return on_black(level, rng) if rng.random() < 0.4 else level.clip(0, 255).astype(np.uint8)


def _drawing(rng: np.random.Generator) -> Photo:
    side = int(rng.integers(160, 400))
    color = lambda: tuple(int(v) for v in rng.integers(0, 256, 3))  # noqa: E731
    image = Image.new("RGB", (side, side), color() if rng.random() < 0.6 else (255, 255, 255))
    pen = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(3, 30))):
        a, b, c, d = (int(v) for v in rng.integers(0, side, 4))
        box = (min(a, c), min(b, d), max(a, c) + 1, max(b, d) + 1)
        shape = rng.integers(5)
        if shape == 0:
            pen.line((a, b, c, d), fill=color(), width=int(rng.integers(1, 8)))
        elif shape == 1:
            pen.ellipse(box, fill=color() if rng.random() < 0.5 else None, outline=color())
        elif shape == 2:
            pen.rectangle(box, fill=color() if rng.random() < 0.5 else None, outline=color())
        elif shape == 3:
            pen.polygon([(a, b), (c, d), (a, d)], fill=color())
        else:
            pen.text((a, b), "sample 0123", fill=color(), font=ImageFont.load_default(size=24))
    level = np.asarray(image).astype(float)
    return on_black(level, rng) if rng.random() < 0.4 else np.asarray(image)


def _ball(rng: np.random.Generator) -> Photo:
    """A lit sphere, plain or textured, any color or orange-red: balls, oranges, moons."""
    side = 300
    axis = (np.arange(side) + 0.5) / side * 2 - 1
    x, y = axis[None, :], axis[:, None]
    z = np.sqrt(np.clip(1 - x**2 - y**2, 0, 1))
    light = rng.normal(size=3) * (1, 1, 0) + (0, 0, rng.uniform(0.5, 2))
    light /= np.linalg.norm(light)
    shade = (x * light[0] + y * light[1] + z * light[2]).clip(0, 1) ** rng.uniform(0.4, 1.2)
    color = rng.uniform(40, 255, 3)
    if rng.random() < 0.6:
        color = rng.uniform((180, 60, 0), (255, 180, 70))
    if rng.random() < 0.3:
        color = np.full(3, rng.uniform(120, 255))
    texture = 1 + rng.uniform(0, 0.25) * _fractal(rng, side, rng.uniform(0.2, 1.5))
    level = (0.08 + shade * texture)[..., None] * color
    gloss = (shade ** rng.uniform(10, 60))[..., None] * rng.choice([0, 160])
    return on_black(level + gloss, rng)


def _plain(rng: np.random.Generator) -> Photo:
    """A disk of one red or orange color: no vessel, no disc, at most a gradient and some noise."""
    side = 300
    color = rng.uniform((120, 30, 0), (255, 170, 80))
    slope = np.linspace(1 - rng.uniform(0, 0.3), 1, side)[:, None, None]
    grain = rng.choice([0.0, 1.0, 3.0]) * rng.standard_normal((side, side, 3))
    return on_black(slope * color * np.ones((side, side, 3)) + grain, rng)


def _skin(rng: np.random.Generator) -> Photo:
    """Skin: beige to brown, pores, a few moles or hairs; whole frame or a round cut."""
    side = 320
    color = np.array([1.0, rng.uniform(0.6, 0.85), rng.uniform(0.4, 0.75)]) * rng.uniform(80, 245)
    relief = 0.05 * _fractal(rng, side, rng.uniform(1.0, 1.6))
    relief += 0.03 * _fractal(rng, side, rng.uniform(0.0, 0.4))
    level = color * (1 + relief[..., None])
    image = Image.fromarray(level.clip(0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(0, 6))):
        x, y = (int(v) for v in rng.integers(20, side - 20, 2))
        r = int(rng.integers(3, 30))
        shade = tuple(int(v) for v in color * rng.uniform(0.3, 0.8))
        pen.ellipse((x - r, y - r, x + r, y + int(r * rng.uniform(0.7, 1.3))), fill=shade)
    image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 2))))
    level = np.asarray(image).astype(float)
    return on_black(level, rng) if rng.random() < 0.5 else np.asarray(image)


KINDS: dict[str, Callable[[np.random.Generator], Photo]] = {
    "noise": _noise,
    "drawings": _drawing,
    "balls on black": _ball,
    "plain disks": _plain,
    "skin": _skin,
}
