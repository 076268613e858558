"""Made-up archives in layouts that no other material of the project has."""

from __future__ import annotations

import csv
import io
import json
import random
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from funduscope.archive.draft import draft

FAMILY = "赵钱孙李周吴郑王冯陈"
GIVEN = ("明远", "晓", "淑芬", "国强", "丽", "海燕", "文", "建华")
WEST = ("Ann", "Bob", "Carla", "Dev", "Elif", "Finn", "Gita", "Hugo")
LAST = ("Novak", "O'Hara", "Lindgren", "Sato", "Ferrer", "Ames")


@dataclass(frozen=True)
class Visit:
    """One examination."""

    exam: int
    patient: int
    name: str
    west: tuple[str, str]
    born: date
    day: date
    woman: bool

    @property
    def resident(self) -> str:
        """An ID with a right checksum (the place code is unassigned)."""
        body = f"999999{self.born:%Y%m%d}{self.patient % 50:02d}{2 if self.woman else 1}"
        weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
        total = sum(int(d) * w for d, w in zip(body, weights, strict=True))
        return body + "10X98765432"[total % 11]

    @property
    def english(self) -> str:
        return f"Right eye: disc pink, macula flat, case {self.exam}. Left eye: scattered drusen."

    @property
    def chinese(self) -> str:
        return f"右眼视盘边界清，黄斑中心凹反光可见。左眼后极部散在玻璃膜疣，第{self.exam}例。"


def visits(count: int = 30, seed: int = 7) -> Iterator[Visit]:
    dice = random.Random(seed)
    for at in range(count):
        patient = at - (at % 5 == 4)  # every fifth visit is a second one
        one = random.Random(patient)
        yield Visit(
            exam=50_000 + 7 * at,
            patient=1200 + 3 * patient,
            name=one.choice(FAMILY) + one.choice(GIVEN),
            west=(one.choice(LAST), one.choice(WEST)),
            born=date(1950, 1, 1) + timedelta(days=one.randrange(12_000)),
            day=date(2017, 1, 1) + timedelta(days=dice.randrange(1800)),
            woman=bool(patient % 2),
        )


def picture() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (64, 48), (120, 60, 20)).save(data, "JPEG")
    return data.getvalue()


PICTURE = picture()


def put(path: Path, data: bytes = PICTURE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def table(rows: list[list[str]], delimiter: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue()


def english_images(root: Path) -> None:
    """One CSV, a row an image, dates day first; at the root."""
    rows = [["image_name", "PatientID", "Laterality", "Date of visit", "gender", "age", "report"]]
    for one in visits():
        for eye in ("right", "left"):
            name = f"img_{one.exam}{eye[0]}.jpg"
            put(root / "pics" / name)
            rows.append(
                [
                    name,
                    f"P{one.patient}",
                    eye,
                    f"{one.day:%d/%m/%Y}",
                    "F" if one.woman else "M",
                    f"{one.day.year - one.born.year}",
                    one.english,
                ]
            )
    put(root / "list.csv", table(rows).encode())


def patient_folders(root: Path) -> None:
    """No table: a folder a patient, a folder a day, the eye in Chinese."""
    for one in visits(36):
        for eye in ("右眼", "左眼"):
            for field in ("黄斑", "视盘"):
                place = root / "病例" / f"{one.patient:07d}_{one.name}" / f"{one.day:%Y-%m-%d}"
                put(place / f"{eye}_{field}.jpg")


def nested_lines(root: Path) -> None:
    """JSON Lines with nested objects; codes 0 and 1 for sex; photographs by number."""
    lines = []
    for one in visits():
        lines.append(
            json.dumps(
                {
                    "visit": {
                        "accession": f"A-{one.exam}",
                        "date": f"{one.day:%Y%m%d}",
                        "type": "CFP",
                    },
                    "person": {
                        "mrn": f"{one.patient}",
                        "name": one.name,
                        "sex": 0 if one.woman else 1,
                        "idcard": one.resident,
                        "tel": "199 0000 0000",
                    },
                    "findings": one.chinese,
                    "impression": "双眼随诊观察，定期复查眼底情况",
                },
                ensure_ascii=False,
            )
        )
        for eye in "LR":
            put(root / "clinic" / "store" / f"{one.day:%Y}" / f"A-{one.exam}.{eye}.jpg")
    put(root / "clinic" / "export.jsonl", "\n".join(lines).encode())


def two_sheets(root: Path) -> None:
    """A workbook: title, header of two rows, a sheet of patients and one of examinations."""
    from openpyxl import Workbook

    book = Workbook()
    people, exams = book.active, book.create_sheet("exams")
    people.title = "patients"
    people.append(["Chart No", "Full Name", "Date of Birth", "Sex", "Mobile Phone"])
    exams.append(["Record", None, None, "Pictures", None, "Text"])
    exams.merge_cells("A1:C1")
    exams.append(["Exam ID", "Chart No", "Exam Date", "OD image", "OS image", "Interpretation"])
    seen = set()
    for one in visits():
        if one.patient not in seen:
            people.append(
                [
                    f"C{one.patient}",
                    " ".join(one.west),
                    one.born,
                    "Female" if one.woman else "Male",
                    "(415) 555-0100",
                ]
            )
            seen.add(one.patient)
        files = [f"{one.exam}_{n}.png" for n in (1, 2)]
        for name in files:
            put(root / "east" / "scans" / name)
        exams.append([one.exam, f"C{one.patient}", one.day, *files, one.english])
    book.save(root / "east" / "register.xlsx")


def zipped(root: Path) -> None:
    """Semicolons, UTF-16, photographs in two ZIP files, names MRN_date_eye."""
    rows = [["病历号", "患者姓名", "检查时间", "检查名称", "诊断结果", "手机号"]]
    members: list[list[str]] = [[], []]
    for at, one in enumerate(visits()):
        rows.append(
            [
                f"ZY{one.patient:06d}",
                one.name,
                f"{one.day:%Y/%m/%d} 09:15:00",
                "彩色眼底照相" if at % 7 else "眼部B超",
                one.chinese,
                f"1990000{one.exam % 10000:04d}",
            ]
        )
        members[at % 2] += [
            f"ZY{one.patient:06d}_{one.day:%Y%m%d}_{eye}.JPG" for eye in ("OD", "OS")
        ]
    root.joinpath("west").mkdir(parents=True)
    for at, names in enumerate(members):
        with zipfile.ZipFile(root / "west" / f"batch{at}.zip", "w") as packed:
            for name in names:
                packed.writestr(f"export/{name}", PICTURE)
    put(root / "west" / "列表.csv", table(rows, ";").encode("utf-16"))


def all_zipped(root: Path) -> None:
    """Two sites, a ZIP file each that holds its table and its photographs."""
    for site in ("hill", "lake"):
        rows = [["accession", "patient name", "exam date", "findings"]]
        with zipfile.ZipFile(root / f"{site}.zip", "w") as packed:
            for one in visits():
                rows.append([str(one.exam), one.name, f"{one.day:%d/%m/%Y}", one.english])
                for eye in ("OD", "OS"):
                    packed.writestr(f"photos/{one.exam}_{eye}.jpg", PICTURE)
            packed.writestr("reports.csv", table(rows, ","))


def old_system(root: Path) -> None:
    """GB18030, tabs, dates as 19.05.28, ages as 7岁, headers that say nothing of numbers."""
    rows = [["流水", "姓名", "性别", "年龄", "日期", "所见", "医师"]]
    for one in visits():
        rows.append(
            [
                f"{one.exam:08d}",
                one.name,
                "女" if one.woman else "男",
                f"{one.day.year - one.born.year}岁",
                f"{one.day:%y.%m.%d}",
                one.chinese,
                "孙文",
            ]
        )
        for eye in ("右", "左"):
            put(root / "老系统" / "图" / f"{one.name}{one.exam:08d}" / f"{eye}1.jpg")
    put(root / "老系统" / "库.txt", table(rows, "\t").encode("gb18030"))


def image_list(root: Path) -> None:
    """Three CSV files that meet: patients, examinations, images; a title above one header."""
    people, exams, images = [["pid", "surname", "forename", "dob", "sex"]], [], []
    exams.append(["exam_no", "pid", "exam_date", "test", "findings", "diagnosis"])
    images.append(["exam_no", "side", "file_name", "field"])
    for one in visits():
        people.append([f"{one.patient}", *one.west, f"{one.born:%d %b %Y}", "12"[one.woman]])
        test = "Colour fundus photography" if one.exam % 3 else "Visual field"
        exams.append(
            [
                f"E{one.exam}",
                f"{one.patient}",
                f"{one.day:%d-%b-%Y}",
                test,
                one.english,
                "follow up",
            ]
        )
        for side in ("OD", "OS"):
            name = f"{one.exam * 31 % 99991:05d}{side[1]}.tif"
            put(root / "north" / "raw" / name)
            images.append([f"E{one.exam}", side, f"D:\\export\\raw\\{name}", "1"])
    unique = [people[0], *dict.fromkeys(map(tuple, people[1:]))]
    put(root / "north" / "people.csv", table([list(row) for row in unique]).encode())
    put(root / "north" / "exams.csv", table(exams).encode())
    put(root / "north" / "images.csv", table(images).encode())


def eye_folders(root: Path) -> None:
    """Pipes; photographs below OD and OS; the record's number hides under `code`."""
    rows = [["code", "gender", "visit date", "narrative", "reader"]]
    for one in visits():
        rows.append(
            [
                f"{one.exam}",
                "female" if one.woman else "male",
                f"{one.day:%Y.%m.%d}",
                one.english,
                "Dr. Ames",
            ]
        )
        for eye in ("OD", "OS"):
            for number in (1, 2):
                put(root / "reg" / "fundus" / eye / f"{one.exam}-{number}.bmp")
    put(root / "reg" / "register.psv.txt", table(rows, "|").encode())


def no_separators(root: Path) -> None:
    """Names, dates and eyes run together; the table has names but the files bear no number."""
    rows = [["登记号", "病人姓名", "性别", "出生日期", "检查日期", "报告内容", "联系电话"]]
    for one in visits(24):
        name = (
            FAMILY[one.patient // 3 % 10]
            + GIVEN[one.patient // 30 % 8]
            + "东西南北"[one.patient // 240 % 4]
        )
        rows.append(
            [
                f"Z{one.exam}",
                name,
                "女" if one.woman else "男",
                f"{one.born:%Y-%m-%d}",
                f"{one.day:%Y年%m月%d日}",
                one.chinese,
                "19900001111",
            ]
        )
        for eye in ("右眼", "左眼"):
            put(root / "县院" / "照片" / f"{one.day:%Y%m%d}{name}{eye}1.jpg")
    put(root / "县院" / "登记.csv", table(rows).encode("gb18030"))


def xml_reports(root: Path) -> None:
    """One XML report a file, photographs under the same number."""
    for one in visits():
        number = f"RP{one.exam}"
        put(
            root / "xml" / "reports" / f"{number}.xml",
            (
                f'<?xml version="1.0" encoding="UTF-8"?><Exam><AccessionNo>{number}</AccessionNo>'
                f'<Patient mrn="{one.patient}"><Name>{one.name}</Name>'
                f"<Sex>{'F' if one.woman else 'M'}</Sex></Patient>"
                f"<ExamDate>{one.day:%Y%m%d}</ExamDate>"
                f"<Findings>{one.chinese}</Findings><Conclusion>双眼随诊观察定期复查眼底</Conclusion></Exam>"
            ).encode(),
        )
        for eye in "RL":
            put(root / "xml" / "jpg" / f"{one.day:%Y%m}" / f"{number}_{eye}.jpg")


LAYOUTS = {
    make.__name__: make
    for make in (
        *(english_images, patient_folders, nested_lines, two_sheets, zipped, old_system),
        *(image_list, eye_folders, no_separators, xml_reports, all_zipped),
    )
}


@dataclass(frozen=True)
class Made:
    """A layout, drafted: its archive, the text of archive.toml, its sources by kind."""

    archive: Path
    out: Path
    text: str
    sources: list[dict[str, Any]]

    def source(self, kind: str) -> dict[str, Any]:
        return next(one for one in self.sources if one["kind"] == kind)

    def names(self) -> list[str]:
        """Paths of all photographs below the one site's folder, ZIP files as folders."""
        found = []
        for path in sorted(self.archive.rglob("*")):
            below = path.relative_to(self.archive / self.sources[0]["folder"]).as_posix()
            if path.suffix == ".zip":
                found += [f"{below}/{name}" for name in zipfile.ZipFile(path).namelist()]
            elif path.is_file():
                found.append(below)
        suffixes = (".jpg", ".png", ".tif", ".bmp", ".JPG")
        return [name for name in found if name.endswith(suffixes)]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """Name of a layout -> the layout, drafted once."""
    known: dict[str, Made] = {}

    def make(name: str) -> Made:
        if name not in known:
            root = tmp_path_factory.mktemp(name)
            (root / "archive").mkdir()
            LAYOUTS[name](root / "archive")
            found = draft(root / "archive", root / "out")
            text = found.description.read_text(encoding="utf-8")
            sources = tomllib.loads(text)["source"]
            known[name] = Made(root / "archive", root / "out", text, sources)
        return known[name]

    return make


@pytest.fixture(scope="session")
def people() -> set[str]:
    """Names, resident IDs and examination numbers of everybody in the layouts."""
    told: set[str] = set()
    for one in visits(36):
        told |= {one.name, one.resident, f"{one.exam}", " ".join(one.west)}
    return told
