"""Output folders: made so that a half-written one is never taken for whole, opened checked."""

from funduscope.store.artifacts import Bundle, Corpus, Embeddings, Evaluation
from funduscope.store.folder import (
    STATE,
    Manifest,
    Output,
    create,
    read_manifest,
    sha256_file,
    unfinished,
    verify,
    write_bytes,
    write_json,
)
from funduscope.store.lock import held
from funduscope.store.provenance import COMMAND
from funduscope.store.spreadsheet import to_csv, write_csv

__all__ = [
    "COMMAND",
    "STATE",
    "Bundle",
    "Corpus",
    "Embeddings",
    "Evaluation",
    "Manifest",
    "Output",
    "create",
    "held",
    "read_manifest",
    "sha256_file",
    "to_csv",
    "unfinished",
    "verify",
    "write_bytes",
    "write_csv",
    "write_json",
]
