"""JSON Lines, FHIR R4 and XML -> rows.

FHIR is read by its resources and gives always the same columns, so that a description of a FHIR
source needs none of its own.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from funduscope.archive.readers import BadRow, Given, Row, Sheet, filled

_UID = re.compile(r"[0-2](?:\.(?:0|[1-9]\d*)){2,}")
_TWICE = "one key twice in an object"
_RESIDENT = re.compile(r"\d{17}[\dXx]|\d{15}")


def read_jsonl(given: Given) -> Sheet:
    """One object a line (or one list of objects); a dot walks into nested objects."""
    sheet, columns = Sheet(), given.source.columns
    for table in given.tables:
        for number, value in _objects(given, table, sheet):
            separator = given.source.format.separator
            flat = list(flatten(value, "", separator))
            sheet.columns.update(dict.fromkeys(name for name, _ in flat))
            if _doubled(value):
                own = {*columns.identity, columns.name, columns.patient, columns.exam}
                seen = [
                    part for name, cell in flat if name in own for part in cell.split(separator)
                ]
                sheet.bad.append(BadRow(table, number, _TWICE, tuple(seen)))
                continue
            sheet.rows.append(Row(table, number, filled(flat)))
    return sheet


def _objects(given: Given, table: str, sheet: Sheet) -> Iterator[tuple[int, dict[str, Any]]]:
    """Objects of a JSON Lines file, a JSON list, or one JSON object, with their numbers."""
    text = given.text(table)
    whole: Any = None
    if text.lstrip()[:1] in "[{":
        try:
            whole = _loads(text)
        except ValueError:
            whole = None
    if isinstance(whole, list):
        lines: Iterable[tuple[int, Any]] = enumerate(whole, start=1)
    elif isinstance(whole, dict):
        lines = [(1, whole)]
    else:
        lines = ((n, line) for n, line in enumerate(text.split("\n"), start=1) if line.strip())
    for number, line in lines:
        try:
            value = _loads(line) if isinstance(line, str) else line
        except ValueError as error:
            sheet.bad.append(BadRow(table, number, f"no JSON: {type(error).__name__}", (line,)))
            continue
        if not isinstance(value, dict):
            sheet.bad.append(BadRow(table, number, "no JSON object", (str(value),)))
            continue
        yield number, value


class _Doubled(dict[str, Any]):
    """An object with one key twice: lists of values, of which nobody knows the right one."""


def _loads(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    return _Doubled({key: [value for name, value in pairs if name == key] for key in made})


def _doubled(value: Any) -> bool:
    if isinstance(value, dict):
        return isinstance(value, _Doubled) or any(map(_doubled, value.values()))
    return isinstance(value, list) and any(map(_doubled, value))


def flatten(value: dict[str, Any], prefix: str, separator: str) -> Iterator[tuple[str, str]]:
    """Nested objects as cells: a dot walks inwards, lists are joined by the separator."""
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, dict):
            yield from flatten(item, f"{name}.", separator)
        elif isinstance(item, list) and item and all(isinstance(part, dict) for part in item):
            yield from _parallel(item, f"{name}.", separator)
        elif isinstance(item, list):
            yield name, separator.join(_leaf(part) for part in item)
        else:
            yield name, _leaf(item)


def _parallel(
    parts: list[dict[str, Any]], prefix: str, separator: str
) -> Iterator[tuple[str, str]]:
    """A list of objects as one cell a key, the values of all objects in order."""
    rows = [dict(flatten(part, prefix, separator)) for part in parts]
    for name in dict.fromkeys(name for row in rows for name in row):
        yield name, separator.join(row.get(name, "") for row in rows)


def _leaf(item: Any) -> str:
    if item is None:
        return ""
    return json.dumps(item, ensure_ascii=False) if isinstance(item, (dict, list)) else str(item)


def read_fhir(given: Given) -> Sheet:
    """One row a `DiagnosticReport` (R4), with its `Patient` and the file names of its `Media`.

    Resources may stand one a line, in a `Bundle`, or contained in one another.
    """
    sheet = Sheet()
    resources: list[tuple[str, int, dict[str, Any]]] = []
    for table in given.tables:
        for number, value in _objects(given, table, sheet):
            parts = value.get("entry", []) if value.get("resourceType") == "Bundle" else [value]
            resources += [(table, number, part.get("resource", part)) for part in parts]
    known = {f"{one.get('resourceType')}/{one.get('id')}": one for _, _, one in resources}
    for table, number, one in resources:
        if _doubled(one):
            sheet.bad.append(BadRow(table, number, _TWICE, tuple(_strings(one))))
        elif one.get("resourceType") == "DiagnosticReport":
            local = {f"#{part.get('id')}": part for part in one.get("contained", [])}
            cells, seen = _report(one, known | local)
            sheet.columns.update(dict.fromkeys(cells))
            sheet.rows.append(Row(table, number, filled(cells.items()), seen))
    return sheet


def _report(
    one: dict[str, Any], known: dict[str, dict[str, Any]]
) -> tuple[dict[str, str], tuple[str, ...]]:
    patient = known.get(_reference(one.get("subject")), {})
    numbers = [str(i.get("value", "")) for i in patient.get("identifier", [])]
    records = [number for number in numbers if not _RESIDENT.fullmatch(number.strip())]
    own = [str(i.get("value", "")) for i in one.get("identifier", [])]
    studies = [_plain_uid(v) for v in [*own, *map(_reference, one.get("imagingStudy", []))]]
    media = [known.get(_reference(m.get("link")), {}) for m in one.get("media", [])]
    people = [
        str(part.get("display", ""))
        for role in ("performer", "resultsInterpreter")
        for part in one.get(role, [])
    ]
    names = [_name(name) for name in patient.get("name", [])] or [
        str(one.get("subject", {}).get("display", ""))
    ]
    cells = {
        "id": str(one.get("id", "")),
        "study": next((uid for uid in studies if uid), ""),
        "accession": ";".join(v for v in own if not _plain_uid(v)),
        "patient": records[0] if records else str(patient.get("id", "")),
        "identifiers": ";".join(numbers),
        "name": names[0],
        "birth_date": str(patient.get("birthDate", "")),
        "gender": str(patient.get("gender", "")),
        "telecom": ";".join(str(t.get("value", "")) for t in patient.get("telecom", [])),
        "address": ";".join(_address(a) for a in patient.get("address", [])),
        "effective": str(one.get("effectiveDateTime", one.get("issued", "")))[:10],
        "code": _concept(one.get("code", {})),
        "people": ";".join(people),
        "conclusion": str(one.get("conclusion", "")),
        "attachment": "\n".join(_attachment(form) for form in one.get("presentedForm", [])),
        "images": ";".join(str(m.get("content", {}).get("url", "")) for m in media),
    }
    return cells, tuple(_strings(one)) + tuple(_strings(patient))


def _reference(item: Any) -> str:
    return str(item.get("reference", "")) if isinstance(item, dict) else ""


def _plain_uid(text: str) -> str:
    """The DICOM UID in an identifier or a reference, or an empty text."""
    found = _UID.search(text.removeprefix("urn:oid:"))
    return found[0] if found else ""


def _name(name: dict[str, Any]) -> str:
    given = " ".join(map(str, name.get("given", [])))
    return str(name.get("text") or f"{given} {name.get('family', '')}".strip())


def _address(address: dict[str, Any]) -> str:
    lines = [*map(str, address.get("line", [])), str(address.get("city", ""))]
    return str(address.get("text") or " ".join(line for line in lines if line))


def _concept(code: dict[str, Any]) -> str:
    codings = [str(c.get("display", c.get("code", ""))) for c in code.get("coding", [])]
    return str(code.get("text") or next(iter(codings), ""))


def _attachment(form: dict[str, Any]) -> str:
    if not str(form.get("contentType", "")).startswith("text/"):
        return ""
    try:
        return base64.b64decode(form.get("data", "")).decode("utf-8")
    except ValueError:
        return ""


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


def read_xml(given: Given) -> Sheet:
    """Elements and attributes -> columns (`Report.Conclusion`, `Report@name`).

    A root whose children all bear one name is a list of rows; else the file is one row. External
    entities and entity expansion are never followed: such a file is a bad row.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    sheet = Sheet()
    for table in given.tables:
        try:
            root = fromstring(given.data(table))
        except (DefusedXmlException, ParseError, ValueError) as error:
            sheet.bad.append(BadRow(table, 1, f"unsafe or broken XML: {type(error).__name__}"))
            continue
        children = list(root)
        several = len(children) > 1 and len({child.tag for child in children}) == 1
        for number, element in enumerate(children if several else [root], start=1):
            flat = list(_elements(element, _tag(element)))
            sheet.columns.update(dict.fromkeys(name for name, _ in flat))
            sheet.rows.append(Row(table, number, filled(flat)))
    return sheet


def _elements(element: Element, name: str) -> Iterator[tuple[str, str]]:
    yield name, element.text or ""
    for key, value in element.attrib.items():
        yield f"{name}@{key}", value
    for child in element:
        yield from _elements(child, f"{name}.{_tag(child)}")


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]
