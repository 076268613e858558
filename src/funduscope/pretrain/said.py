"""What follows from what a report says of an eye: the rows that `agreement` compares.

Shapes: N eyes or texts, F codes of the vocabulary in its order.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from funduscope.findings import vocabulary

_IN_THE_FUNDUS = ("sign", "disease")

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


def implied(told_NF: Floats) -> Floats:
    """What was told and what follows from it: 1 present, 0.5 uncertain, -1 absent, 0 silent.

    What was told holds against what follows; of several things that follow the stronger counts
    (present over uncertain over absent). It follows:

    - a finding present (suspected) has its broader ones present (suspected);
    - a finding denied has its narrower ones denied;
    - `normal` denies every finding that a normal fundus cannot have, and such a finding present
      denies `normal`: what a retina specialist hears in "normal fundus". A suspicion does not. What
      is no finding in the fundus (quality, treatment, systemic disease, a measured ratio) or may be
      left alone (`referable` is no: tessellation, a tilted disc, an artificial lens) goes with it.
    """
    broader_FF, abnormal_F, normal = _relations()
    broad_NF = (told_NF.clip(0)[:, :, None] * broader_FF).max(1)
    denied_NF = (told_NF < 0).astype(np.float32) @ broader_FF.T > 0
    denied_NF |= (told_NF[:, normal, None] == 1) & abnormal_F
    follows_NF = np.where(broad_NF > 0, broad_NF, np.where(denied_NF, -1, 0))
    made_NF: Floats = np.where(told_NF != 0, told_NF, follows_NF).astype(np.float32)
    ill_N = (made_NF[:, abnormal_F] == 1).any(1)
    made_NF[ill_N & (made_NF[:, normal] == 0), normal] = -1
    return made_NF


@cache
def _relations() -> tuple[Floats, Bools, int]:
    """Which code is broader than which (row: the narrower), what is abnormal, where `normal` is."""
    words = vocabulary()
    place = {code: number for number, code in enumerate(words.codes)}
    broader = np.zeros((len(place), len(place)), np.float32)
    for code in words.codes:
        broader[place[code], [place[above] for above in words.ancestors(code)]] = 1
    abnormal = [w.kind in _IN_THE_FUNDUS and w.referable != "no" for w in words]
    return broader, np.array(abnormal), place["normal"]
