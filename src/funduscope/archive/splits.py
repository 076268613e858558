"""train, val, test by patient: no patient and no cluster of copies in two of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from funduscope.archive.settings import IngestSettings


def assign(
    units: Sequence[str],
    wanted: Sequence[str | None],
    names: Mapping[str, str],
    settings: IngestSettings,
) -> tuple[dict[str, str], list[str]]:
    """The split of each unit (a patient, or patients that share a photograph).

    Args:
        units: the unit of each photograph.
        wanted: the split that the source gives each photograph, or None.
        names: unit -> what its hash is drawn from; does not depend on the site's key.
        settings: seed and shares.

    Returns:
        Unit -> split, and the units that the source would have cut in two. The source's split
        counts where all photographs of a unit that have one agree; else a seeded hash decides.
    """
    said: dict[str, set[str]] = {unit: set() for unit in units}
    for unit, split in zip(units, wanted, strict=True):
        if split is not None:
            said[unit].add(split)
    splits = {}
    torn = []
    for unit, choices in said.items():
        if len(choices) == 1:
            splits[unit] = next(iter(choices))
            continue
        if choices:
            torn.append(unit)
        splits[unit] = _draw(names[unit], settings)
    return splits, sorted(torn)


def _draw(name: str, settings: IngestSettings) -> str:
    digest = hashlib.sha256(f"{settings.seed}\x1f{name}".encode()).digest()
    at = int.from_bytes(digest[:8], "big") / 2**64
    if at < settings.test_share:
        return "test"
    return "val" if at < settings.test_share + settings.val_share else "train"
