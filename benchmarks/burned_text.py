"""Measure the detector of burned-in text: planted text found, clean photographs hit by mistake.

    python benchmarks/burned_text.py DATA OUT.md [--each 200] [--large 60]

DATA is the folder with the real sets (each with `labels.csv` and `images/`); of `odir` only train
and val are read. Text of several scripts, 8 to 40 px high, white, yellow, green or black, with or
without an outline, level or upright, is drawn inside the field of view of every second photograph
and the picture is compressed again. LARGE photographs of each set are first enlarged to 2,400 px
(noise added, as sensors do), searched as such and as `ingest` stores them (1,024 px). Fonts are
those of the machine (DejaVu, Noto CJK); tesseract, where installed, says what can be read.
"""

from __future__ import annotations

import argparse
import csv
import io
import shutil
import subprocess
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from funduscope.inputs import (
    Box,
    Field,
    Photo,
    blank_outside,
    decode,
    find_field,
    find_text,
    kind_of,
)
from funduscope.inputs.text_boxes import overlap

SETS = ("odir", "eyepacs_subset", "palm", "unam_cfp", "csdi")
LATIN, BOLD, CJK = (
    "truetype/dejavu/DejaVuSans.ttf",
    "truetype/dejavu/DejaVuSans-Bold.ttf",
    "opentype/noto/NotoSansCJK-Regular.ttc",
)
TEXTS = (
    ("2016-06-04", LATIN),
    ("\u767d\u658c", CJK),
    ("\u5b59\u56fd\u680b \u7537", CJK),
    ("ID 0005031", LATIN),
    ("White, Elena", LATIN),
    ("OD 45\u00b0", BOLD),
    ("1987/11/03 10:22", BOLD),
    ("\u0418\u0432\u0430\u043d\u043e\u0432\u0430", LATIN),
    ("WL", BOLD),
    ("J.S.", LATIN),
    ("06-04", LATIN),
    ("M 56", LATIN),
    ("\u738b\u4f1f", CJK),
    ("\u6b27\u9633\u5a1c", CJK),
)
COLORS = {
    "white": (255, 255, 255),
    "yellow": (255, 255, 0),
    "green": (0, 255, 0),
    "black": (0,) * 3,
}
LARGE, STORED = 2400, 1024
# Lower letters than this in the stored picture are not counted in the second figure.
ASKED = 8.0
HEIGHTS = (0, 6, 8, 12, 16, 99)


@dataclass(frozen=True)
class Planted:
    """A text in a picture: where, how high its letters are, turns of 90 degrees."""

    at: Box
    text: str
    color: str
    height: float
    turns: int

    def scaled(self, by: float) -> Planted:
        """The same in a picture `by` times as large."""
        box = Box(*(round(by * n) for n in (self.at.x0, self.at.y0, self.at.x1, self.at.y1)))
        return Planted(box, self.text, self.color, by * self.height, self.turns)


@dataclass(frozen=True)
class Outcome:
    """A planted text and whether it was found; the part of its signs that tesseract read."""

    planted: Planted
    found: bool
    read: float | None


@dataclass
class Tally:
    """Of one set at one size."""

    outcomes: list[Outcome]
    hits: list[bool]
    not_color: int
    seconds: list[float]


def photographs(data: Path, name: str, count: int) -> list[Path]:
    """`count` photographs of a set in a fixed random order; never of the test split."""
    with (data / name / "labels.csv").open(encoding="utf-8") as file:
        rows = [r["image"] for r in csv.DictReader(file) if name != "odir" or r["split"] != "test"]
    order = np.random.default_rng(0).permutation(len(rows))
    return [data / name / rows[i] for i in order[:count]]


def enlarged(rgb: Photo, side: int, rng: np.random.Generator) -> Photo:
    """The long side is `side` px; sensor noise is added."""
    if not side:
        return rgb
    scale = side / max(rgb.shape[:2])
    size = (round(rgb.shape[1] * scale), round(rgb.shape[0] * scale))
    large = np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC), np.float32)
    noisy = large + rng.normal(0, 2, large.shape).astype(np.float32)
    return np.asarray(noisy.clip(0, 255), np.uint8)


def letters(text: str, face: str, high: int, outline: int, fonts: Path) -> list[Image.Image]:
    """Masks (L) of the letters and of their outline, cut to the ink; letters `high` px."""
    font = ImageFont.truetype(str(fonts / face), 200)
    left, top, right, bottom = font.getbbox("\u56fd" if face == CJK else "H")
    font = ImageFont.truetype(str(fonts / face), round(200 * high / (bottom - top)))
    left, top, right, bottom = font.getbbox(text, stroke_width=outline)
    masks = []
    for stroke in (0, outline):
        mask = Image.new("L", (int(right - left), int(bottom - top)))
        ImageDraw.Draw(mask).text((-left, -top), text, 255, font, stroke_width=stroke)
        masks.append(mask)
    return masks


def plant(
    rgb: Photo, field: Field | None, fonts: Path, rng: np.random.Generator
) -> tuple[Photo, Planted] | None:
    """Draw one text where it can be read and lies inside the field; None where none fits."""
    image = Image.fromarray(rgb)
    color = list(COLORS)[rng.integers(4)]
    for _ in range(200):
        text, face = TEXTS[rng.integers(len(TEXTS))]
        high = int(rng.integers(8, min(41, image.height // 6)))
        turns = int(rng.choice([0, 0, 1, 3]))
        masks = letters(text, face, high, int(rng.random() < 0.3), fonts)
        ink, around = (mask.rotate(90 * turns, expand=True) for mask in masks)
        wide, tall = ink.size
        if wide >= image.width or tall >= image.height:
            continue
        x, y = (int(rng.integers(0, n)) for n in (image.width - wide, image.height - tall))
        corners = [(x + a * wide, y + b * tall) for a in (0, 1) for b in (0, 1)]
        if field and max(np.hypot(a - field.x, b - field.y) for a, b in corners) > (
            0.93 * field.radius
        ):
            continue
        under = rgb[y : y + tall, x : x + wide]
        if np.abs(under.mean(axis=(0, 1)) - COLORS[color]).max() < 70:
            continue  # nobody could read it there
        image.paste(COLORS["white" if color == "black" else "black"], (x, y), around)
        image.paste(COLORS[color], (x, y), ink)
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=int(rng.choice([80, 90, 95])))
        at = Box(x, y, x + wide, y + tall)
        return decode(stream.getvalue(), name="planted"), Planted(at, text, color, high, turns)
    return None


def shrunk(rgb: Photo, side: int) -> Photo:
    """As `ingest` stores it."""
    by = side / max(rgb.shape[:2])
    size = round(rgb.shape[1] * by), round(rgb.shape[0] * by)
    image = Image.fromarray(rgb).resize(size, Image.Resampling.BOX, reducing_gap=2.0)
    return np.asarray(image)


def read(rgb: Photo, planted: Planted) -> float | None:
    """Part of the signs that tesseract reads where they are known to stand; None without it."""
    if shutil.which("tesseract") is None:
        return None
    at, pad = planted.at, max(4, round(0.4 * planted.height))
    image = Image.fromarray(rgb).crop((at.x0 - pad, at.y0 - pad, at.x1 + pad, at.y1 + pad))
    image = image.rotate(-90 * planted.turns, expand=True).convert("L")
    if planted.color != "black":
        image = image.point([255 - n for n in range(256)])
    by = 40 / planted.height
    size = round(by * image.width), round(by * image.height)
    stream = io.BytesIO()
    image.resize(size, Image.Resampling.BICUBIC).save(stream, "PNG")
    language = "chi_sim" if any(sign >= "\u4e00" for sign in planted.text) else "eng"
    command = ["tesseract", "stdin", "stdout", "--psm", "7", "-l", language]
    done = subprocess.run(command, input=stream.getvalue(), capture_output=True, check=False)
    asked = "".join(planted.text.split())
    got = "".join(done.stdout.decode("utf-8", "replace").split())
    blocks = SequenceMatcher(None, asked, got).get_matching_blocks()
    return sum(block.size for block in blocks) / len(asked)


def measure(paths: list[Path], large: bool, fonts: Path) -> dict[str, Tally]:
    """By the long side at which the pictures were searched."""
    rng = np.random.default_rng(1)
    sides = (STORED, LARGE) if large else (0,)
    tallies = {f"{side or 'own'}": Tally([], [], 0, []) for side in sides}
    for number, path in enumerate(paths):
        rgb = enlarged(decode(path.read_bytes(), name=path.name), LARGE if large else 0, rng)
        done = plant(rgb, find_field(rgb), fonts, rng) if number % 2 == 0 else None
        for side, tally in zip(sides, tallies.values(), strict=True):
            by = 1.0 if side in (0, LARGE) else side / LARGE
            small = shrunk(rgb, side) if by < 1 else rgb
            field = find_field(small)
            clean, _ = blank_outside(small, field)
            begun = time.perf_counter()
            tally.hits.append(bool(find_text(clean, field)))
            tally.seconds.append(time.perf_counter() - begun)
            tally.not_color += kind_of(small, field) != "color"
            if done is not None:
                seen = shrunk(done[0], side) if by < 1 else done[0]
                planted = done[1].scaled(by)
                boxes = find_text(seen, find_field(seen))
                hit = any(overlap(box, planted.at) for box in boxes)
                part = read(seen, planted) if by < 1 else None
                tally.outcomes.append(Outcome(planted, hit, part))
    return tallies


def part(flags: list[bool]) -> str:
    """Share and number."""
    return f"{np.mean(flags):.1%} of {len(flags)}" if flags else "-"


def row(name: str, side: str, tally: Tally) -> str:
    """A line of the table."""
    every = [one.found for one in tally.outcomes]
    high = [one.found for one in tally.outcomes if one.planted.height >= ASKED]
    return (
        f"| {name} | {side} | {part(every)} | {part(high)} | {len(tally.hits)} "
        f"| {sum(tally.hits)} ({np.mean(tally.hits):.1%}) | {tally.not_color} "
        f"| {1e3 * np.median(tally.seconds):.1f} |"
    )


def by_height(outcomes: dict[str, list[Outcome]]) -> list[str]:
    """Found and read, by the height of the letters in the picture that is searched."""
    lines = []
    for side, every in outcomes.items():
        for low, high in pairwise(HEIGHTS):
            these = [one for one in every if low <= one.planted.height < high]
            if not these:
                continue
            cells = [part([one.found for one in these])]
            for chinese in (False, True):
                read = [
                    one.read >= 0.5
                    for one in these
                    if one.read is not None
                    and any(sign >= "\u4e00" for sign in one.planted.text) == chinese
                ]
                cells.append(part(read))
            span = f"{low} to {high}" if high < HEIGHTS[-1] else f"from {low}"
            lines.append(f"| {side} | {span} | {' | '.join(cells)} |")
    return lines


def kinds(outcomes: list[Outcome]) -> str:
    """Found by color, direction and length, of what is at least so high."""
    groups: dict[str, list[bool]] = defaultdict(list)
    for one in outcomes:
        if one.planted.height >= ASKED:
            signs = len("".join(one.planted.text.split()))
            groups[one.planted.color].append(one.found)
            groups["upright" if one.planted.turns else "level"].append(one.found)
            groups["2 to 4 signs" if signs <= 4 else "5 signs and more"].append(one.found)
    return "; ".join(f"{kind}: {part(found)}" for kind, found in sorted(groups.items()))


def main() -> None:
    """Measure, write the page, print it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--each", type=int, default=200, help="photographs of each set")
    parser.add_argument("--large", type=int, default=60, help="of each set, enlarged")
    parser.add_argument("--fonts", type=Path, default=Path("/usr/share/fonts"))
    chosen = parser.parse_args()
    rows = []
    outcomes: dict[str, list[Outcome]] = defaultdict(list)
    with ProcessPoolExecutor() as pool:
        for large, count in ((False, chosen.each), (True, chosen.large)):
            sets = [photographs(chosen.data, name, count) for name in SETS]
            done = pool.map(measure, sets, [large] * len(sets), [chosen.fonts] * len(sets))
            for name, tallies in zip(SETS, done, strict=True):
                for side, tally in tallies.items():
                    rows.append(row(name, side, tally))
                    outcomes[side] += tally.outcomes
    rows.sort(key=lambda line: ("own", str(STORED), str(LARGE)).index(line.split(" | ")[1]))
    lines = [
        "# Text burned into the field of view",
        "",
        "Letters of 8 to 40 px (a capital H, a Chinese sign) are drawn into real photographs, as",
        f"they are (`own`) or enlarged to {LARGE:,} px first, level or upright, and compressed",
        "again. `find_text` searches what is stored, at the size at which it is stored: enlarged",
        f"photographs are searched as `ingest` stores them (`{STORED}`, unless told otherwise) and",
        f"unshrunk (`{LARGE}`: for sites that store large pictures).",
        "Asked: at least 95% found, at most 1% of clean photographs hit. Letters that shrinking",
        f"has made lower than {ASKED:g} px are part of the first figure, not of the second.",
        "The detector's values were set on `odir` (train and val) and `eyepacs_subset`, on no",
        "other set. Milliseconds: median of one clean photograph.",
        "The limit is what was asked, not what can be read: tesseract reads some lower letters.",
        "",
        "    python benchmarks/burned_text.py DATA docs/results/ingest/inside_text.md "
        f"--each {chosen.each} --large {chosen.large}",
        "",
        f"| set | searched at | found | found, from {ASKED:g} px | clean | hit by mistake "
        "| not called color | ms |",
        "|---" * 8 + "|",
        *rows,
        "",
        "By height in the picture that is searched; tesseract was shown the place and the",
        "direction, and has read a text when it gets half of its signs:",
        "",
        "| searched at | letters, px | found | read: Latin, Cyrillic, digits | read: Chinese |",
        "|---" * 5 + "|",
        *by_height(outcomes),
        "",
    ]
    for side, every in outcomes.items():
        lines += [f"From {ASKED:g} px, searched at {side}: {kinds(every)}.", ""]
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
