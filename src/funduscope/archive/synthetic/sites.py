"""How each of the three sites files its exams: table, file names, and the source description."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from funduscope.archive.synthetic.plan import EYES, Exam

Photos = Mapping[str, list[str]]  # eye as filed -> paths below the site's folder


@dataclass(frozen=True)
class Layout:
    """One site's way of filing.

    Attributes:
        photo: (exam, eye as filed, number of the photograph from 1) -> path below the folder.
        row: (exam, photographs named in the row) -> column -> value.
    """

    table: str
    photo: Callable[[Exam, str, int], str]
    row: Callable[[Exam, Photos], dict[str, Any]]
    dump: Callable[[list[dict[str, Any]]], bytes]
    description: str


def _tree_photo(exam: Exam, side: str, copy: int) -> str:
    tail = f"_{copy}" if copy > 1 else ""
    return f"photos/{exam.day:%Y/%m}/{exam.number}_{side}{tail}.jpg"


def _tree_row(exam: Exam, photos: Photos) -> dict[str, Any]:
    person = exam.person
    return {
        "exam_id": exam.number,
        "mrn": person.number,
        "patient_name": person.name,
        "id_number": person.id_card,
        "phone": person.phone,
        "birth_date": "" if exam.defect == "bad_date" else f"{person.born:%m/%d/%Y}",
        "exam_date": f"{exam.day:%Y-%m-%d}",
        "sex": person.sex[0].upper(),
        "camera": exam.camera,
        "right_images": ";".join(photos["OD"]),
        "left_images": ";".join(photos["OS"]),
        "findings": exam.report.body,
        "impression": exam.report.impression,
    }


_WORD = {"OD": "右眼", "OS": "左眼"}


def _word_photo(exam: Exam, side: str, copy: int) -> str:
    tail = f"_{copy}" if copy > 1 else ""
    return f"影像/{exam.number}_{exam.person.name}_{_WORD[side]}{tail}.jpg"


def _word_row(exam: Exam, photos: Photos) -> dict[str, Any]:
    person, born = exam.person, exam.person.born
    bad = exam.defect == "bad_date"
    return {
        "检查号": exam.number,
        "病历号": person.number,
        "姓名": person.name,
        "性别": "女" if person.sex == "female" else "男",
        "身份证号": person.id_card,
        "联系电话": person.phone,
        "出生日期": "1900年00月00日" if bad else f"{born.year}年{born.month:02d}月{born.day:02d}日",
        "检查日期": f"{exam.day:%Y/%m/%d}",
        "设备": exam.camera,
        "图片": "|".join(photos["OD"] + photos["OS"]),
        "影像所见": exam.report.body,
        "诊断意见": exam.report.impression,
    }


def _line_photo(exam: Exam, side: str, copy: int) -> str:
    # Some of this site's photographs are PNG.
    ending = "png" if int(exam.number[-2:]) % 7 == 0 else "jpg"
    return f"img/{exam.number}-{side[1].replace('D', 'R').replace('S', 'L')}-{copy}.{ending}"


def _line_row(exam: Exam, photos: Photos) -> dict[str, Any]:
    del photos  # found by their names
    person = exam.person
    text = "\n".join(part for part in (exam.report.body, exam.report.impression) if part)
    return {
        "exam": exam.number,
        "date": f"{exam.day:%Y%m%d}",
        "device": exam.camera,
        "patient": {
            "no": person.number,
            "name": person.name,
            "id_card": person.id_card,
            "tel": person.phone,
            "born": None if exam.defect == "bad_date" else f"{person.born:%Y-%m-%d}",
            "sex": 1 if person.sex == "female" else 0,
        },
        "report": text or None,
    }


def _csv(encoding: str) -> Callable[[list[dict[str, Any]]], bytes]:
    def dump(rows: list[dict[str, Any]]) -> bytes:
        buffer = io.StringIO(newline="")
        writer = csv.DictWriter(buffer, list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows(rows)
        return buffer.getvalue().encode(encoding)

    return dump


def _jsonl(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


_HARBORVIEW = r"""
[[source]]
site = "harborview"
folder = "harborview"
table = "exams.csv"
kind = "csv"
encoding = "utf-8"
delimiter = ","
photos = ["photos/**/*"]
[source.columns]
exam = "exam_id"
patient = "mrn"
name = "patient_name"
identity = ["id_number", "phone"]
birth_date = "birth_date"
exam_date = "exam_date"
sex = "sex"
camera = "camera"
report = ["findings", "impression"]
right = "right_images"
left = "left_images"
[source.format]
birth_date = "%m/%d/%Y"
exam_date = "%Y-%m-%d"
separator = ";"
[source.values.sex]
F = "female"
M = "male"
"""
_QINGYUAN = r"""
[[source]]
site = "qingyuan"
folder = "qingyuan"
table = "检查记录.csv"
kind = "csv"
encoding = "gb18030"
delimiter = ","
photos = ["影像/*"]
[source.columns]
exam = "检查号"
patient = "病历号"
name = "姓名"
identity = ["身份证号", "联系电话"]
birth_date = "出生日期"
exam_date = "检查日期"
sex = "性别"
camera = "设备"
report = ["影像所见", "诊断意见"]
images = "图片"
[source.format]
birth_date = "%Y年%m月%d日"
exam_date = "%Y/%m/%d"
separator = "|"
eye_pattern = "_(?P<eye>右眼|左眼)"
[source.values.sex]
"女" = "female"
"男" = "male"
[source.values.eye]
"右眼" = "OD"
"左眼" = "OS"
"""
_SONGLING = r"""
[[source]]
site = "songling"
folder = "songling"
table = "records.jsonl"
kind = "jsonl"
encoding = "utf-8"
photos = ["img/*"]
[source.columns]
exam = "exam"
patient = "patient.no"
name = "patient.name"
identity = ["patient.id_card", "patient.tel"]
birth_date = "patient.born"
exam_date = "date"
sex = "patient.sex"
camera = "device"
report = ["report"]
[source.format]
birth_date = "%Y-%m-%d"
exam_date = "%Y%m%d"
file_pattern = "^(?P<exam>SL\\d{5})-(?P<eye>[RL])-\\d"
[source.values.sex]
"0" = "male"
"1" = "female"
[source.values.eye]
R = "OD"
L = "OS"
"""

LAYOUTS: dict[str, Layout] = {
    "harborview": Layout("exams.csv", _tree_photo, _tree_row, _csv("utf-8"), _HARBORVIEW),
    "qingyuan": Layout("检查记录.csv", _word_photo, _word_row, _csv("gb18030"), _QINGYUAN),
    "songling": Layout("records.jsonl", _line_photo, _line_row, _jsonl, _SONGLING),
}


def description() -> str:
    """The text of `archive.toml`: how to read the three sites."""
    return "format = 1\n" + "".join(layout.description for layout in LAYOUTS.values())


def identities(exam: Exam, row: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Planted identities of an exam: (kind, exact string, place)."""
    person = exam.person
    column = [
        ("name", person.name),
        ("record_no", person.number),
        ("id_card", person.id_card),
        ("phone", person.phone),
        ("exam_no", exam.number),
    ]
    found = [(kind, value, "column") for kind, value in column]
    found += [(kind, value, "text") for kind, value in exam.report.planted]
    dates = row.get("patient", row)
    keys = (("birth_date", "birth_date"), ("出生日期", "birth_date"), ("born", "birth_date"))
    found += [(kind, str(dates[key]), "column") for key, kind in keys if dates.get(key)]
    for key in ("exam_date", "检查日期", "date"):
        if row.get(key):
            found.append(("exam_date", str(row[key]), "column"))
    if exam.site.name == "qingyuan":
        found += [("name", person.name, "file_name") for _ in EYES[:1]]
    return found
