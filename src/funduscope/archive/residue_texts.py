"""The second pass, ahead of time: which texts still hold an identifying string of the archive.

What `residue.scan` would find in a report when the corpus is written is found here before, so that
one report goes to a person and not the whole corpus to the bin. And which strings are words of our
own (`unknown` in a column, a finding's name, a site's name): those cannot be told from a leak.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from funduscope.archive import residue_forms as forms
from funduscope.archive.residue_open import written

BATCH = 200_000
"""Forms looked for in one reading of the texts."""
_SEPARATORS = frozenset(forms.SEPARATORS)


def standing(
    texts: Sequence[str], strings: Mapping[str, Iterable[str]], ours: Iterable[str] = ()
) -> dict[int, dict[str, set[str]]]:
    """Which strings stand in which texts, in any form that the second pass knows.

    Args:
        texts: as they will be written.
        strings: kind -> strings, as for `residue.scan`.
        ours: texts of our own, as for `unsaid`.

    Returns:
        Index of a text -> kind -> the strings, one way to write each; texts without any left out.
    """
    found: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    wanted = unsaid(forms.forms(strings), ours)
    for start in range(0, len(wanted), BATCH):
        look = _Look(wanted[start : start + BATCH])
        for number, text in enumerate(texts):
            for form in look.accepted(text):
                found[number][form.kind].add(form.spelled[0] if form.spelled else form.squeezed)
    return {number: dict(kinds) for number, kinds in found.items()}


def unsaid(wanted: Sequence[forms.Form], ours: Iterable[str]) -> list[forms.Form]:
    """The forms that do not stand in any text of our own: the others are in every corpus."""
    texts, kept = list(ours), []
    for start in range(0, len(wanted), BATCH):
        some = wanted[start : start + BATCH]
        look = _Look(some)
        said = {form.squeezed for text in texts for form in look.accepted(text)}
        kept += [form for form in some if form.squeezed not in said]
    return kept


class _Look:
    """Looks for many forms at once in texts (Aho-Corasick)."""

    def __init__(self, wanted: Sequence[forms.Form]) -> None:
        from ahocorasick_rs import AhoCorasick

        self.wanted = wanted
        self.found: Any = AhoCorasick([form.squeezed for form in wanted])

    def accepted(self, text: str) -> Iterator[forms.Form]:
        """The forms that really stand in a text, in each of its readings."""
        for piece in written(text, "", 0, cells=True):
            if isinstance(piece.data, str):
                yield from self._in(piece.data)

    def _in(self, text: str) -> Iterator[forms.Form]:
        folded = forms.fold(text)
        found = self.found.find_matches_as_indexes(forms.squeeze(folded), overlapping=True)
        if not found:
            return
        plain = unicodedata.normalize("NFKC", text)
        plain = plain if len(plain) == len(folded) else folded
        places = [at for at, char in enumerate(folded) if char not in _SEPARATORS]
        for number, start, end in found:
            at, stop = places[start], places[end - 1] + 1
            if forms.accept(self.wanted[number], folded, plain, at, stop, whole=True):
                yield self.wanted[number]
