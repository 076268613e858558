"""What `show` and `check` say of people's marks: the card beside a corpus, its frozen set."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from funduscope import store
from funduscope.cli.review import show_figures
from funduscope.cli.screen import Screen
from funduscope.cli.stages import stage
from funduscope.errors import DataError, FunduscopeError


def show_review(screen: Screen, corpus: store.Corpus) -> None:
    """The figures of a corpus that people marked, and a warning if readings changed since."""
    archive = stage("archive", "archive")
    try:
        card = archive.read_card(corpus)
        path = archive.beside(corpus).frozen
        found = archive.changes(archive.open_frozen(path)) if path.exists() else []
    except FunduscopeError as error:
        screen.say(f"warning: {error.place}: {error.value}")
        return
    if card is not None:
        readers = ", ".join(f"{name} {count}" for name, count in card["readers"].items())
        screen.say(
            f"marked by people: {card['reports']} of {card['shown']} reports ({readers}), sample "
            f"{card['sample']}"
        )
        show_figures(screen, card["figures"])
    if found:
        words = archive.summary(found)
        screen.say(f"warning: {words} since they were frozen: funduscope check {path}")


def frozen_of(thing: Path, manifest: store.Manifest) -> list[Path]:
    """The frozen set beside a corpus, if there is one."""
    if manifest.kind != "corpus":
        return []
    path = stage("archive", "archive").beside(store.Corpus.open(thing)).frozen
    return [path] if path.exists() else []


def check_frozen(screen: Screen, path: Path) -> None:
    """Read a frozen set again and list what is read differently.

    Raises:
        DataError: something is (code `readings_changed`), or the file is no frozen set.
    """
    archive = stage("archive", "archive")
    frozen = archive.open_frozen(path)
    found = archive.changes(frozen)
    screen.data(
        {
            "kind": "frozen",
            "path": str(path),
            "reports": len(frozen["reports"]),
            "reader_version": frozen["reader_version"],
            "changed": [{k: v for k, v in asdict(one).items() if k != "text"} for one in found],
        }
    )
    if not found:
        screen.say(f"ok: {len(frozen['reports'])} frozen reports read as they were judged")
        return
    rows = [(one.effect, one.what, one.reading, one.text_id[:12], one.text[:30]) for one in found]
    screen.table("changed readings", ("effect", "", "reading", "text", "begins"), rows)
    raise DataError(
        archive.summary(found),
        place=str(path),
        rule=f"reports are read as they were when people judged them ({frozen['reader_version']})",
        remedy="look at the changes; if they are right, mark the reports again and freeze anew "
        "(--freeze --force); if not, go back to that release and report them",
        code="readings_changed",
    )
