"""Invented people: names, numbers and diseases.

Nobody is real: resident numbers carry a valid checksum but a county code that was never assigned,
mobile numbers use a prefix believed unassigned, North American numbers the range 555-01XX that is
reserved for fiction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from funduscope.archive.synthetic.eyes import Patient, draw_patient
from funduscope.archive.synthetic.frame import Rng

_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧"
_GIVEN = (
    *("伟", "芳", "娜", "秀英", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟"),
    *("涛", "明", "超", "秀兰", "霞", "平", "刚", "桂英", "建国", "建华", "志强", "玉兰", "文博"),
    *("雪梅", "海燕", "国栋", "春花", "晓东", "玉梅", "振华", "淑珍", "子轩", "凤英", "德明"),
)
_FIRST = {
    "female": ("Alice", "Clara", "Donna", "Elena", "Fiona", "Helen", "Irene", "Martha", "Nora"),
    "male": ("Adam", "Brian", "Carl", "Derek", "Edwin", "Hugo", "Ivan", "Oscar", "Ralph"),
}
_LAST = (
    *("Abbott", "Barlow", "Calloway", "Dempsey", "Ellison", "Fairchild", "Garrison", "Hathaway"),
    *("Ingram", "Jarvis", "Kendrick", "Lockhart", "Merriman", "Norwood", "Oakley", "Pemberton"),
    *("Quigley", "Rutledge", "Stanton", "Thackeray", "Underhill", "Whitlock"),
)

# Share of people with each disease, chosen so that every finding is in at least 8% of eyes: far
# more than in life, so that a small archive teaches something.
DISEASES = {
    "diabetes": 0.22,
    "hypertension": 0.15,
    "amd": 0.15,
    "myopia": 0.15,
    "glaucoma": 0.165,
    "cataract": 0.14,
    "membrane": 0.16,
    "occlusion": 0.21,
    "myelin": 0.165,
    "nevus": 0.175,
}
# Disease -> (finding, share of affected people's eyes that show it).
_SIGNS: dict[str, tuple[tuple[str, float], ...]] = {
    "diabetes": (
        ("dot_blot_hemorrhage", 0.85),
        ("hard_exudate", 0.62),
        ("cotton_wool_spot", 0.32),
        ("laser_scar", 0.56),
    ),
    "hypertension": (("flame_hemorrhage", 0.7), ("cotton_wool_spot", 0.55)),
    "amd": (("drusen", 0.88),),
    "myopia": (("myopic_crescent", 0.85), ("tessellated_fundus", 0.85)),
    "glaucoma": (("optic_disc_cupping", 0.85),),
    "cataract": (("media_opacity", 0.85),),
    "membrane": (("erm", 0.7),),
    "occlusion": (("brvo", 0.5),),
    "myelin": (("myelinated_nerve_fibers", 0.66),),
    "nevus": (("choroidal_nevus", 0.66),),
}
_ONE_SIDED = {"occlusion"}
_LATE = {"amd", "cataract", "occlusion", "membrane", "glaucoma"}


@dataclass(frozen=True)
class Person:
    """One patient with everything a site's records hold."""

    number: str
    name: str
    family_name: str
    sex: str
    born: date
    id_card: str
    phone: str
    language: str
    diseases: tuple[str, ...]
    patient: Patient

    def age(self, day: date) -> int:
        """Age in full years on `day`."""
        early = (day.month, day.day) < (self.born.month, self.born.day)
        return day.year - self.born.year - early


def resident_number(rng: Rng, born: date, sex: str) -> str:
    """An 18-digit resident number of no county, with a valid check digit (GB 11643-1999)."""
    order = int(rng.integers(0, 499)) * 2 + (sex == "male")
    body = f"{rng.choice(['119921', '329915', '429929', '519933'])}{born:%Y%m%d}{order:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
    return body + "10X98765432"[total % 11]


def draw_name(rng: Rng, language: str, sex: str) -> tuple[str, str]:
    """A full name and its family name, Chinese or English."""
    if language == "zh":
        family = str(rng.choice(list(_SURNAMES)))
        return family + str(rng.choice(_GIVEN)), family
    family = str(rng.choice(_LAST))
    return f"{rng.choice(_FIRST[sex])} {family}", family


def draw_person(rng: Rng, number: str, language: str, tilt: float) -> Person:
    """A person; `tilt` (about 1) makes diseases a little rarer or commoner at a site."""
    diseases = tuple(name for name, share in DISEASES.items() if rng.random() < share * tilt)
    age = int(rng.integers(48, 86) if _LATE & set(diseases) else rng.integers(18, 78))
    born = date(2019, 6, 1) - timedelta(days=int(365.25 * age + rng.integers(0, 365)))
    sex = "female" if rng.random() < 0.52 else "male"
    name, family = draw_name(rng, language, sex)
    digits = int(rng.integers(0, 100))
    chinese = language == "zh"
    area = int(rng.integers(200, 990))
    return Person(
        number=number,
        name=name,
        family_name=family,
        sex=sex,
        born=born,
        id_card=resident_number(rng, born, sex) if chinese else f"900-{digits:02d}-{area:04d}",
        phone=f"161{rng.integers(0, 10**8):08d}" if chinese else f"({area}) 555-01{digits:02d}",
        language=language,
        diseases=diseases,
        patient=draw_patient(rng, age),
    )


def draw_findings(rng: Rng, person: Person) -> dict[str, dict[str, float]]:
    """Eye -> finding -> severity 0-1; the eyes of one person resemble each other."""
    found: dict[str, dict[str, float]] = {"OD": {}, "OS": {}}
    for disease in person.diseases:
        level = rng.random()
        eyes = ["OD", "OS"]
        if disease in _ONE_SIDED:
            eyes = [str(rng.choice(eyes))]
        for finding, share in _SIGNS[disease]:
            # A shared draw for both eyes makes them agree more often than chance.
            shared = rng.random() < share
            for eye in eyes:
                own = rng.random() < share if rng.random() < 0.5 else shared
                if own or disease in _ONE_SIDED:
                    found[eye][finding] = float(0.15 + 0.7 * level + 0.15 * rng.random())
    for signs in found.values():
        if "brvo" in signs:
            signs["flame_hemorrhage"] = signs["brvo"]
        if "media_opacity" in signs:
            signs["media_opacity"] = 0.42 + 0.5 * signs["media_opacity"]
    return found
