"""Reports of other examinations, which lie beside those of fundus photographs."""

from __future__ import annotations

import re

from funduscope.findings.symbols import simplified

_HEAD = 40
"""An examination names itself in the first characters of its report."""

# Latin abbreviations may touch ideographs, which `\b` takes for letters of the same word.
_OTHERS = (
    ("oct", "{OCTA?}|相干断层"),
    ("ffa", "{FFA}|{ICGA?}|荧光(?:素)?(?:眼底)?(?:血管)?(?:造影|摄影)|(?i:fluorescein angiogra)"),
    (
        "other",
        "{[AB]}[- ]?(?i:scan|mode)|(?i:ultrasound|ultrasonogra)|[AB]\\s*超|超声|超音波|{UBM}",
    ),
    ("other", "(?i:visual field|perimetry)|视野(?:检查|报告|[:：])"),
    ("other", "{VEP}|{F?ERG}|角膜地形图|(?i:corneal topogra)|眼轴(?:测量|[:：])"),
)


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(.+?)\}", r"(?<![A-Za-z])(?:\1)(?![A-Za-z])", pattern))


_PATTERNS = tuple((kind, _compiled(pattern)) for kind, pattern in _OTHERS)
_SENTENCE = re.compile(r"[。;；\n]|\.\s")
_ADVICE = re.compile(
    r"建议|进一步|复查|必要|[拟需可]行|(?i:recommend|advise|suggest|refer|consider)"
)
_FUNDUS = re.compile(r"视盘|视神经乳头|杯盘|(?i:optic disc|\bdisc\b|\bcup|C/D)")

_PARTS = re.compile(
    r"视盘|视乳头|视神经|黄斑|中心凹|血管|动脉|静脉|视网膜|脉络膜|玻璃体|晶状体|后极部|屈光[间介]质"
    r"|(?i:\bdiscs?\b|macula|fovea|vessel|vascular|arter|\bvein|retina|choroid|vitre|\blens|cup)"
)


def other_examination(text: str) -> str | None:
    """oct, ffa or other where a report is about another examination than a photograph; else None.

    The examination must name itself at the head of the report, not in advice, and the text must
    not describe an optic disc, as reports of photographs do.
    """
    text = simplified(text)
    head = _SENTENCE.split(text.strip(), maxsplit=1)[0][:_HEAD]
    if _ADVICE.search(head) or _FUNDUS.search(text):
        return None
    for kind, pattern in _PATTERNS:
        if pattern.search(head):
            return kind
    return None


def describes_fundus(text: str) -> bool:
    """Whether a report speaks of any part of the eye that a fundus photograph shows.

    "See image" and "as before" do not; a description without a single finding does.
    """
    return _PARTS.search(simplified(text)) is not None
