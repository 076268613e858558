"""JSON Lines and XML -> rows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from funduscope.archive import encodings
from funduscope.archive.readers import BadRow, Given, Row, Sheet, filled

TWICE = "one key twice in an object"
_WRAPPED = 8
"""A single object around more plain objects than these is a table, not an examination."""


def read_jsonl(given: Given) -> Sheet:
    """One object a line (or one list of objects); a dot walks into nested objects.

    What nests (patients, their visits) is one row for each innermost one, with what stands above
    it; a plain list of pictures or words stays in one cell each.
    """
    sheet = Sheet()
    for table in given.tables:
        for number, value in _records(given, table, sheet):
            _take(given, table, number, value, sheet)
            if len(sheet.rows) >= given.limit:
                break
    return sheet


def _take(given: Given, table: str, number: int, value: dict[str, Any], sheet: Sheet) -> None:
    columns, separator = given.source.columns, given.source.format.separator
    rows = expand(value, "", separator)
    sheet.columns.update(dict.fromkeys(name for row in rows for name in row))
    if doubled(value):
        own = {*columns.identity, *columns.name, columns.patient, columns.exam}
        cells = [cell for row in rows for name, cell in row.items() if name in own]
        seen = dict.fromkeys(part for cell in cells for part in cell.split(separator))
        sheet.bad.append(BadRow(table, number, TWICE, tuple(seen)))
    else:
        sheet.rows += [Row(table, number, filled(row.items())) for row in rows]


def _records(given: Given, table: str, sheet: Sheet) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file; of one that is a single object around a list, those of the list."""
    found = list(objects(given, table, sheet))
    if len(found) == 1:
        _, whole = found[0]
        lists = [key for key, item in whole.items() if _objects(item) and len(item) > 1]
        if len(lists) == 1 and (_nests(whole[lists[0]]) or len(whole[lists[0]]) > _WRAPPED):
            above = {key: item for key, item in whole.items() if key != lists[0]}
            inside = enumerate(whole[lists[0]], start=1)
            return iter([(number, above | {lists[0]: item}) for number, item in inside])
    return iter(found)


def objects(given: Given, table: str, sheet: Sheet) -> Iterator[tuple[int, dict[str, Any]]]:
    """Objects of a JSON Lines file, a JSON list, or one JSON object, with their numbers."""
    decoded = given.text(table, sheet)
    text = decoded.text
    sheet.forms.setdefault(table, (decoded.encoding, None))
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


def doubled(value: Any) -> bool:
    """Whether one key stands twice in an object."""
    if isinstance(value, dict):
        return isinstance(value, _Doubled) or any(map(doubled, value.values()))
    return isinstance(value, list) and any(map(doubled, value))


def expand(value: dict[str, Any], prefix: str, separator: str) -> list[dict[str, str]]:
    """A nested object as rows of cells: a dot walks inwards.

    A list of objects that nest further gives a row each, with the cells of what holds it; any
    other list is one cell, its items joined by the separator.
    """
    own: dict[str, str] = {}
    several: list[list[dict[str, str]]] = []
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, dict):
            inner = expand(item, f"{name}.", separator)
        elif _objects(item):
            parts = [row for part in item for row in expand(part, f"{name}.", separator)]
            inner = parts if _nests(item) else [_joined(parts, separator)]
        elif isinstance(item, list):
            inner = [{name: separator.join(_leaf(part) for part in item)}]
        else:
            inner = [{name: _leaf(item)}]
        if len(inner) == 1:
            own |= inner[0]
        else:
            several.append(inner)
    return [own | row for rows in several for row in rows] or [own]


def _objects(item: Any) -> bool:
    return isinstance(item, list) and bool(item) and all(isinstance(one, dict) for one in item)


def _nests(items: list[dict[str, Any]]) -> bool:
    """Whether objects hold more than plain values."""
    return any(isinstance(value, (dict, list)) for one in items for value in one.values())


def _joined(rows: list[dict[str, str]], separator: str) -> dict[str, str]:
    """Rows as one: of each cell the values of all, in order."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: separator.join(row.get(name, "") for row in rows) for name in names}


def _leaf(item: Any) -> str:
    if item is None:
        return ""
    return json.dumps(item, ensure_ascii=False) if isinstance(item, (dict, list)) else str(item)


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
            root = fromstring(_undeclared(given, table, sheet))
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


def _undeclared(given: Given, table: str, sheet: Sheet) -> str:
    """An XML file as text, without its declaration: expat knows no GB2312, GBK or Big5."""
    data = given.data(table)
    said = re.match(rb"[^<]{0,3}<\?xml[^>]*?encoding\s*=\s*[\"']([\w.:-]+)", data)
    name = said[1].decode("ascii").lower() if said else ""
    name = "gb18030" if name in ("gb2312", "gbk", "gb_2312-80", "cp936") else name
    decoded = encodings.decode(data, name) if name else None
    text = (decoded or given.text(table, sheet)).text
    return re.sub(r"\A\s*<\?xml[^>]*\?>", "", text)


def _elements(element: Element, name: str) -> Iterator[tuple[str, str]]:
    yield name, element.text or ""
    for key, value in element.attrib.items():
        yield f"{name}@{key}", value
    for child in element:
        yield from _elements(child, f"{name}.{_tag(child)}")


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]
