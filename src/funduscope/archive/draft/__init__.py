"""A first description of an unknown folder: guesses with reasons, for a person to confirm."""

from __future__ import annotations

from funduscope.archive.draft.drafting import Draft, draft

__all__ = ["Draft", "draft"]
