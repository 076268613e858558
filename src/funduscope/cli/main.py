"""The command `funduscope`: its subcommands, and what it says when something goes wrong.

Every command imports its stage when it runs, so that `predict` needs the base install only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

import typer
from rich.console import Console
from rich.text import Text

from funduscope import store
from funduscope.cli import clinic, demo, doctor, inspect, review, stages
from funduscope.errors import FunduscopeError

app = typer.Typer(
    name="funduscope",
    help="From an archive of fundus photographs and reports to a retinal image-text model that "
    "runs in a clinic without a GPU. Research software: no medical device.",
    epilog="First steps: `funduscope demo OUT`, then `funduscope ingest ARCHIVE OUT`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS: dict[str, Callable[..., None]] = {
    "demo": demo.demo,
    "ingest": stages.ingest,
    "pretrain": stages.pretrain,
    "embed": stages.embed,
    "zeroshot": stages.zeroshot,
    "export": stages.export,
    "predict": clinic.predict,
    "review quality": review.quality,
    "review reports": review.reports,
    "show": inspect.show,
    "check": inspect.check,
    "config": inspect.config,
    "doctor": doctor.doctor,
}
EXAMPLES = {
    "demo": ("funduscope demo demo", "funduscope demo small --set exams=120"),
    "ingest": (
        "funduscope ingest archive/ draft/ --draft",
        "funduscope ingest archive/ corpus/ --config draft/archive.toml",
        "funduscope ingest odir/ corpora/odir",
    ),
    "pretrain": (
        "funduscope pretrain corpora/odir corpora/csdi run/",
        "funduscope pretrain corpora/odir run/ --resume",
    ),
    "embed": ("funduscope embed run/ corpora/palm embeddings/ --set split=test",),
    "zeroshot": (
        "funduscope zeroshot run/ corpora/odir corpora/palm evaluation/ --set split=val",
        "funduscope zeroshot package/ corpora/palm evaluation/ --set 'tasks=[\"palm\"]'",
    ),
    "export": ("funduscope export run/ package/",),
    "predict": (
        "funduscope predict photo.jpg",
        "funduscope predict photos/*.jpg --package package/ --json",
    ),
    "review quality": (
        "funduscope review quality corpora/odir quality/",
        "funduscope review quality corpora/odir own/ --labels labels.csv",
        "funduscope review quality corpora/odir zh/ --set gradable_from=0.7 --set language=zh",
    ),
    "review reports": (
        "funduscope review reports corpora/odir queue/ --set language=zh --seed 7",
        "funduscope review reports corpora/odir marked/ --marks R1.json --marks R2.json",
        "funduscope review reports corpora/odir frozen/ --marks R1.json --freeze",
    ),
    "show": (
        "funduscope show corpora/odir",
        "funduscope show corpora/odir/rejects.parquet",
        "funduscope show run/",
        "funduscope show report.txt",
        "funduscope show vocabulary",
        "funduscope show vocabulary 'macular hole'",
        "funduscope show prompts glaucoma",
    ),
    "check": (
        "funduscope check corpora/odir",
        "funduscope check prompts",
        "funduscope check frozen/frozen.json",
    ),
    "config": ("funduscope config pretrain > pretrain.toml", "funduscope config ingest"),
    "doctor": ("funduscope doctor",),
}
GROUPS = {"review": typer.Typer(help="Look at a corpus: what is poor, what waits for a person.")}
for _name, _group in GROUPS.items():
    app.add_typer(_group, name=_name, no_args_is_help=True)
for _name, _command in COMMANDS.items():
    _lines = "\n\n".join(f"`{line}`" for line in EXAMPLES[_name])
    _first, _, _second = _name.partition(" ")
    _home = GROUPS[_first] if _second else app
    _home.command(_second or _first, epilog=f"**Examples**\n\n{_lines}")(_command)


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line; leaves the process with the exit code of `errors`."""
    words = sys.argv[1:] if args is None else list(args)
    typed = store.COMMAND.set(tuple(words))
    try:
        app(args=words)
    except FunduscopeError as error:
        show_error(error)
        sys.exit(error.exit_code)
    except OSError as error:
        if os.environ.get("FUNDUSCOPE_DEBUG") == "1":
            raise
        show_error(_of_the_machine(error))
        sys.exit(1)
    except Exception as error:
        if os.environ.get("FUNDUSCOPE_DEBUG") == "1":
            raise
        show_error(_our_fault(error))
        sys.exit(1)
    finally:
        store.COMMAND.reset(typed)


def show_error(error: FunduscopeError) -> None:
    """Print the four parts of an error."""
    text = Text.assemble(
        (f"{type(error).__name__}: ", "bold red"),
        (error.value, "bold"),
        ("\n  where:  ", "dim"),
        error.place,
        ("\n  rule:   ", "dim"),
        error.rule,
        ("\n  remedy: ", "dim"),
        error.remedy,
    )
    Console(stderr=True, soft_wrap=True).print(text)


def _of_the_machine(error: OSError) -> FunduscopeError:
    return FunduscopeError(
        error.strerror or str(error),
        place=str(error.filename or "a file or a connection"),
        rule="files can be read and written, and the disk has room",
        remedy="free space or correct permissions, then repeat the command (add --resume or "
        "--force to a stage that had begun)",
    )


def _our_fault(error: Exception) -> FunduscopeError:
    return FunduscopeError(
        f"{type(error).__name__}: {error}",
        place="funduscope itself",
        rule="every problem is reported with its cause; this one was not foreseen",
        remedy="repeat with FUNDUSCOPE_DEBUG=1 for the traceback and report it with `funduscope "
        "doctor --json`",
    )
