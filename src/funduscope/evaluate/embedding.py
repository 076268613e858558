"""`embed`: the photographs of a corpus as unit vectors on disk."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from funduscope import store, tables
from funduscope.config import Progress, Quiet
from funduscope.errors import DataError
from funduscope.evaluate.encoder import Encoder, Vectors, open_encoder
from funduscope.evaluate.settings import EmbedSettings, Split
from funduscope.store import Corpus, Embeddings


def embed(
    model: Path | str,
    corpus: Path | str,
    out: Path | str,
    settings: EmbedSettings | None = None,
    *,
    force: bool = False,
    progress: Progress | None = None,
) -> Embeddings:
    """Embed the photographs of a corpus with a bundle or a package.

    Args:
        model: a bundle, the run folder that holds one, or a package.
        corpus: a corpus folder made by `ingest`.
        out: new folder: `vectors.npy` (float32 (N, D), unit rows) and `rows.parquet`.
        settings: which patients.
        force: begin anew where `out` is taken.
        progress: told of every batch.

    Raises:
        DataError: a folder is unfinished, taken or of another kind.
        BundleError: the model is damaged.
    """
    chosen = settings or EmbedSettings()
    opened = Corpus.open(corpus)
    encoder = open_encoder(Path(model))
    sources = [
        {"kind": encoder.kind, "id": encoder.id, "path": str(model)},
        {"kind": "corpus", "id": opened.id, "path": str(corpus)},
    ]
    with store.create(
        Path(out),
        kind="embeddings",
        config=chosen.model_dump(mode="json"),
        seed=chosen.seed,
        inputs=sources,
        force=force,
    ) as output:
        ids = image_ids(opened, chosen.split)
        vectors = embed_corpus(encoder, opened, ids, progress or Quiet())
        buffer = io.BytesIO()
        np.save(buffer, vectors)
        store.write_bytes(output.path / "vectors.npy", buffer.getvalue())
        facts = {row["image_id"]: row for row in opened.images.iter_rows(named=True)}
        rows = [
            {"row": at}
            | {key: facts[name][key] for key in ("image_id", "patient_id", "eye", "split")}
            for at, name in enumerate(ids)
        ]
        tables.write(tables.ROWS, tables.frame(tables.ROWS, rows), output.path / "rows.parquet")
        output.counts["images"] = len(ids)
        output.extra["model"] = encoder.id
    made: Embeddings = Embeddings.open(out)
    return made


def image_ids(corpus: Corpus, split: Split) -> list[str]:
    """The photographs of a split, in the order of the table `images`."""
    wanted = ("train", "val", "test") if split == "all" else (split,)
    pairs = corpus.images.select("image_id", "split").iter_rows()
    return [name for name, part in pairs if part in wanted]


def embed_corpus(
    encoder: Encoder, corpus: Corpus, ids: Sequence[str], progress: Progress
) -> Vectors:
    """Unit rows (N, D) of these photographs, in this order.

    Raises:
        DataError: no photograph, or one without its bytes.
    """
    if not ids:
        raise DataError(
            "no photograph to embed",
            place=str(corpus.path),
            rule="at least one photograph of the split asked for",
            remedy="choose another split (--set split=all)",
            code="empty",
        )
    found: dict[str, Vectors] = {}
    progress.start(f"embed {corpus.path.name}", len(ids))
    for names, vectors in encoder.images(corpus.pixels(ids)):
        found.update(zip(names, vectors, strict=True))
        progress.advance(len(names))
    progress.done()
    missing = [name for name in ids if name not in found]
    if missing:
        raise DataError(
            f"{len(missing)} photographs without bytes, first {missing[0]}",
            place=str(corpus.path / "pixels"),
            rule="every row of images has its bytes in a shard",
            remedy="funduscope check the corpus, then ingest it again",
            code="missing_pixels",
        )
    return np.stack([found[name] for name in ids]).astype(np.float32)
