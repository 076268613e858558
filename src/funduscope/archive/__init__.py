"""Stage: an archive of photographs and reports as it lies there -> a de-identified corpus."""

from __future__ import annotations

from funduscope.archive.description import Description, Source, schema
from funduscope.archive.ingest import ingest
from funduscope.archive.settings import IngestSettings

__all__ = ["Description", "IngestSettings", "Source", "ingest", "schema"]
