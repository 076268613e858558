"""The prompt bank looked over with the text tower of a bundle: docs/results/prompts.md.

    python benchmarks/prompts.py BUNDLE

Phrasings are counted, the linter runs, and for each finding and language the text tower's mean
cosines are printed: from the first plain phrasing to its paraphrases, to its denials ("no X") and
to the negatives that scores compare it with.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from funduscope import findings, model, store
from funduscope.cli.prompts import of_tower
from funduscope.findings import negation, prompt_lint
from funduscope.findings.prompts import BANKS, LANGUAGES

RESULTS = Path(__file__).parents[1] / "docs" / "results"


def main() -> None:
    """Print the page and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--out", type=Path, default=RESULTS / "prompts.md")
    options = parser.parse_args()
    bundle = store.Bundle.open(options.bundle)
    loaded = model.load(bundle.path)
    told = negation.told_apart(lambda texts: model.embed_texts(loaded, texts).tolist())
    tokens = of_tower(loaded)
    text = page(bundle.id, told, len(tokens["unread"]), tokens["tokens_read"])
    options.out.write_text(text, encoding="utf-8", newline="\n")
    print(text)


def page(bundle: str, told: Sequence[negation.Told], unread: int, length: int) -> str:
    """The page as Markdown."""
    counts = [("", "value")]
    for name in BANKS:
        bank = findings.prompt_bank(name)
        counts.append((f"{name}@{bank.version}, hash", f"`{bank.hash}`"))
        scored = sum(p.polarity in ("positive", "negative") for p in prompt_lint.phrasings(bank))
        counts.append((f"{name}@{bank.version}, phrasings for and against", str(scored)))
    plain = findings.prompt_bank("plain")
    denied = sum(p.polarity in ("denied", "suspected") for p in prompt_lint.phrasings(plain))
    lists = findings.class_lists().values()
    counts += [
        ("denials and doubts", str(denied)),
        ("findings with phrasings of their own", f"{len(plain.written)} of {len(plain.findings)}"),
        ("grades with phrasings", str(len({key[:2] for key in plain.grades}))),
        ("class lists (classes)", f"{len(lists)} ({sum(len(made.classes) for made in lists)})"),
        ("faults that the linter finds", str(len(prompt_lint.lint()))),
        (f"phrasings with unknown tokens, or over {length} tokens", str(unread)),
    ]
    summary = [("language", "findings", 'nearer to "no X"', "nearer to the scores' negatives")]
    for language in LANGUAGES:
        rows = [row for row in told if row.language == language]
        confused = sum(row.confused for row in rows)
        scored = sum(row.confused_in_scores for row in rows)
        summary.append((language, str(len(rows)), str(confused), str(scored)))
    each: list[tuple[str, ...]] = [
        ("finding", "language", "paraphrases", '"no X"', "scores' negatives")
    ]
    for row in told:
        figures = (f"{value:.2f}" for value in (row.paraphrased, row.denied, row.scored))
        each.append((row.finding, row.language, *figures))
    parts = [HEAD.format(bundle=bundle), _table(counts), NEGATION, _table(summary), EACH]
    return "\n\n".join([*parts, _table(each)]) + "\n"


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


HEAD = """# The prompt bank, and what a text tower makes of it

Made by `python benchmarks/prompts.py BUNDLE`, here bundle {bundle}. `funduscope check prompts`
prints the same counts; what they mean stands in [the reference](../reference/prompts.md)."""
NEGATION = """## Can the text tower tell "X" from "no X"?
A finding is counted where its phrasing lies nearer (mean cosine) to its denials, or to the
negatives that scores compare it with, than to another wording of itself (its paraphrases).
No threshold was chosen. A denial that lies beside the finding cannot stand against it: scores
therefore use "normal fundus" as the negative, and a search by the words "no X" finds X."""
EACH = """## Each finding
Mean cosine of the first plain phrasing to its paraphrases, to its denials and to the negatives of
the scores; a tower that understands denial has the first column largest."""

if __name__ == "__main__":
    main()
