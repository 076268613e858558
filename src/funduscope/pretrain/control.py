"""The control run: captions exchanged between the patients of a site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from funduscope.errors import DataError

if TYPE_CHECKING:
    from funduscope.pretrain.examples import Ints, Lists


def permuted(patient_E: Ints, site_E: Ints, statements: Lists, seed: int) -> Ints:
    """The control: within a site, each patient's eyes get the words of another patient's eyes.

    Returns:
        For each eye the eye whose words it gets.

    Raises:
        DataError: a site with one patient only: nobody can lend the captions.
    """
    rng = np.random.default_rng([seed, 7])
    words_E = np.arange(len(patient_E), dtype=np.int32)
    for site in np.unique(site_E):
        eyes = np.flatnonzero(site_E == site)
        eyes = eyes[np.argsort(patient_E[eyes], kind="stable")]
        patients = np.split(eyes, np.flatnonzero(np.diff(patient_E[eyes])) + 1)
        for taker, giver in zip(patients, _givers(patients, statements, rng), strict=True):
            words_E[taker] = np.resize(patients[giver], len(taker))
    return words_E


def _givers(
    patients: list[npt.NDArray[Any]], statements: Lists, rng: np.random.Generator
) -> npt.NDArray[Any]:
    """For each patient another one; of 2,000 random orders the most balanced.

    Diseases come together, so the words of patients lie along few directions, above all "how much
    is wrong"; with a few hundred patients one random order keeps enough of it by chance that a
    model ranks held-out eyes by it, or the other way round. Balanced: the first two principal
    components of the giver's words correlate least with the taker's.
    """
    count = len(patients)
    if count < 2:
        raise DataError(
            "one patient at a site",
            place="permute_captions",
            rule="captions are permuted between patients of a site",
            remedy="leave that site's corpus out of the control",
            code="one_patient",
        )
    at, owner = statements.many(np.concatenate(patients))
    patient = np.repeat(np.arange(count), [len(eyes) for eyes in patients])[owner]
    words, column = np.unique(statements.items[at], return_inverse=True)
    table = np.zeros((count, len(words)))
    table[patient, column] = 1.0
    axes, _, _ = np.linalg.svd(table - table.mean(0), full_matrices=False)
    axes = axes[:, :2]  # unit columns: products of two of them are correlations
    best, chosen = np.inf, np.empty(0, int)
    for _ in range(2000):
        order = rng.permutation(count)
        givers = np.empty(count, dtype=int)
        givers[order] = np.roll(order, 1)
        kept = float(np.square(axes.T @ axes[givers]).sum())
        if kept < best:
            best, chosen = kept, givers
    return chosen
