"""A DICOM object that may leave the site: basic application confidentiality profile, PS3.15 E.1.

For sites that must pass DICOM on; the corpus itself takes no object over. Where the profile leaves
a choice, the one is taken that keeps an ophthalmic object valid (`data/profile.tsv`, column take).
Beyond the table: attributes that the dictionary does not know go, and unknown attributes with
person names, free text, dates or UIDs are treated like those of the table.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pydicom
from pydicom.datadict import dictionary_has_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from funduscope.dicom.facts import parse_date, text
from funduscope.dicom.frames import BROKEN, Frame
from funduscope.dicom.pixels import clean_pixels, redraw
from funduscope.dicom.profile import rule
from funduscope.dicom.quiet import quiet
from funduscope.errors import DataError

Pseudonym = Callable[[str, str], str]

METHOD = "funduscope: PS3.15 basic application confidentiality profile"
_IMPLEMENTATION = UID("2.25.245389621587329460932842305178218560241")
_DUMMY: dict[str, object] = {
    "AE": "REMOVED",
    "AS": "000D",
    "CS": "REMOVED",
    "DA": "19000101",
    "DS": "0",
    "DT": "19000101000000",
    "IS": "0",
    "LO": "REMOVED",
    "LT": "REMOVED",
    "PN": "REMOVED",
    "SH": "REMOVED",
    "ST": "REMOVED",
    "TM": "000000",
    "UC": "REMOVED",
    "UR": "urn:removed",
    "UT": "REMOVED",
    "OB": b"\0\0",
    "UN": b"\0\0",
}
_DATES = ("DA", "DT", "TM")
_FREE = ("LT", "ST", "UT", "UC", "UR", "PN")
_BINARY = ("OB", "UN")
# Pseudonyms stand in these, so that objects of one patient or study stay together.
_KINDS = {0x00100020: "patient", 0x00100010: "patient", 0x00080050: "exam", 0x00200010: "exam"}
# What kind of thing an object or a code list is; never made for one patient.
_CLASSES = frozenset(
    (0x00080016, 0x00081150, 0x00081151, 0x0008001A, 0x0008010C, 0x00080117, 0x00080118)
)
_CODE = (0x00080100, 0x00080102, 0x00080104)
_SCHEMES = ("DCM", "SCT", "SRT", "SNM3", "UCUM", "LN", "FMA")
_CODE_VALUE = re.compile(r"[A-Z]{0,2}-?[A-Z0-9]{1,14}")
# Binary attributes of the pixels that are no free bytes.
_PICTURE = frozenset((0x7FE00010, 0x00282000))
_REBUILT = frozenset((0x7FE00001, 0x7FE00002))
_CHARACTER_SET = 0x00080005


@dataclass(frozen=True)
class _How:
    pseudonym: Pseudonym
    day_shift: int | None


def deidentify(
    dataset: Dataset,
    pseudonym: Pseudonym,
    *,
    day_shift: int | None = None,
    pixels: Callable[[Frame], Frame] | None = None,
) -> Dataset:
    """A copy without identity; the given object stays as it is.

    Patient ID and name become the pseudonym of the Patient ID, accession number and study ID those
    of the kind `exam`; every UID becomes a new one, the same wherever the old one stands and in
    every object treated with the same pseudonyms. Private attributes, curves and overlays go,
    sequences are cleaned item by item, preamble and file meta are made anew, compressed frames
    lose EXIF and comments. What was done is declared in the object.

    Args:
        dataset: as read from a file (with `file_meta`).
        pseudonym: kind (`patient`, `exam`, `uid`) and value -> name; should be keyed, or the old
            values can be found by trying.
        day_shift: days added to the dates that PS3.15 lets be modified; give one patient always
            the same. Times of day go. None: all dates are emptied.
        pixels: removes what stands in the picture (RGB in, RGB of the same size out). The object
            is then stored uncompressed. Needed when it says that text is burned in.

    Raises:
        DataError: code `burned_in_text` (text in the pixels, no `pixels`), `truncated` or another
            code of the pixels.
    """
    with quiet():
        try:
            _check_annotation(dataset, pixels is not None)
            made = _cleaned(dataset, _How(pseudonym, day_shift), strict=False)
            made.SpecificCharacterSet = "ISO_IR 192"
            made.file_meta = _file_meta(dataset, made)
            if pixels is not None:
                redraw(dataset, made, pixels)
            else:
                clean_pixels(dataset, made)
            _declare(made, shifted=day_shift is not None, redrawn=pixels is not None)
        except BROKEN as error:
            raise _damaged(error) from error
    return made


def to_bytes(dataset: Dataset) -> bytes:
    """The object as the bytes of a DICOM file with an empty preamble.

    Raises:
        DataError: code `truncated`: it lacks what every file needs, or a value cannot be written.
    """
    stream = io.BytesIO()
    with quiet():
        try:
            pydicom.dcmwrite(stream, dataset, enforce_file_format=True)
        except BROKEN as error:
            raise _damaged(error) from error
    return stream.getvalue()


def _check_annotation(dataset: Dataset, redrawn: bool) -> None:
    if redrawn or text(dataset, "BurnedInAnnotation").upper() != "YES":
        return
    raise DataError(
        "Burned In Annotation is YES",
        place="the DICOM object",
        rule="an object without identity has none in its pixels",
        remedy="give `pixels`, a function that blanks the text",
        code="burned_in_text",
    )


def _damaged(error: Exception) -> DataError:
    return DataError(
        type(error).__name__,
        place="the DICOM object",
        rule="it has its own UID and class, every value can be read, frames are undamaged",
        remedy="copy or send the object again from its source",
        code="truncated",
    )


def new_uid(pseudonym: Pseudonym, uid: str) -> UID:
    """The UID that stands for `uid`: 2.25 and 128 bits, by the pseudonym of the kind `uid`."""
    digest = hashlib.sha256(pseudonym("uid", uid).encode("utf-8", "surrogateescape")).digest()
    return UID(f"2.25.{int.from_bytes(digest[:16], 'big')}")


def _cleaned(dataset: Dataset, how: _How, *, strict: bool) -> Dataset:
    """The data set by the table; `strict`: inside an item that is a dummy, no words at all."""
    made = Dataset()
    for tag in sorted(dataset.keys()):
        group, number = int(tag) >> 16, int(tag) & 0xFFFF
        asked = rule(int(tag))
        unknown = asked is None and not dictionary_has_tag(tag)
        gone = asked is not None and asked.take == "X"
        if group <= 2 or number == 0 or unknown or gone or int(tag) in _REBUILT:
            continue
        if int(tag) == _CHARACTER_SET:
            continue  # all text is written anew, as UTF-8
        try:
            element = dataset[tag]
        except BROKEN:
            continue  # not even readable as its type: nothing that must be kept
        kept = _element(element, dataset, how, strict=strict and not _standard_code(dataset, tag))
        if kept is not None:
            made.add(kept)
    return made


def _standard_code(dataset: Dataset, tag: int) -> bool:
    """Part of a code from a published list, not from one of the site's own."""
    scheme = str(dataset.get("CodingSchemeDesignator", ""))
    value = str(dataset.get("CodeValue", ""))
    return tag in _CODE and scheme in _SCHEMES and _CODE_VALUE.fullmatch(value) is not None


def _element(
    element: DataElement, dataset: Dataset, how: _How, *, strict: bool
) -> DataElement | None:
    tag, vr = int(element.tag), str(element.VR)
    asked = rule(tag)
    take = asked.take if asked is not None else _beyond(tag, vr, strict=strict)
    if take == "X":
        return None
    if vr == "SQ":
        if take == "Z":
            return DataElement(tag, vr, Sequence([]))
        deeper = strict or take in ("C", "D")
        items = [_cleaned(item, how, strict=deeper) for item in element.value]
        return DataElement(tag, vr, Sequence(items))
    if take == "K":
        return element
    if element.is_empty:
        return DataElement(tag, vr, None)
    if tag in _KINDS and take in ("Z", "D"):
        return DataElement(tag, vr, _pseudonym(tag, element, dataset, how))
    if vr == "UI":
        return DataElement(tag, vr, _uids(element, how))
    if vr in _DATES and how.day_shift is not None and (asked is None or asked.dates):
        shifted = _shifted(str(element.value), vr, how.day_shift)
        if shifted is not None:
            return DataElement(tag, vr, shifted)
    return DataElement(tag, vr, None if take == "Z" else _DUMMY.get(vr, 0))


def _beyond(tag: int, vr: str, *, strict: bool) -> str:
    """What to do with an attribute that the table does not list."""
    if vr == "UI":
        return "K" if tag in _CLASSES else "U"
    if vr in _BINARY:
        return "K" if tag in _PICTURE else "X"
    if vr in _DATES:
        return "D"
    if strict and vr in ("LO", "SH", "AE", *_FREE):
        return "D"
    return "Z" if vr in _FREE else "K"


def _pseudonym(tag: int, element: DataElement, dataset: Dataset, how: _How) -> str:
    kind = _KINDS[tag]
    value = text(dataset, "PatientID") if kind == "patient" else str(element.value).strip()
    return how.pseudonym(kind, value or str(element.value))[:16]


def _uids(element: DataElement, how: _How) -> list[str] | str:
    """New UIDs, but for those that the standard itself gives."""
    many = element.value if element.VM > 1 else [element.value]
    new = [
        str(uid) if UID(uid).name != str(uid) else str(new_uid(how.pseudonym, str(uid)))
        for uid in many
    ]
    return new if len(new) > 1 else new[0]


def _shifted(value: str, vr: str, days: int) -> str | None:
    day = parse_date(value.strip(" \0")) if vr in ("DA", "DT") else None
    try:
        return (day + timedelta(days)).strftime("%Y%m%d") if day is not None else None
    except OverflowError:
        return None


def _file_meta(dataset: Dataset, made: Dataset) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = made.get("SOPClassUID", "")
    meta.MediaStorageSOPInstanceUID = made.get("SOPInstanceUID", "")
    meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    meta.ImplementationClassUID = _IMPLEMENTATION
    meta.ImplementationVersionName = "FUNDUSCOPE"
    return meta


def _declare(made: Dataset, *, shifted: bool, redrawn: bool) -> None:
    """State what was done (PS3.15 E.1.1, codes of CID 7050)."""
    done = [("113100", "Basic Application Confidentiality Profile")]
    if redrawn:
        done.append(("113101", "Clean Pixel Data Option"))
    if shifted:
        done.append(("113107", "Retain Longitudinal Temporal Information Modified Dates Option"))
    codes = []
    for value, meaning in done:
        code = Dataset()
        code.CodeValue = value
        code.CodingSchemeDesignator = "DCM"
        code.CodeMeaning = meaning
        codes.append(code)
    made.PatientIdentityRemoved = "YES"
    made.DeidentificationMethod = METHOD
    made.DeidentificationMethodCodeSequence = Sequence(codes)
    made.LongitudinalTemporalInformationModified = "MODIFIED" if shifted else "REMOVED"
    if redrawn:
        made.BurnedInAnnotation = "NO"
