"""Reading reports: vocabulary, text -> assertions per eye, captions, label map, prompt bank.

Standard library only: the clinic package and the archive share these very lines.
"""

from __future__ import annotations

from funduscope.findings.assertions import Assertion
from funduscope.findings.captions import Caption, CaptionForm, captions
from funduscope.findings.class_lists import ClassList, class_list, class_lists
from funduscope.findings.examinations import describes_fundus, other_examination
from funduscope.findings.extraction import extract
from funduscope.findings.labels import LabelRow, label_rows
from funduscope.findings.mirror import mirrored
from funduscope.findings.phrases import Phrase, everyday_phrases, paraphrases_in
from funduscope.findings.prompts import PromptBank, bank_of, prompt_bank
from funduscope.findings.scales import (
    Scale,
    ScaleMapping,
    ScaleValue,
    convert,
    scale_mappings,
    scales,
    scales_of,
    scales_version,
)
from funduscope.findings.symbols import language_of
from funduscope.findings.vocabulary import Finding, Vocabulary, vocabulary
from funduscope.findings.words import eye_texts

__all__ = [
    "Assertion",
    "Caption",
    "CaptionForm",
    "ClassList",
    "Finding",
    "LabelRow",
    "Phrase",
    "PromptBank",
    "Scale",
    "ScaleMapping",
    "ScaleValue",
    "Vocabulary",
    "bank_of",
    "captions",
    "class_list",
    "class_lists",
    "convert",
    "describes_fundus",
    "everyday_phrases",
    "extract",
    "eye_texts",
    "label_rows",
    "language_of",
    "mirrored",
    "other_examination",
    "paraphrases_in",
    "prompt_bank",
    "scale_mappings",
    "scales",
    "scales_of",
    "scales_version",
    "vocabulary",
]
