"""A bundle on disk: `bundle.json`, `weights.safetensors`, `tokenizer.json`, `card.md`."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes

from funduscope import store
from funduscope.errors import BundleError
from funduscope.findings import vocabulary
from funduscope.inputs import ImageSpec
from funduscope.inputs.text import Tokenizer
from funduscope.model import image_tower, text_tower
from funduscope.model.dual_encoder import DualEncoder

WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class Loaded:
    """A bundle in memory: the encoder in evaluation mode and what it reads."""

    encoder: DualEncoder
    image_spec: ImageSpec
    tokenizer: Tokenizer
    spec: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The bundle's id."""
        return str(self.spec["id"])


def save(
    folder: Path,
    encoder: DualEncoder,
    tokenizer: Tokenizer,
    image_spec: ImageSpec,
    *,
    text_length: int,
    facts: Mapping[str, Any],
    card: str,
    licence: str,
) -> store.Bundle:
    """Write a bundle; `bundle.json`, which names and hashes the other files, comes last.

    Args:
        folder: new folder.
        encoder: the towers; weights are stored as float16.
        tokenizer: of the text tower.
        image_spec: what the image tower reads.
        text_length: longest caption in tokens.
        facts: corpora, contamination report, licence name, parent: goes into bundle.json.
        card: the model card, Markdown.
        licence: the terms, plain text.
    """
    words = vocabulary()
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: _half(tensor) for name, tensor in encoder.state_dict().items()}
    store.write_bytes(folder / WEIGHTS, to_bytes(tensors))
    store.write_bytes(folder / "tokenizer.json", tokenizer.to_json().encode())
    store.write_bytes(folder / "LICENSE", licence.encode())
    spec: dict[str, Any] = {
        "format": 1,
        "kind": "bundle",
        "towers": {
            "image": encoder.image.spec,
            "text": encoder.text.spec,
            "dim": encoder.image_projection.out_features,
        },
        "image": image_spec.model_dump(mode="json"),
        "text": {"length": text_length},
        "vocabulary": {"version": words.version, "hash": words.hash},
        "weights_sha256": store.sha256_file(folder / WEIGHTS),
        "tokenizer_sha256": store.sha256_file(folder / "tokenizer.json"),
        **facts,
    }
    spec["id"] = hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:32]
    store.write_bytes(folder / "card.md", card.replace("{id}", spec["id"]).encode())
    store.write_json(folder / "bundle.json", spec)
    return store.Bundle.open(folder)


def _half(tensor: torch.Tensor) -> torch.Tensor:
    made = tensor.detach().to("cpu", torch.float16) if tensor.is_floating_point() else tensor
    return made.contiguous().clone()


def load(path: Path | str) -> Loaded:
    """Open a bundle (or the run folder that holds one) and load its weights, strictly.

    Raises:
        BundleError: no bundle, an unreadable file, a changed file, a missing, unknown or
            misshapen tensor (named).
    """
    bundle = store.Bundle.open(path)
    spec = bundle.spec
    encoder = _empty(spec.get("towers", {}), bundle.path / "bundle.json")
    fill(encoder, bundle.path / WEIGHTS)
    for name, key in ((WEIGHTS, "weights_sha256"), ("tokenizer.json", "tokenizer_sha256")):
        _check_hash(bundle.path / name, str(spec[key]))
    tokenizer = Tokenizer.open(bundle.path / "tokenizer.json", int(spec["text"]["length"]))
    return Loaded(encoder.eval(), ImageSpec(**spec["image"]), tokenizer, spec)


def _empty(towers: Mapping[str, Any], place: Path) -> DualEncoder:
    try:
        image = image_tower.from_spec(towers["image"])
        text = text_tower.from_spec(towers["text"])
        return DualEncoder(image, text, towers["dim"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _refused(f"{type(error).__name__}: {error}", place, "towers known here") from error


def fill(encoder: DualEncoder, path: Path) -> None:
    """Put the tensors of a weights file into an encoder; every name and shape must match."""
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise _refused(str(error), path, "a readable weights.safetensors") from None
    # Bundles of version 0.1 call the text model so.
    tensors = {re.sub(r"^text\.bert\.", "text.body.", n): t for n, t in tensors.items()}
    expected = encoder.state_dict()
    missing = sorted(set(expected) - set(tensors))
    unknown = sorted(set(tensors) - set(expected))
    if missing or unknown:
        said = [f"missing tensor '{n}'" for n in missing[:3]]
        said += [f"unknown tensor '{n}'" for n in unknown[:3]]
        raise _refused("; ".join(said), path, "exactly the tensors of the towers in bundle.json")
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            value = f"tensor '{name}' of shape {tuple(tensor.shape)}"
            raise _refused(value, path, f"shape {tuple(expected[name].shape)}")
    encoder.load_state_dict({n: t.to(expected[n].dtype) for n, t in tensors.items()})


def _check_hash(path: Path, expected: str) -> None:
    if not path.is_file():
        raise _refused("no such file", path, "a file that bundle.json names")
    if store.sha256_file(path) != expected:
        raise _refused("the file was changed", path, "the SHA-256 that bundle.json records")


def _refused(value: str, path: Path, rule: str) -> BundleError:
    return BundleError(
        value,
        place=str(path),
        rule=rule,
        remedy="copy the bundle again from where it was made, or train it again",
    )
