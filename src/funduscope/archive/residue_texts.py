"""The second pass, ahead of time: which texts still hold an identifying string of the archive.

What `residue.scan` would find in a report when the corpus is written is found here before, so that
one report goes to a person and not the whole corpus to the bin. And which strings are words of our
own (`unknown` in a column, a finding's name, a site's name): those cannot be told from a leak.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from funduscope.archive import residue_forms as forms
from funduscope.archive.residue_open import written

BATCH = 200_000
"""Forms looked for in one reading: more of them take more readings, not memory."""
_SEPARATORS = frozenset(forms.SEPARATORS)


def standing(
    texts: Sequence[str], strings: Mapping[str, Iterable[str]], ours: Iterable[str] = ()
) -> dict[int, dict[str, set[str]]]:
    """Which strings stand in which texts, in any form that the second pass knows.

    Args:
        texts: as they will be written.
        strings: kind -> strings, as for `residue.scan`.
        ours: texts of our own, as for `batches`.

    Returns:
        Index of a text -> kind -> the strings, one way to write each; texts without any left out.
    """
    found: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for some in batches(strings, ours):
        look = _Look(some)
        for number, text in enumerate(texts):
            for form in look.accepted(text):
                found[number][form.kind].add(form.spelled[0] if form.spelled else form.squeezed)
    return {number: dict(kinds) for number, kinds in found.items()}


def batches(
    strings: Mapping[str, Iterable[str]], ours: Iterable[str] = ()
) -> Iterator[list[forms.Form]]:
    """The forms to look for, so many at once, less those that stand in any text of our own."""
    texts, wanted = list(ours), forms.forms(strings)
    while some := list(islice(wanted, BATCH)):
        distinct = {form.squeezed: form for form in reversed(some)}  # the first of equal ones
        look = _Look(list(distinct.values()))
        for text in texts:
            for form in look.accepted(text):
                distinct.pop(form.squeezed, None)
        yield list(distinct.values())


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
