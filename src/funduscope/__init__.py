"""From a messy archive of fundus photographs and reports to a model that runs in a clinic.

The public door: every name below is imported when it is first used, so that
`import funduscope` costs nothing and the clinic's base install is enough for `Predictor`.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from funduscope.archive.ingest import ingest
    from funduscope.deploy.export import export
    from funduscope.deploy.predictor import Predictor
    from funduscope.errors import FunduscopeError
    from funduscope.evaluate import embed, zeroshot
    from funduscope.pretrain import pretrain
    from funduscope.store import Bundle, Corpus, Embeddings, Evaluation

__all__ = [
    "Bundle",
    "Corpus",
    "Embeddings",
    "Evaluation",
    "FunduscopeError",
    "Predictor",
    "embed",
    "export",
    "ingest",
    "pretrain",
    "zeroshot",
]

# name -> room, and the extra that the room's libraries come with
_DOOR = {
    "Bundle": ("store", None),
    "Corpus": ("store", "archive"),
    "Embeddings": ("store", "archive"),
    "Evaluation": ("store", "archive"),
    "FunduscopeError": ("errors", None),
    "Predictor": ("deploy", None),
    "embed": ("evaluate", "archive"),
    "export": ("deploy", "train"),
    "ingest": ("archive", "archive"),
    "pretrain": ("pretrain", "train"),
    "zeroshot": ("evaluate", "archive"),
}
# promised names whose rooms are not built yet
_LATER = {"adapt": "adapt", "analyse_study": "readers", "design_study": "readers"}


def __getattr__(name: str) -> Any:
    """Import a public name from its room.

    Raises:
        ConfigError: an optional library is missing (with the install line), or the name belongs
            to a stage that this version does not have.
        AttributeError: no such name.
    """
    if name in _LATER:
        from funduscope.errors import ConfigError

        raise ConfigError(
            name,
            place="the public door of funduscope",
            rule=f"the stage '{_LATER[name]}' comes with a later version",
            remedy="see CHANGELOG.md for what this version has",
        )
    if name not in _DOOR:
        raise AttributeError(f"module 'funduscope' has no attribute {name!r}")
    room, extra = _DOOR[name]
    try:
        value = getattr(importlib.import_module(f"funduscope.{room}"), name)
    except ModuleNotFoundError as error:
        if extra is None or (error.name or "").startswith("funduscope"):
            raise
        from funduscope.errors import missing_extra

        raise missing_extra(error.name or room, extra) from None
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)


class _Package(ModuleType):
    """This module, where a public name is never hidden by the room of the same name.

    Importing anything of the room `pretrain` would bind that room to `funduscope.pretrain`; the
    stage function stands there. The room stays reachable: `from funduscope.pretrain import ...`.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if name in _DOOR and isinstance(value, ModuleType):
            return
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
