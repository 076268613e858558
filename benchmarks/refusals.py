"""Measure what is refused: fundus photographs (should pass) and other pictures (should not).

    python benchmarks/refusals.py DATA docs/results/refusals.md [--packages FOLDER]

DATA is the folder with the real sets (`odir`, `palm`, ... each with `labels.csv` and `images/`).
FOLDER holds Debian packages unpacked one folder each (names in `negatives.py`):

    for p in desktop-base tuxpaint-stamps-default ...; do
        apt-get download $p && dpkg -x $p*.deb FOLDER/$p; done

Needs scikit-image for its sample pictures.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

import numpy as np
from negatives import NAMED, STAMPS, WALLPAPERS, negatives
from PIL import Image
from threadpoolctl import threadpool_limits

from funduscope.inputs import Photo, Quality, assess, decode, find_field, look

SETS = (
    "odir test",
    "odir val",
    "palm",
    "eyepacs_subset",
    "unam_cfp",
    "csdi",
    "macular_hole",
    "retina_dataset_subset",
)
REASONS = ("blur", "dark", "bright", "occluded", "coverage")


def judge(rgb: Photo) -> Quality:
    """What the product says about these pixels."""
    return assess(look(rgb, find_field(rgb)))


def to_224(rgb: Photo) -> Photo:
    """Long side 224 px."""
    image = Image.fromarray(rgb)
    scale = 224 / max(image.size)
    size = (round(image.width * scale), round(image.height * scale))
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC))


def central(rgb: Photo, share: float) -> Photo:
    """The middle square, `share` of the short side; at 0.8 hardly any black corner remains."""
    height, width = rgb.shape[:2]
    half = int(min(height, width) * share / 2)
    rows = slice(height // 2 - half, height // 2 + half)
    return np.ascontiguousarray(rgb[rows, width // 2 - half : width // 2 + half])


def red_free(rgb: Photo) -> Photo:
    """The green channel as gray, as with a green filter."""
    return np.repeat(rgb[..., 1:2], 3, axis=2)


VARIANTS: dict[str, Callable[[Photo], Photo]] = {
    "as stored": lambda rgb: rgb,
    "224 px": to_224,
    "central 80%": lambda rgb: central(rgb, 0.8),
    "red-free": red_free,
}


def photographs(data: Path, name: str) -> list[tuple[dict[str, str], Path]]:
    """The rows of `labels.csv` (of one split, if named) and where their pictures are."""
    folder, _, split = name.partition(" ")
    with (data / folder / "labels.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if not split or row["split"] == split]
    return [(row, data / folder / row["image"]) for row in rows]


def judge_variants(path: Path) -> list[Quality]:
    """What the product says about a photograph as stored and changed, in the order of VARIANTS."""
    rgb = decode(path.read_bytes(), name=path.name)
    return [judge(change(rgb)) for change in VARIANTS.values()]


def share(part: int, whole: int) -> str:
    """`part (percent)`."""
    return f"{part} ({100 * part / max(whole, 1):.2f}%)"


def measure_fundus(data: Path, sets: tuple[str, ...], pool: Executor) -> list[str]:
    """The two tables of fundus photographs: refused as such, and graded."""
    refused_rows = ["| set | photographs | " + " | ".join(VARIANTS) + " |", "|---" * 6 + "|"]
    graded_rows = ["| set | gradable | " + " | ".join(REASONS) + " |", "|---" * 7 + "|"]
    for name in sets:
        refused: Counter[str] = Counter()
        reasons: Counter[str] = Counter()
        found = photographs(data, name)
        count = len(found)
        judged = pool.map(judge_variants, [path for _, path in found], chunksize=32)
        for (row, _), qualities in zip(found, judged, strict=True):
            for variant, quality in zip(VARIANTS, qualities, strict=True):
                refused[variant] += not quality.is_fundus
                if variant == "as stored":
                    reasons[quality.reason or "gradable"] += 1
                    if name == "csdi":
                        grade = row["labels"].partition("cataract_")[2] or "other"
                        reasons[f"{grade}: {'good' if quality.gradable else 'poor'}"] += 1
        cells = " | ".join(share(refused[variant], count) for variant in VARIANTS)
        refused_rows.append(f"| {name} | {count} | {cells} |")
        cells = " | ".join(str(reasons[reason]) for reason in REASONS)
        graded_rows.append(f"| {name} | {share(reasons['gradable'], count)} | {cells} |")
        if name == "csdi":
            cataract = [
                f"{grade} {reasons[f'{grade}: good']} of "
                f"{reasons[f'{grade}: good'] + reasons[f'{grade}: poor']}"
                for grade in ("minimal", "mild", "moderate", "severe")
            ]
    lines = ["## Fundus photographs refused as `not_fundus`", "", *refused_rows, ""]
    lines += ["## Gradable, and reasons where not (as stored)", "", *graded_rows, ""]
    if "csdi" in sets:
        lines += ["`csdi`, gradable by the grade of cataract: " + ", ".join(cataract) + ".", ""]
    return lines


def measure_others(data: Path, packages: Path | None) -> list[str]:
    """The table of other pictures."""
    seen: Counter[tuple[str, str]] = Counter()
    refused: Counter[tuple[str, str]] = Counter()
    missed: list[str] = []
    for picture in negatives(data, packages):
        passed = judge(picture.rgb).is_fundus
        total = "the named set" if picture.set in NAMED else "the hard set"
        for key in ((picture.set, picture.half), (total, picture.half)):
            seen[key] += 1
            refused[key] += not passed
        if picture.half == "held" and passed:
            missed.append(f"{picture.set}: {picture.name}")
    rows = ["| set | held back | refused | used for fitting | refused |", "|---" * 5 + "|"]
    sets = list(dict.fromkeys(name for name, _ in seen))
    for name in sorted(sets, key=lambda n: (n not in (*NAMED, "the named set"), n[:4] == "the ")):
        held, fit = (name, "held"), (name, "fit")
        rows.append(
            f"| {name} | {seen[held]} | {share(refused[held], seen[held])} "
            f"| {seen[fit]} | {share(refused[fit], seen[fit])} |"
        )
    lines = ["## Other pictures refused as `not_fundus`", "", *rows, ""]
    return [*lines, "Held back and let through: " + ("; ".join(missed) or "none") + ".", ""]


def main() -> None:
    """Measure, write the page, print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--packages", type=Path, help="unpacked Debian packages")
    asked = parser.parse_args()
    # One BLAS thread a process: those of several would fight over the cores.
    with ProcessPoolExecutor(initializer=threadpool_limits, initargs=(1,)) as pool:
        tables = measure_fundus(asked.data, SETS, pool)
    lines = [
        "# What is refused",
        "",
        "Weights: `odir` train, drawn fundus photographs, the half of the other pictures marked",
        "'used for fitting' and more drawn ones of their kinds. Threshold: the lowest that refuses",
        "99% of the named set's fitting half, at most the one that refuses 0.25% of each view of",
        "`odir` val (chosen lowest after first figures of `eyepacs_subset` were seen). The scales",
        "of quality were set on `odir` train and val and on `csdi`, the",
        "smallest field after three crops of `eyepacs_subset` were seen, and the hard set was",
        "separated from the named one after first figures. All else was measured only. Packages",
        "(Debian 12): " + (", ".join((*WALLPAPERS, STAMPS)) if asked.packages else "none") + ".",
        "",
        "    python benchmarks/refusals.py DATA docs/results/refusals.md --packages FOLDER",
        "",
        *tables,
        *measure_others(asked.data, asked.packages),
    ]
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
