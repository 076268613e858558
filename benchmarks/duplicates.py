"""Measure how copies of photographs are found, and which strangers are taken for copies.

    python benchmarks/duplicates.py DATA OUT docs/results/ingest/candidates.md

DATA is the folder with the real sets (each with `labels.csv` and `images/`). OUT gets `pairs.png`,
a contact sheet of all pairs across patients that are found in `odir`, those first that the check at
full size (`full_size.py`) does not confirm: photographs of patients, to be looked at and not to be
passed on.

Copies are planted of photographs of `odir` train and val and of three other sets: encoded anew,
resized, cropped (4-15% of width and height, at one edge or shared by two), mirrored, mirrored and
cropped, and `hard`: 4-15% off each of the four edges, so that hardly any rim is left.
"""

from __future__ import annotations

import argparse
import csv
import io
import resource
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import full_size
import numpy as np
from PIL import Image, ImageOps

from funduscope import inputs
from funduscope.archive import alignment, candidates, duplicates, fingerprints, frames

KINDS = ("encoded anew", "resized", "cropped", "mirrored", "mirrored and cropped", "hard")
PLANTED_IN = ("odir", "eyepacs_subset", "palm", "unam_cfp")
SEED = 11
SIZES = (1500, 3000)
GOAL = 485_980
PART, FLIPPED = 4, 0.02
CONFIRMED = 0.6
"""Agreement at full size; set between strangers and planted copies of `odir` train and val."""


TITLE = """# Copies of photographs

    python benchmarks/duplicates.py DATA OUT docs/results/ingest/candidates.md --planted {}

Hashes propose a pair, aligned thumbnails of 96 px decide (`archive/duplicates.py`). Its thresholds
were set on copies planted in `odir` train and val and in `eyepacs_subset`, so recall on those is
measured on the sets they were set on; that of the alignment was raised once, after pairs of
strangers in all of `odir` were looked at. Grey was taken instead of green after copies in all four
sets had been looked at; nothing else was set on `palm` and `unam_cfp`.
"""
CHECK = """A pair found by thumbnails counts as confirmed where a check that shares only the circle
with them agrees: fine structure of the whole photographs, 256 px, correlates by {} or more at the
best of 25 sizes and of all places (`benchmarks/full_size.py`). Pairs of `odir` train and val:
"""
NEAR = f"""All but near hashes is a part that grows with the number and one with its square. Near
hashes are sought in another way among many: their time was taken with {GOAL // PART:,} hashes, of
`odir` with {FLIPPED:.0%} of the bits inverted, and counted {PART**2} times, for views {PART} times,
which is too much if anything."""
LIMIT = """What is left grows with the square of the number, since every photograph may be a copy of
any other: of each pair at least the hashes are compared, and strangers whose hashes happen to be
near cost a look at two patches. A picture without a sure circle ({:.1%} of `odir`) is sought at
many places and sizes, so that its part is larger the more of such pictures an archive has."""


def plant(data: bytes, kind: str, draw: np.random.Generator) -> bytes:
    """A copy of a photograph, changed as `kind` says; always encoded anew."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    width, height = image.size
    quality = int(draw.integers(40 if kind == "encoded anew" else 60, 95))
    if kind == "resized":
        factor = draw.uniform(0.5, 1.6)
        size = (round(width * factor), round(height * factor))
        image = image.resize(size, Image.Resampling.BICUBIC)
    if kind in ("cropped", "mirrored and cropped", "hard"):
        if kind == "hard":
            left, top, right, bottom = draw.uniform(0.04, 0.15, 4)
        else:
            across, along = draw.uniform(0.04, 0.15, 2)
            first, upper = draw.uniform(0, 1, 2)
            left, right = across * first, across * (1 - first)
            top, bottom = along * upper, along * (1 - upper)
        edges = (left * width, top * height, (1 - right) * width, (1 - bottom) * height)
        image = image.crop(tuple(round(edge) for edge in edges))
    if kind.startswith("mirrored"):
        image = ImageOps.mirror(image)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def thumb(data: bytes) -> frames.Thumbs:
    """The thumbnail, as ingest makes it."""
    rgb = inputs.decode(data, name="a photograph")
    return frames.thumb(rgb, inputs.find_field(rgb))


def labels(folder: Path) -> list[dict[str, str]]:
    """Rows of a set's table."""
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def measure_planted(data: Path, count: int) -> list[str]:
    """The table of planted copies."""
    draw = np.random.default_rng(SEED)
    lines = ["| set | kind | found | lowest 1% of scores |", "|---" * 4 + "|"]
    for name in PLANTED_IN:
        rows = [r for r in labels(data / name) if name != "odir" or r["split"] in ("train", "val")]
        picked = draw.choice(len(rows), min(count, len(rows)), replace=False)
        thumbs: list[frames.Thumbs] = []
        for number in picked:
            original = (data / name / rows[number]["image"]).read_bytes()
            made = [original, *(plant(original, kind, draw) for kind in KINDS)]
            thumbs += map(thumb, made)
        found = duplicates.copies(np.stack(thumbs))
        scores = {(copy.first, copy.second): copy.score for copy in found}
        step = 1 + len(KINDS)
        total: list[float] = []
        for place, kind in enumerate(KINDS, start=1):
            pairs = [(step * n, step * n + place) for n in range(len(picked))]
            hit = [scores[pair] for pair in pairs if pair in scores]
            total += hit if kind != "hard" else []
            low = np.percentile(hit, 1) if hit else 0.0
            lines.append(f"| {name} | {kind} | {len(hit)} of {len(pairs)} | {low:.2f} |")
        asked = len(picked) * (len(KINDS) - 1)
        share = f"{len(total)} of {asked} ({len(total) / asked:.2%})"
        verdict = "reached" if len(total) >= 0.99 * asked else "**MISSED**"
        lines.append(f"| {name} | all but hard (asked: 99%) | {share} | {verdict} |")
        wrong = sum(copy.first // step != copy.second // step for copy in found)
        lines.append(f"| {name} | pairs of two photographs | {wrong} | |")
    return lines


def measure_scale(thumbs: frames.Thumbs) -> tuple[list[duplicates.Copy], list[str]]:
    """All copies in `odir`; time of the search for copies, and what a whole archive would take."""
    draw = np.random.default_rng(SEED)
    lines = [
        "| photographs | seconds of a core | of these near hashes | pairs aligned | a photograph |",
        "|---" * 5 + "|",
    ]
    found: list[duplicates.Copy] = []
    rest = []
    sizes = [*(size for size in SIZES if size < len(thumbs)), len(thumbs)]
    for size in sizes:
        some = np.sort(draw.choice(len(thumbs), size, replace=False))
        near = [0.0]
        with (
            mock.patch.object(alignment, "agreement", wraps=alignment.agreement) as aligned,
            mock.patch.object(candidates, "within", _clocked(near, candidates.within)),
            mock.patch.object(candidates, "between", _clocked(near, candidates.between)),
        ):
            start = time.process_time()
            found = duplicates.copies(thumbs[some])
            spent = time.process_time() - start
        rest.append(spent - near[0])
        number = f"{aligned.call_count} | {aligned.call_count / size:.3f}"
        lines.append(f"| {size} | {spent:.1f} | {near[0]:.1f} | {number} |")
    each = np.array(sizes, float)
    # Divided by what is measured: each size counts by what part of it the curve misses.
    terms = np.stack([each, each**2], axis=1) / np.array(rest)[:, None]
    (line, square), *_ = np.linalg.lstsq(terms, np.ones(len(sizes)), rcond=None)
    within, views = _near_hashes(thumbs, draw)
    hours = [within, views, line * GOAL / 3600, max(0.0, square) * GOAL**2 / 3600]
    names = (
        "near hashes of photographs",
        "near hashes of views",
        "thumbnails read, hashed, views made (linear)",
        "patches compared, pairs aligned (square)",
    )
    lines += ["", NEAR, "", f"| part, {GOAL:,} photographs | hours of a core |", "|---|---|"]
    lines += [f"| {name} | {part:.1f} |" for name, part in zip(names, hours, strict=True)]
    return found, [*lines, f"| all | {sum(hours):.1f} |"]


def _near_hashes(thumbs: frames.Thumbs, draw: np.random.Generator) -> tuple[float, float]:
    """Hours of the search for near hashes in a whole archive: of photographs, of views."""
    prints = fingerprints.prints(thumbs)
    within = views = 0.0
    for hashes in (prints.hashes, prints.inner):
        drawn = draw.choice(hashes, GOAL // PART)
        for bit in range(64):
            drawn ^= (draw.random(len(drawn)) < FLIPPED).astype(np.uint64) << np.uint64(bit)
        within += _seconds(candidates.within(drawn, duplicates.MAX_BITS))
        if hashes is prints.hashes:
            some = draw.permutation(np.resize(drawn, duplicates.GROUP))
            views = _seconds(candidates.between(some, drawn, duplicates.MAX_BITS))
    groups = (1 - prints.sure.mean()) * GOAL * duplicates.VIEWS / duplicates.GROUP
    return 2 * within * PART**2 / 3600, 2 * views * PART * groups / 3600  # 2: mirrored or not


def _seconds(found: Iterator[candidates.Pairs]) -> float:
    start = time.process_time()
    for _ in found:
        pass
    return time.process_time() - start


def _clocked(
    spent: list[float], search: Callable[..., Iterator[candidates.Pairs]]
) -> Callable[..., Iterator[candidates.Pairs]]:
    def wrapped(*given: object) -> Iterator[candidates.Pairs]:
        found = search(*given)
        while True:
            start = time.process_time()
            pairs = next(found, None)
            spent[0] += time.process_time() - start
            if pairs is None:
                return
            yield pairs

    return wrapped


def measure_strangers(data: Path, out: Path) -> list[str]:
    """Pairs across patients among all of `odir`, and the contact sheet; the scale."""
    rows = labels(data / "odir")
    thumbs = np.stack([thumb((data / "odir" / row["image"]).read_bytes()) for row in rows])
    found, scale = measure_scale(thumbs)
    patients = [row["patient"] for row in rows]
    across = [copy for copy in found if patients[copy.first] != patients[copy.second]]
    clusters = duplicates.Clusters()
    clusters.join_all((patients[copy.first], patients[copy.second]) for copy in across)
    joined: dict[str, set[str]] = defaultdict(set)
    for patient in set(patients):
        joined[clusters.of(patient)].add(patient)
    files = [data / "odir" / row["image"] for row in rows]
    checked = sorted(
        (_full_size(files[copy.first], files[copy.second], copy.mirrored), copy) for copy in across
    )
    doubtful = sum(score < CONFIRMED for score, _ in checked)
    largest = max(map(len, joined.values()))
    lines = [
        "| figure | value | target |  |",
        "|---|---|---|---|",
        f"| photographs | {len(rows)} |  |  |",
        f"| pairs; across patients | {len(found)}; {len(across)} |  |  |",
        _judged("of these not confirmed at full size", doubtful, 10),
        _judged("patients in the largest cluster", largest, 5),
        "",
        "| first | second | score | at full size | mirrored |",
        "|---" * 5 + "|",
    ]
    for score, copy in checked:
        one, other = rows[copy.first]["image"], rows[copy.second]["image"]
        turned = "yes" if copy.mirrored else ""
        lines.append(f"| {one} | {other} | {copy.score:.3f} | {score:.3f} | {turned} |")
    pairs = [(files[copy.first], files[copy.second]) for _, copy in checked]
    contact_sheet(pairs, out / "pairs.png")
    return [
        *lines,
        "",
        "## Many photographs",
        "",
        *scale,
        "",
        LIMIT.format(1 - frames.sure(thumbs).mean()),
    ]


def _judged(name: str, value: float, most: float) -> str:
    return f"| {name} | {value:g} | <= {most:g} | {'reached' if value <= most else '**MISSED**'} |"


def _full_size(first: Path, second: Path, mirrored: bool) -> float:
    return full_size.agreement(first.read_bytes(), second.read_bytes(), mirrored=mirrored)


def measure_full_size(data: Path, count: int) -> list[str]:
    """What planted copies and strangers of `odir` train and val reach at full size."""
    draw = np.random.default_rng(SEED)
    rows = [row for row in labels(data / "odir") if row["split"] in ("train", "val")]
    lines = ["| pairs | confirmed | lowest | median | highest |", "|---" * 5 + "|"]
    for kind in ("strangers", *KINDS[:-1]):
        scores = []
        for _ in range(count):
            picked = draw.choice(len(rows), 2, replace=False)
            one, other = (data / "odir" / rows[number]["image"] for number in picked)
            ours = one.read_bytes()
            copy = other.read_bytes() if kind == "strangers" else plant(ours, kind, draw)
            mirrored = kind.startswith("mirrored")
            scores.append(full_size.agreement(ours, copy, mirrored=mirrored))
        sure = sum(score >= CONFIRMED for score in scores)
        low, middle, high = np.percentile(scores, [0, 50, 100])
        lines.append(f"| {kind} | {sure} of {count} | {low:.2f} | {middle:.2f} | {high:.2f} |")
    return lines


def contact_sheet(pairs: list[tuple[Path, Path]], out: Path, side: int = 200) -> None:
    """One pair beside the other, three pairs a row, in the order given."""
    sheet = Image.new("RGB", (3 * (2 * side + 20), max(1, -(-len(pairs) // 3)) * (side + 10)))
    for number, pair in enumerate(pairs):
        for place, path in enumerate(pair):
            with Image.open(path) as image:
                small = image.convert("RGB").resize((side, side))
            column, row = number % 3, number // 3
            sheet.paste(small, (column * (2 * side + 20) + place * side, row * (side + 10)))
    sheet.save(out)


def measure_search(count: int) -> list[str]:
    """Time of the candidate search over random hashes, one in fifty with a near copy."""
    draw = np.random.default_rng(SEED)
    hashes = draw.integers(0, 2**64, count, np.uint64)
    copies = count // 50
    near = np.uint64(0b10110101) << draw.integers(0, 56, copies, np.uint64)
    hashes[-copies:] = hashes[:copies] ^ near
    start = time.perf_counter()
    found = sum(len(pairs) for pairs in candidates.within(hashes, duplicates.MAX_BITS))
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [
        "| figure | value | target |  |",
        "|---|---|---|---|",
        _judged(f"seconds for {count} hashes, {duplicates.MAX_BITS} bits, one thread", seconds, 60),
        f"| pairs found; planted among them | {found}; {copies} |  |  |",
        f"| peak memory of the process, MiB | {peak:.0f} |  |  |",
    ]


def main() -> None:
    """Measure, write the page and the contact sheet, print the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("page", type=Path)
    parser.add_argument("--planted", type=int, default=150, help="photographs of each set")
    parser.add_argument("--hashes", type=int, default=500_000)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    lines = [TITLE.format(asked.planted), "## Candidate search", "", *measure_search(asked.hashes)]
    lines += ["", "## Planted copies", "", *measure_planted(asked.data, asked.planted)]
    lines += ["", "## The check at full size", "", CHECK.format(CONFIRMED)]
    lines += measure_full_size(asked.data, max(10, asked.planted // 4))
    lines += ["", "## `odir`: pairs across patients", ""]
    lines += [*measure_strangers(asked.data, asked.out), ""]
    asked.page.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
