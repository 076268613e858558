"""Bytes of a table -> text, in the encoding they speak for."""

from __future__ import annotations

import re
from dataclasses import dataclass

STRAY = 0.004
"""Part of a text that may be broken bytes: exports are cut and glued."""
_SEEN = 400_000
_PAIR = re.compile(rb"[\x81-\xfe](?:[\x40-\x7e\x80-\xfe]|[0-9][\x81-\xfe][0-9])")
_PLAUSIBLE = 0.3
"""Least part of common characters; Windows-1252 read as Chinese has next to none."""


@dataclass(frozen=True)
class Decoded:
    """A text, the encoding it was read in, and what a person should confirm of it."""

    text: str
    encoding: str
    doubt: str | None = None


def decode(data: bytes, encoding: str | None = None) -> Decoded | None:
    """Text in the encoding given, or in the one its bytes speak for; None if it is none.

    Tried in this order: byte order marks, UTF-8, UTF-16 without a mark, GB18030, Big5, each with
    a few broken bytes if it must be, then Windows-1252.
    """
    names = (encoding,) if encoding else _guesses(data)
    for name in names:
        found = _in(data, name)
        if found is not None:
            return found
    if encoding or b"\0" in data:
        return None
    doubt = "read as cp1252, since nothing else fits: confirm `encoding`"
    return Decoded(data.decode("cp1252", "replace"), "cp1252", doubt)


def _in(data: bytes, name: str) -> Decoded | None:
    try:
        return Decoded(data.decode(name).removeprefix("\ufeff"), name)
    except LookupError:
        return None
    except UnicodeDecodeError:
        text = data.decode(name, "replace").removeprefix("\ufeff")
    broken = text.count("\ufffd")
    whole = sum(not sign.isascii() for sign in text) - broken
    if broken > STRAY * len(text) or (name == "utf-8" and whole < 3 * broken):
        return None  # a few accents of Windows-1252 are broken UTF-8, too
    return Decoded(text, name, f"{broken} bytes are not {name}: confirm `encoding`")


def _guesses(data: bytes) -> tuple[str, ...]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    head = data[:4096]
    if b"\0" in head:  # every second byte of Latin letters in UTF-16 is zero
        odd, even = head[1::2].count(0), head[::2].count(0)
        return ("utf-16-le" if odd >= even else "utf-16-be",)
    return ("utf-8", *_chinese(data))


def _chinese(data: bytes) -> tuple[str, ...]:
    """GB18030 and Big5, the likelier one first, where the characters are mostly common ones.

    Nearly any bytes are some characters of GB18030, those of Windows-1252 and Big5 among them; the
    common ones (level 1 of GB 2312, of Big5) stand together in either code. Rare ones of GB 2312
    count half.
    """
    pairs = [pair for pair in _PAIR.findall(data[:_SEEN]) if not 0xA1 <= pair[0] <= 0xA3]
    if not pairs:
        return ()
    simple = sum(1 if 0xB0 <= p[0] <= 0xD7 else 0.5 for p in pairs if p[0] > 0xA9 and p[1] > 0xA0)
    shares = {
        "gb18030": simple / len(pairs),
        "big5": sum(0xA4 <= pair[0] <= 0xC6 for pair in pairs) / len(pairs),
    }
    likely = sorted(shares, key=lambda name: -shares[name])
    return tuple(name for name in likely if shares[name] >= _PLAUSIBLE)
