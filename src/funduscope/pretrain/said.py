"""What an eye's report says of every code of the vocabulary: the rows that `agreement` compares."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from funduscope.findings import vocabulary

_WORTH = {"present": 1.0, "uncertain": 0.5, "absent": -1.0}


def said(statements: Iterable[tuple[str, str]]) -> npt.NDArray[np.float32]:
    """Finding and status of each statement -> (F,) in the order of `vocabulary().codes`.

    +1 present, +0.5 uncertain, -1 absent, 0 silent. What was said holds against what follows from
    it; of two statements on one finding (at two places of the eye) the stronger counts. It follows:

    - a finding present (suspected) has its broader ones present (suspected);
    - a finding denied has its narrower ones denied;
    - `normal` denies every finding that a normal fundus cannot have, and such a finding present
      denies `normal`: what a retina specialist hears in "normal fundus". A suspicion does not. What
      is no finding in the fundus (quality, treatment, systemic disease, a measured ratio) or may be
      left alone (`referable` is no: tessellation, a tilted disc, an artificial lens) goes with it.
    """
    words = vocabulary()
    told: dict[str, float] = {}
    for code, status in statements:
        told[code] = max(told.get(code, -1.0), _WORTH[status])
    follows: dict[str, float] = {}

    def imply(code: str, worth: float) -> None:
        follows[code] = max(follows.get(code, -1.0), worth)

    for code, worth in told.items():
        for other in words.ancestors(code) if worth > 0 else words.descendants(code):
            imply(other, worth)
    abnormal = [w.code for w in words if w.kind in ("sign", "disease") and w.referable != "no"]
    if told.get("normal") == 1:
        for code in abnormal:
            imply(code, -1.0)
    if any({**follows, **told}.get(code) == 1 for code in abnormal):
        imply("normal", -1.0)
    both = {**follows, **told}
    return np.array([both.get(code, 0.0) for code in words.codes], np.float32)
