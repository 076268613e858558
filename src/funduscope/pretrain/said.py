"""What an eye's report says of every code of the vocabulary: the rows that `agreement` compares."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from funduscope.findings import vocabulary

_WORTH = {"present": 1.0, "uncertain": 0.5, "absent": -1.0}
_IN_THE_FUNDUS = ("sign", "disease")


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
    abnormal = [w.code for w in words if w.kind in _IN_THE_FUNDUS and w.referable != "no"]
    told = _stronger((code, _WORTH[status]) for code, status in statements)
    follows = [
        (other, worth)
        for code, worth in told.items()
        for other in (words.ancestors(code) if worth > 0 else words.descendants(code))
    ]
    if told.get("normal") == 1:
        follows += [(code, -1.0) for code in abnormal]
    all_told = _stronger(follows) | told
    if any(all_told.get(code) == 1 for code in abnormal):
        all_told.setdefault("normal", -1.0)
    return np.array([all_told.get(code, 0.0) for code in words.codes], np.float32)


def _stronger(pairs: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Of several values of a code the largest: present over uncertain over absent."""
    return {code: worth for worth, code in sorted((worth, code) for code, worth in pairs)}
