"""`show vocabulary [FINDING]`: every finding, or all that is known of one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from rich.table import Table
from rich.text import Text

from funduscope.cli.screen import Screen
from funduscope.errors import DataError
from funduscope.findings import (
    Scale,
    Vocabulary,
    extract,
    prompt_bank,
    scale_mappings,
    scales,
    scales_of,
    vocabulary,
)

_BRIEF = ("code", "zh", "en", "parent", "kind", "referable")
_FLAT = 170  # columns that the longest names need side by side


def show_vocabulary(screen: Screen, name: str | None) -> None:
    """Every finding in a table, or all about the finding of that code, name or synonym."""
    words = vocabulary()
    if name is None:
        _show_all(screen, words)
        return
    codes = _resolved(name, words)
    screen.data(
        {**_version(words), "findings": [_finding_json(code, words) for code in codes]},
    )
    if screen.quiet or screen.as_json:
        return
    for code in codes:
        _show_finding(screen, code, words)
    line = [*words.ancestors(codes[0])[:1], *words.children(codes[0])[:1]]
    screen.next(f"funduscope show vocabulary {line[0]}" if line else "funduscope show vocabulary")


def _version(words: Vocabulary) -> dict[str, Any]:
    return {"kind": "vocabulary", "version": words.version, "hash": words.hash}


def _show_all(screen: Screen, words: Vocabulary) -> None:
    found = [_finding_json(code, words, brief=True) for code in words.codes]
    screen.data({**_version(words), "findings": found})
    if screen.quiet or screen.as_json:
        return
    flat = not screen.console.is_terminal or screen.console.width >= _FLAT
    screen.draw(_flat(words) if flat else _folded(words), wide=True)
    synonyms = sum(len(f.zh_synonyms) + len(f.en_synonyms) for f in words)
    screen.say(
        f"\nvocabulary {words.version} ({words.hash[:12]}): {len(words)} findings, "
        f"{synonyms} synonyms in two languages, {len(scales())} grade scales"
    )
    screen.next("funduscope show vocabulary diabetic_retinopathy")


def _flat(words: Vocabulary) -> Table:
    """One line a finding, for files, pipes and wide terminals."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in _BRIEF:
        table.add_column(name, no_wrap=True)
    for finding in words:
        cells = (finding.zh, finding.en, finding.parent or "-", finding.kind, finding.referable)
        table.add_row(Text(finding.code, "bold"), *cells)
    return table


def _folded(words: Vocabulary) -> Table:
    """Two lines a finding, for terminals of 80 columns: no code is broken."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("code < parent", no_wrap=True)
    table.add_column("zh, en", overflow="fold")
    table.add_column("kind", no_wrap=True)
    table.add_column("referable", no_wrap=True)
    for finding in words:
        parent = (f"\n< {finding.parent}", "dim") if finding.parent else ""
        table.add_row(
            Text.assemble((finding.code, "bold"), parent),
            Text.assemble(finding.zh, (f"\n{finding.en}", "dim")),
            finding.kind,
            finding.referable,
        )
    return table


def _resolved(name: str, words: Vocabulary) -> tuple[str, ...]:
    """The codes that a person means; DataError with the nearest codes where there is none."""
    scale = scales().get(name.lower())
    codes = words.named(name) or (scale.findings if scale else ())
    codes = codes or tuple(dict.fromkeys(row.finding for row in extract(name)))
    if codes:
        return codes
    near = words.near(name)
    raise DataError(
        name,
        place="show vocabulary FINDING",
        rule="a code or scale of the vocabulary, or a name or synonym in Chinese or English",
        remedy=f"did you mean {', '.join(near)}?"
        if near
        else "list all: funduscope show vocabulary",
        code="unknown_finding",
    )


def _finding_json(code: str, words: Vocabulary, *, brief: bool = False) -> dict[str, Any]:
    finding = asdict(words[code])
    if brief:
        return {key: finding[key] for key in _BRIEF}
    return {
        **finding,
        "ancestors": words.ancestors(code),
        "children": words.children(code),
        "scales": [asdict(scale) for scale in scales_of(code)],
        "prompts": _prompts(code),
    }


def _prompts(code: str) -> dict[str, Any]:
    bank = prompt_bank()
    languages: tuple[Literal["en", "zh"], ...] = ("en", "zh")
    polarities: tuple[Literal["positive", "negative"], ...] = ("positive", "negative")
    return {
        "bank": bank.name,
        "hash": bank.hash,
        **{f"{p}_{lang}": bank.texts(code, lang, p) for p in polarities for lang in languages},
    }


def _show_finding(screen: Screen, code: str, words: Vocabulary) -> None:
    finding = words[code]
    page = Table.grid(padding=(0, 2, 0, 0))
    page.add_column(style="dim", no_wrap=True)
    page.add_column(overflow="fold")
    page.add_row("code", Text(code, "bold"))
    page.add_row("en", finding.en)
    page.add_row("zh", finding.zh)
    page.add_row("kind", f"{finding.kind}; referable: {finding.referable}")
    page.add_row("ICD-10", finding.icd10 or "not sure enough to name one")
    page.add_row("broader", " < ".join(words.ancestors(code)) or "-")
    page.add_row("narrower", ", ".join(words.descendants(code)) or "-")
    page.add_row("synonyms en", "; ".join(finding.en_synonyms) or "-")
    page.add_row("synonyms zh", "; ".join(finding.zh_synonyms) or "-")
    for scale in scales_of(code):
        page.add_row(f"grade {scale.code}", _scale(scale))
    prompts = _prompts(code)
    for key, mark in (("positive", "+"), ("negative", "-")):
        for language in ("en", "zh"):
            page.add_row(f"prompts {language} {mark}", "; ".join(prompts[f"{key}_{language}"]))
    page.add_row("data", f"vocabulary {words.version} ({words.hash[:12]})")
    page.add_row("", f"prompt bank {prompts['bank']} ({prompts['hash'][:12]})")
    screen.draw(page)
    screen.say("")


def _scale(scale: Scale) -> Table:
    shown = Table.grid()
    shown.add_row(Text(f"{scale.en}\n{scale.zh}"))
    steps = Table.grid(padding=(0, 1, 0, 0))
    steps.add_column(style="bold", no_wrap=True)
    for step in scale.values:
        mark = "*" if scale.is_referable(step.value) else ""
        steps.add_row(f"{step.value}{mark}", Text.assemble(step.en, (f"\n{step.zh}", "dim")))
    if scale.values:
        shown.add_row(steps)
    for mapping in scale_mappings():
        if mapping.start == scale.code:
            said = ", ".join(
                f"{value} {'~' if value in mapping.approximate else '='} {other}"
                for value, other in mapping.values.items()
            )
            shown.add_row(f"as {mapping.end} (~ approximate): {said}")
    if scale.referable:
        shown.add_row(Text(f"* referable: {scale.referable_source}", "dim"))
    shown.add_row(Text(scale.source, "dim"))
    return shown
