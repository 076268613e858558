"""`check prompts` and `show prompts`: the prompt bank looked over, and what `check BUNDLE` adds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from funduscope import findings
from funduscope.cli.screen import Screen
from funduscope.errors import BundleError, DataError, FunduscopeError, missing_extra
from funduscope.findings import negation, prompt_lint
from funduscope.findings.prompts import BANKS, LANGUAGES

if TYPE_CHECKING:
    from funduscope.model import Loaded

COLUMNS = ("rule", "place", "phrasing", "found")


def meant(thing: Path) -> bool:
    """Whether a word of the command line is the bank, not a stage's folder of that name."""
    return str(thing) == "prompts" and not (thing / "manifest.json").is_file()


def check(screen: Screen) -> None:
    """Lint banks, grades and class lists; then the mini's tokenizer and text tower on them.

    Raises:
        DataError: a fault; each was listed.
    """
    faults = prompt_lint.lint()
    banks = [findings.prompt_bank(name) for name in BANKS]
    done = [f"prompt bank {bank.name}@{bank.version}, hash {bank.hash}" for bank in banks]
    done.append(
        f"{len(prompt_lint.every_text())} phrasings, {len(banks[0].written)} findings with their "
        f"own, {len(findings.class_lists())} class lists: {len(faults)} faults"
    )
    tower: dict[str, Any] = {}
    skipped = None
    try:
        loaded = _mini()
    except FunduscopeError as error:
        skipped = f"tokens and negations ({error.value}: {error.remedy})"
    else:
        tower = of_tower(loaded)
    screen.data(
        {
            "banks": [bank.record() for bank in banks],
            "faults": [_row(fault) for fault in faults],
            "text_tower": tower or None,
            "not_checked": skipped,
        }
    )
    for line in done:
        screen.say(line)
    screen.table("faults", COLUMNS, [_cells(fault) for fault in faults])
    screen.table(
        "unread by mini", COLUMNS, [tuple(row.values()) for row in tower.get("unread", ())]
    )
    for line in lines_of(tower, "mini"):
        screen.say(line)
    if skipped:
        screen.say(f"not checked: {skipped}")
    if faults:
        raise DataError(
            f"{len(faults)} faults in the prompt bank",
            place="findings/data/prompts_v2.toml and class_lists.toml",
            rule="every phrasing is read as it is meant, in both languages, and by one class only",
            remedy="mend the phrasings listed above (a bank that a result used: in a new version)",
            code="prompt_faults",
        )
    screen.next("funduscope show prompts glaucoma")


def _mini() -> Loaded:
    """The bundle that ships, for its text tower.

    Raises:
        ConfigError: the extra `train` is not installed.
        BundleError: only its package is here.
    """
    from funduscope.deploy.predictor import shipped_package

    folder = shipped_package().parent
    if not (folder / "bundle.json").is_file():
        raise BundleError(
            "no bundle.json",
            place=str(folder),
            rule="the text tower is in the bundle, beside the package",
            remedy="work from a complete source checkout, or `funduscope check BUNDLE`",
        )
    return load(folder)


def load(folder: Path) -> Loaded:
    """A bundle with torch; ConfigError where the extra `train` is not installed."""
    try:
        from funduscope import model
    except ImportError as error:
        raise missing_extra(error.name or "torch", "train") from None
    return model.load(folder)


def of_tower(loaded: Loaded) -> dict[str, Any]:
    """What a text tower makes of the banks: phrasings it cannot read whole, negations it hears.

    Both are limits of the tower, and no faults of the bank.
    """
    from funduscope import model

    length = loaded.tokenizer.length
    told = negation.told_apart(lambda texts: model.embed_texts(loaded, texts).tolist())
    return {
        "unread": [_row(f) for f in prompt_lint.lint_tokens(loaded.tokenizer.measure, length)],
        "tokens_read": length,
        "negation": [
            {
                "language": language,
                "findings": len(rows),
                "nearer_to_denial": sum(row.confused for row in rows),
                "nearer_to_negative": sum(row.confused_in_scores for row in rows),
            }
            for language in LANGUAGES
            if (rows := [row for row in told if row.language == language])
        ],
    }


def lines_of(tower: dict[str, Any], name: str) -> list[str]:
    """The same in words."""
    if not tower:
        return []
    unread = f"{len(tower['unread'])} phrasings with unknown tokens or over {tower['tokens_read']}"
    return [f"text tower of {name}: {unread}"] + [
        f"text tower of {name}, {row['language']}: of {row['findings']} findings "
        f'{row["nearer_to_denial"]} lie nearer to "no X" than to another wording of X, and '
        f'{row["nearer_to_negative"]} nearer to the negatives of scores ("normal fundus")'
        for row in tower["negation"]
    ]


def lines_of_bundle(loaded: Loaded) -> list[str]:
    """What `check BUNDLE` says of the bank; a tower's limits are stated and fail nothing."""
    return lines_of(of_tower(loaded), "this bundle")


def show(screen: Screen, finding: str | None) -> None:
    """The phrasings of one finding in both banks, or a line for each finding with its own.

    Raises:
        DataError: no such code, with the nearest ones.
    """
    plain = findings.prompt_bank("plain")
    if finding is None:
        rows = [
            (code, *(plain.texts(code, language, "positive")[0] for language in LANGUAGES))
            for code in plain.written
        ]
        title = f"{len(rows)} findings with phrasings of their own ({plain.name}@{plain.version})"
        screen.table(title, ("finding", *LANGUAGES), rows)
        screen.say("class lists: " + ", ".join(findings.class_lists()))
        scales = dict.fromkeys(scale for scale, _, _ in plain.grades)
        screen.say("graded: " + ", ".join(scales))
        screen.data({"banks": [findings.prompt_bank(n).record() for n in BANKS], "written": rows})
        screen.next("funduscope show prompts glaucoma", "funduscope check prompts")
        return
    said = {}
    for name in BANKS:
        bank = findings.prompt_bank(name)
        said[name] = {
            f"{language} {polarity}": list(bank.texts(finding, language, polarity))
            for polarity in bank.polarities
            for language in LANGUAGES
        }
        origin = "written" if finding in bank.written else "from the vocabulary's names"
        rows_ = [(key, "; ".join(texts)) for key, texts in said[name].items() if texts]
        screen.table(f"{finding}, {name}@{bank.version} ({origin})", ("", "phrasings"), rows_)
    screen.data({"finding": finding, **said})


def _row(fault: prompt_lint.Fault) -> dict[str, str]:
    return dict(zip(COLUMNS, _cells(fault), strict=True))


def _cells(fault: prompt_lint.Fault) -> tuple[str, str, str, str]:
    return fault.rule, fault.place, fault.text, fault.found
