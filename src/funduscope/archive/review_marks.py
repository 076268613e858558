"""Stage: reports for people to mark, and what comes of their marks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from funduscope import pages, store
from funduscope.archive import frozen, marks, review_marks_page, validation
from funduscope.archive.marking_sample import Sample, draw
from funduscope.archive.marks import Marks
from funduscope.archive.settings import ReviewSettings
from funduscope.archive.validation import Agreement, Figure
from funduscope.errors import DataError
from funduscope.findings import vocabulary

_SAMPLE: Final = ("number", "text_id", "language", "copies", "stratum", "weight", "readings")
_FIGURES: Final = (
    *("by", "name", "precision", "precision_low", "precision_high"),
    *("recall", "recall_low", "recall_high", "right", "wrong", "missed", "reports", "reason"),
)
_MARKS: Final = (
    *("reader", "text_id", "report_id", "weight", "finding", "eye", "status", "temporality"),
    *("experiencer", "grade", "start_char", "end_char", "answer"),
)


@dataclass(frozen=True)
class MarksReview:
    """What came of people's marks.

    Attributes:
        path: folder with report.html, figures.csv, marks.csv and, if asked for, frozen.json.
        reports: finished ones, of `shown`.
        readers: their codes.
        figures: precision and recall: of everything, by status, by finding.
        agreement: of each pair of readers.
        kept: the card beside the corpus; `frozen`: the frozen set beside it, if one was made.
    """

    path: Path
    reports: int
    shown: int
    readers: tuple[str, ...]
    figures: tuple[Figure, ...]
    agreement: tuple[Agreement, ...]
    kept: Path
    frozen: Path | None


def write_marking(corpus: store.Corpus, out: Path, settings: ReviewSettings) -> Sample | None:
    """mark.html and sample.csv of a corpus; nothing, and None, where it has no reports."""
    if not corpus.reports.height:
        return None
    sample = draw(corpus, settings.to_mark, settings.seed)
    rows = [
        (at, one.text_id, one.language, one.copies, one.stratum, one.weight, len(one.readings))
        for at, one in enumerate(sample.reports, start=1)
    ]
    store.write_csv(out / "sample.csv", _SAMPLE, rows)
    pages.render_marking(
        [
            {
                "text_id": one.text_id,
                "text": one.text,
                "weight": f"{one.weight:.6f}".rstrip("0").rstrip("."),
                "readings": one.readings,
            }
            for one in sample.reports
        ],
        [(one.code, one.zh, one.en, *one.zh_synonyms, *one.en_synonyms) for one in vocabulary()],
        corpus=corpus.id,
        sample=sample.id,
        language=settings.language,
        out=out / "mark.html",
    )
    return sample


def review_marks(
    corpus: str | Path,
    out: str | Path,
    settings: ReviewSettings | None = None,
    *,
    files: Sequence[str | Path],
    freeze: bool = False,
    force: bool = False,
) -> MarksReview:
    """Precision and recall of the readings of a corpus, from files that mark.html saved.

    The figures are also kept beside the corpus, in `reviews/`, where `show` finds them; a frozen
    set too.

    Args:
        corpus: a finished corpus.
        out: new folder.
        settings: language, seed of the resampling; the defaults if None.
        files: one for each reader, all of one sample.
        freeze: keep the judged readings, to be compared with what later releases read.
        force: begin anew where `out` is taken; replace another frozen set of the corpus.

    Raises:
        DataError: files that cannot be used, another frozen set that would be replaced, or a
            reader who would be missing from the kept figures; then nothing is written.
    """
    settings = settings or ReviewSettings()
    opened, out = store.Corpus.open(corpus), Path(out)
    _check_apart([Path(file) for file in files], out)
    marked = marks.read_marks([Path(file) for file in files], opened)
    found = validation.figures(marked)
    pairs = validation.agreement(marked, seed=settings.seed)
    told = validation.card(opened, marked, found, pairs)
    kept = validation.beside(opened)
    set_ = frozen.freeze(opened.id, marked) if freeze else None
    if not force:
        if set_ is not None:
            _check_replaced(kept.frozen, set_)
        _check_readers(kept.card, told)
    with store.create(
        out,
        kind="validation",
        config=settings.model_dump(mode="json", include={"language", "seed"}),
        seed=settings.seed,
        inputs=_inputs(opened, marked),
        force=force,
    ) as output:
        store.write_csv(out / "figures.csv", _FIGURES, map(_row, found))
        store.write_csv(out / "marks.csv", _MARKS, _answers(marked))
        review_marks_page.write(told, marked, found, pairs, out / "report.html", settings.language)
        output.counts.update(reports=told["reports"], shown=told["shown"], readers=len(marked))
        kept.card.parent.mkdir(exist_ok=True)
        if set_ is not None:
            for path in (out / "frozen.json", kept.frozen):
                store.write_json(path, set_)
        store.write_json(kept.card, told)
    readers = tuple(one.reader for one in marked)
    counts = (told["reports"], told["shown"])
    beside = (kept.card, kept.frozen if freeze else None)
    return MarksReview(out, *counts, readers, tuple(found), tuple(pairs), *beside)


def _inputs(corpus: store.Corpus, marked: Sequence[Marks]) -> list[dict[str, Any]]:
    files = [{"kind": "marks", "id": store.sha256_file(one.path)[:32]} for one in marked]
    return [{"kind": "corpus", "id": corpus.id, "path": str(corpus.path)}, *files]


def _check_apart(files: Sequence[Path], out: Path) -> None:
    """`force` empties OUT; a person's marks must not go with it."""
    for file in files:
        if file.resolve().is_relative_to(out.resolve()):
            raise DataError(
                "a file of marks inside the output folder",
                place=str(file),
                rule="marks are hours of work; OUT is a folder that may be made anew",
                remedy="move the file elsewhere, or name another OUT",
                code="output_taken",
            )


def _check_readers(card: Path, new: dict[str, Any]) -> None:
    old = json.loads(card.read_text(encoding="utf-8")) if card.exists() else {"readers": {}}
    lost = sorted(set(old["readers"]) - set(new["readers"]))
    if lost:
        raise DataError(
            f"no file of {', '.join(lost)}",
            place=str(card),
            rule="the figures kept beside a corpus lose no reader unasked",
            remedy="add --marks and that reader's file, or --force to replace the figures",
            code="readers_lost",
        )


def _check_replaced(path: Path, new: dict[str, Any]) -> None:
    if not path.exists():
        return
    old = frozen.open_frozen(path)
    if all(old[name] == new[name] for name in old):
        return
    raise DataError(
        "another frozen set",
        place=str(path),
        rule="the frozen set of a corpus is not replaced unasked",
        remedy="leave out --freeze, or add --force to replace it",
        code="frozen_already",
    )


def _row(one: Figure) -> tuple[object, ...]:
    parts = [
        None if value is None else round(value, 4)
        for each in (one.precision, one.recall)
        for value in (each.value, each.low, each.high)
    ]
    reason = "; ".join(
        f"{name}: {each.reason}"
        for name, each in (("precision", one.precision), ("recall", one.recall))
        if each.reason
    )
    return one.by, one.name, *parts, one.right, one.wrong, one.missed, one.reports, reason


def _answers(marked: Sequence[Marks]) -> Iterator[tuple[object, ...]]:
    for one in marked:
        for text_id, report in one.reports.items():
            head = (one.reader, text_id, report.report_id, report.weight)
            for reading, yes in report.right.items():
                said = (reading.finding, reading.eye, reading.status, *reading[3:])
                yield *head, *said, "right" if yes else "wrong"
            for item in report.missed:
                yield *head, *item, None, None, None, None, None, "missed"
