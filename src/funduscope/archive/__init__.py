"""Stage: an archive of photographs and reports as it lies there -> a de-identified corpus."""

from __future__ import annotations

from funduscope.archive.description import Description, Source, schema
from funduscope.archive.draft import Draft, draft
from funduscope.archive.faults import damaged
from funduscope.archive.frozen import Change, changes, open_frozen, summary
from funduscope.archive.ingest import ingest
from funduscope.archive.review import QualityReview, QueueReview, review_quality, review_reports
from funduscope.archive.review_marks import MarksReview, review_marks
from funduscope.archive.settings import IngestSettings, ReviewSettings
from funduscope.archive.validation import beside, read_card

__all__ = [
    "Change",
    "Description",
    "Draft",
    "IngestSettings",
    "MarksReview",
    "QualityReview",
    "QueueReview",
    "ReviewSettings",
    "Source",
    "beside",
    "changes",
    "damaged",
    "draft",
    "ingest",
    "open_frozen",
    "read_card",
    "review_marks",
    "review_quality",
    "review_reports",
    "schema",
    "summary",
]
