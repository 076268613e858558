"""Every string of a DICOM file that could point at a person: what a corpus must not contain.

This list feeds the second pass, which fails closed. So it holds identifiers, and leaves out words
that any report may contain: enumerations, short codes, free descriptions (of these only what
looks like a number or an address of someone). Which is which follows PS3.15, Table E.1-1: what
the Clean Descriptors Option would clean is a description, the rest of the table identifies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.uid import UID

from funduscope.dicom.allowed import tags
from funduscope.dicom.facts import parse_date
from funduscope.dicom.frames import BROKEN
from funduscope.dicom.profile import rule
from funduscope.dicom.quiet import quiet

_TEXT = ("AE", "LO", "SH", "ST", "LT", "UT", "UC", "UR", "CS", "IS", "DS", "AS")
_CODES = ("CS", "IS", "DS", "AS")
_BYTES = ("OB", "UN")
_MOST_BYTES = 65_536
"""Longer binary values are tables and pictures; text is looked for in their beginning only."""

_TOKEN = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.@+/-]{5,}")
_MIXED = re.compile(r"(?=(?:\D*\d){4})|(?=[^@]+@[^@]+\.)")
_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f-\xa0\ufffd]{4,}")
_NUMBER = re.compile(r"\d{7,}")


def identifying(dataset: Dataset) -> tuple[str, ...]:
    """All identifying strings of the file, sorted.

    UIDs, whole names (as stored; joined; family name last), dates, numbers, addresses, from every
    level, private blocks, file meta and preamble. Not the single parts of names: many are words of
    every language (Young, Green).
    """
    found: set[str] = set()
    with quiet():
        preamble = getattr(dataset, "preamble", None)
        if preamble:
            found.update(_in_bytes(preamble))
        meta = getattr(dataset, "file_meta", None)
        for level in (meta, dataset):
            if level is not None:
                _walk(level, found)
    return tuple(sorted(found))


def _walk(dataset: Dataset, found: set[str]) -> None:
    for tag in list(dataset.keys()):
        if tag in tags("decoding") or (tag in tags("corpus") and not _is_sequence(dataset, tag)):
            continue
        raw = dataset.get_item(tag)
        try:
            element = dataset[tag]
        except BROKEN:  # a value that does not fit its type is still text to look at
            found.update(_in_bytes(_raw_bytes(raw)))
            continue
        if element.VR == "SQ":
            for item in element.value:
                _walk(item, found)
            continue
        for text in _texts(element, raw):
            if element.VR == "PN":
                found.update(_names(text))
            else:
                found.update(_strings(int(tag), element.VR, text))


def _is_sequence(dataset: Dataset, tag: int) -> bool:
    try:
        return bool(dataset[tag].VR == "SQ")
    except BROKEN:
        return False


def _raw_bytes(raw: object) -> bytes:
    value = getattr(raw, "value", None)
    return value if isinstance(value, bytes) else b""


def _texts(element: DataElement, raw: object) -> Iterator[str]:
    """The value as text; where it is not ASCII, also as the other encodings of its bytes.

    Archives state one character set and write another.
    """
    if element.VR in _BYTES:
        yield from _in_bytes(element.value if isinstance(element.value, bytes) else b"")
        return
    if isinstance(raw, RawDataElement) and not _raw_bytes(raw).isascii():
        for encoding in ("utf-8", "gb18030"):
            try:
                yield from _split(element.VR, _raw_bytes(raw).decode(encoding))
                break  # what is UTF-8 is hardly ever anything else
            except UnicodeError:
                continue
    value = element.value
    if value is not None and not isinstance(value, bytes):
        many = value if hasattr(value, "append") else [value]
        for one in many:
            yield from _split(element.VR, str(one))


def _split(vr: str, text: str) -> list[str]:
    single = vr in ("ST", "LT", "UT", "UR")
    return [part for part in ([text] if single else text.split("\\")) if part]


def _strings(tag: int, vr: str, text: str) -> Iterator[str]:
    text = text.strip(" \0\r\n\t")
    if vr == "UI":
        if UID(text).name == text and len(text) >= 8:  # not one of the standard's own
            yield text
    elif vr in ("DA", "DT"):
        day = parse_date(text)
        if day is not None:
            yield day.strftime("%Y%m%d")
            yield day.isoformat()
        if len(text) >= 8:
            yield text
    elif vr in _BYTES:
        yield text
    elif vr in _TEXT:
        asked = rule(tag)
        private = (tag >> 16) % 2 == 1
        if vr == "AE" or (asked is not None and not asked.descriptor and not private):
            if _points(text):
                yield text
        elif private and tag & 0xFFFF >= 0x1000 and _points(text):
            yield text
        if vr in _CODES and asked is None and not private:
            return
        yield from (token for token in _TOKEN.findall(text) if _MIXED.match(token))
        yield from _NUMBER.findall(text)


def _points(text: str) -> bool:
    """Whether a whole value points at someone: several words, a number, or not only Latin."""
    if not text.isascii():
        return len(text) >= 2
    return len(text) >= 4 and (" " in text.strip() or any(mark.isdigit() for mark in text))


def _names(text: str) -> Iterator[str]:
    """A person name: up to three spellings, each of up to five parts."""
    for spelling in text.strip(" \0").split("="):
        pieces = [piece.strip() for piece in spelling.split("^") if piece.strip()]
        whole = {spelling.strip(), " ".join(pieces), " ".join(reversed(pieces))}
        if not spelling.isascii():
            whole |= {"".join(pieces), "".join(pieces[:2])}
        elif len(pieces) > 1:
            whole |= {"".join(pieces[:2]), " ".join(pieces[:2]), " ".join(pieces[1::-1])}
        least = 4 if spelling.isascii() else 2
        yield from (form for form in whole if len(form) >= least)


def _in_bytes(data: bytes) -> Iterator[str]:
    """Text in bytes of unknown meaning: runs of printable characters that look like someone's."""
    data = data[:_MOST_BYTES]
    for encoding in ("ascii", "utf-8", "gb18030"):
        for run in _PRINTABLE.findall(data.decode(encoding, "replace")):
            if run.isascii():
                yield from (token for token in _TOKEN.findall(run) if _MIXED.match(token))
            elif encoding == "utf-8" and len(run) <= 64:
                yield run
