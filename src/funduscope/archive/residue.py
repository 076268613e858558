"""The second pass: every byte of a finished corpus against every identifying string seen.

It shares no code, pattern or word list with the removal it checks (an import contract holds it
to that), and never shows a string it found.

In a picture's compressed bits anything may stand by chance. With P patterns over B bytes a
pattern of n bytes is expected P * B / 256**n times; there only patterns count that are so long
(at least 6 bytes) that less than a thousandth of a find is expected in the whole corpus:
2,000 patterns over 100 MB need 6 bytes, 20,000 over 10 GB need 8. Metadata
segments, texts and tables are searched for every pattern.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, repeat
from pathlib import Path
from typing import Any

from funduscope.archive import residue_forms as forms
from funduscope.archive import residue_open
from funduscope.archive.residue_bytes import Patterns
from funduscope.archive.residue_open import Piece
from funduscope.archive.residue_texts import batches

SHORTEST_DENSE = 6
CHANCE = 1e-3
"""Finds by chance that are expected, at most, in all compressed bits of the corpus."""
_AROUND = 96


@dataclass(frozen=True, order=True)
class Hit:
    """An identifying string that is still there.

    Attributes:
        file: its path in the corpus; a part of it that identifies is replaced by a digest.
        place: where in the file ("JPEG segment APP1", "column 3, rows 0-99", "file name").
        kind: of the string, as the caller named it.
    """

    file: str
    place: str
    kind: str


def scan(
    corpus: Path,
    strings: Mapping[str, Iterable[str]],
    *,
    also: Mapping[str, bytes] | None = None,
    ours: Iterable[str] = (),
    threads: int = 1,
) -> list[Hit]:
    """Where identifying strings remain in a corpus; an empty list: nowhere.

    Args:
        corpus: folder; all files and file names below it are searched.
        strings: kind -> strings. Kinds that hold `name` or `doctor` are also searched in other
            orders and by their longer words, kinds that hold `date` or `birth` in other forms.
        also: name -> bytes of files that are not written yet (the manifest).
        ours: texts of our own that any corpus may hold; strings that stand in them are no finds.
        threads: how many files are searched at once.

    Returns:
        One hit for each file, place and kind, sorted.

    Raises:
        OSError: a file cannot be read; nothing is skipped.
    """
    below = sorted(corpus.rglob("*"))
    size = sum(path.lstat().st_size for path in below)
    shortest = shortest_dense(_patterns(forms.forms(strings)), size)
    hits: set[Hit] = set()
    with ThreadPoolExecutor(threads) as pool:
        for some in batches(strings, ours):
            finder = _Finder.of(some, shortest)
            for found in pool.map(_in_file, repeat(corpus), below, repeat(finder)):
                hits |= found
            for name, data in (also or {}).items():
                hits |= _hits(name, residue_open.blob(data, "", 0), finder)
    return sorted(hits)


def _patterns(wanted: Iterator[forms.Form]) -> int:
    """About how many byte patterns there are, by every sixteenth form."""
    return 16 * sum(1 for form in islice(wanted, 0, None, 16) for _ in forms.encoded(form))


def _in_file(corpus: Path, path: Path, finder: _Finder) -> set[Hit]:
    name = path.relative_to(corpus).as_posix()
    hits = _named(name, finder)
    return hits | _hits(name, residue_open.pieces(path), finder) if path.is_file() else hits


def _named(name: str, finder: _Finder) -> set[Hit]:
    kinds = finder.kinds(Piece("file name", name))
    return {Hit(_shown(name, finder), "file name", kind) for kind in kinds}


def _hits(file: str, found: Iterator[Piece], finder: _Finder) -> set[Hit]:
    hits = {(piece.place, kind) for piece in found for kind in finder.kinds(piece)}
    shown = _shown(file, finder) if hits else file
    return {Hit(shown, place, kind) for place, kind in hits}


def _shown(name: str, finder: _Finder) -> str:
    """The path with a digest for each part that identifies (or for all, if they do together)."""
    parts = []
    for part in name.split("/"):
        bad = finder.kinds(Piece("", part))
        parts.append(f"({hashlib.sha256(part.encode()).hexdigest()[:8]})" if bad else part)
    shown = "/".join(parts)
    again = finder.kinds(Piece("", shown))
    return f"({hashlib.sha256(name.encode()).hexdigest()[:8]})" if again else shown


@dataclass
class _Finder:
    """Looks for all forms at once: in texts (Aho-Corasick) and among bytes."""

    wanted: list[forms.Form]
    text: Any
    patterns: Patterns
    shortest: int

    @classmethod
    def of(cls, wanted: list[forms.Form], shortest: int) -> _Finder:
        """Ready to search; among dense bytes only patterns of at least `shortest` bytes count."""
        from ahocorasick_rs import AhoCorasick

        text = AhoCorasick([form.squeezed for form in wanted])
        return cls(wanted, text, Patterns(wanted), shortest)

    def kinds(self, piece: Piece) -> set[str]:
        """Kinds of the strings that stand in a piece."""
        if isinstance(piece.data, str):
            return self._in_text(piece.data, whole=piece.cells)
        return self._in_bytes(piece.data, self.shortest if piece.dense else 0)

    def _in_text(self, text: str, *, whole: bool) -> set[str]:
        folded = forms.fold(text)
        squeezed = forms.squeeze(folded)
        found = self.text.find_matches_as_indexes(squeezed, overlapping=True)
        if not found:
            return set()
        plain = _same_length(text, folded)
        places = [at for at, char in enumerate(folded) if char not in _SEPARATORS]
        kinds = set()
        for number, start, end in found:
            form = self.wanted[number]
            if form.kind not in kinds:
                at, stop = places[start], places[end - 1] + 1
                if forms.accept(form, folded, plain, at, stop, whole=whole):
                    kinds.add(form.kind)
        return kinds

    def _in_bytes(self, data: bytes, shortest: int) -> set[str]:
        """Finds among bytes are read once more as text, with what stands around them."""
        kinds: set[str] = set()
        for start, end, encoding, form in self.patterns.find(data, shortest):
            # Two ideographs in UTF-16 may be four letters of a word: no name among texts.
            wordlike = end - start < SHORTEST_DENSE and data[start:end].isalnum()
            if form.kind not in kinds and not (wordlike and encoding.startswith("utf-16")):
                before = _read(data[start - min(start, _AROUND) : start], encoding)
                text = before + data[start : end + _AROUND].decode(encoding, "replace")
                if form.kind in self._in_text(text, whole=False):
                    kinds.add(form.kind)
        return kinds


_SEPARATORS = frozenset(forms.SEPARATORS)


def _read(before: bytes, encoding: str) -> str:
    """The bytes before a find as text; characters begin where the find's do."""
    if encoding.startswith("utf-16"):
        before = before[len(before) % 2 :]
    return before.decode(encoding, "replace")


def _same_length(text: str, folded: str) -> str:
    """The text with its case, in the folded text's places."""
    plain = unicodedata.normalize("NFKC", text)
    return plain if len(plain) == len(folded) else folded


def shortest_dense(patterns: int, size: int) -> int:
    """Bytes a pattern must have to be no chance among `patterns` of them in `size` bytes."""
    shortest = SHORTEST_DENSE
    while patterns * size / 256**shortest >= CHANCE:
        shortest += 1
    return shortest
