"""`show RUN`: the curves of a training run and its facts, finished or still going on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funduscope import store
from funduscope.cli.curves import curve, step_axis
from funduscope.cli.screen import Screen

if TYPE_CHECKING:
    import polars as pl

CURVES = {
    "loss": "loss",
    "recall_at_1": "recall@1 (batch)",
    "alignment": "alignment",
    "uniformity": "uniformity",
    "temperature": "temperature (scale of the similarities)",
    "learning_rate": "learning rate",
    "data_wait": "data wait (share of the time)",
}
HEALTH = "health of training, on its own batches: no evaluation"


def show_run(screen: Screen, thing: Path, manifest: store.Manifest) -> None:
    """The curves and facts of a finished run; its bundle is shown by `show RUN/bundle`."""
    log = _read(thing / "log.parquet")
    counts = {name: str(value) for name, value in manifest.counts.items()}
    facts = counts | _facts(manifest.config, manifest.inputs, log)
    page = thing / "report.html"
    if page.is_file():
        facts["report page"] = str(page)
    _draw(screen, log, int(manifest.config["steps"]), facts)
    screen.next(f"funduscope show {thing / 'bundle'}", f"funduscope check {thing}")


def show_unfinished(screen: Screen, thing: Path, state: Mapping[str, Any], remedy: str) -> None:
    """What a run has logged so far, how far it is, and the command that resumes it."""
    file = thing / "work" / "log.parquet"
    log = _read(file) if file.is_file() else None
    done = 0 if log is None or log.is_empty() else int(log["step"][-1])
    steps = int(state["config"]["steps"])
    last = None if log is None else log.tail(1).to_dicts()
    said = {"kind": "run", "path": str(thing), "unfinished": True, "step": done, "steps": steps}
    screen.data({**said, "resume": remedy, "last": last})
    screen.say(f"unfinished: step {done:,} of {steps:,}, as of the last checkpoint")
    if log is None:
        screen.say(f"no {file} yet: nothing to draw before the first checkpoint")
    else:
        _draw(screen, log, steps, _facts(state["config"], state["inputs"], log))
    screen.say(f"if nothing is training it any more: {remedy}")


def _read(path: Path) -> pl.DataFrame:
    from funduscope import tables

    return tables.read(tables.LOG, path)


def _facts(config: Mapping[str, Any], inputs: Any, log: pl.DataFrame) -> dict[str, str]:
    """What a run is made of and how fast it went, in words."""
    model = config["model"]
    facts = {
        "corpora": ", ".join(str(item.get("path", item["id"])) for item in inputs),
        "objective": str(config.get("objective", "infonce")),
        "towers": f"{model['image_tower']} at {model['image_size']} px, {model['text_tower']}",
        "batch": str(config["batch"]),
    }
    if log.is_empty():
        return facts
    last = log.row(-1, named=True)
    facts["seconds"] = f"{last['seconds']:,.0f}"
    if last["seconds"]:
        facts["pairs a second"] = f"{last['images'] / last['seconds']:,.1f}"
    facts["data wait"] = f"{100 * float(log['data_wait'].mean()):.1f}% of the time"  # type: ignore[arg-type]
    return facts


def _draw(screen: Screen, log: pl.DataFrame, steps: int, facts: Mapping[str, str]) -> None:
    at = log["step"].to_list()
    screen.say("")
    for name, title in CURVES.items():
        values = log[name].to_list()
        for line in curve(title, at, values, last_step=steps, unicode=screen.unicode):
            screen.say(line)
    screen.say(step_axis(steps))
    screen.say(HEALTH)
    screen.table("", ("", ""), list(facts.items()))
