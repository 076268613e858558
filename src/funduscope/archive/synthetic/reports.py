"""The report of one exam: per-eye sentences, an impression, boilerplate, planted identities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from funduscope.archive.synthetic import phrases
from funduscope.archive.synthetic.eyes import Eye
from funduscope.archive.synthetic.frame import Rng
from funduscope.archive.synthetic.people import Person, draw_name

_FORGOTTEN = 0.04  # share of drawn findings that the doctor does not mention
_DOUBTED = 0.05  # share that is mentioned as suspected only


@dataclass
class Stated:
    """What the text says of one eye: finding codes by status."""

    present: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    uncertain: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Report:
    """The text in two parts, what it states per eye, and the identities planted in it.

    Attributes:
        planted: (kind, exact string) in the order of planting.
    """

    language: str
    body: str
    impression: str
    stated: Mapping[str, Stated]
    planted: Sequence[tuple[str, str]]


def write_report(rng: Rng, person: Person, eyes: Mapping[str, Eye], day: date,
                 blind: frozenset[str] = frozenset()) -> Report:  # fmt: skip
    """Write the report of `eyes` ("OD", "OS") on `day`; `blind` eyes could not be seen."""
    language = person.language
    stated = {side: Stated() for side in eyes}
    parts = {}
    brief = _pick(rng, phrases.NORMAL[language]) if rng.random() < 0.6 else ""
    for side, eye in eyes.items():
        if side in blind:
            stated[side].present.add("ungradable")
            parts[side] = _pick(rng, phrases.UNGRADABLE[language])
        elif brief and _plain(eyes, blind):
            stated[side].present.add("normal")
            parts[side] = brief
        else:
            parts[side] = _eye_text(rng, language, eye, stated[side])
    forms, both = phrases.EYES[language][int(rng.integers(3))]
    same = parts["OD"] == parts["OS"]
    body = both.format(parts["OD"]) if same else forms.format(parts["OD"], parts["OS"])
    planted: list[tuple[str, str]] = []
    body = _frame(rng, person, day, _capital(body), planted)
    impression = ""
    if rng.random() < 0.7:
        impression = _impression(rng, person, eyes, blind, stated, (forms, both))
    return Report(language, body, impression, stated, tuple(planted))


def _pick(rng: Rng, choices: Sequence[str]) -> str:
    return choices[int(rng.integers(len(choices)))]


def _plain(eyes: Mapping[str, Eye], blind: frozenset[str]) -> bool:
    return not blind and not any(eye.findings for eye in eyes.values())


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _eye_text(rng: Rng, language: str, eye: Eye, stated: Stated) -> str:
    """One eye's clauses: disc, vessels, signs, denials."""
    found = eye.findings
    cdr = f"{eye.cdr:.1f}"
    items: list[str] = []
    if "optic_disc_cupping" not in found and rng.random() < 0.6:
        items.append(_pick(rng, phrases.DISC_NORMAL[language]).format(cdr=cdr))
    if not found:
        stated.present.add("normal")
        if rng.random() < 0.4:
            items.append(_pick(rng, phrases.MACULA_NORMAL[language]))
        items.append(_pick(rng, phrases.NORMAL[language]))
    else:
        if "brvo" not in found and rng.random() < 0.3:
            items.append(_pick(rng, phrases.VESSELS_NORMAL[language]))
        items += _signs(rng, language, eye, cdr, stated)
    # With nothing said so far a denial stands in for the forgotten finding.
    if rng.random() < 0.45 or not items:
        items.append(_denial(rng, language, found, stated))
    return ("，" if language == "zh" else ", ").join(items)


def _signs(rng: Rng, language: str, eye: Eye, cdr: str, stated: Stated) -> list[str]:
    names = list(eye.findings)
    rng.shuffle(names)
    items = []
    arcade, side = phrases.ARCADE[language][eye.upper], phrases.SIDE[language][eye.upper]
    for name in names:
        if rng.random() < _FORGOTTEN:
            continue
        if rng.random() < _DOUBTED:
            doubt = _pick(rng, phrases.DOUBT[language])
            items.append(doubt.format(phrases.NAMES[language][name]))
            stated.uncertain.add(name)
        else:
            phrase = _pick(rng, phrases.SIGNS[language][name])
            items.append(phrase.format(cdr=cdr, arcade=arcade, side=side))
            stated.present.add(name)
    return items


def _denial(rng: Rng, language: str, found: Mapping[str, float], stated: Stated) -> str:
    fitting = [one for one in phrases.DENIALS if not set(one[1]) & set(found)]
    codes, _, english, chinese = fitting[int(rng.integers(len(fitting)))]
    stated.absent.update(codes)
    return chinese if language == "zh" else english


def _impression(rng: Rng, person: Person, eyes: Mapping[str, Eye], blind: frozenset[str],
                stated: Mapping[str, Stated], forms: tuple[str, str]) -> str:  # fmt: skip
    """Diagnoses per eye, "normal" where there is nothing."""
    language = person.language
    english = language == "en"
    chosen = {name: _pick_one(rng, phrases.DIAGNOSES[name]) for name in person.diseases}
    parts, codes = {}, []
    for side, eye in eyes.items():
        words = []
        for signs, code, status, in_english, in_chinese in chosen.values():
            if side in blind or not set(signs) & set(eye.findings):
                continue
            codes.append((side, code, status))
            words.append(in_english if english else in_chinese)
        if side in blind:
            words = [phrases.UNGRADABLE[language][0]]
        elif not words and not eye.findings:
            words = [phrases.NORMAL[language][0]]
        if not words:
            return ""  # signs without a diagnosis: the doctor leaves the impression out
        parts[side] = (", " if english else "，").join(words)
    for side, code, status in codes:
        (stated[side].uncertain if status == "uncertain" else stated[side].present).add(code)
    same = parts["OD"] == parts["OS"]
    text = forms[1].format(parts["OD"]) if same else forms[0].format(parts["OD"], parts["OS"])
    return ("Impression: " if english else "印象：") + text


def _pick_one(rng: Rng, choices: Sequence[phrases.Diagnosis]) -> phrases.Diagnosis:
    return choices[int(rng.integers(len(choices)))]


def _frame(rng: Rng, person: Person, day: date, body: str, planted: list[tuple[str, str]]) -> str:
    """Put identities, history and advice around the body; records what was planted."""
    language = person.language
    sentences = []
    if rng.random() < 0.35:
        sentences.append(_plant(rng, person, day, phrases.OPENINGS[language], planted))
    for disease, words in phrases.HISTORY[language].items():
        if disease in person.diseases and rng.random() < 0.3:
            sentences.append(words.format(years=int(rng.integers(2, 20))))
    sentences.append(body)
    if rng.random() < 0.4:
        sentences.append(_pick(rng, phrases.ADVICE[language]))
    if rng.random() < 0.3:
        sentences.append(_plant(rng, person, day, phrases.CLOSINGS[language], planted))
    return ("" if language == "zh" else " ").join(sentences)


def _plant(rng: Rng, person: Person, day: date, choices: Sequence[str],
           planted: list[tuple[str, str]]) -> str:  # fmt: skip
    """One sentence with identities filled in."""
    language = person.language
    zh = language == "zh"
    template = _pick(rng, choices)
    values = {
        "name": person.name,
        "family": person.family_name,
        "number": person.number,
        "phone": person.phone,
        "id_card": person.id_card,
        "date": f"{day.year}年{day.month}月{day.day}日" if zh else f"{day:%m/%d/%Y}",
        "born": f"{person.born:%m/%d/%Y}",
        "doctor": draw_name(rng, language, "female")[0],
    }
    kinds = {
        "number": "record_no",
        "date": "exam_date",
        "born": "birth_date",
        "doctor": "staff_name",
        "family": "name",
    }
    title = phrases.TITLE[language][person.sex]
    for key, value in values.items():
        if "{" + key + "}" in template:
            text = value
            if key == "family":
                text = value + title if zh else f"{title} {value}"
            planted.append((kinds.get(key, key), text))
    return template.format(**values, title=title, sex=phrases.SEX[person.sex], age=person.age(day))
