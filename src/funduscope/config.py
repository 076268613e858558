"""Settings: a TOML file and `key=value` words become one frozen, strict pydantic model a stage.

All mistakes are reported at once, each with the nearest valid name.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from funduscope.errors import ConfigError


class Settings(BaseModel):
    """Base of every stage's settings: frozen, strict about unknown names, each field described."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class Progress(Protocol):
    """What a stage tells while it runs; the command line draws it, a notebook may ignore it."""

    def start(self, name: str, total: int) -> None:
        """A new step of `total` units begins."""

    def advance(self, units: int = 1) -> None:
        """`units` more of the current step are done."""

    def done(self) -> None:
        """The current step is over."""


class Quiet:
    """The `Progress` that shows nothing."""

    def start(self, name: str, total: int) -> None:
        """Ignore."""

    def advance(self, units: int = 1) -> None:
        """Ignore."""

    def done(self) -> None:
        """Ignore."""


S = TypeVar("S", bound=Settings)


def load(model: type[S], path: Path | None = None, overrides: Sequence[str] = ()) -> S:
    """Build the settings `model` from a TOML file and `key=value` words (the words win).

    Raises:
        ConfigError: with every mistake at once: unreadable TOML, unknown names, wrong values.
    """
    data: dict[str, Any] = {}
    if path is not None:
        data = read_toml(path)
    for word in overrides:
        _apply(data, word)
    return build(model, data, place=str(path) if path else "--set")


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file of settings; a missing or malformed one is a ConfigError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            "no such file",
            place=str(path),
            rule="--config names a TOML file",
            remedy="write one with `funduscope config STAGE > FILE.toml`",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            str(error),
            place=str(path),
            rule="settings are TOML in UTF-8",
            remedy="correct the line named above",
        ) from None


def build(model: type[S], data: Mapping[str, Any], *, place: str) -> S:
    """Validate plain data as `model`; all mistakes become one ConfigError."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        lines = [_explain(model, item) for item in error.errors()]
        raise ConfigError(
            "; ".join(lines),
            place=place,
            rule=f"settings of {model.__name__}",
            remedy="see all settings and their defaults with `funduscope config STAGE`",
        ) from None


def describe(model: type[Settings], *, prefix: str = "") -> str:
    """The settings as TOML text: a comment with the meaning, then `name = default`."""
    flat: list[str] = []
    nested: list[str] = []
    for name, field in model.model_fields.items():
        child = _child(field)
        if child is not None:
            keys = [prefix + name]
            if get_origin(field.annotation) is dict:
                default = field.get_default(call_default_factory=True)
                keys = [f"{prefix}{name}.{key}" for key in default]
            nested += [f"\n[{key}]\n" + describe(child, prefix=f"{key}.") for key in keys]
            continue
        flat.append(f"# {field.description or name} ({_type_name(field)})")
        default = field.get_default(call_default_factory=True)
        value = "" if field.is_required() or default is None else _toml(default)
        flat.append(f"{name} = {value}" if value else f"# {name} =")
    return "\n".join([*flat, *nested])


def _toml(value: Any) -> str:
    if isinstance(value, Path):
        value = value.as_posix()
    if isinstance(value, Mapping):
        inner = ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _type_name(field: FieldInfo) -> str:
    text = str(field.annotation)
    if field.annotation in (int, float, str, bool):
        text = str(getattr(field.annotation, "__name__", text))
    return text.replace("typing.", "").replace("NoneType", "None")


def _child(field: FieldInfo) -> type[Settings] | None:
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, Settings):
            return kind
    return None


def _apply(data: dict[str, Any], word: str) -> None:
    key, sign, text = word.partition("=")
    if not sign or not key.strip():
        raise ConfigError(
            word, place="--set", rule="the form is key=value", remedy="for example --set epochs=4"
        )
    try:
        value = tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        value = text
    *parents, leaf = key.strip().split(".")
    for part in parents:
        data = data.setdefault(part, {})
    data[leaf] = value


def _explain(model: type[Settings], item: Any) -> str:
    path = [str(part) for part in item["loc"]]
    where = ".".join(path)
    if item["type"] != "extra_forbidden":
        return f"{where} = {item.get('input')!r}: {item['msg']}"
    owner: type[Settings] = model
    for part in path[:-1]:
        field = owner.model_fields.get(part)
        owner = (_child(field) or owner) if field else owner
    near = difflib.get_close_matches(path[-1], list(owner.model_fields), n=1, cutoff=0.5)
    hint = f"; did you mean '{near[0]}'?" if near else f"; known: {', '.join(owner.model_fields)}"
    return f"unknown setting '{where}'{hint}"
