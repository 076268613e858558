"""The folders that stages hand to each other, opened and checked: corpus, bundle, evaluation."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from funduscope import tables
from funduscope.errors import BundleError, DataError
from funduscope.store.folder import Manifest, read_manifest

if TYPE_CHECKING:
    import polars as pl


class _Folder:
    """A finished stage folder: its path, its manifest, its id."""

    kind = ""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest

    @classmethod
    def open(cls, path: Path | str) -> Any:
        """Open a finished folder; an unfinished one is a DataError with the resume command."""
        return cls(Path(path), read_manifest(Path(path), cls.kind))

    @property
    def id(self) -> str:
        """The identity of the content, from the manifest."""
        return self.manifest.id

    def _table(self, table: tables.Table) -> pl.DataFrame:
        return tables.read(table, self.path / f"{table.name}.parquet")


class Corpus(_Folder):
    """A de-identified archive or benchmark as `ingest` leaves it."""

    kind = "corpus"

    @cached_property
    def images(self) -> pl.DataFrame:
        """The photographs kept."""
        return self._table(tables.IMAGES)

    @cached_property
    def reports(self) -> pl.DataFrame:
        """The reports, identity removed."""
        return self._table(tables.REPORTS)

    @cached_property
    def assertions(self) -> pl.DataFrame:
        """What the reports say, per eye."""
        return self._table(tables.ASSERTIONS)

    @cached_property
    def pairs(self) -> pl.DataFrame:
        """The captions of each photograph."""
        return self._table(tables.PAIRS)

    @cached_property
    def labels(self) -> pl.DataFrame:
        """The labels of a benchmark (empty for an archive)."""
        return self._table(tables.LABELS)

    @cached_property
    def rejects(self) -> pl.DataFrame:
        """What was not kept, and what a person must look at."""
        return self._table(tables.REJECTS)

    def pixels(self, image_ids: Sequence[str] | None = None) -> Iterator[tuple[str, bytes]]:
        """Encoded bytes of photographs, in the order of the shards (all, or those named)."""
        import pyarrow.parquet as pq

        wanted = None if image_ids is None else set(image_ids)
        shards = sorted((self.path / "pixels").glob("part-*.parquet"))
        if wanted is not None:  # a dozen photographs of a large archive lie in a few of its shards
            images = self.images
            held = set(images.filter(images["image_id"].is_in(list(wanted)))["shard"].to_list())
            shards = [shard for shard in shards if shard.name in held]
        for shard in shards:
            data = pq.read_table(shard)
            for name, item in zip(data["image_id"].to_pylist(), data["image"], strict=True):
                if wanted is None or name in wanted:
                    yield name, item["bytes"].as_py()


class Embeddings(_Folder):
    """Unit vectors of a corpus' photographs and what each row belongs to."""

    kind = "embeddings"

    @cached_property
    def vectors(self) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Unit rows, float32 (N, D)."""
        rows: np.ndarray[Any, np.dtype[np.float32]]
        rows = np.load(self.path / "vectors.npy", mmap_mode="r")
        return rows

    @cached_property
    def rows(self) -> pl.DataFrame:
        """What each row belongs to."""
        return self._table(tables.ROWS)


class Evaluation(_Folder):
    """Scores and metrics of a model on labeled corpora."""

    kind = "evaluation"

    @cached_property
    def scores(self) -> pl.DataFrame:
        """One row a score."""
        return self._table(tables.SCORES)

    @cached_property
    def metrics(self) -> pl.DataFrame:
        """One row a figure."""
        return self._table(tables.METRICS)


@dataclass(frozen=True)
class Bundle:
    """A trained model on disk: `bundle.json`, weights, tokenizer, card. Loaded by `model`."""

    path: Path
    spec: dict[str, Any]

    @classmethod
    def open(cls, path: Path | str) -> Bundle:
        """Open a bundle folder, or the finished run folder that holds one.

        Raises:
            BundleError: no bundle there, or a damaged description.
            DataError: a run folder that is unfinished (with the resume command).
        """
        folder = Path(path)
        if not (folder / "bundle.json").exists():
            if not folder.is_dir() or not (folder / "log.parquet").exists():
                _refuse_unfinished(folder)
            read_manifest(folder, "run")
            folder = folder / "bundle"
        try:
            spec: dict[str, Any] = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise _no_bundle(folder, str(error)) from None
        if spec.get("format") != 1:
            raise _no_bundle(folder, f"format {spec.get('format')}")
        return cls(folder, spec)

    @property
    def id(self) -> str:
        """The identity of the weights and their description."""
        return str(self.spec["id"])


def _refuse_unfinished(folder: Path) -> None:
    try:
        read_manifest(folder, "run")
    except DataError as error:
        if error.code == "unfinished" and "unfinished" in error.value:
            raise
        raise _no_bundle(folder, "no bundle.json") from None


def _no_bundle(folder: Path, value: str) -> BundleError:
    return BundleError(
        value,
        place=str(folder),
        rule="a bundle folder holds bundle.json (format 1), weights.safetensors, tokenizer.json",
        remedy="give the bundle folder, or the run folder that `funduscope pretrain` finished",
    )
