"""Fit the small network that tells fundus photographs from other pictures.

    python benchmarks/fit_refusals.py DATA PACKAGES src/funduscope/inputs/fundus_net.npz

DATA is the folder of the real sets (`odir`, `unam_oct`), PACKAGES holds the unpacked Debian
packages of `negatives.py`. Fitted on `odir` train and on the "fit" half of the negatives; the
threshold is set on `odir` val. Needs torch; the result is read with numpy alone.
"""

from __future__ import annotations

import csv
import io
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from negatives import KINDS, NAMED, Picture, cut_disk, drawn, negatives
from PIL import Image, ImageFilter
from refusals import central, to_224
from threadpoolctl import threadpool_limits

from funduscope.archive.synthetic import draw_archive
from funduscope.inputs import Photo, decode, find_field, look
from funduscope.inputs.fundus_net import shrink

SEED = 20240
EPOCHS, BATCH = 20, 64
# Share of the photographs of `odir` val that may be refused in any view; half of what is promised.
REFUSED = 0.0025
# Share of the named other pictures (half used for fitting) that must be refused; where both allow
# more than one threshold the lowest is taken: to turn a patient's photograph away is worse than to
# score a teapot.
OTHERS_REFUSED = 0.99
WIDTHS = (16, 32, 64, 96)
DRAWN_EXAMS = 200
# Random pieces taken of each picture of a set, so that few pictures give many negatives.
PIECES = {"scikit-image samples": 24, "Debian wallpapers": 24, "Tux Paint stamps on black": 3}


def positives(data: Path, split: str) -> list[Path]:
    """Photographs of `odir`."""
    with (data / "odir" / "labels.csv").open(encoding="utf-8") as file:
        names = [row["image"] for row in csv.DictReader(file) if row["split"] == split]
    return [data / "odir" / name for name in names]


def fitted_views(number: int, path: Path) -> list[Photo]:
    """What the network is fitted on of one photograph."""
    rgb = decode(path.read_bytes(), name=path.name)
    changed = reshape(rgb, np.random.default_rng((SEED, number)))
    return [square(view) for view in (rgb, changed, central(rgb, 0.8))]


def checked_views(path: Path) -> list[Photo]:
    """The three views that must pass: as stored, 224 px, the central 80%."""
    rgb = decode(path.read_bytes(), name=path.name)
    return [square(view) for view in (rgb, to_224(rgb), central(rgb, 0.8))]


def synthetic() -> Iterator[Photo]:
    """Drawn fundus photographs of three cameras: the archives that people try the program on."""
    with tempfile.TemporaryDirectory() as folder:
        draw_archive(Path(folder), exams=DRAWN_EXAMS, seed=SEED, size=256)
        with (Path(folder) / "truth" / "eyes.csv").open(encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["clean"] == "1"]
        for row in rows:
            path = Path(folder) / "archive" / row["path"]
            yield decode(path.read_bytes(), name=path.name)


def off_center(rgb: Photo, rng: np.random.Generator) -> Photo:
    """A square from inside the field, anywhere: no rim is left."""
    height, width = rgb.shape[:2]
    side = int(min(height, width) * rng.uniform(0.4, 0.62))
    angle, reach = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.5 * min(height, width) - 0.7 * side)
    top = int(height / 2 + reach * np.sin(angle) - side / 2)
    left = int(width / 2 + reach * np.cos(angle) - side / 2)
    return np.ascontiguousarray(rgb[top : top + side, left : left + side])


def reshape(rgb: Photo, rng: np.random.Generator) -> Photo:
    """Another camera and another export: tighter, cut, padded, smaller, blurred, compressed."""
    kind = rng.random()
    if kind < 0.3:
        rgb = central(rgb, rng.uniform(0.6, 1))
    elif kind < 0.4:
        rgb = off_center(rgb, rng)
    elif kind < 0.55:
        rows = int(rgb.shape[0] * rng.uniform(0.03, 0.15))
        rgb = rgb[rows : rgb.shape[0] - rows]
    elif kind < 0.7:
        margin = rng.integers(0, max(rgb.shape) // 2, (2, 2))
        rgb = np.pad(rgb, (*((int(a), int(b)) for a, b in margin), (0, 0)))
    image = Image.fromarray(np.ascontiguousarray(rgb))
    if rng.random() < 0.5:
        scale = rng.uniform(120, 420) / max(image.size)
        size = [max(40, round(n * scale)) for n in image.size]
        if rng.random() < 0.15:
            size[0] = round(size[0] * rng.uniform(0.75, 1.3))
        image = image.resize((size[0], size[1]))
    if rng.random() < 0.3:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.012) * max(image.size)))
    if rng.random() < 0.2:  # exposed far too little
        factor = rng.uniform(0.08, 0.4)
        image = image.point([int(v * factor) for v in range(256)] * 3)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=int(rng.integers(40, 96)))
    return decode(out.getvalue(), name="reshaped") if min(image.size) >= 40 else rgb


def square(rgb: Photo) -> Photo:
    """What the network sees of a picture."""
    return shrink(look(rgb, find_field(rgb)).square)


def collect(data: Path, packages: Path, pool: Executor) -> tuple[np.ndarray, np.ndarray]:
    """Squares (N, SIDE, SIDE, 3) and their labels (N,)."""
    rng = np.random.default_rng(SEED)
    paths = positives(data, "train")
    made = pool.map(fitted_views, range(len(paths)), paths, chunksize=32)
    good = [view for views in made for view in views]
    for rgb in synthetic():
        good += [square(rgb), square(reshape(rgb, rng))]
    bad: list[Photo] = []
    for picture in negatives(data, packages):
        if picture.half == "fit":
            bad.append(square(picture.rgb))
            bad += [square(v) for v in _pieces(picture, PIECES.get(picture.set, 0), rng)]
    for kind in KINDS:
        pictures = (drawn(kind, index) for index in range(1000, 2600))
        bad += [square(p.rgb) for p in pictures if p.half == "fit"]
    pixels = np.stack(good + bad)
    return pixels, np.repeat([1.0, 0.0], [len(good), len(bad)]).astype(np.float32)


def _pieces(picture: Picture, count: int, rng: np.random.Generator) -> Iterator[Photo]:
    """Random squares of an ordinary picture, whole or cut to a disk on black."""
    height, width = picture.rgb.shape[:2]
    for _ in range(count):
        if rng.random() < 0.5:
            yield reshape(cut_disk(picture.rgb, rng, tinted=rng.random() < 0.4), rng)
            continue
        side = int(rng.uniform(0.3, 1.0) * min(height, width))
        if side < 48:
            continue
        top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
        yield np.ascontiguousarray(picture.rgb[top : top + side, left : left + side])


class Net(torch.nn.Module):
    """Four strided convolutions, mean and maximum over the plane, one linear layer."""

    def __init__(self) -> None:
        super().__init__()
        channels = (3, *WIDTHS)
        sizes = (5, 3, 3, 3)
        self.layers = torch.nn.ModuleList(
            torch.nn.Conv2d(a, b, k, stride=2)
            for a, b, k in zip(channels, WIDTHS, sizes, strict=False)
        )
        self.head = torch.nn.Linear(2 * WIDTHS[-1], 1)
        self.drop = torch.nn.Dropout(0.2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, 3, SIDE, SIDE) normalized -> (N,) logits."""
        for layer in self.layers:
            x = torch.relu(layer(x))
        pooled = torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)
        return self.head(self.drop(pooled))[:, 0]


def vary(pixels: np.ndarray, label: np.ndarray, rng: np.random.Generator) -> torch.Tensor:
    """Mirror, turn, and change color, gray, gamma and noise of a batch; then normalize."""
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    count = len(x)
    if rng.random() < 0.5:
        x = x.flip(3)
    x = torch.rot90(x, int(rng.integers(4)), (2, 3))

    def draw(low: float, high: float, channels: int = 1) -> torch.Tensor:
        return torch.from_numpy(rng.uniform(low, high, (count, channels, 1, 1))).float()

    x = (x * draw(0.75, 1.3, 3)).clamp(0, 1) ** draw(0.6, 1.7)
    gray = torch.from_numpy(rng.random(count) < np.where(label > 0.5, 0.12, 0.15))
    x = torch.where(gray[:, None, None, None], x[:, 1:2].expand_as(x), x)
    noise = torch.from_numpy(rng.standard_normal(x.shape, dtype=np.float32))
    x = (x + noise * draw(0, 0.02) * (x > 0.01)).clamp(0, 1)
    return normalized(x)


def normalized(x: torch.Tensor) -> torch.Tensor:
    """The same as in `fundus_net`: brightness divided by its mean over the square."""
    mean = x.amax(dim=1).mean(dim=(1, 2))[:, None, None, None]
    return x / (2 * mean + 0.02) - 0.5


def fit(pixels: np.ndarray, label: np.ndarray) -> Net:
    """Train; the weights of the last step are kept."""
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    net = Net()
    steps = EPOCHS * (len(label) // BATCH)
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for epoch in range(EPOCHS):
        order, total = rng.permutation(len(label)), 0.0
        for start in range(0, len(label) // BATCH * BATCH, BATCH):
            chosen = order[start : start + BATCH]
            logit = net(vary(pixels[chosen], label[chosen], rng))
            target = torch.from_numpy(label[chosen]) * 0.98 + 0.01
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logit, target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += float(loss.detach())
        print(f"epoch {epoch + 1}: loss {total / (start / BATCH + 1):.4f}", flush=True)
    return net.eval()


def save(net: Net, path: Path, threshold: float) -> None:
    """Convolutions as (k * k * in, out) matrices, half precision."""
    arrays = {"threshold": np.float32(threshold)}
    for index, layer in enumerate(net.layers):
        weight = layer.weight.detach().numpy()  # (out, in, k, k)
        arrays[f"weight{index}"] = weight.transpose(2, 3, 1, 0).astype(np.float16)
        arrays[f"bias{index}"] = layer.bias.detach().numpy().astype(np.float16)
    arrays["head"] = net.head.weight.detach().numpy()[0].astype(np.float16)
    arrays["head_bias"] = net.head.bias.detach().numpy().astype(np.float16)
    np.savez_compressed(path, **arrays)


def main(data: Path, packages: Path, out: Path) -> None:
    """Collect, fit, set the threshold on `odir` val, save."""
    torch.set_num_threads(1)
    with ProcessPoolExecutor(initializer=threadpool_limits, initargs=(1,)) as pool:
        pixels, label = collect(data, packages, pool)
        checked = list(pool.map(checked_views, positives(data, "val"), chunksize=32))
    print(f"{int(label.sum())} fundus squares, {int((1 - label).sum())} others", flush=True)
    net = fit(pixels, label)
    views = np.array(checked)  # (N, 3, SIDE, SIDE, 3)
    scores = np.stack([scored(net, views[:, view]) for view in range(3)])
    highest = float(np.quantile(scores, REFUSED, axis=1).min())
    named = [p.rgb for p in negatives(data, packages) if p.half == "fit" and p.set in NAMED]
    enough = float(
        np.quantile(scored(net, np.stack([square(rgb) for rgb in named])), OTHERS_REFUSED)
    )
    save(net, out, min(highest, enough))
    print(f"threshold: at most {highest:.3f} for photographs, {enough:.3f} is enough for others")


def scored(net: Net, squares: np.ndarray) -> np.ndarray:
    """Logits (N,) of squares (N, SIDE, SIDE, 3)."""
    with torch.inference_mode():
        x = torch.from_numpy(squares).permute(0, 3, 1, 2).float() / 255
        logits: np.ndarray = net(normalized(x)).numpy()
    return logits


if __name__ == "__main__":
    main(*(Path(word) for word in sys.argv[1:4]))
