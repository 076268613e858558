"""FHIR R4 -> rows: one a DiagnosticReport, one a picture (Media).

The columns are always the same, so that a description of a FHIR source needs none of its own.
Resources may stand one a line, in a Bundle, contained in one another, or in files of their own.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

from funduscope.archive.encodings import decode
from funduscope.archive.readers import BadRow, Given, Row, Sheet, filled
from funduscope.archive.structured import TWICE, doubled, objects

COLUMNS = (
    *("id", "study", "accession", "patient", "identifiers", "name", "birth_date", "gender"),
    *("telecom", "address", "effective", "code", "people", "conclusion", "attachment", "results"),
    *("images", "eye", "device", "status"),
)
_UID = re.compile(r"[0-2](?:\.(?:0|[1-9]\d*)){2,}")
_RESIDENT = re.compile(r"\d{17}[\dXx]|\d{15}")
_SIDES = {
    **dict.fromkeys(("24028007", "18944008", "362502000", "721959003"), "OD"),
    **dict.fromkeys(("7771000", "8966001", "362503005", "721960008"), "OS"),
    **dict.fromkeys(("51440002", "40638003", "362508001"), "unknown"),
}
"""SNOMED CT codes of right and left, right and left eye (structure, entire), both."""
_SIDE_WORDS = (
    ("OD", re.compile("\u53f3|\\b(?:right|od|re|dextra?|oculus dexter)\\b", re.I)),
    ("OS", re.compile("\u5de6|\\b(?:left|os|le|sinistra?|oculus sinister)\\b", re.I)),
)

Resource = dict[str, Any]


class _Known:
    """Resources by everything that may refer to them."""

    def __init__(self) -> None:
        self.by_name: dict[str, Resource] = {}
        self.by_id: dict[str, list[Resource]] = {}

    def add(self, one: Resource, full_url: str = "") -> None:
        """Take in a resource and those it contains."""
        if full_url:
            self.by_name[full_url] = one
        if one.get("id"):
            self.by_name[f"{one.get('resourceType')}/{one['id']}"] = one
            self.by_id.setdefault(str(one["id"]), []).append(one)

    def get(self, item: Any, inside: Resource) -> Resource:
        """What a reference means: contained, relative, absolute, with a version, by UUID."""
        text = str(item.get("reference", "")) if isinstance(item, dict) else ""
        if text.startswith("#"):
            return next((p for p in _list(inside, "contained") if p.get("id") == text[1:]), {})
        text = text.split("/_history/")[0]
        if text in self.by_name:
            return self.by_name[text]
        short = "/".join(text.split("/")[-2:])
        if short in self.by_name:
            return self.by_name[short]
        alike = self.by_id.get(text.rpartition("/")[2].removeprefix("urn:uuid:"), [])
        return alike[0] if len(alike) == 1 and "/" not in text else {}


def read_fhir(given: Given) -> Sheet:
    """One row a `DiagnosticReport`, with its `Patient`; one a `Media`, under its report's study."""
    sheet = Sheet(columns=dict.fromkeys(COLUMNS))
    known = _Known()
    found: list[tuple[str, int, Resource]] = []
    for table in given.tables:
        for number, value in objects(given, table, sheet):
            for url, one in _resources(value):
                if doubled(one):
                    sheet.bad.append(BadRow(table, number, TWICE, tuple(_strings(one))))
                    continue
                known.add(one, url)
                found.append((table, number, one))
    owner: dict[int, dict[str, str]] = {}
    for table, number, one in found:
        if one.get("resourceType") == "DiagnosticReport":
            cells, seen = _report(one, known)
            sheet.rows.append(Row(table, number, filled(cells.items()), seen))
            for media in _media(one, known):
                owner[id(media)] = cells
                sheet.rows.append(_picture(table, number, media, cells, known))
                own = _own(media, known)
                if media.get("subject") and own["patient"] != cells["patient"]:
                    # Of another patient than its report: both could have it.
                    sheet.rows.append(_picture(table, number, media, own, known))
    for table, number, one in found:
        if one.get("resourceType") == "Media" and id(one) not in owner:
            sheet.rows.append(_picture(table, number, one, _own(one, known), known))
    del sheet.rows[given.limit :]
    return sheet


def _resources(value: Resource) -> Iterator[tuple[str, Resource]]:
    if value.get("resourceType") != "Bundle":
        yield "", value
        return
    for entry in _list(value, "entry"):
        one = entry.get("resource", {})
        if one.get("resourceType") == "Bundle":
            yield from _resources(one)
        elif isinstance(one, dict):
            yield str(entry.get("fullUrl", "")), one


def _report(one: Resource, known: _Known) -> tuple[dict[str, str], tuple[str, ...]]:
    patient = known.get(one.get("subject"), one)
    cells = _own(one, known)
    attached = [_attachment(form, one, known) for form in _list(one, "presentedForm")]
    conclusion = str(one.get("conclusion", "")) or "; ".join(
        _concept(code) for code in _list(one, "conclusionCode")
    )
    observed = [_observation(known.get(item, one)) for item in _list(one, "result")]
    if not conclusion and not any(attached) and not any(observed):
        attached = [str(one.get("text", {}).get("div", ""))]
    cells |= {
        "id": str(one.get("id", "")),
        "code": _concept(one.get("code", {})),
        "people": ";".join(_people(one)),
        "conclusion": conclusion,
        "attachment": "\n".join(filter(None, attached)),
        "results": "\n".join(filter(None, observed)),
        "status": str(one.get("status", "")),
    }
    # Without a study the report itself is the examination: two of a day stay apart.
    cells["study"] = cells["study"] or cells["accession"].split(";")[0] or cells["id"]
    return cells, tuple(_strings(one)) + tuple(_strings(patient))


def _own(one: Resource, known: _Known) -> dict[str, str]:
    """Whose and when: what reports and pictures tell alike."""
    patient = known.get(one.get("subject"), one)
    subject = one.get("subject", {})
    numbers = _identifiers(patient) or [
        str(subject.get("identifier", {}).get("value", "")),
    ]
    records = [n for n in numbers if n and not _RESIDENT.fullmatch(n.strip())]
    medical = [
        str(i.get("value", ""))
        for i in _list(patient, "identifier")
        if "MR" in [code.get("code") for code in _list(i.get("type", {}), "coding")]
    ]
    links = [item for key in ("imagingStudy", "basedOn", "partOf") for item in _list(one, key)]
    referred = [str(i.get("reference", "")) for i in _list(one, "imagingStudy")]
    # A reference may name what it means by an identifier of its own (a logical reference).
    meant = [
        n for item in links for n in (*_identifiers(item), *_identifiers(known.get(item, one)))
    ]
    told = [*_identifiers(one), *referred, *meant]
    uids = [uid for text in told if (uid := _plain_uid(text))]
    names = [_name(name) for name in _list(patient, "name")]
    when = next(
        (str(one[key]) for key in ("effectiveDateTime", "createdDateTime") if one.get(key)),
        str((one.get("effectivePeriod") or one.get("createdPeriod") or {}).get("start", "")),
    )
    return {
        "study": uids[0] if uids else "",
        "accession": ";".join(n for n in dict.fromkeys(told) if n and not _plain_uid(n)
                              and n not in referred),
        "patient": next(iter((*medical, *records)), str(patient.get("id", ""))),
        "identifiers": ";".join(filter(None, numbers)),
        "name": next(iter(names), str(subject.get("display", ""))),
        "birth_date": str(patient.get("birthDate", "")),
        "gender": str(patient.get("gender", "")),
        "telecom": ";".join(str(t.get("value", "")) for t in _list(patient, "telecom")),
        "address": ";".join(_address(a) for a in _list(patient, "address")),
        "effective": (when or str(one.get("issued", "")))[:10],
    }  # fmt: skip


def _media(report: Resource, known: _Known) -> list[Resource]:
    found = [known.get(item.get("link"), report) for item in _list(report, "media")]
    return [media for media in found if media]


def _picture(
    table: str, number: int, media: Resource, report: dict[str, str], known: _Known
) -> Row:
    """A picture under the examination of its report; without one, of its patient and day."""
    content = media.get("content", {})
    shared = ("study", "accession", "patient", "identifiers", "name", "birth_date", "gender",
              "telecom", "address", "effective")  # fmt: skip
    url = str(content.get("url", "") or content.get("title", ""))
    device = known.get(media.get("device"), media)
    cells = {key: report[key] for key in shared} | {
        "images": url.split("?")[0].removeprefix("file://"),
        "eye": _side(media),
        "device": str(media.get("deviceName", "")) or _device(device),
    }
    return Row(table, number, filled(cells.items()), tuple(_strings(media)))


def _side(media: Resource) -> str:
    """The eye of a picture, by codes, then by words."""
    site = media.get("bodySite", {})
    parts = [site, media.get("view", {}), *_list(media, "modifierExtension")]
    parts += [e.get("valueCodeableConcept", e.get("valueCoding", {}))
              for e in [*_list(media, "extension"), *_list(site, "extension")]]  # fmt: skip
    codings = [c for part in parts if isinstance(part, dict)
               for c in (*_list(part, "coding"), part)]  # fmt: skip
    for coding in codings:
        if (side := _SIDES.get(str(coding.get("code", "")))) is not None:
            return side
    words = [str(c.get(key, "")) for c in codings for key in ("display", "text", "code")]
    words += [str(note.get("text", "")) for note in _list(media, "note")]
    told = {eye for text in words for eye, word in _SIDE_WORDS if word.search(text)}
    return told.pop() if len(told) == 1 else ""


def _list(one: Any, key: str) -> list[Any]:
    """The objects under a key, whether one or several stand there."""
    value = one.get(key) if isinstance(one, dict) else None
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]


def _identifiers(one: Resource) -> list[str]:
    return [str(i["value"]) for i in _list(one, "identifier") if i.get("value")]


def _people(one: Resource) -> list[str]:
    roles = ("performer", "resultsInterpreter")
    return [str(part.get("display", "")) for role in roles for part in _list(one, role)]


def _plain_uid(text: str) -> str:
    """The DICOM UID in an identifier or a reference, or an empty text."""
    found = _UID.search(text.removeprefix("urn:oid:"))
    return found[0] if found else ""


def _name(name: Resource) -> str:
    given = " ".join(map(str, name.get("given", [])))
    return str(name.get("text") or f"{given} {name.get('family', '')}".strip())


def _address(address: Resource) -> str:
    lines = [*map(str, address.get("line", [])), str(address.get("city", ""))]
    return str(address.get("text") or " ".join(line for line in lines if line))


def _concept(code: Any) -> str:
    codings = [str(c.get("display", c.get("code", ""))) for c in _list(code, "coding")]
    text = code.get("text") if isinstance(code, dict) else ""
    return str(text or next(iter(codings), ""))


def _device(device: Resource) -> str:
    names = [str(name.get("name", "")) for name in _list(device, "deviceName")]
    return str(device.get("modelNumber", "")) or next(iter(names), "")


def _observation(one: Resource) -> str:
    """A finding with its eye and its value as words."""
    value = str(one.get("valueString", "")) or _concept(one.get("valueCodeableConcept", {}))
    notes = [str(note.get("text", "")) for note in _list(one, "note")]
    said = " ".join(filter(None, [value, *notes]))
    site, name = _concept(one.get("bodySite", {})), _concept(one.get("code", {}))
    return f"{' '.join(filter(None, (site, name)))}: {said}" if said else ""


def _attachment(form: Resource, inside: Resource, known: _Known) -> str:
    kind = str(form.get("contentType", ""))
    data = form.get("data", "")
    if not data and form.get("url"):
        binary = known.get({"reference": form["url"]}, inside)
        data, kind = binary.get("data", ""), kind or str(binary.get("contentType", ""))
    if not kind.startswith("text/"):
        return ""
    try:
        found = decode(base64.b64decode(data))
    except ValueError:
        return ""
    return found.text if found else ""


def _strings(value: Any, *, inside: bool = False) -> Iterator[str]:
    """The texts of a resource that may point at a person.

    `inside` a name or an address every text counts; elsewhere only values, references and ids do:
    the words for kinds of identifiers are everyday words.
    """
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item, inside=inside)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in ("name", "address"):
                yield from _strings(item, inside=True)
            elif key in ("identifier", "telecom", "contained", "subject", "performer",
                         "resultsInterpreter", "contact"):  # fmt: skip
                yield from _strings(item)
            elif key in ("value", "display", "id", "birthDate") or (inside and key != "use"):
                yield from _strings(item, inside=inside)
