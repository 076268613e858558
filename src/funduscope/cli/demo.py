"""`demo`: the whole line on a drawn archive, from the first photograph to one report page."""

from __future__ import annotations

import shlex
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import Field

from funduscope.cli import options
from funduscope.cli.screen import Screen
from funduscope.config import Settings
from funduscope.errors import DataError, missing_extra

if TYPE_CHECKING:
    from funduscope.deploy import Answer, Predictor
    from funduscope.store import Bundle, Corpus, Evaluation


class DemoSettings(Settings):
    """Sizes of the demo."""

    exams: int = Field(default=600, ge=24, description="examinations drawn, both eyes each")
    seed: int = Field(default=0, ge=0, description="of the drawing, the splits and the training")
    pretrain: tuple[str, ...] = Field(
        default=(), description="further settings of pretrain, each KEY=VALUE"
    )


@dataclass
class Made:
    """What the demo made, for its report."""

    settings: DemoSettings
    corpus: Corpus
    bundle: Bundle
    evaluation: Evaluation
    predictor: Predictor
    photograph: str  # image_id
    answer: Answer
    finding: str
    seconds: dict[str, float] = field(default_factory=dict)


# The tiny model: small pictures, a text tower of two layers, a few minutes on two cores.
TINY = (
    *("model.text_tower=tiny", "model.image_size=160", "model.dim=128"),
    *("train_size=128", "batch=48", "steps=130", "warmup=15", "statement_share=0.85"),
    *("learning_rate=1.2e-3", "head_rate=2.5e-3"),
)


def demo(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="New folder for everything it makes.")],
    config: options.ConfigFile = None,
    set_: options.SetWords = None,
    seed: options.Seed = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Draw a synthetic archive and run the whole line on it: a few minutes on two cores.

    Makes OUT/: archive/, archive.toml, truth/ (drawn), corpus/, run/, evaluation/, package/, the
    photograph that was predicted, and report.html with everything to look at in one file.
    """
    screen = Screen(quiet=quiet, as_json=json)
    chosen = options.settings(DemoSettings, config, set_, seed)
    _claim(out, force=force)
    try:
        made = run(out, chosen, screen)
        from funduscope.cli import demo_report

        demo_report.write(made, out / "report.html")
    except ModuleNotFoundError as error:
        raise missing_extra(error.name or "a library", "archive,stats,train") from None
    values = [v for v in made.evaluation.metrics["value"].to_list() if v is not None]
    mean = sum(values) / len(values)
    total = sum(made.seconds.values())
    screen.data(
        {
            "path": str(out),
            "report": str(out / "report.html"),
            "mean_auroc": mean,
            "findings": len(values),
            "seconds": made.seconds,
            "answer": made.answer.to_dict(),
        }
    )
    screen.say(f"mean AUROC of {len(values)} findings on held-out patients: {mean:.3f}")
    screen.say(f"open {out / 'report.html'} (made in {total / 60:.1f} min)")
    screen.next(
        "funduscope ingest YOUR_ARCHIVE draft/ --draft   # correct what it writes, then",
        "funduscope ingest YOUR_ARCHIVE corpus/ --config draft/archive.toml",
        "funduscope pretrain corpus/ run/",
        "funduscope zeroshot run/ corpus/ evaluation/ --set truth=reports",
        f"funduscope predict PHOTO.jpg --package {shlex.quote(str(out / 'package'))}",
    )


def _claim(out: Path, *, force: bool) -> None:
    ours = (out / "archive.toml").is_file() or (out / "archive").is_dir()
    if force and ours:
        shutil.rmtree(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(
            "the folder is not empty" if out.is_dir() else "a file of that name",
            place=str(out),
            rule="the demo writes into a new folder",
            remedy="name a new folder" + (", or add --force" if ours else ""),
            code="output_taken",
        )
    out.mkdir(parents=True, exist_ok=True)


def run(out: Path, settings: DemoSettings, screen: Screen) -> Made:
    """All stages in order, each timed."""
    from funduscope import archive, deploy, evaluate
    from funduscope.archive import synthetic
    from funduscope.config import load
    from funduscope.pretrain import PretrainSettings, pretrain

    seconds: dict[str, float] = {}
    words = [*TINY, f"seed={settings.seed}", *settings.pretrain]
    with screen.progress() as progress:
        with _timed(seconds, "draw the archive"):
            synthetic.draw_archive(out, exams=settings.exams, seed=settings.seed, progress=progress)
        with _timed(seconds, "ingest"):
            corpus = archive.ingest(
                out / "archive",
                out / "corpus",
                archive.IngestSettings(seed=settings.seed, key_file=out / "identity" / "key"),
                config_path=out / "archive.toml",
                progress=progress,
            )
        with _timed(seconds, "pre-train"):
            bundle = pretrain(
                [out / "corpus"],
                out / "run",
                load(PretrainSettings, None, words),
                progress=progress,
            )
        with _timed(seconds, "score held-out patients"):
            evaluation = evaluate.zeroshot(
                out / "run",
                [out / "corpus"],
                out / "evaluation",
                evaluate.ZeroshotSettings(truth="reports", seed=settings.seed),
                progress=progress,
            )
        with _timed(seconds, "export the package"):
            deploy.export(out / "run", out / "package", corpus=out / "corpus", progress=progress)
        with _timed(seconds, "open the package"):
            predictor = deploy.Predictor(out / "package")
        finding, image = _choose(evaluation, predictor.package.prompts.findings)
        photo = _save_photograph(corpus, image, out)
        with _timed(seconds, "predict one photograph"):
            answer = predictor.predict(photo)
    return Made(settings, corpus, bundle, evaluation, predictor, image, answer, finding, seconds)


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    begun = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - begun


def _choose(evaluation: Evaluation, known: Sequence[str]) -> tuple[str, str]:
    """The `known` finding with the highest AUROC, and the first held-out eye that shows it."""
    lesions = [code for code in known if code != "normal"]
    metrics = evaluation.metrics.filter(evaluation.metrics["finding"].is_in(lesions))
    best: str = metrics.sort("value", descending=True, nulls_last=True)["finding"][0]
    scores = evaluation.scores
    shown = scores.filter((scores["finding"] == best) & (scores["label"] == 1))
    return best, str(shown["unit_id"][0])


def _save_photograph(corpus: Corpus, image_id: str, out: Path) -> Path:
    (_, data), *_ = corpus.pixels([image_id])
    path = out / ("photo.png" if data.startswith(b"\x89PNG") else "photo.jpg")
    path.write_bytes(data)
    return path
