"""A synthetic telemedicine archive: drawn fundus photographs, reports, identities and defects.

It exists so that the whole line can run and be tested where no patient's data may go. Every
finding's size and color come from ranges cited in `eyes`; nothing is learnt from a photograph.
The pictures teach the program, not a doctor: no clinical conclusion may rest on them.
"""

from __future__ import annotations

from funduscope.archive.synthetic.draw import draw_archive
from funduscope.archive.synthetic.eyes import FINDINGS

__all__ = ["FINDINGS", "draw_archive"]
