"""Stage: an archive of photographs and reports as it lies there -> a de-identified corpus."""

from __future__ import annotations

from funduscope.archive.description import Description, Source, schema
from funduscope.archive.draft import Draft, draft
from funduscope.archive.faults import damaged
from funduscope.archive.ingest import ingest
from funduscope.archive.review import QualityReview, QueueReview, review_quality, review_reports
from funduscope.archive.settings import IngestSettings, ReviewSettings

__all__ = [
    "Description",
    "Draft",
    "IngestSettings",
    "QualityReview",
    "QueueReview",
    "ReviewSettings",
    "Source",
    "damaged",
    "draft",
    "ingest",
    "review_quality",
    "review_reports",
    "schema",
]
